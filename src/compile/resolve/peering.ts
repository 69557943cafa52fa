/** A peering as pairings of prefixes. A faulty pairing permits nothing; the others stay as they are. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { comparePrefixes, overlaps } from '../../net/prefix.ts';
import { byText } from '../../kit/order.ts';
import { ageOf } from '../age.ts';
import { path, specOf, tenantRef, type Specs } from '../intent.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { absent, Examination, unready, type Resolution } from './resolution.ts';
import { knownVpc, prefixesOf, type Overlay, type ResolvedVpc } from './vpc.ts';

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

interface Side {
  readonly vpc: string;
  readonly resolved: ResolvedVpc;
  readonly prefixes: readonly Prefix[];
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
    const sides = pair.flatMap((side, place) => resolveSide(object, side, path('spec', 'permit', position, place), part, view));
    const [left, right] = sides.sort((one, other) => byText(one.vpc, other.vpc));
    if (left !== undefined && right !== undefined) checkPair(left, right, path('spec', 'permit', position), part);
    if (left !== undefined && right !== undefined && !part.failed) found.push(pairOf(object, left, right));
    faults.push(...part.findings);
  }
  const [first] = found;
  const same = found.filter(({ left, right }) => left === first?.left && right === first.right);
  const value = first && { ...first, pairings: same.flatMap(({ pairings }) => pairings) };
  return seen.done<ResolvedPeering>(value, faults);
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

type SideSpec = Specs['VPCPeering']['permit'][number][number];

const resolveSide = (object: Resource, side: SideSpec, at: string, seen: Examination, view: View): Side[] => {
  const vpc = `${object.metadata.namespace ?? ''}/${side.vpc}`;
  const ref = tenantRef('VPC', vpc);
  const target = view.get(ref.kind, ref.namespace, ref.name);
  if (target === undefined) {
    seen.error('UnknownVPC', `${at}.vpc`, `there is no VPC "${side.vpc}" in namespace "${ref.namespace}"; create it or name another`);
    return [];
  }
  const declared = specOf('VPC', target).subnets;
  const unknown = side.subnets.filter((name) => !Object.hasOwn(declared, name));
  for (const name of unknown) {
    const names = Object.keys(declared).join('", "');
    seen.error('UnknownSubnet', `${at}.subnets`, `VPC "${side.vpc}" has no subnet "${name}"; it has "${names}"`);
  }
  const resolution = view.query(knownVpc, vpc);
  const { value: resolved } = resolution;
  if (resolved === undefined) seen.findings.push(unready(ref, `${at}.vpc`, resolution));
  if (resolved === undefined || unknown.length > 0) return [];
  const wanted = side.subnets.length === 0 ? Object.keys(resolved.subnets) : side.subnets;
  const faulty = wanted.filter((name) => !Object.hasOwn(resolved.subnets, name));
  if (faulty.length > 0) seen.findings.push(unready(ref, `${at}.subnets`, resolution));
  const prefixes = wanted.flatMap((name) => resolved.subnets[name] ?? []).flatMap(prefixesOf);
  return [{ vpc, resolved, prefixes: [...new Set(prefixes)].sort(comparePrefixes) }];
};

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
};

export const pairKey = ({ left, right }: { readonly left: string; readonly right: string }): string => `${left} ${right}`;

/** Key: `pairKey`. What all peerings of two VPCs permit together. */
export const pairingsOfPair = derivedIndex('pairingsOfPair', 'VPCPeering', peeringResolution, ({ value }) =>
  value === undefined ? [] : value.pairings.map((pairing) => ({ key: pairKey(value), value: pairing })),
);

/** Key: `namespace/vpc`. The VPCs it is peered with, and by which peering. */
export const peersOfVpc = derivedIndex('peersOfVpc', 'VPCPeering', peeringResolution, ({ value }) => {
  if (value === undefined) return [];
  const { left, right, leftOverlay, rightOverlay, peering, age } = value;
  return [
    { key: left, value: { vpc: rightOverlay.vpc, scope: rightOverlay.scope, peering, age } },
    { key: right, value: { vpc: leftOverlay.vpc, scope: leftOverlay.scope, peering, age } },
  ];
});

export const peeringLayers = [peeringResolution, pairingsOfPair, peersOfVpc];
