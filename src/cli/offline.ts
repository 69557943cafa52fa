/** Checks objects as the API server would, without one: structure, unknown fields, metadata and the kind's own rules. */
import { checkObject, objectSchema } from '../api/check.ts';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import type { Kind, Resource } from '../api/object.ts';
import { prune, unknownFinding } from '../api/prune.ts';
import type { Finding } from '../kit/error.ts';
import type { Located, Source } from './source.ts';

const known: readonly Kind[] = [...coreKinds, ...kinds];
/** The order in which objects are created; whoever refers to another comes after it. */
const order: readonly string[] = known.map((kind) => kind.kind);
const apiVersionOf = (kind: Kind): string => (kind.group === '' ? kind.version : `${kind.group}/${kind.version}`);

/** Everything wrong with these objects that can be told without a server. Kinds that are not ours pass. */
export const checkSources = (sources: readonly Source[]): Located[] =>
  sources.flatMap(({ object, locate }) => findingsOf(object).map((finding) => ({ place: locate(finding.path), finding })));

const findingsOf = (object: Resource): Finding[] => {
  const kind = known.find((other) => other.kind === object.kind && apiVersionOf(other) === object.apiVersion);
  if (kind === undefined) return unknownKind(object);
  // What the server drops must not keep defaults from being filled in, such as null where nothing is set.
  const { value, unknown } = prune(objectSchema(kind), object);
  return [...unknown.map(unknownFinding), ...checkObject(kind, kind.defaults(value as Resource))];
};

/** A wrong version or a misspelt kind of our own group is a fault; other groups are for the server to know. */
const unknownKind = (object: Resource): Finding[] => {
  const ours = kinds.find((kind) => kind.kind === object.kind);
  if (ours !== undefined) {
    return [{ path: 'apiVersion', code: 'UnknownKind', message: `${object.kind} is of "${apiVersionOf(ours)}", not of "${object.apiVersion}"` }];
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
