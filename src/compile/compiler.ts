/** Heddle's compiler: the engine with the relations and the translators of this network. Their lists are the pass list. */
import type { Resource } from '../api/object.ts';
import { createEngine, type Compiler } from './engine.ts';

/** A compiler that holds no objects yet. */
export const createCompiler = (): Compiler => createEngine({ relations: [], translators: [], project });

/**
 * What of an object can matter to the outcome. Status, labels and revisions cannot, but for the phase of a claim; an object
 * that is being deleted counts as gone, so that its finalizers wait for devices that have already let go.
 */
const project = (object: Resource): Resource | undefined => {
  const { name, namespace, uid, creationTimestamp, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined) return undefined;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: object.spec,
    ...(object.kind === 'Claim' && object.status !== undefined ? { status: object.status } : {}),
  };
};
