/**
 * Rows in which goal state differs from what the compiler wants, and why. Goal state is normally just what is wanted. Where a
 * row may not be committed yet, upsert or delete alike, it is withheld: devices go on with what they have of it, and what is
 * wanted is remembered here, always as it is wanted now.
 *
 * One publication goes through three steps:
 * 1. `candidate`: what the compiler found different, and the withheld rows that are due: those of the objects that the change
 *    speaks of, those that somebody released, and rows that are to be undone. Later wishes take the place of earlier ones.
 * 2. Gates say which rows of the candidate stay, and for what reason: `Unproven` (verification.ts), `Staged` (the wave of the
 *    row's devices has not come yet).
 * 3. `settle`: what stays is remembered, the rest is answered, to be committed as one version. It may be called again with what
 *    of it others let through, before the commit.
 *
 * Whoever stages changes lets rows stay as `Staged` and names those of a wave with `release`; whoever takes a change back names
 * with `undo` what rows were before: they are committed in place of what is wanted, and withheld as `Undone` until they are
 * released or something else is wanted of them. When nothing is withheld, goal state is what is wanted. Deletions that exceed
 * the safety limits are no part of this: they pass here and are kept back after it (holds.ts). Pure; it is kept in memory, and
 * a controller that starts has nothing withheld.
 */
import { same } from '../compile/same.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import type { GoalState, ScopeChange } from '../goal/state.ts';
import { addMember, getOrMake, removeMember } from '../kit/maps.ts';

export type Reason = 'Unproven' | 'Staged' | 'Undone';

/** Whom a row comes from, by key (`refKey`); of one that is wanted no more, whom it came from last. */
export interface Parties {
  /** Those that hand it in. */
  readonly owners: readonly string[];
  /** These, and all that its content comes from. */
  readonly objects: readonly string[];
}

export type PartiesOf = (scope: string, row: RowId) => Parties;

export interface WithheldRow extends Parties {
  readonly scope: string;
  readonly id: RowId;
  /** As it is wanted now; undefined: it is to go. */
  readonly wanted: Row | undefined;
  readonly reason: Reason;
  /** Since when it differs for this reason, milliseconds since 1970. */
  readonly since: number;
}

/** Rows that stay as they are, by scope and id. */
export type Stays = ReadonlyMap<string, ReadonlyMap<RowId, Reason>>;

/** By scope: objects that began or ceased to have rows withheld there, or may have. */
export type Touched = Map<string, Set<string>>;

export interface Settlement {
  /** What may be committed. */
  readonly going: readonly ScopeChange[];
  readonly touched: Touched;
}

export class Withheld {
  readonly #goal: Pick<GoalState, 'scope'>;
  readonly #rows = new Map<string, Map<RowId, WithheldRow>>();
  readonly #byObject = new Map<string, Set<WithheldRow>>();
  /** Rows that are part of the next candidate, and what rows are to be again by it; and the same of the candidate that is open. */
  readonly #due = new Set<WithheldRow>();
  readonly #undoNext = new Map<string, Map<RowId, Undo>>();
  readonly #dueNow = new Set<WithheldRow>();
  readonly #undoing = new Map<string, Map<RowId, Undo>>();
  readonly #counts = new Map<Reason, number>();
  #size = 0;

  constructor(goal: Pick<GoalState, 'scope'>) {
    this.#goal = goal;
  }

  /** Rows that are withheld. */
  get size(): number {
    return this.#size;
  }

  /** Rows that are withheld for this reason. */
  count(reason: Reason): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Whether the next candidate holds something even if nothing changed. */
  get isDue(): boolean {
    return this.#due.size + this.#undoNext.size > 0;
  }

  get(scope: string, id: RowId): WithheldRow | undefined {
    return this.#rows.get(scope)?.get(id);
  }

  *all(): Generator<WithheldRow> {
    for (const rows of this.#rows.values()) yield* rows.values();
  }

  /** Rows that the object contributes to, or did when they were committed. */
  of(object: string): ReadonlySet<WithheldRow> {
    return this.#byObject.get(object) ?? nothing;
  }

  /** Objects that have a row withheld in the scope. */
  objectsIn(scope: string): ReadonlySet<string> {
    const objects = new Set<string>();
    for (const row of this.#rows.get(scope)?.values() ?? []) for (const object of row.objects) objects.add(object);
    return objects;
  }

  /** Whether anything is withheld in the scope. */
  has(scope: string): boolean {
    return this.#rows.has(scope);
  }

  /** These rows are part of the next candidate. Answers how many there are. */
  release(isDue: (row: WithheldRow) => boolean): number {
    let count = 0;
    for (const row of this.all()) {
      if (!isDue(row)) continue;
      this.#due.add(row);
      count += 1;
    }
    return count;
  }

  /** These rows are to be so again, whatever is wanted, by the next candidate; but for those of which it brings news. */
  undo(changes: readonly ScopeChange[], reason: Reason = 'Undone'): void {
    for (const { scope, upserts, deletes } of changes) {
      const rows = getOrMake(this.#undoNext, scope, () => new Map<RowId, Undo>());
      for (const id of deletes) rows.set(id, { row: undefined, reason });
      for (const row of upserts) rows.set(rowId(row), { row, reason });
    }
  }

  /** All that may be committed now. `changes`: what the compiler found different, in order. */
  candidate(changes: readonly ScopeChange[], partiesOf: PartiesOf): readonly ScopeChange[] {
    const once = singly(changes);
    this.#open();
    if (this.#size === 0 && this.#undoing.size === 0) return once;
    const draft = new Draft();
    for (const { scope, id, wanted } of this.#dueWith(once, partiesOf)) draft.put(scope, id, wanted);
    for (const { scope, upserts, deletes } of once) {
      for (const id of [...deletes, ...upserts.map(rowId)]) this.#undoing.get(scope)?.delete(id);
      for (const id of deletes) draft.put(scope, id, undefined);
      for (const row of upserts) draft.put(scope, rowId(row), row);
    }
    for (const [scope, rows] of this.#undoing) for (const [id, { row }] of rows) draft.put(scope, id, row);
    return draft.changes();
  }

  /**
   * Remembers what of a candidate stays, forgets what goes, and answers that. The answer is to be committed, and `committed`
   * to be called then; before that it may be called again with less than the answer, or with more.
   * @param now milliseconds since 1970
   */
  settle(candidate: readonly ScopeChange[], stays: Stays, partiesOf: PartiesOf, now: number): Settlement {
    const touched: Touched = new Map();
    if (stays.size === 0 && this.#size === 0 && this.#undoing.size === 0) return { going: candidate, touched };
    const going = candidate.map((change) => this.#settleScope(change, stays.get(change.scope) ?? noStays, { partiesOf, now, touched }));
    return { going: going.filter(({ upserts, deletes }) => upserts.length + deletes.length > 0), touched };
  }

  /** What was settled is goal state now. */
  committed(): void {
    this.#dueNow.clear();
    this.#undoing.clear();
  }

  /** What is released or undone from now on is for the next candidate. */
  #open(): void {
    for (const row of this.#due) this.#dueNow.add(row);
    for (const [scope, rows] of this.#undoNext) {
      const undoing = getOrMake(this.#undoing, scope, () => new Map<RowId, Undo>());
      for (const [id, undo] of rows) undoing.set(id, undo);
    }
    this.#due.clear();
    this.#undoNext.clear();
  }

  /** Rows that are due, and unproven ones of the objects that the changes or other due rows are of. */
  #dueWith(changes: readonly ScopeChange[], partiesOf: PartiesOf): ReadonlySet<WithheldRow> {
    const due = new Set(this.#dueNow);
    const seen = new Set<string>();
    const ask: string[] = [...due].flatMap(({ owners }) => owners);
    for (const { scope, upserts, deletes } of changes) {
      for (const id of deletes) ask.push(...partiesOf(scope, id).owners);
      for (const row of upserts) ask.push(...partiesOf(scope, rowId(row)).owners);
    }
    for (let owner = ask.pop(); owner !== undefined; owner = ask.pop()) {
      if (seen.has(owner)) continue;
      seen.add(owner);
      for (const row of this.of(owner)) {
        if (row.reason !== 'Unproven' || due.has(row) || !row.owners.includes(owner)) continue;
        due.add(row);
        ask.push(...row.owners);
      }
    }
    return due;
  }

  #settleScope(change: ScopeChange, stays: ReadonlyMap<RowId, Reason>, context: Context): ScopeChange {
    const { scope, upserts, deletes } = change;
    if (stays.size === 0 && !this.#rows.has(scope) && !this.#undoing.has(scope)) return change;
    const isGoing = (id: RowId, row: Row | undefined): boolean => {
      const reason = stays.get(id);
      const undo = this.#undoing.get(scope)?.get(id);
      if (undo !== undefined) this.#settleUndo(scope, id, { reason, undo }, context);
      else if (reason === undefined) this.#forget(scope, id, context.touched);
      else this.#withhold(scope, id, row, reason, context);
      return reason === undefined;
    };
    return {
      scope,
      deletes: deletes.filter((id) => isGoing(id, undefined)),
      upserts: upserts.filter((row) => isGoing(rowId(row), row)),
    };
  }

  /** What is wanted of a row that is undone is not what the candidate says, but what it is or would be without that. */
  #settleUndo(scope: string, id: RowId, { reason, undo }: { readonly reason: Reason | undefined; readonly undo: Undo }, context: Context): void {
    const before = this.get(scope, id);
    const wanted = before === undefined ? this.#goal.scope(scope).rows.get(id) : before.wanted;
    if (reason === undefined) this.#put(scope, id, wanted, undo.reason, context);
    else this.#withhold(scope, id, wanted, before?.reason ?? reason, context);
  }

  /** Nothing is withheld of a row that is as it is wanted. */
  #withhold(scope: string, id: RowId, wanted: Row | undefined, reason: Reason, context: Context): void {
    if (same(this.#goal.scope(scope).rows.get(id), wanted)) this.#forget(scope, id, context.touched);
    else this.#put(scope, id, wanted, reason, context);
  }

  #put(scope: string, id: RowId, wanted: Row | undefined, reason: Reason, { partiesOf, now, touched }: Context): void {
    const before = this.get(scope, id);
    const { owners, objects } = partiesOf(scope, id);
    // Whom the row comes from that devices have, they wait too.
    const all = before === undefined ? objects : [...new Set([...objects, ...before.objects])];
    const since = before?.reason === reason ? before.since : now;
    this.#forget(scope, id, touched);
    const row: WithheldRow = { scope, id, wanted, reason, since, owners, objects: all };
    getOrMake(this.#rows, scope, () => new Map<RowId, WithheldRow>()).set(id, row);
    this.#count(reason, 1);
    for (const object of all) {
      addMember(this.#byObject, object, row);
      addMember(touched, scope, object);
    }
  }

  #count(reason: Reason, step: 1 | -1): void {
    this.#size += step;
    this.#counts.set(reason, this.count(reason) + step);
  }

  #forget(scope: string, id: RowId, touched: Touched): void {
    const row = this.get(scope, id);
    if (row === undefined) return;
    const rows = this.#rows.get(scope);
    rows?.delete(id);
    if (rows?.size === 0) this.#rows.delete(scope);
    this.#count(row.reason, -1);
    this.#due.delete(row);
    this.#dueNow.delete(row);
    for (const object of row.objects) {
      removeMember(this.#byObject, object, row);
      addMember(touched, scope, object);
    }
  }
}

/** What a row is to be again, and what it is withheld for then. */
interface Undo {
  readonly row: Row | undefined;
  readonly reason: Reason;
}

interface Context {
  readonly partiesOf: PartiesOf;
  readonly now: number;
  readonly touched: Touched;
}

const nothing: ReadonlySet<WithheldRow> = new Set();
const noStays: ReadonlyMap<RowId, Reason> = new Map();

/** Of each row the last that was put. */
class Draft {
  readonly #scopes = new Map<string, Map<RowId, Row | undefined>>();

  put(scope: string, id: RowId, row: Row | undefined): void {
    getOrMake(this.#scopes, scope, () => new Map<RowId, Row | undefined>()).set(id, row);
  }

  changes(): ScopeChange[] {
    return [...this.#scopes].map(([scope, rows]) => {
      const upserts: Row[] = [];
      const deletes: RowId[] = [];
      for (const [id, row] of rows) {
        if (row === undefined) deletes.push(id);
        else upserts.push(row);
      }
      return { scope, upserts, deletes };
    });
  }
}

/** The same with each scope once. */
export const singly = (changes: readonly ScopeChange[]): readonly ScopeChange[] => {
  const scopes = new Map<string, ScopeChange[]>();
  for (const change of changes) getOrMake(scopes, change.scope, (): ScopeChange[] => []).push(change);
  if (scopes.size === changes.length) return changes;
  return [...scopes.values()].flatMap((several) => (several.length === 1 ? several : merged(several)));
};

const merged = (several: readonly ScopeChange[]): ScopeChange[] => {
  const draft = new Draft();
  for (const { scope, upserts, deletes } of several) {
    for (const id of deletes) draft.put(scope, id, undefined);
    for (const row of upserts) draft.put(scope, rowId(row), row);
  }
  return draft.changes();
};
