/** Where Externals are met: routed ports with what may come in, and sessions with routers outside. Pure. */
import { deviceScope } from '../../goal/rows.ts';
import { familyOf } from '../../net/address.ts';
import { prefixLength } from '../../net/prefix.ts';
import type { ExternalPlace } from '../../specify/externals.ts';
import { textPrefix, type External } from '../../specify/networks.ts';
import { setText } from '../atoms.ts';
import { differences, isAlike, ref, type Fault, type Scene } from '../fault.ts';
import { placeKey } from '../network.ts';
import { vrfNameOf } from './vrf.ts';

const keyOf = ({ port, vlan }: ExternalPlace): string => placeKey(port, vlan);

export const checkExternal = (key: string, scene: Scene): readonly Fault[] =>
  scene.spec.external(key) === undefined
    ? []
    : scene.spec.places(key).flatMap((place) => [...checkDoor(place.device, keyOf(place), scene), ...checkPeer(place.device, peerKey(key, place, scene), scene)]);

const peerKey = (key: string, { neighbor }: ExternalPlace, { state, spec }: Scene): string => {
  const vni = spec.external(key)?.vni ?? 0;
  return `${vrfNameOf(vni, state) ?? `vrf${vni}`}/${neighbor?.address ?? ''}`;
};

interface Met {
  readonly external: External;
  readonly place: ExternalPlace;
}

/** Externals that are met at a port of a device, or at a tag of it. */
const metAt = (device: string, { spec }: Scene, isWanted: (met: Met) => boolean): readonly Met[] =>
  [...spec.connectionsByDevice.of(device)].flatMap((connection) =>
    [...spec.externalsByConnection.of(connection)].flatMap((key) => {
      const external = spec.external(key);
      return external === undefined ? [] : spec.places(key).filter((place) => place.device === device).map((place) => ({ external, place }));
    })).filter(isWanted);

/** @param key of the row: port, with its tag */
export const checkDoor = (device: string, key: string, scene: Scene): readonly Fault[] => {
  const scope = deviceScope(device);
  const row = scene.state.row(scope, 'vrfPort', key);
  const met = metAt(device, scene, ({ place }) => keyOf(place) === key);
  const [first] = met;
  const rows = [ref(scope, 'vrfPort', key)];
  if (first === undefined) return row === undefined ? [] : [{ code: 'StaleRow', message: `"${key}" of "${device}" is routed, but no External that is in force is met there`, rows, objects: [`Switch/${device}`] }];
  const objects = [first.external.network, `Connection/${first.place.connection}`];
  if (row === undefined) return [{ code: 'Unreachable', message: `"${first.external.network}" is met at "${key}" of "${device}", but the port is routed nowhere`, rows, objects }];
  const { value } = row;
  const expected = met.map(({ external, place }) => doorOf(external, place, scene));
  if (expected.some((each) => isAlike(each, value))) return [];
  const [wanted = {}] = expected;
  const code = isAlike({ ...wanted, inbound: value.inbound }, value) ? 'PolicyWider' : 'WrongRow';
  return [{ code, message: `"${key}" of "${device}", where "${first.external.network}" is met, is not as it says: ${differences(wanted, value)}`, rows, objects }];
};

const doorOf = ({ vni, spec }: External, { port, vlan, address, proxy }: ExternalPlace, { state }: Scene): object => ({
  port,
  vrf: vrfNameOf(vni, state) ?? `vrf${vni}`,
  addresses: [address],
  proxyFor: proxy,
  inbound: spec.inboundACL.map((statement) => ({ ...statement, established: statement.established === true ? true : undefined })),
  ...(vlan !== undefined && { vlan }),
});

/** @param key of the row: VRF and address of the router outside */
export const checkPeer = (device: string, key: string, scene: Scene): readonly Fault[] => {
  const scope = deviceScope(device);
  const row = scene.state.row(scope, 'vrfPeer', key);
  const met = metAt(device, scene, ({ external, place }) => place.neighbor !== undefined && peerKey(external.key, place, scene) === key);
  const [first] = met;
  const rows = [ref(scope, 'vrfPeer', key)];
  if (first === undefined) return row === undefined ? [] : [{ code: 'StaleRow', message: `"${device}" speaks BGP with "${key}", which is no router of an External that is in force`, rows, objects: [`Switch/${device}`] }];
  const objects = [first.external.network];
  if (row === undefined) return [{ code: 'Unreachable', message: `"${device}" does not speak with "${first.place.neighbor?.address}" of "${first.external.network}": nothing of it is learnt there`, rows, objects }];
  const expected = met.map(({ external, place }) => sessionOf(external, place, scene));
  const found = { ...row.value, accept: setText(row.value.accept.map((each) => JSON.stringify(Object.entries(each).toSorted()))) };
  if (expected.some((each) => isAlike(each, found))) return [];
  return [{ code: 'WrongRow', message: `the session of "${device}" with "${key}" is not as "${first.external.network}" says: ${differences(expected[0] ?? {}, found)}`, rows, objects }];
};

const sessionOf = ({ vni, spec: { bgp } }: External, place: ExternalPlace, { state }: Scene): object => ({
  vrf: vrfNameOf(vni, state) ?? `vrf${vni}`,
  port: keyOf(place),
  address: place.neighbor?.address,
  asn: place.neighbor?.asn,
  accept: setText((bgp?.prefixes ?? []).map(textPrefix).map((prefix) => JSON.stringify(Object.entries({ prefix, minLength: prefixLength(prefix), maxLength: familyOf(prefix) === 4 ? 32 : 128 }).toSorted()))),
  inboundCommunity: bgp?.inboundCommunity,
  outboundCommunity: bgp?.outboundCommunity,
});
