/** Updates and patches: a new state of an object in place of the current one. */
import { isDeepStrictEqual } from 'node:util';
import { isBuiltIn, type Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, objectOr } from '../../kit/json.ts';
import type { Entry } from '../../store/store.ts';
import type { ServedKind } from '../scheme.ts';
import { invalidObject } from '../status.ts';
import { admit, desired, pruneFields } from './admit.ts';
import { conflictRetries, type Context } from './context.ts';
import type { WriteOptions } from './registry.ts';
import type { Reservation } from './reservations.ts';
import { readStored, withManagedFields, withVersion, type Stored } from './stored.ts';
import { told, ownName } from './create.ts';
import { afterUpdate, managedFields, parseManagedFields, type Owner } from '../patch/owners.ts';
import { checkIdentity, checkType, merged } from './writable.ts';

export interface Live extends Stored {
  readonly entry: Entry;
}

/**
 * One attempt to replace what is there by what `body` says; returns the current object unchanged when nothing differs. Without
 * `applied`, what the body changes is owned by whoever writes.
 */
export const replace = async (context: Context, served: ServedKind, live: Live, body: unknown, options: WriteOptions, applied?: readonly Owner[]): Promise<Resource> => {
  const { entry, object: current } = live;
  const { given } = pruneFields(served, withoutManagedFields(body), options);
  checkType(served, given);
  checkIdentity(served, current, given);
  const isStatusOnly = options.subresource === 'status';
  const next = admit(served, merged(served, current, given, options.subresource), current, { isStatusOnly });
  const { resourceVersion: _, ...currentMetadata } = current.metadata;
  const isSameDesire = isStatusOnly || isDeepStrictEqual(desired(current), desired(next));
  const isSameMetadata = isStatusOnly || isDeepStrictEqual(currentMetadata, next.metadata);
  const isSame = isSameDesire && isSameMetadata && isDeepStrictEqual(current.status, next.status);
  const claimed = applied ?? claimedOwners(served, live, body);
  const half = isStatusOnly ? ('status' as const) : undefined;
  const update = { before: current, after: next, manager: options.fieldManager ?? ownName, half, time: context.timestamp() };
  const owners = applied !== undefined || isSame ? claimed : afterUpdate(served, claimed, update);
  if (isSame && (owners === live.owners || isDeepStrictEqual(owners, live.owners))) return told(served, current, live.owners, options);
  if (!isSameDesire) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  const work = async (reservation?: Reservation): Promise<Resource> => {
    const stranded = isSameDesire ? [] : await context.references.strandedBy(served, current, next, reservation?.revision, options.sees);
    if (stranded.length > 0) throw invalidObject(served, next.metadata.name, stranded);
    await options.review?.(next, current);
    const written = options.dryRun === true ? withVersion(next, entry.revision) : await context.commit(served, next, entry, current, reservation, owners);
    return told(served, written, owners, options);
  };
  return !isSameDesire && served.kind.strands !== undefined ? context.reserving(served, current, work) : work();
};

const withoutManagedFields = (body: unknown): unknown => {
  if (!isJsonObject(body) || !isJsonObject(body['metadata']) || !Object.hasOwn(body['metadata'], 'managedFields')) return body;
  const { managedFields: _, ...metadata } = body['metadata'];
  return { ...body, metadata };
};

/** What the body says of owners: nothing, what it was told, nobody (`[{}]`), or others. */
const claimedOwners = (served: ServedKind, { object, owners }: Stored, body: unknown): readonly Owner[] => {
  const given = objectOr(objectOr(body)['metadata'])['managedFields'];
  if (!Array.isArray(given) || given.length === 0) return owners;
  if (isDeepStrictEqual(given, managedFields(served, object, owners))) return owners;
  const claimed = parseManagedFields(served, given);
  if (claimed !== undefined) return claimed;
  const message = 'every entry needs an operation (Apply or Update), fieldsType FieldsV1 and fieldsV1; [{}] clears all';
  throw invalidObject(served, object.metadata.name, [{ path: 'metadata.managedFields', code: 'FieldValueInvalid', message }]);
};

/** See Registry.update. */
export const updateObject = async (context: Context, served: ServedKind, body: unknown, options: WriteOptions = {}): Promise<Resource> => {
  const metadata = objectOr(objectOr(body)['metadata']);
  const namespace = served.namespaced ? String(metadata['namespace'] ?? '') : '';
  const entry = await context.entryOf(served, namespace, String(metadata['name'] ?? ''));
  const version = metadata['resourceVersion'];
  if ((version === undefined || version === '') && !isBuiltIn(served.kind)) {
    throw invalidObject(served, String(metadata['name']), [
      { path: 'metadata.resourceVersion', code: 'FieldValueInvalid', message: 'must be specified for an update' },
    ]);
  }
  return replace(context, served, { entry, ...readStored(served, entry) }, body, options);
};

/** See Registry.modify. */
export const modifyObject = async (
  context: Context,
  served: ServedKind,
  namespace: string,
  name: string,
  change: (current: Resource) => unknown,
  options: WriteOptions = {},
): Promise<Resource> => {
  for (let attempt = 1; ; attempt += 1) {
    const entry = await context.entryOf(served, namespace, name);
    const live = { entry, ...readStored(served, entry) };
    const current = options.managedFields === true ? withManagedFields(served, live) : live.object;
    const next = change(current);
    // A patch that names a version asks to fail when it is not the current one: trying again could only lose.
    const locked = objectOr(objectOr(next)['metadata'])['resourceVersion'] !== current.metadata.resourceVersion;
    try {
      return await replace(context, served, live, next, options);
    } catch (thrown) {
      const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && !locked && attempt < conflictRetries;
      if (!retry) throw thrown;
    }
  }
};
