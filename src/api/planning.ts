/** An object of a plan between who checked it and who finds out what follows from it. */
import type { ObjectRef, Resource } from './object.ts';
import type { PlannedFinding, PlannedObject } from './planview.ts';

export interface Planned {
  readonly ref: ObjectRef;
  readonly action: PlannedObject['action'];
  /** Why it cannot be written or deleted. */
  readonly findings: readonly PlannedFinding[];
  /** To be compiled: what was not refused, and is of a kind that is. */
  readonly change?: { readonly ref: ObjectRef; readonly object: Resource | undefined };
}
