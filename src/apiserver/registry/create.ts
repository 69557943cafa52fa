/** Creation: identity is the server's, the rest is admitted or refused as a whole. */
import { randomInt } from 'node:crypto';
import type { ObjectMeta, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ServedKind } from '../scheme.ts';
import { alreadyExists } from '../status.ts';
import { admit, pruneFields } from './admit.ts';
import type { Context } from './context.ts';
import type { WriteOptions } from './registry.ts';
import { checkType, keptMetadata } from './writable.ts';

/** See Registry.create. */
export const createObject = async (context: Context, served: ServedKind, body: unknown, options: WriteOptions = {}): Promise<Resource> => {
  const { given, isSound } = pruneFields(served, body, options);
  checkNew(served, given);
  const { welcome, store } = context;
  const namespace = given.metadata.namespace ?? '';
  const leave = welcome.gate.enter(namespace);
  try {
    if (served.namespaced) await welcome.check(namespace);
    const object = admit(served, newObject(context, served, given), undefined, { isSound });
    await options.review?.(object, undefined);
    if (options.dryRun !== true) return await context.commit(served, object, undefined);
    if ((await store.get(served.key(namespace, object.metadata.name))) !== undefined) throw alreadyExists(served, object.metadata.name);
    return object;
  } finally {
    leave();
  }
};

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
    name: name === '' && generateName !== undefined && generateName !== '' ? generateName + suffix() : name,
    uid: context.newUid(),
    generation: 1,
    creationTimestamp: context.timestamp(),
  };
  if (!served.namespaced) delete metadata.namespace;
  const { status: _, ...withoutStatus } = body;
  return { ...(served.kind.hasStatus ? withoutStatus : body), apiVersion: served.apiVersion, kind: served.kind.kind, metadata };
};

/** 5 characters without vowels and look-alikes, as Kubernetes does, so that no words appear. */
const suffix = (): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
};
