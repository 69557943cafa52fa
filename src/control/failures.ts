/** What devices say they could not realise, by device and by whom it matters to. Pure. */
import type { RowId } from '../goal/rows.ts';
import { addMember, getOrMake, removeMember } from '../kit/maps.ts';

export interface Failure {
  readonly device: string;
  readonly scope: string;
  /** Empty when the device as a whole failed. */
  readonly row: RowId | '';
  readonly code: string;
  readonly message: string;
}

/** A row that a device could not realise. */
export interface FailedRow {
  readonly row: RowId | '';
  readonly code: string;
  readonly message: string;
  /** Waiters it matters to; none known when the row is gone from the goal. */
  readonly waiters: readonly string[];
  /** To whom it matters when nobody is known whose change removed the row. */
  readonly otherwise?: string;
}

type Failed = ReadonlyMap<RowId, { readonly failure: Failure; readonly waiters: ReadonlySet<string> }>;
const nothing: Failed = new Map();

export class Failures {
  readonly #failed = new Map<string, Map<string, Failed>>();
  readonly #byWaiter = new Map<string, Set<Failure>>();

  of(waiter: string): readonly Failure[] {
    return [...(this.#byWaiter.get(waiter) ?? [])];
  }

  /** Rows of the scope that failed on the device. */
  on(device: string, scope: string): readonly Failure[] {
    return [...(this.#failed.get(device)?.get(scope)?.values() ?? [])].map(({ failure }) => failure);
  }

  has(device: string, scope: string): boolean {
    return this.#failed.get(device)?.has(scope) === true;
  }

  /**
   * What fails on the device in this scope now, instead of what failed before. A row that nobody contributes to any more is
   * the failure of those whose change removed it. Answers the waiters whose failures changed.
   */
  replace(device: string, scope: string, failed: readonly FailedRow[], removers: () => readonly string[]): ReadonlySet<string> {
    const before = this.#failed.get(device)?.get(scope) ?? nothing;
    const after = failed.length === 0 ? nothing : new Map(failed.map((row) => [row.row, blame(device, scope, row, before, removers)]));
    const changed = new Set<string>();
    for (const { failure, waiters } of before.values()) {
      for (const waiter of waiters) {
        removeMember(this.#byWaiter, waiter, failure);
        changed.add(waiter);
      }
    }
    for (const { failure, waiters } of after.values()) {
      for (const waiter of waiters) {
        addMember(this.#byWaiter, waiter, failure);
        changed.add(waiter);
      }
    }
    this.#set(device, scope, after);
    return changed;
  }

  removeWaiter(waiter: string): void {
    this.#byWaiter.delete(waiter);
  }

  #set(device: string, scope: string, failed: Failed): void {
    if (failed.size > 0) {
      getOrMake(this.#failed, device, () => new Map<string, Failed>()).set(scope, failed);
      return;
    }
    const scopes = this.#failed.get(device);
    scopes?.delete(scope);
    if (scopes?.size === 0) this.#failed.delete(device);
  }
}

const blame = (device: string, scope: string, failed: FailedRow, before: Failed, removers: () => readonly string[]) => {
  const { row, code, message, waiters, otherwise } = failed;
  const known = waiters.length > 0 || row === '' ? waiters : [...removers(), ...(before.get(row)?.waiters ?? [])];
  const blamed = known.length > 0 || otherwise === undefined ? known : [otherwise];
  return { failure: { device, scope, row, code, message }, waiters: new Set(blamed) };
};
