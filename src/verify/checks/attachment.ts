/** Attachments: that each is where it is to be, with its hosts, and that nothing is at a port that nobody put there. Pure. */
import type { Address } from '../../net/brand.ts';
import { familyOf } from '../../net/address.ts';
import { hostAt } from '../../net/prefix.ts';
import type { Placement } from '../../specify/placement.ts';
import { differences, isAlike, ref, type Fault, type Probe, type Scene } from '../fault.ts';
import { placeKey } from '../network.ts';
import { placementsAt, portKeyOf } from './ports.ts';
import { holderOf } from './segment.ts';

/** @param key `namespace/name` of the attachment */
export const checkAttachment = (key: string, scene: Scene): readonly Fault[] => {
  const placement = scene.spec.placement(key);
  if (placement === undefined) return [];
  const { scope, vlan, segment, legs: [leg] } = placement;
  const port = portKeyOf(scene, placement);
  const objects = [`VPCAttachment/${key}`, `Connection/${placement.connection}`, `VPC/${placement.vpc}`];
  const at = `${leg?.device}/${leg?.port}`;
  if (port === undefined) {
    const message = `port "${at}" has no row that VPCAttachment "${key}" could be at, so its server reaches nobody`;
    return [{ code: 'MissingAttachment', message, rows: [ref(`device/${leg?.device}`, 'port', leg?.port ?? '')], objects, ...probeFrom(placement, scene) }];
  }
  const rowKey = placeKey(port, vlan);
  const row = scene.state.row(scope, 'attachment', rowKey);
  const rows = [ref(scope, 'attachment', rowKey)];
  if (row === undefined) {
    const message = `VPCAttachment "${key}" puts "${at}" into subnet "${placement.subnet}", but no row does: its server reaches nobody`;
    return [{ code: 'MissingAttachment', message, rows, objects, ...probeFrom(placement, scene) }];
  }
  if (row.value.segment !== segment) {
    const other = scene.spec.subnetOfVni(row.value.segment);
    const where = other === undefined ? `segment ${row.value.segment}, which is nobody's` : `segment ${row.value.segment} of subnet "${other.vpc.key}/${other.name}"`;
    const message = `VPCAttachment "${key}" puts "${at}" into subnet "${placement.subnet}" (segment ${segment}), the row into ${where}`;
    return [{ code: 'WrongSegment', message, rows, objects: [...objects, ...(other === undefined ? [] : [other.vpc.network])], ...probeFrom(placement, scene) }];
  }
  const expected = { port, segment, vlan, ...(placement.mac === undefined ? pinned(placement) : {}) };
  const faults: Fault[] = isAlike(row.value, expected)
    ? []
    : [{ code: 'WrongRow', message: `the row of VPCAttachment "${key}" says something else than it: ${differences(expected, row.value)}`, rows, objects }];
  return [...faults, ...checkHosts(placement, port, scene, objects)];
};

const pinned = ({ addresses }: Placement): { readonly address?: Address; readonly ipv6Address?: Address } => {
  const of = (family: 4 | 6): Address | undefined => addresses.find((address) => familyOf(address) === family);
  const [four, six] = [of(4), of(6)];
  return { ...(four !== undefined && { address: four }), ...(six !== undefined && { ipv6Address: six }) };
};

const checkHosts = (placement: Placement, port: string, { state, spec }: Scene, objects: readonly string[]): Fault[] => {
  const { mac, addresses, scope, segment, vlan, server, attachment } = placement;
  if (mac === undefined) return [];
  return addresses.flatMap((address): Fault[] => {
    const key = `${segment}/${address}`;
    const row = state.row(scope, 'host', key);
    const rows = [ref(scope, 'host', key)];
    const named = [...objects, `Server/${server}`];
    if (row === undefined) {
      const message = `Server "${server}" is to have "${address}" by VPCAttachment "${attachment}", but no row says so: it gets no lease, and as long as it is silent nothing reaches it`;
      return [{ code: 'Unreachable', message, rows, objects: named, ...probeTowards(placement, address, { state, spec }) }];
    }
    const expected = { segment, address, mac, port, vlan, hostname: server };
    if (isAlike(row.value, expected)) return [];
    const message = `the row of "${address}" of Server "${server}" says something else than its attachment: ${differences(expected, row.value)}`;
    return [{ code: 'WrongRow', message, rows, objects: named, ...probeTowards(placement, address, { state, spec }) }];
  });
};

/** From the server to the gateway of its subnet. */
const probeFrom = ({ addresses: [source], subnet, legs: [leg], vlan }: Placement, { spec }: Scene): { readonly probe?: Probe } => {
  const { prefix, gateways: [gateway] } = subnetNamed(subnet, spec) ?? { gateways: [] };
  const own = source ?? (prefix === undefined ? undefined : hostAt(prefix, 2));
  if (own === undefined || gateway === undefined || leg === undefined) return {};
  const place = { ...leg, ...(vlan !== undefined && { vlan }) };
  return { probe: { source: own, destination: gateway.slice(0, gateway.indexOf('/')) as Address, place } };
};

/** From somebody else of its subnet, or from an address there that nobody has. */
const probeTowards = (placement: Placement, destination: Address, { spec }: Scene): { readonly probe?: Probe } => {
  for (const other of spec.attachmentsByVpc.of(placement.vpc)) {
    const from = spec.placement(other);
    const source = from?.addresses.find((address) => familyOf(address) === familyOf(destination));
    const [leg] = from?.legs ?? [];
    if (from === undefined || from === placement || leg === undefined || source === undefined) continue;
    return { probe: { source, destination, place: { ...leg, ...(from.vlan !== undefined && { vlan: from.vlan }) } } };
  }
  return {};
};

export const subnetNamed = (key: string, spec: Scene['spec']) => {
  const slash = key.lastIndexOf('/');
  return spec.vpc(key.slice(0, slash))?.subnets.get(key.slice(slash + 1));
};

/** What a row puts at a port must be some attachment. @param key of the row */
export const checkPlace = (scope: string, key: string, scene: Scene): readonly Fault[] => {
  const row = scene.state.row(scope, 'attachment', key);
  if (row === undefined) return [];
  const { port, vlan, segment } = row.value;
  const rows = [ref(scope, 'attachment', key)];
  const owner = scene.spec.subnetOfVni(segment);
  const objects = [owner?.vpc.network ?? scene.spec.claims.lastOwner(segment) ?? holderOf(scope)];
  if (key !== placeKey(port, vlan)) {
    return [{ code: 'WrongRow', message: `the row "attachment/${key}" of "${scope}" speaks of "${placeKey(port, vlan)}"`, rows, objects }];
  }
  const placements = placementsAt(scene, scope, port, vlan);
  // Where something else is meant to be, `attach` says so.
  if (placements.length > 0) return [];
  const subnet = owner === undefined ? `segment ${segment}` : `subnet "${owner.vpc.key}/${owner.name}"`;
  const message = `nothing attaches "${key}" of "${scope}" to ${subnet}, but a row does: who is behind it reaches that network`;
  return [{ code: 'UnknownAttachment', message, rows, objects, ...intruder(scope, key, scene) }];
};

const intruder = (scope: string, key: string, { state, spec }: Scene): { readonly probe?: Probe } => {
  const row = state.row(scope, 'attachment', key);
  const owner = row && spec.subnetOfVni(row.value.segment);
  const subnet = owner?.vpc.subnets.get(owner.name);
  const device = scope.startsWith('device/') ? scope.slice('device/'.length) : state.devicesOf(scope)[0];
  const source = subnet && hostAt(subnet.prefix, 3);
  if (row === undefined || owner === undefined || subnet === undefined || device === undefined || source === undefined) return {};
  const target = [...spec.attachmentsByVpc.of(owner.vpc.key)].flatMap((other) => spec.placement(other)?.addresses ?? [])[0];
  const gateway = subnet.gateways[0];
  const destination = target ?? (gateway?.slice(0, gateway.indexOf('/')) as Address | undefined);
  const { port, vlan } = row.value;
  return destination === undefined ? {} : { probe: { source, destination, place: { device, port, ...(vlan !== undefined && { vlan }) } } };
};

/** A host that a row speaks of must be one of an attachment there. @param key of the row */
export const checkHost = (scope: string, key: string, scene: Scene): readonly Fault[] => {
  const row = scene.state.row(scope, 'host', key);
  if (row === undefined) return [];
  const { segment, address, port, vlan } = row.value;
  const rows = [ref(scope, 'host', key)];
  const owner = scene.spec.subnetOfVni(segment);
  const objects = [owner?.vpc.network ?? scene.spec.claims.lastOwner(segment) ?? holderOf(scope)];
  if (key !== `${segment}/${address}`) return [{ code: 'WrongRow', message: `the row "host/${key}" of "${scope}" speaks of "${segment}/${address}"`, rows, objects }];
  const isPromised = placementsAt(scene, scope, port, vlan).some((each) => each.segment === segment && each.mac !== undefined && each.addresses.includes(address));
  if (isPromised) return [];
  // Where the attachment of that address is said to be at another port, `attach` says so.
  const elsewhere = [...(owner === undefined ? [] : scene.spec.attachmentsByVpc.of(owner.vpc.key))].some((other) => {
    const placement = scene.spec.placement(other);
    return placement?.scope === scope && placement.segment === segment && placement.addresses.includes(address);
  });
  if (elsewhere) return [];
  const message = `a row says that "${address}" is behind "${placeKey(port, vlan)}" of "${scope}", but no attachment gives it that address: packets for it go astray, and who is there may send as it`;
  return [{ code: 'StaleRow', message, rows, objects }];
};
