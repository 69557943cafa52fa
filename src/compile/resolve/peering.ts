/** A peering as pairings of prefixes. A faulty pairing permits nothing; the others stay as they are. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { contains, overlaps } from '../../net/prefix.ts';
import { byText } from '../../kit/order.ts';
import { ageOf } from '../age.ts';
import { warning } from '../finding.ts';
import { nameTold, path, specOf, tenantRef, type Specs } from '../intent.ts';
import { pairingKeys, peeringsByPairing } from '../relations.ts';
import { query, type View } from '../view.ts';
import { checkConsent } from './consent.ts';
import { resolveSide, vpcOf, type Side } from './peeringside.ts';
import { absent, Examination, type Resolution } from './resolution.ts';
import type { Overlay } from './vpc.ts';

export interface Pairing {
  /** Prefixes of the first VPC, by name, and of the second. */
  readonly left: readonly Prefix[];
  readonly right: readonly Prefix[];
}

export interface ResolvedPeering {
  /** `namespace/name` of the two VPCs, ordered. */
  readonly left: string;
  readonly right: string;
  readonly leftOverlay: Overlay;
  readonly rightOverlay: Overlay;
  readonly pairings: readonly Pairing[];
  readonly peering: ObjectRef;
  readonly age: string;
}

/** Key: `namespace/name`. */
export const peeringResolution = query('peering', (view, key): Resolution<ResolvedPeering> => {
  const { kind, namespace, name } = tenantRef('VPCPeering', key);
  const object = view.get(kind, namespace, name);
  return object === undefined ? absent : resolve(object, view);
});

const resolve = (object: Resource, view: View): Resolution<ResolvedPeering> => {
  const seen = new Examination(object, view);
  const faults: Examination['findings'] = [];
  const found: ResolvedPeering[] = [];
  for (const [position, pair] of specOf('VPCPeering', object).permit.entries()) {
    const part = seen.part();
    const sides = sidesOf(object, pair, position, part, view);
    const [left, right] = sides.sort((one, other) => byText(one.vpc, other.vpc));
    if (left !== undefined && right !== undefined) checkPair(left, right, path('spec', 'permit', position), part);
    if (left !== undefined && right !== undefined && !part.failed) found.push(pairOf(object, left, right));
    checkTwin(object, position, part);
    faults.push(...part.findings);
  }
  const [first] = found;
  const same = found.filter(({ left, right }) => left === first?.left && right === first.right);
  const value = first && { ...first, pairings: same.flatMap(({ pairings }) => pairings) };
  return seen.done<ResolvedPeering>(value, faults);
};

type PairSpec = Specs['VPCPeering']['permit'][number];

/** Both sides, where both may be relied upon. */
const sidesOf = (object: Resource, pair: PairSpec, position: number, seen: Examination, view: View): Side[] => {
  const vpcs = pair.map((side) => vpcOf(object, side));
  return pair.flatMap((side, place) => {
    const [at, vpc, peer] = [path('spec', 'permit', position, place), vpcs[place] ?? '', vpcs[1 - place] ?? ''];
    if (tenantRef('VPC', vpc).namespace === object.metadata.namespace) return resolveSide(object, side, at, seen, view);
    const consent = seen.part();
    checkConsent({ vpc, subnets: side.subnets, peer }, at, consent, view);
    seen.findings.push(...consent.findings);
    return consent.failed ? [] : resolveSide(object, side, at, seen, view);
  });
};

const pairOf = (object: Resource, left: Side, right: Side): ResolvedPeering => ({
  peering: refOf(object),
  age: ageOf(object),
  left: left.vpc,
  right: right.vpc,
  leftOverlay: left.resolved.overlay,
  rightOverlay: right.resolved.overlay,
  pairings: [{ left: left.prefixes, right: right.prefixes }],
});

const checkPair = (left: Side, right: Side, at: string, seen: Examination): void => {
  if (left.vpc === right.vpc) {
    seen.error('SameVPC', at, `VPC "${tenantRef('VPC', left.vpc).name}" is named on both sides; name two VPCs`);
    return;
  }
  const [one, other] = [left, right].map(({ vpc }) => `"${tenantRef('VPC', vpc).name}"`);
  if (left.resolved.addressSpace !== right.resolved.addressSpace) {
    seen.error(
      'AddressSpaceMismatch',
      at,
      `VPCs ${one} and ${other} are of different AddressSpaces, "${left.resolved.addressSpace}" and "${right.resolved.addressSpace}"; ` +
        'only VPCs of one space can be peered',
    );
  }
  for (const prefix of left.prefixes) {
    for (const across of right.prefixes) {
      if (!overlaps(prefix, across)) continue;
      seen.error('PeeringOverlap', at, `"${prefix}" of VPC ${one} overlaps "${across}" of VPC ${other}; leave one of the subnets out`);
    }
  }
  for (const [side, peer] of [[left, right], [right, left]] as const) {
    for (const { prefix } of side.resolved.staticRoutes) {
      const across = peer.prefixes.find((outer) => contains(outer, prefix));
      if (across === undefined) continue;
      const [own, its] = [side, peer].map(({ vpc }) => `"${tenantRef('VPC', vpc).name}"`);
      seen.error('PeeringOverlap', at, `VPC ${own} routes "${prefix}" elsewhere (spec.staticRoutes), which is of "${across}" of VPC ${its}; remove the route or leave the subnet out`);
    }
  }
};

/** All peerings of two VPCs count together, so one that says what another says does no harm, but outlives its deletion. */
const checkTwin = (object: Resource, position: number, seen: Examination): void => {
  const elder = seen.elder(peeringsByPairing, pairingKeys(object)[position] ?? '');
  if (elder === undefined) return;
  const message = `the older VPCPeering "${nameTold(object, elder)}" permits the same; what it permits stays until both are gone, so remove one`;
  seen.findings.push(warning('DuplicatePeering', path('spec', 'permit', position), message));
};

export const peeringLayers = [peeringResolution];
