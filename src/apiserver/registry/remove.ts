/** Deletion: at once, or marked and waiting for finalizers. */
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ServedKind } from '../scheme.ts';
import { conflict, forbidden } from '../status.ts';
import { conflictRetries, holders, type Context } from './context.ts';
import { builtInNamespaces, isNamespace, markTerminating } from './namespaces.ts';
import type { Deleted, DeleteOptions } from './registry.ts';
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
    const held = holders(served, current).length > 0;
    if (held && current.metadata.deletionTimestamp !== undefined) return { object: current, removed: false };
    if (options.refuseInUse === true) await context.references.refuseInUse(served, current);
    const dying = markDeleted(served, current, context.timestamp());
    if (options.dryRun === true) return { object: dying, removed: !held };
    try {
      return { object: await context.commit(served, dying, entry, current), removed: !held };
    } catch (thrown) {
      const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && attempt < conflictRetries;
      if (!retry) throw thrown;
    }
  }
};

const markDeleted = (served: ServedKind, object: Resource, time: string): Resource => {
  const { metadata } = object;
  const marked = { ...object, metadata: { ...metadata, deletionTimestamp: metadata.deletionTimestamp ?? time, generation: (metadata.generation ?? 0) + 1 } };
  return isNamespace(served) ? markTerminating(marked) : marked;
};

const checkPreconditions = (served: ServedKind, current: Resource, { preconditions }: DeleteOptions): void => {
  const { name, uid, resourceVersion } = current.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(served, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(served, name, `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`);
  }
};
