/** A packet that shows a fault, followed through the rows around it: of all goal state only what it meets is read. Pure. */
import { deviceScope, type Row, type TableName } from '../goal/rows.ts';
import type { Address } from '../net/brand.ts';
import { familyOf } from '../net/address.ts';
import { contains } from '../net/prefix.ts';
import { evaluate } from './evaluate.ts';
import type { Probe, Scene } from './fault.ts';
import { readNetwork } from './network.ts';
import { formatVerdict, type Packet, type Place } from './packet.ts';
import type { State } from './state.ts';
import type { RowRef, ViolationCode, Witness } from './verifier.ts';

/** Undefined where nothing is attached that the packet could come from. */
export const witnessOf = (probe: Probe, scene: Scene, code: ViolationCode): { readonly witness: Witness; readonly rows: readonly RowRef[] } | undefined => {
  const place = probe.place ?? placeOf(probe, scene);
  if (place === undefined) return undefined;
  const { source, destination, protocol = 'tcp', port = 443 } = probe;
  const packet: Packet = { source, destination, protocol, ...(protocol === 'icmp' ? {} : { port }) };
  const scopes = around(place, destination, scene);
  const verdict = evaluate(readNetwork(scopes.map((scope) => [scope, rowsOf(scene.state, scope, destination)] as const)), place, packet);
  // The row may be wrong although this packet, for another reason, does not show it.
  if (becomes.get(code) !== undefined && becomes.get(code) !== verdict.type) return undefined;
  const text = formatVerdict(verdict);
  const outcome = text.slice(text.includes('; ') ? text.lastIndexOf('; ') + 2 : 0);
  const rows = verdict.hops.flatMap(({ row }): RowRef[] => {
    const scope = row === undefined ? undefined : scopes.find((each) => hasRow(scene.state, each, row));
    return row === undefined || scope === undefined ? [] : [{ scope, row }];
  });
  return { witness: { packet, place, hops: verdict.hops, outcome }, rows };
};

const hasRow = (state: State, scope: string, id: string): boolean => {
  const slash = id.indexOf('/');
  return state.row(scope, id.slice(0, slash) as TableName, id.slice(slash + 1)) !== undefined;
};

/** What becomes of packets that show a fault, where that follows from the fault. */
const becomes: ReadonlyMap<ViolationCode, 'delivered' | 'dropped'> = new Map([
  ...(['Leak', 'PeeringWider', 'IsolationWider', 'PolicyWider', 'UnknownAttachment'] as const).map((code) => [code, 'delivered'] as const),
  ...(['Unreachable', 'MissingAttachment', 'MissingRow', 'PeeringNarrower', 'IsolationNarrower', 'PolicyNarrower'] as const).map((code) => [code, 'dropped'] as const),
]);

/** Who has the source, in the network or in one that is peered with it; else somebody whose subnet the source is of. */
const placeOf = ({ network = '', source }: Probe, { spec }: Scene): Place | undefined => {
  for (const each of [network, ...spec.namedPeers(network)]) {
    const vpc = spec.network(each);
    if (vpc === undefined || 'inside' in vpc) continue;
    const own = [...spec.attachmentsByVpc.of(vpc.key)].map((key) => spec.placement(key)).find((placement) => placement?.addresses.includes(source));
    const [leg] = own?.legs ?? [];
    if (leg !== undefined) return { ...leg, ...(own?.vlan !== undefined && { vlan: own.vlan }) };
  }
  return strangerIn(network, source, spec);
};

const strangerIn = (network: string, source: Address, spec: Scene['spec']): Place | undefined => {
  const key = network.startsWith('VPC/') ? network.slice('VPC/'.length) : '';
  const external = network.startsWith('External/') ? spec.places(network.slice('External/'.length))[0] : undefined;
  if (external !== undefined) return { device: external.device, port: external.port, ...(external.vlan !== undefined && { vlan: external.vlan }) };
  for (const attachment of spec.attachmentsByVpc.of(key)) {
    const placement = spec.placement(attachment);
    const subnet = placement && spec.vpc(key)?.subnets.get(placement.subnet.slice(key.length + 1));
    const [leg] = placement?.legs ?? [];
    if (placement === undefined || leg === undefined || subnet?.reach.some((prefix) => contains(prefix, source)) !== true) continue;
    return { ...leg, ...(placement.vlan !== undefined && { vlan: placement.vlan }) };
  }
  return undefined;
};

/** Everything that the device holds, and the devices on which the destination may be. */
const around = ({ device }: Place, destination: Address, { state, spec }: Scene): readonly string[] => {
  const scopes = new Set<string>();
  const add = (name: string): void => {
    scopes.add(deviceScope(name));
    for (const { value } of state.rows(deviceScope(name), 'member')) scopes.add(value.scope);
  };
  add(device);
  for (const scope of [...scopes].filter((each) => each.startsWith('vpc/'))) {
    const network = spec.networkOfVni(Number(scope.slice('vpc/'.length)));
    if (network === undefined) continue;
    if ('inside' in network) for (const border of spec.bordersOf(network.key)) add(border);
    const subnet = 'subnets' in network ? [...network.subnets.values()].find(({ prefixes }) => prefixes.some((prefix) => contains(prefix, destination))) : undefined;
    const holders = subnet === undefined ? [] : [...spec.scopesOfSubnet(subnet.key)].slice(0, 64);
    for (const holder of holders) {
      scopes.add(holder);
      for (const name of holder.startsWith('device/') ? [holder.slice('device/'.length)] : state.devicesOf(holder)) add(name);
    }
  }
  return [...scopes];
};

const tables = [
  'port', 'vtep', 'member', 'vrf', 'segment', 'attachment', 'host', 'leak', 'route', 'hostPeering', 'isolation', 'acl', 'aclMember', 'vrfPort', 'vrfPeer',
] as const satisfies readonly TableName[];

/** There may be very many mappings: only that of the destination matters. */
function* rowsOf(state: State, scope: string, destination: Address): Generator<Row> {
  for (const table of tables) yield* state.rows(scope, table);
  const mapped = familyOf(destination) === 4 ? state.row(scope, 'mapping', destination) : undefined;
  if (mapped !== undefined) yield mapped;
}
