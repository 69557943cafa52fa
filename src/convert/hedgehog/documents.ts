/** Documents of Hedgehog, read as far as that needs no other: their kinds, members and types, and what refers to them. */
import { prune } from '../../api/prune.ts';
import { structureFindings } from '../../api/structure.ts';
import { isJsonObject } from '../../kit/json.ts';
import { Notes, type Foreign, type Note } from '../notes.ts';
import { gatewayKinds } from './schema/gateway.ts';
import type { Static } from './schema/types.ts';
import { vpcKinds } from './schema/vpc.ts';
import { wiringKinds } from './schema/wiring.ts';

const schemas = { ...wiringKinds, ...vpcKinds, ...gatewayKinds };
export type HedgehogKind = keyof typeof schemas;
export type SpecOf<Kind extends HedgehogKind> = Static<(typeof schemas)[Kind]>;

export interface Document<Kind extends HedgehogKind = HedgehogKind> {
  readonly kind: Kind;
  readonly name: string;
  readonly spec: SpecOf<Kind>;
  readonly notes: Notes;
}

/** By kind, in the order in which they were read. */
export type Documents = { readonly [Kind in HedgehogKind]: readonly Document<Kind>[] };

const groups: ReadonlyMap<string, readonly string[]> = new Map([
  ['wiring.githedgehog.com', Object.keys(wiringKinds)],
  ['vpc.githedgehog.com', Object.keys(vpcKinds)],
  ['gateway.githedgehog.com', Object.keys(gatewayKinds)],
]);

/** Kinds that are made by that system and not by its users: nothing is lost when they are passed over. */
const derived: ReadonlySet<string> = new Set(['Agent', 'Catalog', 'DHCPSubnet', 'GatewayAgent', 'VPCInfo']);

/** All documents that are Hedgehog's; what is wrong with the others is noted. */
export const readDocuments = (sources: readonly Foreign[], notes: Note[]): Documents => {
  const all: Document[] = [];
  const seen = new Set<string>();
  for (const source of sources) {
    const about = new Notes(source, notes);
    const { kind, metadata } = source.object;
    const identity = `${kind}/${metadata.name}`;
    if (!isKnown(source, about)) continue;
    if (seen.has(identity)) about.error('metadata.name', `there is another ${kind} "${metadata.name}" in the files; keep one`);
    seen.add(identity);
    const document = readDocument(source, kind as HedgehogKind, about);
    if (document !== undefined) all.push(document);
  }
  return byKind(all);
};

const byKind = (all: readonly Document[]): Documents => {
  const of = <Kind extends HedgehogKind>(kind: Kind): Document<Kind>[] => all.filter((each): each is Document<Kind> => each.kind === kind);
  return {
    VLANNamespace: of('VLANNamespace'),
    SwitchGroup: of('SwitchGroup'),
    Switch: of('Switch'),
    SwitchProfile: of('SwitchProfile'),
    Server: of('Server'),
    Connection: of('Connection'),
    IPv4Namespace: of('IPv4Namespace'),
    VPC: of('VPC'),
    VPCAttachment: of('VPCAttachment'),
    VPCPeering: of('VPCPeering'),
    External: of('External'),
    ExternalAttachment: of('ExternalAttachment'),
    ExternalPeering: of('ExternalPeering'),
    Gateway: of('Gateway'),
    GatewayGroup: of('GatewayGroup'),
    GatewayPeering: of('GatewayPeering'),
  };
};

const isKnown = ({ object }: Foreign, notes: Notes): boolean => {
  const [group = ''] = object.apiVersion.split('/');
  if (groups.get(group)?.includes(object.kind) === true) return true;
  if (derived.has(object.kind)) return false;
  if (group === 'fabricator.githedgehog.com') notes.lost('', 'installs that system and says nothing of the network; Heddle is configured by its Fabric');
  else if (object.kind === 'Namespace' || object.kind === 'Secret' || object.kind === 'ConfigMap') return false;
  else notes.error('kind', `"${object.kind}" of "${object.apiVersion}" is none of Hedgehog's kinds; remove it from the files`);
  return false;
};

const readDocument = ({ object }: Foreign, kind: HedgehogKind, notes: Notes): Document | undefined => {
  const { namespace, name } = object.metadata;
  if (namespace !== undefined && namespace !== '' && namespace !== 'default') {
    notes.changed('metadata.namespace', `"${namespace}" is read as "default", where that system keeps all objects of users`);
  }
  const { value, unknown } = prune(schemas[kind], withoutNull(object.spec ?? {}));
  for (const { path, hint } of unknown) notes.error(`spec.${path}`, hint === undefined ? 'unknown field' : `unknown field; ${hint}`);
  const faults = structureFindings(schemas[kind], value);
  for (const { path, message } of faults) notes.error(`spec.${path}`, message);
  return faults.length > 0 ? undefined : { kind, name, spec: value as SpecOf<HedgehogKind>, notes };
};

/** Null is what YAML makes of `front:` with nothing behind it, and means an empty object there. */
const withoutNull = (value: unknown): unknown => {
  if (value === null) return {};
  if (Array.isArray(value)) return value.map(withoutNull);
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutNull(inner)])) : value;
};
