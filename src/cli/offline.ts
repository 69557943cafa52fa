/** Checks objects as the API server would, without one: unknown fields, schema, metadata and the kind's own rules. */
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import type { Resource } from '../api/object.ts';
import { checkMetadata } from '../apiserver/metadata.ts';
import { prune } from '../apiserver/prune.ts';
import { asResource } from '../apiserver/stored.ts';
import { createScheme, type Scheme } from '../apiserver/scheme.ts';
import type { Finding } from '../kit/error.ts';
import type { Located, Source } from './source.ts';

/** The kinds in the order in which objects are created; whoever refers to another comes after it. */
const order: readonly string[] = [...coreKinds, ...kinds].map((kind) => kind.kind);
let known: Scheme | undefined;

const servedKind = (object: Resource) => {
  known ??= createScheme([...coreKinds, ...kinds]);
  return known.kinds.find((served) => served.kind.kind === object.kind && served.apiVersion === object.apiVersion);
};

/** Everything wrong with these objects that can be told without a server. Kinds that are not ours pass. */
export const checkSources = (sources: readonly Source[]): Located[] =>
  sources.flatMap(({ object, locate }) =>
    checkObject(object).map((finding) => ({ place: locate(finding.path), finding })),
  );

const checkObject = (object: Resource): Finding[] => {
  const served = servedKind(object);
  if (served === undefined) return unknownKind(object);
  const pruned = prune(served.schema, object);
  const unknown = pruned.unknown.map((path): Finding => ({ path, code: 'UnknownField', message: 'there is no such field' }));
  const structural = [...served.check(pruned.value), ...checkMetadata(served.kind, object.metadata)];
  if (structural.length > 0) return [...unknown, ...structural];
  return [...unknown, ...served.kind.validate(served.kind.defaults(asResource(pruned.value)))];
};

/** A wrong version or a misspelt kind of our own group is a fault; other groups are for the server to know. */
const unknownKind = (object: Resource): Finding[] => {
  const ours = kinds.find((kind) => kind.kind === object.kind);
  if (ours !== undefined) {
    const wanted = `${ours.group}/${ours.version}`;
    return [{ path: 'apiVersion', code: 'UnknownKind', message: `${object.kind} is of "${wanted}", not of "${object.apiVersion}"` }];
  }
  if (!object.apiVersion.startsWith('heddle.dev/')) return [];
  return [{ path: 'kind', code: 'UnknownKind', message: `there is no kind "${object.kind}": use one of ${kinds.map((kind) => kind.kind).join(', ')}` }];
};

/** Stable order of creation: what others refer to first; unknown kinds last. */
export const inDependencyOrder = (sources: readonly Source[]): Source[] => {
  const rank = ({ object }: Source): number => (order.indexOf(object.kind) + order.length + 1) % (order.length + 1);
  return sources.toSorted((a, b) => rank(a) - rank(b));
};

/** `place: field: what is wrong`, one a line, in the order of the files. */
export const formatFaults = (faults: readonly Located[]): string =>
  faults
    .toSorted((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }))
    .map(({ place, finding }) => `${place}: ${finding.path === '' ? '' : `${finding.path}: `}${finding.message}\n`)
    .join('');
