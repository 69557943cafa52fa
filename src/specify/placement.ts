/** An attachment in force: where it puts whom, and with which addresses. Pure. */
import type { Address, Mac, Vlan, Vni } from '../net/brand.ts';
import { stationAddress } from '../net/eui64.ts';
import { isHost } from '../net/prefix.ts';
import { textAddress, type Subnet, type Surroundings, type Vpc } from './networks.ts';
import type { Held, Specs } from './objects.ts';
import type { ServerWiring } from './wiring.ts';

export interface Placement {
  /** `namespace/name` of the attachment. */
  readonly attachment: string;
  /** `namespace/vpc`, and with the name of the subnet. */
  readonly vpc: string;
  readonly subnet: string;
  readonly segment: Vni;
  /** L3VNI of the VPC. */
  readonly vni: Vni;
  readonly connection: string;
  readonly vlan?: Vlan;
  readonly scope: string;
  readonly holders: readonly string[];
  readonly legs: readonly { readonly device: string; readonly port: string }[];
  readonly isBundled: boolean;
  readonly server: string;
  readonly mac?: Mac;
  /** IPv4 first. */
  readonly addresses: readonly Address[];
}

export const placementOf = (key: string, around: Surroundings): Placement | undefined => {
  const held = around.objects.get('VPCAttachment', key);
  if (held === undefined || around.refusals.of('VPCAttachment', key).length > 0) return undefined;
  const { vpc: name, subnet: within, connection, vlan } = held.spec;
  const vpc = around.vpc(`${held.namespace}/${name}`);
  const subnet = vpc?.subnets.get(within);
  if (vpc === undefined || subnet?.vni === undefined) return undefined;
  const wiring = around.wiring(connection);
  const addresses = wiring?.type === 'server' ? addressesOf(held, vpc, subnet, wiring, around) : undefined;
  if (wiring?.type !== 'server' || addresses === undefined) return undefined;
  return {
    attachment: key, vpc: vpc.key, subnet: subnet.key, segment: subnet.vni, vni: vpc.vni, connection,
    ...(vlan !== undefined && { vlan: vlan as Vlan }),
    scope: wiring.scope,
    holders: wiring.holders,
    legs: wiring.legs.map(({ device, ports }) => ({ device, port: ports[0]?.port ?? '' })),
    isBundled: wiring.isBundled,
    server: wiring.server,
    ...(wiring.mac !== undefined && { mac: wiring.mac }),
    addresses,
  };
};

/** Undefined while one is missing that the server is to have. */
const addressesOf = (
  { uid, spec }: Held<Specs['VPCAttachment']>, vpc: Vpc, subnet: Subnet, { mac }: ServerWiring, { claims }: Surroundings,
): readonly Address[] | undefined => {
  const claimed = (purpose: string, pin: string | undefined, of: Subnet['prefix']): Address | undefined =>
    claims.value(uid, `host.${vpc.uid}`, purpose, (value) => (pin === undefined ? isHost(of, textAddress(value)) : value === pin)) as Address | undefined;
  const { dhcp } = subnet.spec;
  const isRelayed = dhcp.enabled && dhcp.relay !== undefined;
  const isWanted = spec.address !== undefined || (mac !== undefined && !isRelayed);
  const reserved = mac === undefined ? undefined : subnet.reservations.get(mac);
  const four = isWanted ? (reserved ?? claimed('host', spec.address, subnet.prefix)) : undefined;
  if (isWanted && four === undefined) return undefined;
  const { prefix6 } = subnet;
  if (prefix6 === undefined || (mac === undefined && spec.ipv6Address === undefined)) return four === undefined ? [] : [four];
  const made = subnet.spec.ipv6?.addressing === 'slaac' ? (mac && stationAddress(prefix6, mac)) : claimed('host6', spec.ipv6Address, prefix6);
  if (made === undefined && subnet.spec.ipv6?.addressing !== 'slaac') return undefined;
  return [four, made].filter((each) => each !== undefined);
};
