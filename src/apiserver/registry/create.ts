/** Creation: identity is the server's, the rest is admitted or refused as a whole. */
import { randomInt } from 'node:crypto';
import type { ObjectMeta, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ServedKind } from '../scheme.ts';
import { alreadyExists, nothingFree } from '../status.ts';
import { admit, pruneFields, type Pruned } from './admit.ts';
import type { Context } from './context.ts';
import { ownerOfAll, type Owner } from '../patch/owners.ts';
import type { WriteOptions } from './registry.ts';
import { withManagedFields } from './stored.ts';
import { checkType, keptMetadata } from './writable.ts';

/** Who writes without saying who. */
export const ownName = 'heddle-apiserver';

/** See Registry.create. Whoever creates an object owns all of it, unless `owners` says otherwise. */
export const createObject = async (context: Context, served: ServedKind, body: unknown, options: WriteOptions = {}, owners?: readonly Owner[]): Promise<Resource> => {
  const pruned = pruneFields(served, body, options);
  checkNew(served, pruned.given);
  const isGenerated = pruned.given.metadata.name === '' && (pruned.given.metadata.generateName ?? '') !== '';
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await createOnce(context, served, pruned, options, owners);
    } catch (thrown) {
      const isTaken = thrown instanceof HeddleError && thrown.code === 'AlreadyExists';
      if (!isTaken || !isGenerated) throw thrown;
      if (attempt === nameAttempts) throw nothingFree(served, pruned.given.metadata.generateName ?? '');
    }
  }
};

const createOnce = async (context: Context, served: ServedKind, { given, isSound }: Pruned, options: WriteOptions, owners: readonly Owner[] | undefined): Promise<Resource> => {
  const { welcome, store } = context;
  const namespace = given.metadata.namespace ?? '';
  const leave = welcome.gate.enter(namespace);
  try {
    if (served.namespaced) await welcome.check(namespace);
    const object = admit(served, newObject(context, served, given), undefined, { isSound });
    await options.review?.(object, undefined);
    const owning = owners ?? [ownerOfAll(options.fieldManager ?? ownName, undefined, context.timestamp())];
    if (options.dryRun !== true) return told(served, await context.commit(served, object, undefined, undefined, undefined, owning), owning, options);
    context.quotas.check(served, object);
    if ((await store.get(served.key(namespace, object.metadata.name))) !== undefined) throw alreadyExists(served, object.metadata.name);
    return told(served, object, owning, options);
  } finally {
    leave();
  }
};

/** The answer of a write, in the form that was asked for. */
export const told = (served: ServedKind, object: Resource, owners: readonly Owner[], options: WriteOptions): Resource =>
  options.managedFields === true ? withManagedFields(served, { object, owners }) : object;

const checkNew = (served: ServedKind, given: Resource): void => {
  checkType(served, given);
  if ((given.metadata.resourceVersion ?? '') !== '') {
    throw new HeddleError('BadRequest', 'resourceVersion should not be set on objects to be created');
  }
  if (!served.namespaced || (given.metadata.namespace ?? '') !== '') return;
  throw new HeddleError('BadRequest', `${served.kind.kind} "${given.metadata.name}" needs a namespace`);
};

const newObject = (context: Context, served: ServedKind, body: Resource): Resource => {
  const { generateName, name } = body.metadata;
  const metadata: ObjectMeta = {
    ...keptMetadata(body.metadata),
    name: name === '' && generateName !== undefined && generateName !== '' ? generateName.slice(0, longestPrefix) + suffix() : name,
    uid: context.newUid(),
    generation: 1,
    creationTimestamp: context.timestamp(),
  };
  if (!served.namespaced) delete metadata.namespace;
  const { status: _, ...withoutStatus } = body;
  return { ...(served.kind.hasStatus ? withoutStatus : body), apiVersion: served.apiVersion, kind: served.kind.kind, metadata };
};

/** A generated name fits where a label must. */
const longestPrefix = 58;
/** How often another name is tried when somebody has it already. */
const nameAttempts = 8;

/** 5 characters without vowels and look-alikes, as Kubernetes does, so that no words appear. */
const suffix = (): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
};
