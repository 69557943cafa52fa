/** What becomes of the dependents of an object that is deleted (Kubernetes, "Garbage Collection"). */

/** Dependents go after it, before it, or stay and forget it. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export const propagations: readonly Propagation[] = ['Background', 'Foreground', 'Orphan'];

/** Holds an object until the dependents that block its deletion are gone. */
export const foregroundFinalizer = 'foregroundDeletion';
/** Holds an object until no dependent names it any more. */
export const orphanFinalizer = 'orphan';
