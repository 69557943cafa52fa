/** Server-side apply (PATCH application/apply-patch+yaml): creates the object, or merges into it what somebody wants of it. */
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import type { Resource } from '../../api/object.ts';
import { ApplyConflict, applyToLive, ownersOfApplied, type Application } from '../patch/serverside.ts';
import type { ServedKind } from '../scheme.ts';
import { conflict, invalidObject, notFound } from '../status.ts';
import { pruneFields } from './admit.ts';
import { conflictRetries, type Context } from './context.ts';
import { createObject } from './create.ts';
import type { Applied, ApplyOptions } from './registry.ts';
import { replace } from './replace.ts';
import { readStored } from './stored.ts';
import { checkIdentity, checkType } from './writable.ts';

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** See Registry.apply. */
export const applyObject = async (context: Context, served: ServedKind, place: Place, body: unknown, options: ApplyOptions): Promise<Applied> => {
  const given = objectOr(objectOr(body)['metadata'])['managedFields'];
  if (given !== undefined && given !== null) throw new HeddleError('BadRequest', 'metadata.managedFields must be nil');
  const { given: config } = pruneFields(served, body, options);
  checkType(served, config);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyOnce(context, served, place, config, options);
    } catch (thrown) {
      const overtaken = thrown instanceof HeddleError && (thrown.code === 'Conflict' || thrown.code === 'AlreadyExists') && !(thrown instanceof ApplyConflict);
      const locked = (config.metadata.resourceVersion ?? config.metadata.uid ?? '') !== '';
      if (!overtaken || locked || attempt === conflictRetries) throw thrown;
    }
  }
};

/** What was given has been judged already. */
const judged = { fieldValidation: 'Ignore', duplicates: [] } as const;

const applyOnce = async (context: Context, served: ServedKind, { namespace, name }: Place, config: Resource, options: ApplyOptions): Promise<Applied> => {
  const application: Application = { config, manager: options.fieldManager, half: options.subresource === 'status' ? 'status' : undefined, force: options.force === true, time: context.timestamp() };
  const entry = await context.store.get(served.key(namespace, name));
  if (entry === undefined) {
    checkAbsent(served, config, options);
    const object = await createObject(context, served, config, { ...options, ...judged }, ownersOfApplied(served, application));
    return { object, created: true };
  }
  const stored = readStored(served, entry);
  checkUid(served, stored.object, config);
  checkIdentity(served, stored.object, config);
  const { object: next, owners } = applyToLive(served, stored.object, stored.owners, application);
  return { object: await replace(context, served, { entry, ...stored }, next, { ...options, ...judged }, owners), created: false };
};

const checkUid = (served: ServedKind, { metadata }: Resource, config: Resource): void => {
  const { uid = '' } = config.metadata;
  if (uid === '' || uid === metadata.uid) return;
  throw invalidObject(served, metadata.name, [{ path: 'metadata.uid', code: 'FieldValueInvalid', message: `"${uid}" is not that of the object, "${metadata.uid}"` }]);
};

/** Who names a version or a UID means an object that is there. */
const checkAbsent = (served: ServedKind, { metadata }: Resource, { subresource }: ApplyOptions): void => {
  if (subresource !== undefined) throw notFound(served, metadata.name);
  const { uid = '', resourceVersion = '' } = metadata;
  if (uid !== '') throw conflict(served, metadata.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  if (resourceVersion !== '') throw conflict(served, metadata.name, `the provided object specified resourceVersion ${resourceVersion}, and no existing object was found`);
};
