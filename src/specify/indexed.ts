/** Under which keys objects of a kind are found again by those who look for what refers to something. Pure. */
import { leavingOf } from '../api/drain.ts';
import { parsePortRef } from '../api/port.ts';
import { withoutFirstLane } from '../api/ports.ts';
import { peerPaths } from '../api/policyparts.ts';
import { networksOfPeering, pairKey } from './joins.ts';
import type { Held, SpecKind, Specs } from './objects.ts';
import type { References } from './references.ts';
import type { Specification } from './specification.ts';

export interface Indexed {
  readonly references: References;
  readonly keys: (held: Held<Specs[SpecKind]>) => readonly string[];
}

/** The kind of what is handed in is that of the list. */
const under = <Kind extends SpecKind>(_kind: Kind, references: References, keys: (held: Held<Specs[Kind]>) => readonly string[]): Indexed =>
  ({ references, keys: (held) => keys(held as Held<Specs[Kind]>) });

export const indexed = (kind: SpecKind, spec: Specification): readonly Indexed[] => {
  switch (kind) {
    case 'Switch':
      return [
        under(kind, spec.groups, ({ spec: { group } }) => (group === undefined ? [] : [group])),
        under(kind, spec.byProfile, ({ spec: { profile } }) => [profile]),
        under(kind, spec.byFabric, ({ spec: { fabric } }) => [fabric]),
      ];
    case 'Gateway':
      return [under(kind, spec.byProfile, ({ spec: { profile } }) => [profile]), under(kind, spec.byFabric, ({ spec: { fabric } }) => [fabric])];
    case 'Connection':
      return [under(kind, spec.ports, (held) => endsOf(held).map(withoutFirstLane)), under(kind, spec.connectionsByDevice, (held) => devicesOf(held))];
    case 'External':
      return [
        under(kind, spec.externalsByConnection, ({ spec: { attachments } }) => attachments.map(({ connection }) => connection)),
        under(kind, spec.bySpace, ({ spec: { addressSpace } }) => [`External ${addressSpace}`]),
      ];
    case 'VPC':
      return [under(kind, spec.bySpace, ({ spec: { addressSpace } }) => [`VPC ${addressSpace}`])];
    case 'VPCAttachment':
      return [
        under(kind, spec.attachmentsByConnection, ({ spec: { connection } }) => [connection]),
        under(kind, spec.attachmentsByVpc, ({ namespace, spec: { vpc } }) => [`${namespace}/${vpc}`]),
      ];
    case 'VPCPeering':
      return [
        under(kind, spec.peerings, (held) => networksOfPeering(held).map(([one, other]) => pairKey(one, other))),
        under(kind, spec.peeringsOf, (held) => networksOfPeering(held).flat()),
      ];
    case 'PeeringConsent':
      return [under(kind, spec.consents, ({ namespace, spec: { vpc } }) => [`${namespace}/${vpc}`])];
    case 'ExternalPeering':
      return [under(kind, spec.externalPeerings, ({ namespace, spec: { vpc, external } }) => [`VPC/${namespace}/${vpc}`, `External/${external}`])];
    case 'SecurityPolicy':
      return [under(kind, spec.policiesByVpc, vpcsNamed), under(kind, spec.policiesByLabels, vpcsSelectedIn)];
    case 'MappingSlice':
      return [under(kind, spec.slicesByVpc, ({ namespace, spec: { vpc } }) => [`${namespace}/${vpc}`])];
    default:
      return [];
  }
};

const endsOf = ({ spec: { links } }: Held<Specs['Connection']>): string[] => links.flatMap(({ ends }) => ends);

const devicesOf = (held: Held<Specs['Connection']>): string[] => {
  const leaving = leavingOf({ apiVersion: '', kind: 'Connection', metadata: { name: held.name }, spec: held.spec }).flatMap(({ ends }) => ends);
  return [...endsOf(held), ...leaving].flatMap((text) => {
    const ref = parsePortRef(text);
    return ref.ok ? [ref.value.device] : [];
  });
};

/** Its own, and those whose servers its rules speak of. */
const vpcsNamed = ({ namespace, spec }: Held<Specs['SecurityPolicy']>): string[] =>
  [...new Set([spec.vpc, ...peerPaths(spec).flatMap(({ peer }) => peer.vpc ?? [])])].map((vpc) => `${namespace}/${vpc}`);

/** Those of which it selects servers by their attachments. */
const vpcsSelectedIn = ({ namespace, spec }: Held<Specs['SecurityPolicy']>): string[] => {
  const own = spec.subjects.attachments === undefined ? [] : [spec.vpc];
  const others = peerPaths(spec).flatMap(({ peer: { vpc = spec.vpc, attachments } }) => (attachments === undefined ? [] : [vpc]));
  return [...new Set([...own, ...others])].map((vpc) => `${namespace}/${vpc}`);
};
