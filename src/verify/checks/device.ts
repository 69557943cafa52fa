/** A device in the underlay, its ports, and that both ends of a cable agree. Pure. */
import { deviceScope, type BgpPeerRow, type PortRow } from '../../goal/rows.ts';
import { hostPrefix } from '../../net/address.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { hostAt } from '../../net/prefix.ts';
import type { FabricLink, PortEnd, ServerWiring, Wiring } from '../../specify/wiring.ts';
import { setText } from '../atoms.ts';
import { differences, isAlike, ref, type Fault, type Scene } from '../fault.ts';
import { connectionAt } from './ports.ts';

export const checkDevice = (name: string, { state, spec }: Scene): readonly Fault[] => {
  const scope = deviceScope(name);
  const found = { system: state.row(scope, 'system', 'self'), bgp: state.row(scope, 'bgp', 'underlay'), vtep: state.row(scope, 'vtep', 'self') };
  const device = spec.device(name);
  const refs = { system: ref(scope, 'system', 'self'), bgp: ref(scope, 'bgp', 'underlay'), vtep: ref(scope, 'vtep', 'self') };
  if (device === undefined) {
    const rows = (['system', 'bgp', 'vtep'] as const).filter((table) => found[table] !== undefined).map((table) => refs[table]);
    return rows.length === 0 ? [] : [{ code: 'StaleRow', message: `"${name}" has an identity in the underlay, but no Switch or Gateway of that name is in force`, rows, objects: [`Switch/${name}`] }];
  }
  const { role, routerId, asn, vtep, drain, fabric, object } = device;
  const objects = [object];
  const mac = spec.objects.get('Fabric', fabric)?.spec.overlay.anycastMAC;
  const expected = {
    system: { hostname: name, role, routerId },
    bgp: { asn, routerId, networks: setText([routerId, ...(vtep === undefined ? [] : [vtep])].map(hostPrefix)), advertiseVnis: role !== 'spine', drained: drain ? true : undefined },
    vtep: vtep === undefined ? undefined : { address: vtep, anycastMac: mac },
  };
  const bgp = found.bgp && { ...found.bgp.value, networks: setText(found.bgp.value.networks) };
  const is = { system: found.system?.value, bgp, vtep: found.vtep?.value };
  return (['system', 'bgp', 'vtep'] as const).flatMap((table): Fault[] => {
    const [wanted, has] = [expected[table], is[table]];
    const rows = [refs[table]];
    if (isAlike(wanted, has)) return [];
    if (has === undefined) return [{ code: 'MissingRow', message: `"${name}" lacks its ${words[table]}, without which nothing reaches it`, rows, objects }];
    if (wanted === undefined) return [{ code: 'StaleRow', message: `"${name}" has a ${words[table]} although its role is ${role}`, rows, objects }];
    const others = [...othersWith(is, name, spec)];
    if (others.length > 0) {
      return [{ code: 'Duplicate', message: `"${name}" has in its ${words[table]} what is ${others.join(' and ')}: ${differences(wanted, has)}`, rows, objects: [...objects, ...others] }];
    }
    const code = table === 'vtep' && found.vtep?.value.anycastMac !== mac && found.vtep?.value.address === vtep ? 'Unequal' : 'WrongIdentity';
    return [{ code, message: `the ${words[table]} of "${name}" is not what was given to it: ${differences(wanted, has)}`, rows, objects }];
  });
};

const words = { system: 'identity', bgp: 'BGP speaker', vtep: 'VTEP' } as const;

/** Other devices whose router id, VTEP or ASN a device has by its rows. */
const othersWith = (
  { system, bgp, vtep }: { readonly system: { readonly routerId: string } | undefined; readonly bgp: { readonly asn: number; readonly routerId: string } | undefined; readonly vtep: { readonly address: string } | undefined },
  name: string,
  { claims }: Scene['spec'],
): Set<string> => {
  const values = [system?.routerId, bgp?.routerId, vtep?.address].flatMap((value) => value ?? []);
  const holders = [...values.flatMap((value) => [...claims.holders('routerid', value), ...claims.holders('vtep', value)]), ...(bgp === undefined ? [] : claims.holders('asn', bgp.asn))];
  return new Set(holders.map(({ owner }) => owner).filter((owner) => owner.slice(owner.indexOf('/') + 1) !== name));
};

export const checkPort = (device: string, port: string, scene: Scene): readonly Fault[] => {
  const scope = deviceScope(device);
  const row = scene.state.row(scope, 'port', port);
  const session = scene.state.row(scope, 'bgpPeer', port);
  const found = connectionAt(scene, device, port);
  const rows = [ref(scope, 'port', port)];
  const sessionRows = [ref(scope, 'bgpPeer', port)];
  if (found === undefined) {
    const stray = [...(row === undefined ? [] : rows), ...(session === undefined ? [] : sessionRows)];
    return stray.length === 0 ? [] : [{ code: 'StaleRow', message: `port "${port}" of "${device}" is set up, but no Connection in force ends there`, rows: stray, objects: [`Switch/${device}`] }];
  }
  const objects = [`Connection/${found.connection}`];
  const [expected, wantedSession] = expectedAt(found.wiring, device, port);
  const faults: Fault[] = [];
  if (row === undefined) faults.push({ code: 'MissingRow', message: `port "${port}" of "${device}" is not set up although Connection "${found.connection}" ends there`, rows, objects });
  else faults.push(...portFaults(row.value, expected, `port "${port}" of "${device}"`).map((fault) => ({ ...fault, rows, objects })));
  if (row !== undefined && found.wiring.type === 'server') faults.push(...bundleFaults(found.wiring, device, port, row.value, scene, objects));
  if (session === undefined && wantedSession !== undefined) faults.push({ code: 'HalfLink', message: `"${device}" has no session at port "${port}", where "${expected.peer}" waits for one`, rows: sessionRows, objects });
  if (session !== undefined && wantedSession === undefined) faults.push({ code: 'StaleRow', message: `"${device}" has a session at port "${port}", which joins no two devices of the fabric`, rows: sessionRows, objects });
  if (session !== undefined && wantedSession !== undefined && !isAlike(session.value, wantedSession)) {
    faults.push({ code: 'HalfLink', message: `the session of "${device}" at port "${port}" is not what its other end has: ${differences(wantedSession, session.value)}`, rows: sessionRows, objects });
  }
  return faults;
};

type Expected = Omit<PortRow, 'bundle' | 'esi' | 'fallback'>;

const expectedAt = (wiring: Wiring, device: string, port: string): readonly [Expected, BgpPeerRow | undefined] => {
  const of = (end: PortEnd | undefined, role: PortRow['role'], mtu: number): Expected =>
    ({ interface: end?.interface ?? '', role, mtu, peer: end?.peer ?? '', ...(end?.speed !== undefined && { speed: end.speed }), ...(end?.fec !== undefined && { fec: end.fec }) });
  const isHere = (end: PortEnd): boolean => end.device === device && end.port === port;
  if (wiring.type === 'external') return [of(wiring.end, 'external', wiring.mtu), undefined];
  if (wiring.type === 'server') return [of(wiring.legs.flatMap(({ ports }) => ports).find(isHere), 'server', wiring.mtu), undefined];
  const link = wiring.links.find(({ ends }) => ends.some(isHere));
  const own = link?.ends.findIndex(isHere) === 1 ? 1 : 0;
  const address = link && addressOf(link, own);
  return [{ ...of(link?.ends[own], 'fabric', link?.mtu ?? 0), ...(address !== undefined && { address }) }, link && sessionOf(link, own, port)];
};

const addressOf = ({ prefix }: FabricLink, own: 0 | 1) => {
  const address = prefix && hostAt(prefix, own);
  return address && prefix && interfaceAddress(address, prefix);
};

const sessionOf = ({ prefix, bfd, drained }: FabricLink, own: 0 | 1, port: string): BgpPeerRow => {
  const neighbour = prefix && hostAt(prefix, 1 - own);
  return { port, ...(neighbour !== undefined && { address: neighbour }), ...(bfd !== undefined && { bfd }), ...(drained && { drained }) };
};

const portFaults = ({ bundle, esi, fallback, ...row }: PortRow, expected: Expected, name: string): Pick<Fault, 'code' | 'message'>[] => {
  const inBundle = bundle ?? esi ?? fallback;
  if (isAlike(row, expected) && (expected.role === 'server' || inBundle === undefined)) return [];
  const isLink = expected.role === 'fabric' && row.role === 'fabric' && (row.mtu !== expected.mtu || row.peer !== expected.peer || row.address !== expected.address);
  return [{ code: isLink ? 'HalfLink' : 'WrongRow', message: `${name} is not as it is cabled: ${differences(expected, row)}` }];
};

/** All ports of a bundle, on every leaf, are in the same one; and nobody else's are. */
const bundleFaults = ({ isBundled, isMultihomed, fallback, legs, server }: ServerWiring, device: string, port: string, row: PortRow, { state }: Scene, objects: readonly string[]): Fault[] => {
  const rows = [ref(deviceScope(device), 'port', port)];
  const name = `port "${port}" of "${device}"`;
  if (!isBundled) {
    return row.bundle === undefined && row.esi === undefined && row.fallback === undefined
      ? []
      : [{ code: 'WrongRow', message: `${name} is in bundle "${row.bundle}" although Server "${server}" has a single cable there`, rows, objects }];
  }
  const members = legs.flatMap((leg) => leg.ports).flatMap((each) => {
    const other = state.row(deviceScope(each.device), 'port', each.port);
    return other === undefined ? [] : [{ ...each, value: other.value }];
  });
  const differing = members.find(({ value }) => value.bundle !== row.bundle || value.esi !== row.esi || value.fallback !== row.fallback);
  const faults: Fault[] = [];
  if (row.bundle === undefined || (row.esi === undefined) === isMultihomed || (row.fallback === true) !== fallback) {
    const said = { bundle: row.bundle, esi: row.esi, fallback: row.fallback };
    faults.push({ code: 'Unequal', message: `${name} is one of several of Server "${server}" but is not set up as one of them: ${JSON.stringify(said)}`, rows, objects });
  } else if (differing !== undefined) {
    const other = ref(deviceScope(differing.device), 'port', differing.port);
    faults.push({ code: 'Unequal', message: `${name} and port "${differing.port}" of "${differing.device}" lead to one server but are of different bundles: ${differences(pickBundle(differing.value), pickBundle(row))}`, rows: [...rows, other], objects });
  }
  const own = new Set(legs.filter((leg) => leg.device === device).flatMap((leg) => leg.ports.map((each) => each.port)));
  for (const other of state.rows(deviceScope(device), 'port')) {
    const isShared = other.value.bundle !== undefined && (other.value.bundle === row.bundle || (row.esi !== undefined && other.value.esi === row.esi));
    if (isShared && !own.has(other.key)) faults.push({ code: 'Duplicate', message: `${name} and port "${other.key}" are of one bundle but lead to different servers`, rows: [...rows, ref(deviceScope(device), 'port', other.key)], objects });
  }
  return faults;
};

const pickBundle = ({ bundle, esi, fallback }: PortRow) => ({ bundle, esi, fallback });
