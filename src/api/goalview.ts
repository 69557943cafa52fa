/** What `GET …/switches/<name>/goal` answers: the goal state of one device, and of whom each row of it comes. */
import type { ObjectRef } from './object.ts';

/** Name of the subresource. */
export const goalView = 'goal';

export interface ContributorView extends ObjectRef {
  /** Generation that was compiled; left out when the object is gone. */
  readonly generation?: number;
}

export interface RowView {
  readonly table: string;
  readonly key: string;
  readonly scope: string;
  /** Of the scope, as the device is to hold it. */
  readonly version: number;
  /** Whether the device said that it has the row as it is. */
  readonly acknowledged: boolean;
  /** Version of the scope that the device acknowledged last. */
  readonly acknowledgedVersion?: number;
  /** What the device says against it. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** Nobody wants the row any more; it stays because its deletion is held. */
  readonly held?: true;
  /** Something else is wanted of the row, or that it goes, and why that does not reach the device yet. */
  readonly withheld?: 'Unproven' | 'Staged' | 'Undone';
  readonly objects: readonly ContributorView[];
  /** Only when one row was asked for. */
  readonly value?: unknown;
}

export interface GoalView {
  readonly apiVersion: string;
  readonly kind: 'GoalState';
  readonly metadata: { readonly name: string };
  readonly scopes: readonly { readonly scope: string; readonly version: number; readonly acknowledgedVersion?: number; readonly rows: number }[];
  readonly rows: readonly RowView[];
  /** Rows left out because there are more than `limit`. */
  readonly remaining: number;
}
