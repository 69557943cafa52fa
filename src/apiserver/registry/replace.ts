/** Updates and patches: a new state of an object in place of the current one. */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import type { Entry } from '../../store/store.ts';
import type { ServedKind } from '../scheme.ts';
import { invalidObject } from '../status.ts';
import { admit, desired, pruneFields } from './admit.ts';
import { conflictRetries, type Context } from './context.ts';
import type { WriteOptions } from './registry.ts';
import { decodeStored, withVersion } from './stored.ts';
import { checkIdentity, checkType, merged } from './writable.ts';

/** One attempt to replace `entry` by what `body` says; returns the current object unchanged when nothing differs. */
const replace = async (context: Context, served: ServedKind, entry: Entry, current: Resource, body: unknown, options: WriteOptions): Promise<Resource> => {
  const { given } = pruneFields(served, body, options);
  checkType(served, given);
  checkIdentity(served, current, given);
  const isStatusOnly = options.subresource === 'status';
  const next = admit(served, merged(served, current, given, options.subresource), current, { isStatusOnly });
  const { resourceVersion: _, ...currentMetadata } = current.metadata;
  const isSameDesire = isStatusOnly || isDeepStrictEqual(desired(current), desired(next));
  const isSameMetadata = isStatusOnly || isDeepStrictEqual(currentMetadata, next.metadata);
  if (isSameDesire && isSameMetadata && isDeepStrictEqual(current.status, next.status)) return current;
  if (!isSameDesire) {
    const stranded = await context.references.strandedBy(served, current, next);
    if (stranded.length > 0) throw invalidObject(served, next.metadata.name, stranded);
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  }
  await options.review?.(next, current);
  if (options.dryRun === true) return withVersion(next, entry.revision);
  return context.commit(served, next, entry, current);
};

/** See Registry.update. */
export const updateObject = async (context: Context, served: ServedKind, body: unknown, options: WriteOptions = {}): Promise<Resource> => {
  const metadata = objectOr(objectOr(body)['metadata']);
  const namespace = served.namespaced ? String(metadata['namespace'] ?? '') : '';
  const entry = await context.entryOf(served, namespace, String(metadata['name'] ?? ''));
  const version = metadata['resourceVersion'];
  if ((version === undefined || version === '') && served.kind.group !== '') {
    throw invalidObject(served, String(metadata['name']), [
      { path: 'metadata.resourceVersion', code: 'FieldValueInvalid', message: 'must be specified for an update' },
    ]);
  }
  return replace(context, served, entry, decodeStored(served, entry), body, options);
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
    const current = decodeStored(served, entry);
    const next = change(current);
    // A patch that names a version asks to fail when it is not the current one: trying again could only lose.
    const locked = objectOr(objectOr(next)['metadata'])['resourceVersion'] !== current.metadata.resourceVersion;
    try {
      return await replace(context, served, entry, current, next, options);
    } catch (thrown) {
      const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && !locked && attempt < conflictRetries;
      if (!retry) throw thrown;
    }
  }
};
