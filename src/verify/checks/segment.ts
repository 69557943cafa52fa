/** Subnets on devices, and who holds what is shared. Pure. */
import { deviceScope } from '../../goal/rows.ts';
import type { Vpc } from '../../specify/networks.ts';
import { textAddress, textPrefix, type Subnet } from '../../specify/networks.ts';
import { differences, isAlike, ref, type Fault, type Scene } from '../fault.ts';
import { setText } from '../atoms.ts';
import { vrfNameOf } from './vrf.ts';

/** @param vni L2VNI in decimal: the key of the row */
export const checkSegment = (scope: string, vni: string, scene: Scene): readonly Fault[] => {
  const { state, spec } = scene;
  const row = state.row(scope, 'segment', vni);
  const owner = spec.subnetOfVni(Number(vni));
  const subnet = owner?.vpc.subnets.get(owner.name);
  const isWanted = subnet !== undefined && spec.isInScope(subnet.key, scope);
  const rows = [ref(scope, 'segment', vni)];
  const objects = [owner?.vpc.network ?? spec.claims.lastOwner(Number(vni)) ?? holderOf(scope)];
  if (owner === undefined || !isWanted) return [...(row === undefined ? [] : [stale(scope, vni, owner !== undefined, rows, objects)]), ...strayPeering(scope, vni, scene, objects)];
  if (row === undefined) {
    const message = `"${scope}" has servers in subnet "${subnet.key}" but lacks its segment ${vni}: they reach nobody`;
    return [{ code: 'MissingRow', message, rows, objects }];
  }
  return [...segmentFaults(row.value, owner.vpc, subnet, scene).map((fault) => ({ ...fault, rows, objects })), ...peeringFaults(scope, vni, owner.vpc, subnet, scene)];
};

/** `refKey` of what a scope of a device or group is of. */
export const holderOf = (scope: string): string => `Switch/${scope.slice(scope.lastIndexOf('/') + 1)}`;

const stale = (scope: string, vni: string, isKnown: boolean, rows: Fault['rows'], objects: readonly string[]): Fault => {
  const why = isKnown ? 'nothing there is attached to it' : 'it is no subnet that is in force';
  return { code: 'StaleRow', message: `"${scope}" holds segment ${vni}, but ${why}; it must be withdrawn`, rows, objects };
};

type Segment = NonNullable<ReturnType<Scene['state']['row']>>['value'];

const segmentFaults = (value: Segment, vpc: Vpc, subnet: Subnet, scene: Scene): Pick<Fault, 'code' | 'message'>[] => {
  if (!('gateways' in value)) return [];
  const name = `segment ${subnet.vni} of subnet "${subnet.key}"`;
  const faults: Pick<Fault, 'code' | 'message'>[] = [];
  const vrf = vrfNameOf(vpc.vni, scene.state);
  if (value.vni !== subnet.vni) faults.push({ code: 'WrongIdentity', message: `${name} is carried under VNI ${value.vni}` });
  if (vrf !== undefined && value.vrf !== vrf) faults.push({ code: 'WrongIdentity', message: `${name} is in VRF "${value.vrf}" and must be in "${vrf}" of its VPC` });
  if (setText(value.gateways) !== setText(subnet.gateways)) {
    faults.push({ code: 'WrongIdentity', message: `${name} has the gateways ${value.gateways.join(', ')} and must have ${subnet.gateways.join(', ')}` });
  }
  if ((value.restricted === true) !== subnet.restricted) {
    faults.push(subnet.restricted
      ? { code: 'IsolationWider', message: `servers of ${name} reach each other although it is restricted` }
      : { code: 'IsolationNarrower', message: `servers of ${name} do not reach each other although it is not restricted` });
  }
  const expected = { mtu: vpc.mtu, mode: vpc.mode === 'l3' ? 'l3' : undefined, ipv6: subnet.spec.ipv6 === undefined ? undefined : subnet.spec.ipv6.addressing, dhcp: dhcpOf(subnet) };
  const found = { mtu: value.mtu, mode: value.mode, ipv6: value.ipv6, dhcp: value.dhcp };
  if (!isAlike(expected, found)) faults.push({ code: 'WrongRow', message: `${name}: ${differences(expected, found)}` });
  return faults;
};

/** What leaves tell hosts by DHCP. */
const dhcpOf = ({ spec: { dhcp } }: Subnet): object | undefined => {
  if (!dhcp.enabled) return undefined;
  const { leaseSeconds, dnsServers, ntpServers, domain, mtu, boot, routes, defaultRoute, relay } = dhcp;
  return {
    leaseSeconds, dnsServers, ntpServers, domain, mtu,
    bootServer: boot?.server,
    bootFile: boot?.file,
    routes: routes.map(({ destination, gateway }) => ({ destination: textPrefix(destination), gateway: textAddress(gateway) })),
    noDefaultRoute: defaultRoute ? undefined : true,
    relay: relay === undefined ? undefined : textAddress(relay.server),
  };
};

const peeringFaults = (scope: string, vni: string, vpc: Vpc, subnet: Subnet, { state }: Scene): Fault[] => {
  const row = state.row(scope, 'hostPeering', vni);
  const [rows, objects] = [[ref(scope, 'hostPeering', vni)], [vpc.network]];
  if (subnet.announceable === undefined) return row === undefined ? [] : [{ code: 'StaleRow', message: `hosts of subnet "${subnet.key}" may speak BGP at "${scope}" although the subnet does not let them`, rows, objects }];
  if (row === undefined) return [{ code: 'MissingRow', message: `hosts of subnet "${subnet.key}" cannot announce anything at "${scope}" although the subnet lets them`, rows, objects }];
  const accepted = (matches: readonly object[]): string => setText(matches.map((match) => JSON.stringify(Object.entries(match).toSorted())));
  const { segment, vrf, range, accept } = row.value;
  const isRight = segment === subnet.vni && vrf === (vrfNameOf(vpc.vni, state) ?? vrf) && setText(range) === setText(subnet.prefixes);
  if (isRight && accepted(accept) === accepted(subnet.announceable)) return [];
  const expected = { range: subnet.prefixes, accept: subnet.announceable };
  return [{ code: 'Spoofable', message: `what hosts of subnet "${subnet.key}" may announce at "${scope}" is not what the subnet says: ${differences(expected, { range, accept })}`, rows, objects }];
};

const strayPeering = (scope: string, vni: string, { state }: Scene, objects: readonly string[]): Fault[] =>
  state.row(scope, 'hostPeering', vni) === undefined
    ? []
    : [{ code: 'StaleRow', message: `"${scope}" lets hosts of segment ${vni} speak BGP, but has no such segment`, rows: [ref(scope, 'hostPeering', vni)], objects }];

/** Whether a device must hold a shared scope, may, or must not. */
const membership = (device: string, scope: string, { spec }: Scene): 'must' | 'may' | 'no' => {
  if (scope.startsWith('group/')) return spec.isInGroup(device, scope) ? 'must' : 'no';
  const network = spec.networkOfVni(Number(scope.slice('vpc/'.length)));
  if (network === undefined) return 'no';
  if (spec.isPresent(network.network, device)) return 'must';
  const joins = [...spec.namedPeers(network.network)].filter((peer) => spec.network(peer) !== undefined && spec.isPresent(peer, device)).flatMap((peer) => spec.pairings(network.network, peer));
  return joins.some(({ isPromised }) => isPromised) ? 'must' : joins.length > 0 ? 'may' : 'no';
};

export const checkMember = (device: string, scope: string, scene: Scene): readonly Fault[] => {
  const { state, spec } = scene;
  const row = state.row(deviceScope(device), 'member', scope);
  const wanted = membership(device, scope, scene);
  const rows = [ref(deviceScope(device), 'member', scope)];
  const network = scope.startsWith('vpc/') ? spec.networkOfVni(Number(scope.slice('vpc/'.length))) : undefined;
  const former = scope.startsWith('vpc/') ? spec.claims.lastOwner(Number(scope.slice('vpc/'.length))) : undefined;
  const owner = network?.network ?? former;
  const objects = [...(owner === undefined ? [] : [owner]), `Switch/${device}`];
  if (row !== undefined && row.value.scope !== scope) return [{ code: 'WrongRow', message: `the row "member/${scope}" of "${device}" names "${row.value.scope}"`, rows, objects }];
  if (row === undefined && wanted === 'must') {
    const what = network === undefined ? `what group "${scope}" shares` : `VRF of "${network.network}"`;
    return [{ code: 'MissingRow', message: `"${device}" lacks the ${what}, which packets of servers there need`, rows, objects }];
  }
  if (row === undefined || wanted !== 'no') return [];
  const what = network === undefined ? `"${scope}", which is nobody's there` : `the VRF of "${network.network}" although nothing there is in it or peered with it`;
  return [{ code: 'StaleRow', message: `"${device}" holds ${what}; it must be withdrawn`, rows, objects }];
};
