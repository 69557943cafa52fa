/** Which units a row has a say in, and what is compared in a unit. Pure. */
import { tableAndKey } from '../goal/rowset.ts';
import { rowId, vpcScope, type Row, type RowId } from '../goal/rows.ts';
import type { Vni } from '../net/brand.ts';
import type { Unit } from '../specify/affected.ts';
import type { Placement } from '../specify/placement.ts';
import { checkAttachment, checkHost, checkPlace } from './checks/attachment.ts';
import { checkDevice, checkPort } from './checks/device.ts';
import { checkCapacity } from './checks/capacity.ts';
import { checkDisjoint } from './checks/disjoint.ts';
import { checkDoor, checkExternal, checkPeer } from './checks/external.ts';
import { checkIsolation, checkRoute } from './checks/isolation.ts';
import { checkLeases, checkReservations, checkStrayLease } from './checks/lease.ts';
import { checkMapping, checkMappings, checkSlice } from './checks/mapping.ts';
import { checkPolicies } from './checks/policy.ts';
import { checkLeak, checkStrayLeak } from './checks/leak.ts';
import { connectionAt, portKeyOf, portsNamed } from './checks/ports.ts';
import { checkMember, checkSegment } from './checks/segment.ts';
import { checkAstray, isAtHome } from './checks/scope.ts';
import { checkVrf } from './checks/vrf.ts';
import type { Fault, Scene } from './fault.ts';
import { placeKey } from './network.ts';

/** What is wrong in a unit. */
export const checkUnit = (unit: Unit, scene: Scene): readonly Fault[] => {
  const [what = '', one = '', other = ''] = unit.split(' ');
  switch (what) {
    case 'device':
      return checkDevice(one, scene);
    case 'port':
      return checkPort(one, other, scene);
    case 'member':
      return checkMember(one, other, scene);
    case 'segment':
      return checkSegment(one, other, scene);
    case 'attach':
      return checkAttachment(one, scene);
    case 'place':
      return checkPlace(one, other, scene);
    case 'host':
      return checkHost(one, other, scene);
    case 'vrf':
      return checkVrf(Number(one), scene);
    case 'disjoint':
      return checkDisjoint(Number(one), scene);
    case 'leak':
      return checkLeak(Number(one), Number(other), scene);
    case 'strayleak':
      return checkStrayLeak(Number(one), other, scene);
    case 'isolation':
      return checkIsolation(Number(one), scene);
    case 'route':
      return checkRoute(Number(one), other, scene);
    case 'mapping':
      return checkMapping(Number(one), other, scene);
    case 'slice':
      return checkSlice(one, scene);
    case 'mappings':
      return checkMappings(Number(one), scene);
    case 'policy':
      return checkPolicies(Number(one), scene);
    case 'external':
      return checkExternal(one, scene);
    case 'door':
      return checkDoor(one, other, scene);
    case 'peer':
      return checkPeer(one, other, scene);
    case 'reserved':
      return checkReservations(Number(one), scene);
    case 'lease':
      return checkLeases(Number(one), scene);
    case 'stray':
      return checkStrayLease(one, other, scene);
    case 'full':
      return checkCapacity(one, scene);
    case 'astray':
      return checkAstray(one, other, scene);
    case 'load':
      return scene.state.devicesOf(one).flatMap((device) => checkCapacity(device, scene));
    default:
      return [];
  }
};

/** @param row as it is after or was before the change; both count */
export const unitsOfRow = (scope: string, id: RowId, row: Row | undefined, scene: Scene): readonly Unit[] => {
  const [table, key] = tableAndKey(id);
  if (!isAtHome(scope, table)) return [`astray ${scope} ${id}`];
  if (scope.startsWith('vpc/')) return unitsOfShared(Number(scope.slice('vpc/'.length)), table, key, row, scene);
  const device = scope.startsWith('device/') ? scope.slice('device/'.length) : undefined;
  switch (table) {
    case 'system':
    case 'bgp':
    case 'vtep':
      return device === undefined ? [] : [`device ${device}`];
    case 'port':
      return device === undefined ? [] : unitsOfPort(device, key, row, scene);
    case 'bgpPeer':
      return device === undefined ? [] : [`port ${device} ${key}`];
    case 'member':
      return device === undefined ? [] : [`member ${device} ${key}`, `full ${device}`];
    case 'segment':
      return [`segment ${scope} ${key}`, ...fullUnits(scope, scene)];
    case 'hostPeering':
      return [`segment ${scope} ${key}`];
    case 'attachment':
      return [`place ${scope} ${key}`, ...attachmentsAt(scope, row, scene)];
    case 'host':
      return [`host ${scope} ${key}`, ...fullUnits(scope, scene), ...attachmentsAt(scope, row, scene)];
    case 'dhcpRange':
      return row?.table === 'dhcpRange' ? [`lease ${row.value.segment}`, `stray ${scope} ${key}`] : [];
    case 'vrfPort':
      return device === undefined ? [] : [`door ${device} ${key}`];
    case 'vrfPeer':
      return device === undefined ? [] : [`peer ${device} ${key}`];
    default:
      return [];
  }
};

/** In which a row is found that must not be there, or is wrong; what is missing is found from the side of objects. */
export const unitsOfStanding = (scope: string, row: Row, scene: Scene): readonly Unit[] => {
  if (!isAtHome(scope, row.table)) return unitsOfRow(scope, rowId(row), row, scene);
  const device = scope.startsWith('device/') ? scope.slice('device/'.length) : undefined;
  switch (row.table) {
    case 'port':
      return device === undefined ? [] : [`port ${device} ${row.key}`];
    case 'member':
      return device === undefined ? [] : [`member ${device} ${row.key}`];
    case 'segment':
      return [`segment ${scope} ${row.key}`];
    case 'attachment':
      return [`place ${scope} ${row.key}`];
    case 'host':
      return [`host ${scope} ${row.key}`];
    default:
      return unitsOfRow(scope, rowId(row), row, scene);
  }
};

/** What an attachment in force needs. */
export const unitsOfPromise = ({ attachment, scope, segment, vpc, vni, holders }: Placement, { spec }: Scene): readonly Unit[] => {
  const peers = [...spec.namedPeers(`VPC/${vpc}`)].flatMap((peer) => spec.network(peer)?.vni ?? []);
  const scopes = [...[vni, ...peers].map((each) => `vpc/${each}`), ...(scope.startsWith('group/') ? [scope] : [])];
  return [`attach ${attachment}`, `segment ${scope} ${segment}`, ...holders.flatMap((device) => scopes.map((each) => `member ${device} ${each}`))];
};

const fullUnits = (scope: string, { state }: Scene): Unit[] =>
  scope.startsWith('device/') ? [`full ${scope.slice('device/'.length)}`] : state.devicesOf(scope).map((device) => `full ${device}`);

/** All ports of the Connection, and what is attached by it: bundles are made of ports. */
const unitsOfPort = (device: string, port: string, row: Row | undefined, scene: Scene): Unit[] => {
  const found = connectionAt(scene, device, port);
  const bundle = row?.table === 'port' ? row.value.bundle : undefined;
  if (found?.wiring.type !== 'server') return [`port ${device} ${port}`];
  const ports = found.wiring.legs.flatMap(({ ports: each }) => each.map((end) => `port ${end.device} ${end.port}`));
  const attached = [...scene.spec.attachmentsByConnection.of(found.connection)].map((key) => `attach ${key}`);
  return [`port ${device} ${port}`, ...(bundle === undefined ? [] : ports), ...attached];
};

/** Attachments by the Connection that ends at the port of an `attachment` or `host` row. */
const attachmentsAt = (scope: string, row: Row | undefined, scene: Scene): Unit[] => {
  if (row?.table !== 'attachment' && row?.table !== 'host') return [];
  const [device] = scope.startsWith('device/') ? [scope.slice('device/'.length)] : scene.state.devicesOf(scope);
  const [port] = device === undefined ? [] : portsNamed(scene, device, row.value.port);
  const connection = device === undefined || port === undefined ? undefined : connectionAt(scene, device, port)?.connection;
  return connection === undefined ? [] : [...scene.spec.attachmentsByConnection.of(connection)].map((key) => `attach ${key}`);
};

const unitsOfShared = (vni: number, table: string, key: string, row: Row | undefined, scene: Scene): readonly Unit[] => {
  switch (table) {
    case 'vrf':
      return [`vrf ${vni}`, `disjoint ${vni}`, ...dependentsOfVrf(vni, scene)];
    case 'leak':
      return [`vrf ${vni}`, `strayleak ${vni} ${key}`, `load vpc/${vni}`, ...(row?.table === 'leak' ? [`leak ${vni} ${row.value.peerVni}`] : [])];
    case 'isolation':
      return [`isolation ${vni}`, `vrf ${vni}`];
    case 'route':
      return [...unitsOfRoute(vni, key), `vrf ${vni}`, `load vpc/${vni}`];
    case 'mapping':
      return [`mapping ${vni} ${key}`, `load vpc/${vni}`];
    case 'reservation':
      return [`reserved ${vni}`, `vrf ${vni}`];
    case 'acl':
    case 'aclMember':
      return [`policy ${vni}`, `vrf ${vni}`, `load vpc/${vni}`];
    default:
      return [];
  }
};

const unitsOfRoute = (vni: number, key: string): Unit[] => [`route ${vni} ${key.slice(key.indexOf('/') + 1)}`, `astray vpc/${vni} route/${key}`];

/** What names the VRF by its name. */
const dependentsOfVrf = (vni: number, { state, spec }: Scene): Unit[] => {
  const network = spec.networkOfVni(vni);
  if (network === undefined) return [];
  const peers = [...spec.namedPeers(network.network)].flatMap((peer) => spec.network(peer)?.vni ?? []);
  const segments = 'subnets' in network
    ? [...network.subnets.values()].flatMap((subnet) => [...spec.scopesOfSubnet(subnet.key)].map((scope) => `segment ${scope} ${subnet.vni}`))
    : [];
  const leaksOf = (one: number, is: (peer: number) => boolean): Unit[] =>
    [...state.rows(vpcScope(one as Vni), 'leak')].flatMap(({ key, value: { peerVni } }) => (is(peerVni) ? [`strayleak ${one} ${key}`] : []));
  const leaks = [...leaksOf(vni, () => true), ...peers.flatMap((peer) => leaksOf(peer, (other) => other === vni))];
  const routes = [...state.rows(vpcScope(vni as Vni), 'route')].flatMap(({ key }) => unitsOfRoute(vni, key));
  return [...peers.flatMap((peer) => [`leak ${vni} ${peer}`, `leak ${peer} ${vni}`]), ...leaks, ...routes, ...segments, `isolation ${vni}`, `policy ${vni}`];
};

/** Units of an attachment that comes, goes or moves: where it was its rows must be gone. */
export const unitsOfPlacement = (placement: Placement, scene: Scene): readonly Unit[] => {
  const { scope, segment, holders, vni, vpc, vlan, addresses, attachment } = placement;
  const network = `VPC/${vpc}`;
  const { spec } = scene;
  const scopes = [`vpc/${vni}`, ...[...spec.namedPeers(network)].flatMap((peer) => (spec.network(peer) === undefined ? [] : [`vpc/${spec.network(peer)?.vni}`])), ...(scope.startsWith('group/') ? [scope] : [])];
  const port = portKeyOf(scene, placement);
  return [
    `attach ${attachment}`,
    `segment ${scope} ${segment}`,
    `lease ${segment}`,
    ...holders.flatMap((device) => [...scopes.map((each) => `member ${device} ${each}`), `full ${device}`]),
    ...(port === undefined ? [] : [`place ${scope} ${placeKey(port, vlan)}`]),
    ...addresses.map((address) => `host ${scope} ${segment}/${address}`),
  ];
};
