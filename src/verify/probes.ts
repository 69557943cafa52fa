/** A packet for faults that say of a device, a subnet or a VRF that something is missing: one that needs it. Pure. */
import { familyOf } from '../net/address.ts';
import type { Address } from '../net/brand.ts';
import type { Unit } from '../specify/affected.ts';
import type { Placement } from '../specify/placement.ts';
import type { Probe, Scene } from './fault.ts';
import type { ViolationCode } from './verifier.ts';

/** Undefined where nobody is attached who could send it, or the fault is not that something is missing. */
export const probeFor = (unit: Unit, code: ViolationCode, scene: Scene): Probe | undefined => {
  if (code !== 'MissingRow') return undefined;
  const { spec } = scene;
  const [what = '', one = '', other = ''] = unit.split(' ');
  switch (what) {
    case 'segment': {
      const owner = spec.subnetOfVni(Number(other));
      const [from] = owner === undefined ? [] : [...placementsOf(owner.vpc.key, scene)].filter((each) => each.scope === one && each.segment === Number(other));
      return from && probeFrom(from, scene);
    }
    case 'member':
      return other.startsWith('vpc/') ? memberProbe(one, Number(other.slice('vpc/'.length)), scene) : firstProbe(one, scene);
    case 'vrf': {
      const network = spec.networkOfVni(Number(one));
      for (const from of network !== undefined && 'subnets' in network ? placementsOf(network.key, scene) : []) {
        const probe = probeFrom(from, scene, true);
        if (probe !== undefined) return probe;
      }
      return undefined;
    }
    case 'device':
      return firstProbe(one, scene);
    default:
      return undefined;
  }
};

function* placementsOf(vpc: string, { spec }: Scene): Generator<Placement> {
  for (const attachment of spec.attachmentsByVpc.of(vpc)) {
    const placement = spec.placement(attachment);
    if (placement !== undefined) yield placement;
  }
}

/** Enough to find somebody at the other end. */
const mostTried = 256;

/** To a server of another device if there is one. @param routed of another subnet */
const probeFrom = (from: Placement, scene: Scene, routed = false): Probe | undefined => {
  const [leg] = from.legs;
  let [near, tried]: [Address | undefined, number] = [undefined, 0];
  for (const to of placementsOf(from.vpc, scene)) {
    if (tried++ > mostTried) break;
    if (to === from || (routed && to.subnet === from.subnet)) continue;
    const destination = to.addresses.find((address) => from.addresses.some((own) => familyOf(own) === familyOf(address)));
    if (destination === undefined) continue;
    near ??= destination;
    if (to.scope !== from.scope) return send(from, leg, destination);
  }
  return near === undefined ? undefined : send(from, leg, near);
};

const send = ({ addresses, vlan }: Placement, leg: Placement['legs'][number] | undefined, destination: Address): Probe | undefined => {
  const source = addresses.find((address) => familyOf(address) === familyOf(destination));
  return source === undefined || leg === undefined ? undefined : { source, destination, place: { ...leg, ...(vlan !== undefined && { vlan }) } };
};

/** From a server of the device, of the network itself or of one that is joined with it. */
const memberProbe = (device: string, vni: number, scene: Scene): Probe | undefined => {
  const { spec } = scene;
  const network = spec.networkOfVni(vni);
  if (network === undefined) return undefined;
  for (const vpc of spec.vpcsAt(device)) {
    const joins = spec.pairings(`VPC/${vpc}`, network.network);
    if (`VPC/${vpc}` !== network.network && joins.length === 0) continue;
    for (const from of placementsOf(vpc, scene)) {
      if (!from.holders.includes(device)) continue;
      const probe = `VPC/${vpc}` === network.network ? probeFrom(from, scene, true) : joinProbe(from, network.network, scene);
      if (probe !== undefined) return probe;
    }
  }
  return undefined;
};

const joinProbe = (from: Placement, network: string, scene: Scene): Probe | undefined => {
  if (!network.startsWith('VPC/')) return undefined;
  for (const to of placementsOf(network.slice('VPC/'.length), scene)) {
    const probe = to.addresses.map((address) => send(from, from.legs[0], address)).find((each) => each !== undefined);
    if (probe !== undefined && isJoined(probe, from, network, scene)) return probe;
  }
  return undefined;
};

const isJoined = ({ source, destination }: Probe, from: Placement, network: string, { spec }: Scene): boolean =>
  spec.mayPass(`VPC/${from.vpc}`, source, network, destination);

/** Of any server of the device. */
const firstProbe = (device: string, scene: Scene): Probe | undefined => {
  for (const vpc of scene.spec.vpcsAt(device)) {
    for (const from of placementsOf(vpc, scene)) {
      const probe = from.legs[0]?.device === device ? probeFrom(from, scene) : undefined;
      if (probe !== undefined) return probe;
    }
  }
  return undefined;
};
