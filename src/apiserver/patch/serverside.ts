/** Server-side apply on one object: who says what, who says otherwise, and what the object and its owners are afterwards. */
import type { Finding } from '../../kit/error.ts';
import { isJsonObject, objectOr, optional, type JsonObject } from '../../kit/json.ts';
import type { Resource } from '../../api/object.ts';
import type { ServedKind } from '../scheme.ts';
import { ApiError } from '../status.ts';
import { mergeApplied, removeDropped, spelledAs } from './apply.ts';
import { difference, intersection, noFields, pathsOf, union, type Fields } from './fields.ts';
import { appliedFields, halfOf, orFirst, setsOf, typeOf, withSets, type Half, type Owner, type OwnSet } from './owners.ts';
import { mergePatch } from './patch.ts';
import { changedFields, fieldsWithin } from './sets.ts';

export interface Applied {
  /** The next state; only the half that was applied differs from the live object. */
  readonly object: Resource;
  readonly owners: readonly Owner[];
}

export interface Application {
  readonly config: Resource;
  readonly manager: string;
  readonly half: Half;
  /** Take fields that others own and say otherwise. */
  readonly force: boolean;
  readonly time: string;
}

/** Others own fields that were applied with other values; causes are `FieldManagerConflict`. */
export class ApplyConflict extends ApiError {}

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Throws `ApplyConflict`. The result is not checked against the kind's schema and rules yet. */
export const applyToLive = (served: ServedKind, live: Resource, kept: readonly Owner[], application: Application): Applied => {
  const { manager, half, force, time } = application;
  const config = canonicalConfig(served, live, application);
  const type = typeOf(served);
  const [before, wanted] = [halfOf(served, live, half), halfOf(served, config, half)];
  const owners = orFirst(kept, half, time);
  const sets = setsOf(served, live, owners, half);
  const own = sets.find((each) => isOwn(each, manager)) ?? { ...applierOf(manager, half), set: noFields };
  const others = sets.filter((each) => each !== own);
  const set = appliedFields(served, wanted);
  const keep = others.reduce((all, each) => union(all, each.set), set);
  const after = removeDropped(type, mergeApplied(type, before, wanted), own.set, withMetadata(keep));
  const changes = changedFields(type, before, after);
  if (!force) refuseConflicts(others, difference(changes, takenOver(served, live, application)));
  const left = others.map((each) => ({ ...each, set: fieldsWithin(type, after, difference(each.set, changes)) }));
  return { object: withHalf(served, live, objectOr(after), half), owners: withSets(owners, [...left, { ...own, set }], half, time) };
};

/** It stays whoever gives up what is in it. */
const withMetadata = (keep: Fields): Fields => union(keep, { 'f:metadata': noFields });

/** The owners of an object that an apply makes. */
export const ownersOfApplied = (served: ServedKind, { config, manager, half, time }: Application): readonly Owner[] => {
  const set = appliedFields(served, halfOf(served, canonicalConfig(served, undefined, { config, half }), half));
  return withSets([], [{ ...applierOf(manager, half), set }], half, time);
};

const applierOf = (manager: string, half: Half): Owner => ({ manager, isApply: true, ...optional('subresource', half) });

const isOwn = (owner: Owner, manager: string): boolean => owner.manager === manager && owner.isApply === true;

/** In the spelling that the kind gives it, as far as that can be told: it may be less than a whole object. */
const canonicalConfig = (served: ServedKind, live: Resource | undefined, { config, half }: Pick<Application, 'config' | 'half'>): Resource => {
  const whole = half === 'status' ? undefined : asWhole(served, mergePatch(live ?? {}, config));
  return whole === undefined ? config : { ...config, ...specOf(config, whole) };
};

const asWhole = (served: ServedKind, value: unknown): Resource | undefined =>
  served.check(value).length === 0 ? served.kind.defaults(value as Resource) : undefined;

/** Members beside metadata and status. */
const specOf = (config: Resource, canonical: Resource): JsonObject => {
  const { apiVersion: _, kind: __, metadata: ___, status: ____, ...rest } = config;
  return objectOr(spelledAs(rest, canonical));
};

const withHalf = (served: ServedKind, live: Resource, after: JsonObject, half: Half): Resource => {
  const { status: _, ...rest } = live;
  if (half === 'status') return { ...rest, ...after };
  const { uid, name, namespace, resourceVersion } = live.metadata;
  const metadata = { ...objectOr(after['metadata']), name, ...optional('uid', uid), ...optional('namespace', namespace), ...optional('resourceVersion', resourceVersion) };
  return { ...(served.kind.hasStatus ? optional('status', live.status) : {}), ...after, apiVersion: live.apiVersion, kind: live.kind, metadata };
};

/**
 * What `kubectl apply --server-side` may take without force: what the same file said when kubectl applied it on the client.
 * That is how an object moves from the one to the other.
 */
const takenOver = (served: ServedKind, live: Resource, { manager, half }: Application): Fields => {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (manager !== 'kubectl' || half !== undefined || text === undefined) return noFields;
  try {
    const last: unknown = JSON.parse(text);
    if (!isJsonObject(last)) return noFields;
    const annotations = { ...objectOr(objectOr(last['metadata'])['annotations']), [lastAppliedAnnotation]: text };
    return appliedFields(served, halfOf(served, { ...last, metadata: { ...objectOr(last['metadata']), annotations } }, half));
  } catch {
    return noFields;
  }
};

const refuseConflicts = (others: readonly OwnSet[], changes: Fields): void => {
  const conflicts = others
    .map((owner) => ({ owner, paths: pathsOf(intersection(owner.set, changes)) }))
    .filter(({ paths }) => paths.length > 0);
  if (conflicts.length === 0) return;
  const findings = conflicts.flatMap(({ owner, paths }) => paths.map((path): Finding => ({ path, code: 'FieldManagerConflict', message: `conflict with ${ownerText(owner)}` })));
  throw new ApplyConflict('Conflict', conflictText(conflicts, findings), {}, { findings });
};

/** As the stock server words it: kubectl hands it on as it is. */
const conflictText = (conflicts: readonly { readonly owner: Owner; readonly paths: readonly string[] }[], findings: readonly Finding[]): string => {
  const only = findings.length === 1 ? findings[0] : undefined;
  if (only !== undefined) return `Apply failed with 1 conflict: ${only.message}: ${only.path}`;
  const lines = conflicts.flatMap(({ owner, paths }) => [`conflicts with ${ownerText(owner)}:`, ...paths.map((path) => `- ${path}`)]);
  return `Apply failed with ${findings.length} conflicts: ${lines.join('\n')}`;
};

const ownerText = ({ manager, isApply, subresource, time }: Owner): string => {
  const through = subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  const name = JSON.stringify(manager) + through;
  return isApply === true ? name : `${name}${time === undefined ? '' : ` using Update at ${time}`}`;
};
