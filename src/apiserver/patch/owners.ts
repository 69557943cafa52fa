/**
 * Who owns which fields of an object, as the store keeps it. One entry a writer, way of writing and half of the object: status,
 * and everything else. Most objects have one writer a half, who owns all that is in it: then nothing but his name is kept, and
 * the fields are worked out when a client looks or somebody else writes.
 */
import { fieldTypeOf, type FieldType } from '../../api/fieldtype.ts';
import type { Resource } from '../../api/object.ts';
import { isJsonObject, objectOr, optional, type JsonObject } from '../../kit/json.ts';
import { byText } from '../../kit/order.ts';
import type { ServedKind } from '../scheme.ts';
import { difference, isEmpty, noFields, parseFields, textOf, union, type Fields } from './fields.ts';
import { changedFields, fieldsOf, fieldsWithin, haveSameFields } from './sets.ts';

export interface Owner {
  /** `fieldManager` of the request. */
  readonly manager: string;
  readonly isApply?: true;
  /** RFC 3339, whole seconds: when the set changed last. */
  readonly time?: string;
  readonly subresource?: string;
  /** FieldsV1 as text. Left out: all there are in the half, of which this is the only entry then. */
  readonly fields?: string;
}

export type Half = 'status' | undefined;

/** Kubernetes keeps as many entries of updaters; the oldest are told as one. */
const mostUpdaters = 10;
const ancient = 'ancient-changes';
/** Owns what was there before anybody's fields were kept. */
const beforeFirstApply = 'before-first-apply';

/** The part of an object that a write through this subresource is about, without what is the server's. */
export const halfOf = (served: ServedKind, object: JsonObject | Resource, half: Half): JsonObject => {
  const { apiVersion: _, kind: __, metadata, status, ...rest } = object as JsonObject;
  if (half === 'status') return optional('status', status);
  const { generateName, labels, annotations, ownerReferences, finalizers } = objectOr(metadata);
  return {
    metadata: { ...optional('generateName', generateName), ...optional('labels', labels), ...optional('annotations', annotations), ...optional('ownerReferences', ownerReferences), ...optional('finalizers', finalizers) },
    ...rest,
    ...(served.kind.hasStatus ? {} : optional('status', status)),
  };
};

export const typeOf = (served: ServedKind): FieldType => fieldTypeOf(served.schema);

/** What somebody owns who applies a half: its metadata is never a field of its own. */
export const appliedFields = (served: ServedKind, half: JsonObject): Fields => difference(fieldsOf(typeOf(served), half), { 'f:metadata': noFields });

const nothing = (half: Half): JsonObject => (half === 'status' ? {} : { metadata: {} });

const isIn = (half: Half) => (owner: Owner): boolean => (owner.subresource === 'status') === (half === 'status');

/** The one entry of a half that has no set of its own. */
const isSole = (owner: Owner | undefined): boolean => owner !== undefined && owner.fields === undefined;

export interface OwnSet extends Owner {
  readonly set: Fields;
}

/** The entries of a half with their sets, about an object as it is. */
export const setsOf = (served: ServedKind, object: Resource, owners: readonly Owner[], half: Half): OwnSet[] =>
  owners.filter(isIn(half)).map((owner) => {
    const set = setOf(served, object, owner, half);
    return { ...owner, fields: owner.fields ?? textOf(set), set };
  });

const setOf = (served: ServedKind, object: Resource, { fields }: Owner, half: Half): Fields => {
  if (fields === undefined) return changedFields(typeOf(served), nothing(half), halfOf(served, object, half));
  return parseFields(JSON.parse(fields)) ?? noFields;
};

/** For an object without any entry, somebody who owns it all. */
export const orFirst = (owners: readonly Owner[], half: Half, time: string): readonly Owner[] =>
  owners.length === 0 ? [{ manager: beforeFirstApply, time, ...optional('subresource', half) }] : owners;

/** The sets of `half` in place of what `owners` says of it; empty ones are left out, and times stay where the set does. */
export const withSets = (owners: readonly Owner[], sets: readonly OwnSet[], half: Half, time: string): readonly Owner[] => {
  const changed = capped(sets.filter(({ set }) => !isEmpty(set))).map(({ set, ...owner }) => {
    const fields = textOf(set);
    return fields === owner.fields ? owner : { ...owner, fields, time };
  });
  return [...owners.filter((owner) => !isIn(half)(owner)), ...changed].toSorted((a, b) => byText(identityOf(a), identityOf(b)));
};

const identityOf = ({ subresource = '', isApply, manager }: Owner): string => JSON.stringify([subresource, isApply ?? false, manager]);

const capped = (sets: readonly OwnSet[]): readonly OwnSet[] => {
  const updaters = sets.filter(({ isApply }) => isApply !== true).toSorted((a, b) => byText(a.time ?? '', b.time ?? ''));
  const excess = updaters.slice(0, Math.max(0, updaters.length - mostUpdaters + 1));
  const last = excess.at(-1);
  if (updaters.length <= mostUpdaters || last === undefined) return sets;
  const set = excess.reduce((all, each) => union(all, each.set), noFields);
  return [...sets.filter((each) => !excess.includes(each)), { ...last, manager: ancient, set }];
};

export interface Update {
  readonly before: Resource;
  readonly after: Resource;
  readonly manager: string;
  readonly half: Half;
  readonly time: string;
}

/**
 * The owners after somebody updated an object: what he changed is his and nobody else's. Who has given up keeping owners
 * (`managedFields: [{}]`) has none until the next apply.
 */
export const afterUpdate = (served: ServedKind, owners: readonly Owner[], update: Update): readonly Owner[] => {
  if (owners.length === 0) return owners;
  const { before, after, manager, half, time } = update;
  const type = typeOf(served);
  const [old, now] = [halfOf(served, before, half), halfOf(served, after, half)];
  const sole = owners.find(isIn(half));
  if (sole === undefined) return [...owners, ownerOfAll(manager, half, time)];
  if (isSole(sole) && sole.manager === manager) {
    return haveSameFields(type, old, now) ? owners : owners.map((owner) => (owner === sole ? { ...owner, time } : owner));
  }
  const changes = changedFields(type, old, now);
  const sets = setsOf(served, before, owners, half);
  const own = sets.find((each) => each.manager === manager && each.isApply !== true) ?? { ...ownerOfAll(manager, half, time), set: noFields };
  const others = sets.filter((each) => each !== own).map((each) => ({ ...each, set: fieldsWithin(type, now, difference(each.set, changes)) }));
  return withSets(owners, [...others, { ...own, set: fieldsWithin(type, now, union(own.set, changes)) }], half, time);
};

/** Of an object, or a half, that somebody wrote alone. */
export const ownerOfAll = (manager: string, half: Half, time: string): Owner => ({ manager, time, ...optional('subresource', half) });

/** `metadata.managedFields` as clients see it: appliers first, then by time and name, as the stock server sorts. */
export const managedFields = (served: ServedKind, object: Resource, owners: readonly Owner[]): JsonObject[] =>
  owners
    .map((owner) => {
      const { manager, isApply, time, subresource } = owner;
      const half = subresource === 'status' ? 'status' : undefined;
      return {
        manager,
        operation: isApply === true ? 'Apply' : 'Update',
        apiVersion: served.apiVersion,
        ...optional('time', time),
        fieldsType: 'FieldsV1',
        fieldsV1: owner.fields === undefined ? setOf(served, object, owner, half) : (JSON.parse(owner.fields) as Fields),
        ...optional('subresource', subresource),
      };
    })
    .filter(({ fieldsV1 }) => !isEmpty(fieldsV1))
    .toSorted((a, b) => byText(a.operation, b.operation) || byText(a.time ?? '', b.time ?? '') || byText(a.manager, b.manager));

/** What a client said in `metadata.managedFields`; undefined when it is malformed. Entries of versions not served are left out. */
export const parseManagedFields = (served: ServedKind, given: readonly unknown[]): readonly Owner[] | undefined => {
  const owners = given.filter((entry) => !isBlank(entry)).map((entry) => parseEntry(objectOr(entry)));
  if (owners.some((owner) => owner === undefined)) return undefined;
  return owners.flatMap((parsed) => (parsed === undefined || parsed.apiVersion !== served.apiVersion || parsed.owner.fields === '{}' ? [] : [parsed.owner]));
};

const isBlank = (entry: unknown): boolean => isJsonObject(entry) && Object.keys(entry).length === 0;

const parseEntry = (entry: JsonObject): { readonly apiVersion: unknown; readonly owner: Owner } | undefined => {
  const { manager = '', operation, apiVersion, time, fieldsType, subresource = '' } = entry;
  const fields = parseFields(entry['fieldsV1'] ?? {});
  if (typeof manager !== 'string' || (operation !== 'Apply' && operation !== 'Update') || fieldsType !== 'FieldsV1' || fields === undefined) return undefined;
  if (typeof subresource !== 'string' || !(time === undefined || time === null || typeof time === 'string')) return undefined;
  const owner: Owner = {
    manager,
    ...(operation === 'Apply' ? { isApply: true } : {}),
    ...optional('time', time ?? undefined),
    ...optional('subresource', subresource === '' ? undefined : subresource),
    fields: textOf(fields),
  };
  return { apiVersion, owner };
};
