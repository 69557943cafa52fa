/**
 * An ExternalPeering as one pairing: prefixes of the VPC with prefixes outside, as far as the External has them. A faulty prefix
 * outside is left out alone.
 */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { comparePrefixes, contains, overlaps } from '../../net/prefix.ts';
import { ageOf } from '../age.ts';
import { warning } from '../finding.ts';
import { clusterRef, nameTold, path, prefixOf, specOf } from '../intent.ts';
import { externalPairingKey, externalPeeringsByPairing } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { checkInside, knownExternal, type ExternalNetwork } from './external.ts';
import type { Pairing } from './peering.ts';
import { resolveSide, type Side } from './peeringside.ts';
import { absent, eldestOf, Examination, unready, type Resolution } from './resolution.ts';
import type { Overlay } from './vpc.ts';

export interface ResolvedExternalPeering {
  /** `namespace/name`. */
  readonly vpc: string;
  readonly overlay: Overlay;
  readonly network: ExternalNetwork;
  /** `left` is the VPC's side. */
  readonly pairing: Pairing;
  readonly peering: ObjectRef;
  readonly age: string;
}

/** What a peering leads to, before it is known who else leads there. */
interface Reach {
  readonly side: Side;
  readonly network: ExternalNetwork;
  readonly outside: readonly Prefix[];
}

/** Key: `namespace/name`. */
const externalReach = query('externalReach', (view, key): Resolution<Reach> => {
  const object = view.at('ExternalPeering', key);
  return object === undefined ? absent : reachOf(object, view);
});

/** Key: `namespace/vpc|prefix`. Peerings that lead there from the VPC, to one External or another. */
const externalReaches = derivedIndex('externalReaches', 'ExternalPeering', externalReach, ({ value }, peering) =>
  value === undefined ? [] : value.outside.map((prefix) => ({ key: `${value.side.vpc}|${prefix}`, value: peering })),
);

/** Key: `namespace/name`. */
export const externalPeeringResolution = query('externalPeering', (view, key): Resolution<ResolvedExternalPeering> => {
  const object = view.at('ExternalPeering', key);
  if (object === undefined) return absent;
  const seen = new Examination(object, view);
  const { value: reach, findings } = view.query(externalReach, key);
  if (reach === undefined) return { findings, demands: [] };
  const { side, network, outside } = reach;
  const free = outside.filter((prefix) => isFree(object, side, prefix, seen, view));
  const faults = [...findings, ...seen.findings.splice(0)];
  const pairing = { left: side.prefixes, right: free };
  const value = { vpc: side.vpc, overlay: side.resolved.overlay, network, pairing, peering: refOf(object), age: ageOf(object) };
  return seen.done<ResolvedExternalPeering>(free.length === 0 ? undefined : value, faults);
});

const reachOf = (object: Resource, view: View): Resolution<Reach> => {
  const seen = new Examination(object, view);
  const { vpc, subnets = [] } = specOf('ExternalPeering', object);
  const [side] = resolveSide(object, { vpc, subnets }, 'spec', seen, view);
  const network = networkOf(object, seen, view);
  checkTwin(object, seen);
  if (side === undefined || network === undefined) return seen.done<Reach>(undefined);
  checkSpaces(side, network, seen);
  const [outside, faults] = outsideOf(object, network, seen);
  return seen.done<Reach>({ side, network, outside }, faults);
};

const networkOf = (object: Resource, seen: Examination, view: View): ExternalNetwork | undefined => {
  const { external } = specOf('ExternalPeering', object);
  if (view.get('External', '', external) === undefined) {
    seen.error('UnknownExternal', 'spec.external', `there is no External "${external}"; create it or name another`);
    return undefined;
  }
  const resolution = view.query(knownExternal, external);
  if (resolution.value === undefined) seen.findings.push(unready(clusterRef('External', external), 'spec.external', resolution));
  return resolution.value;
};

const checkSpaces = ({ resolved: { addressSpace, overlay } }: Side, network: ExternalNetwork, seen: Examination): void => {
  if (addressSpace === network.addressSpace) return;
  seen.error(
    'AddressSpaceMismatch',
    'spec.external',
    `VPC "${overlay.vpc.name}" is of AddressSpace "${addressSpace}", External "${network.external.name}" of "${network.addressSpace}"; ` +
      'only those of one space can be peered',
  );
};

/** What there is outside of the prefixes without fault, and what is wrong with the others. */
const outsideOf = (object: Resource, network: ExternalNetwork, seen: Examination): readonly [Prefix[], Examination['findings']] => {
  const faults: Examination['findings'] = [];
  const { external, prefixes } = specOf('ExternalPeering', object);
  const outside = prefixes.map(prefixOf).flatMap((prefix, index) => {
    const part = seen.part();
    const at = path('spec', 'prefixes', index);
    checkInside(at, prefix, network.inside, part);
    const shared = common(prefix, network.behind);
    if (shared.length === 0) {
      const has = (network.behind ?? []).join('", "');
      part.error('NotBehindExternal', at, `"${prefix}" has no address of what is behind External "${external}", which is "${has}"; correct it`);
    }
    faults.push(...part.findings);
    return part.failed ? [] : shared;
  });
  return [[...new Set(outside)].sort(comparePrefixes), faults];
};

/** Of two prefixes that share addresses one contains the other: the smaller is what they share. */
const common = (prefix: Prefix, behind: readonly Prefix[] | undefined): Prefix[] =>
  behind === undefined ? [prefix] : behind.filter((each) => overlaps(each, prefix)).map((each) => (contains(each, prefix) ? prefix : each));

/** Packets can take one way only: of peerings that lead the very prefix to several Externals the eldest has it. */
const isFree = (object: Resource, { vpc }: Side, prefix: Prefix, seen: Examination, view: View): boolean => {
  const key = `${vpc}|${prefix}`;
  if (view.count(externalReaches, key) < 2) return true;
  const { external } = specOf('ExternalPeering', object);
  const others = view.list(externalReaches, key).filter((other) => externalNamed(other, view) !== external);
  const eldest = eldestOf(view, 'ExternalPeering', others);
  if (eldest === undefined || eldest.age > ageOf(object)) return true;
  const message = `the older ExternalPeering "${nameTold(object, eldest.key)}" leads "${prefix}" to External "${externalNamed(eldest.key, view)}"; ` +
    'choose other prefixes, or make both networks attachments of one External';
  seen.error('PrefixInUse', 'spec.prefixes', message);
  return false;
};

const externalNamed = (peering: string, view: View): string | undefined => {
  const object = view.at('ExternalPeering', peering);
  return object && specOf('ExternalPeering', object).external;
};

const checkTwin = (object: Resource, seen: Examination): void => {
  const elder = seen.elder(externalPeeringsByPairing, externalPairingKey(object));
  if (elder === undefined) return;
  const message = `the older ExternalPeering "${nameTold(object, elder)}" permits the same; what it permits stays until both are gone, so remove one`;
  seen.findings.push(warning('DuplicatePeering', 'spec', message));
};

export const externalPeeringLayers = [externalReach, externalReaches, externalPeeringResolution];
