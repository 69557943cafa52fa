/** An ExternalPeering as one pairing: prefixes of the VPC with prefixes outside. A faulty prefix outside is left out alone. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { comparePrefixes, overlaps } from '../../net/prefix.ts';
import { ageOf } from '../age.ts';
import { warning } from '../finding.ts';
import { clusterRef, nameTold, path, prefixOf, specOf } from '../intent.ts';
import { externalPairingKey, externalPeeringsByPairing, externalPeeringsByPrefix } from '../relations.ts';
import { query, type View } from '../view.ts';
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

/** Key: `namespace/name`. */
export const externalPeeringResolution = query('externalPeering', (view, key): Resolution<ResolvedExternalPeering> => {
  const object = view.at('ExternalPeering', key);
  return object === undefined ? absent : resolve(object, view);
});

const resolve = (object: Resource, view: View): Resolution<ResolvedExternalPeering> => {
  const seen = new Examination(object, view);
  const { vpc, subnets = [] } = specOf('ExternalPeering', object);
  const [side] = resolveSide(object, { vpc, subnets }, 'spec', seen, view);
  const network = networkOf(object, seen, view);
  checkTwin(object, seen);
  if (side === undefined || network === undefined) return seen.done<ResolvedExternalPeering>(undefined);
  checkSpaces(side, network, seen);
  const [outside, faults] = outsideOf(object, network, seen, view);
  const pairing = { left: side.prefixes, right: outside };
  const value = { vpc: side.vpc, overlay: side.resolved.overlay, network, pairing, peering: refOf(object), age: ageOf(object) };
  return seen.done<ResolvedExternalPeering>(outside.length === 0 ? undefined : value, faults);
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

/** Prefixes outside without fault, and what is wrong with the others. */
const outsideOf = (object: Resource, network: ExternalNetwork, seen: Examination, view: View): readonly [Prefix[], Examination['findings']] => {
  const faults: Examination['findings'] = [];
  const { prefixes } = specOf('ExternalPeering', object);
  const outside = prefixes.flatMap((text, index) => {
    const part = seen.part();
    checkPrefix(object, index, network, part, view);
    faults.push(...part.findings);
    return part.failed ? [] : [prefixOf(text)];
  });
  return [outside.sort(comparePrefixes), faults];
};

const checkPrefix = (object: Resource, index: number, network: ExternalNetwork, seen: Examination, view: View): void => {
  const { vpc, external, prefixes } = specOf('ExternalPeering', object);
  const prefix = prefixes[index] ?? '';
  const at = path('spec', 'prefixes', index);
  checkInside(at, prefix, network.inside, seen);
  if (network.fixed !== undefined && !network.fixed.some((each) => overlaps(each, prefixOf(prefix)))) {
    seen.error('NotBehindExternal', at, `"${prefix}" has no address of static External "${external}", which has "${network.fixed.join('", "')}"; correct it`);
  }
  const rival = rivalOf(object, `${object.metadata.namespace ?? ''}/${vpc}|${prefix}`, view);
  if (rival === undefined) return;
  const message = `the older ExternalPeering "${rival.metadata.name}" leads "${prefix}" to External "${specOf('ExternalPeering', rival).external}"; ` +
    'choose other prefixes, or make both networks attachments of one External';
  seen.error('PrefixInUse', at, message);
};

/** The eldest peering of the VPC that leads the very prefix to another External, when it is older: packets can take one way only. */
const rivalOf = (object: Resource, key: string, view: View): Resource | undefined => {
  if (view.count(externalPeeringsByPrefix, key) < 2) return undefined;
  const { external } = specOf('ExternalPeering', object);
  const others = view.list(externalPeeringsByPrefix, key).filter((other) => {
    const rival = view.at('ExternalPeering', other);
    return rival !== undefined && specOf('ExternalPeering', rival).external !== external;
  });
  const eldest = eldestOf(view, 'ExternalPeering', others);
  return eldest !== undefined && eldest.age < ageOf(object) ? view.at('ExternalPeering', eldest.key) : undefined;
};

const checkTwin = (object: Resource, seen: Examination): void => {
  const elder = seen.elder(externalPeeringsByPairing, externalPairingKey(object));
  if (elder === undefined) return;
  const message = `the older ExternalPeering "${nameTold(object, elder)}" permits the same; what it permits stays until both are gone, so remove one`;
  seen.findings.push(warning('DuplicatePeering', 'spec', message));
};

export const externalPeeringLayers = [externalPeeringResolution];
