/** Deletion: at once, or marked and waiting for finalizers. */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ServedKind } from '../scheme.ts';
import { conflict, forbidden } from '../status.ts';
import { conflictRetries, holders, type Context } from './context.ts';
import { builtInNamespaces, isNamespace, markTerminating } from './namespaces.ts';
import { foregroundFinalizer, orphanFinalizer, type Propagation } from './propagation.ts';
import type { Deleted, DeleteOptions } from './registry.ts';
import type { Reservation } from './reservations.ts';
import { decodeStored } from './stored.ts';

/** See Registry.delete. */
export const removeObject = async (context: Context, served: ServedKind, namespace: string, name: string, options: DeleteOptions = {}): Promise<Deleted> => {
  const deleted = await remove(context, served, namespace, name, options);
  // Creations that passed the namespace check before it was marked must land before anyone concludes it is empty.
  if (isNamespace(served)) await context.welcome.gate.settled(name);
  return deleted;
};

const remove = async (context: Context, served: ServedKind, namespace: string, name: string, options: DeleteOptions): Promise<Deleted> => {
  for (let attempt = 1; ; attempt += 1) {
    const entry = await context.entryOf(served, namespace, name);
    const current = decodeStored(served, entry);
    checkPreconditions(served, current, options);
    if (isNamespace(served) && builtInNamespaces.includes(name)) throw forbidden(served, name, 'this namespace may not be deleted');
    const dying = markDeleted(served, current, context.timestamp(), options.propagation);
    const held = holders(served, dying).length > 0;
    if (held && isMarked(current, dying)) return { object: current, removed: false };
    // Who refers to an object that is on its way out was asked when it was put on that way.
    const refuses = options.refuseInUse === true && current.metadata.deletionTimestamp === undefined;
    const work = async (reservation?: Reservation): Promise<Deleted> => {
      if (refuses) await context.references.refuseInUse(served, current, reservation?.revision, options.sees, options.goesToo);
      const object = options.dryRun === true ? dying : await context.commit(served, dying, entry, current, reservation);
      return { object, removed: !held };
    };
    try {
      return await (refuses ? context.reserving(served, current, work) : work());
    } catch (thrown) {
      const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && attempt < conflictRetries;
      if (!retry) throw thrown;
    }
  }
};

const markDeleted = (served: ServedKind, object: Resource, time: string, propagation: Propagation | undefined): Resource => {
  const { finalizers: before = [], ...metadata } = object.metadata;
  const isFirst = metadata.deletionTimestamp === undefined;
  const finalizers = finalizersFor(before, propagation);
  const marked = {
    ...object,
    metadata: {
      ...metadata,
      ...(finalizers.length === 0 ? {} : { finalizers }),
      deletionTimestamp: metadata.deletionTimestamp ?? time,
      deletionGracePeriodSeconds: 0,
      generation: (metadata.generation ?? 0) + (isFirst ? 1 : 0),
    },
  };
  return isNamespace(served) ? markTerminating(marked) : marked;
};

/** How dependents are dealt with is said by a finalizer that the garbage collector takes away when it has done so. */
const finalizersFor = (before: readonly string[], propagation: Propagation | undefined): string[] => {
  if (propagation === undefined) return [...before];
  const others = before.filter((finalizer) => finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer);
  if (propagation === 'Foreground') return [...others, foregroundFinalizer];
  return propagation === 'Orphan' ? [...others, orphanFinalizer] : others;
};

/** Whether deleting it again in this way changes nothing. */
const isMarked = (current: Resource, dying: Resource): boolean =>
  current.metadata.deletionTimestamp !== undefined && isDeepStrictEqual(current.metadata.finalizers ?? [], dying.metadata.finalizers ?? []);

const checkPreconditions = (served: ServedKind, current: Resource, { preconditions }: DeleteOptions): void => {
  const { name, uid, resourceVersion } = current.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(served, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(served, name, `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`);
  }
};
