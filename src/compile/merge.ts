/**
 * The published goal state, and who contributed what to it. Several objects may contribute the same row; when they
 * disagree, the oldest object's row is published and the disagreement is a finding on all of them. "Oldest" is creation
 * time, then name: so the row that was there first stays when a younger object contradicts it, and a compile from scratch
 * comes to the same answer without knowing history.
 */
import { refKey, type ObjectRef } from '../api/object.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import { getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import { error, type CompileFinding } from './finding.ts';
import { same } from './same.ts';
import type { ScopedRow } from './view.ts';

export interface ScopeDelta {
  readonly scope: string;
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowId[];
}

interface Contribution {
  readonly owner: ObjectRef;
  readonly age: string;
  readonly row: Row;
  readonly from: readonly ObjectRef[];
}

class Slot {
  /** By contributor: object and translator. */
  readonly contributions = new Map<string, Contribution>();
  readonly scope: string;
  readonly id: RowId;
  published: Row | undefined;
  /** Keys of the objects that have a finding for this row. */
  readonly inConflict = new Set<string>();

  constructor(scope: string, id: RowId) {
    this.scope = scope;
    this.id = id;
  }

  /** Whose row is published: that of the oldest object. */
  winner(): Contribution | undefined {
    let first: readonly [string, Contribution] | undefined;
    for (const each of this.contributions) {
      const order = first === undefined ? -1 : byText(each[1].age, first[1].age) || byText(each[0], first[0]);
      if (order < 0) first = each;
    }
    return first?.[1];
  }

  contributors(): ObjectRef[] {
    const found = new Map<string, ObjectRef>();
    for (const { owner, from } of this.contributions.values())
      for (const ref of [owner, ...from]) found.set(refKey(ref), ref);
    return [...found].sort(([left], [right]) => byText(left, right)).map(([, ref]) => ref);
  }
}

export interface Merged {
  readonly scopes: readonly ScopeDelta[];
  /** By object key: the scopes where a row it contributes to changed, or where it began or ceased to contribute. */
  readonly contributions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Keys of objects whose conflicts changed. */
  readonly conflicted: ReadonlySet<string>;
}

/** Who hands rows in: one translator for one object. */
export interface Contributor {
  readonly owner: ObjectRef;
  readonly translator: string;
  /** Age of the owner (`ageOf`). */
  readonly age: string;
}

export class GoalTable {
  readonly #scopes = new Map<string, Map<RowId, Slot>>();
  readonly #slotsOf = new Map<string, Map<Slot, number>>();
  readonly #scopesOf = new Map<string, Map<string, number>>();
  readonly #conflicts = new Map<string, Map<Slot, CompileFinding>>();
  readonly #touched = new Set<Slot>();
  #changed = new Map<string, Set<string>>();

  /** Exchanges what a contributor hands in; nothing is published before `publish`. */
  replace(contributor: Contributor, before: readonly ScopedRow[], after: readonly ScopedRow[]): void {
    const kept = new Set<Slot>();
    for (const { scope, row, from } of after) {
      const slot = this.#slot(scope, rowId(row));
      if (kept.has(slot)) continue;
      kept.add(slot);
      const { owner, age } = contributor;
      this.#put(slot, contributor, { owner, age, row, from: from.filter((ref) => refKey(ref) !== refKey(owner)) });
    }
    for (const { scope, row } of before) {
      const slot = this.#scopes.get(scope)?.get(rowId(row));
      if (slot !== undefined && !kept.has(slot)) this.#put(slot, contributor, undefined);
    }
  }

  /** Settles every row that was touched since the last call. */
  publish(): Merged {
    const scopes = new Map<string, { upserts: Row[]; deletes: RowId[] }>();
    const conflicted = new Set<string>();
    for (const slot of this.#touched) {
      const winner = slot.winner();
      const row = winner?.row;
      this.#judge(slot, winner, conflicted);
      if (!same(row, slot.published)) {
        for (const each of slot.contributions.values()) for (const ref of refsOf(each)) this.#note(ref, slot);
        const delta = getOrMake(scopes, slot.scope, () => ({ upserts: [], deletes: [] }));
        if (row === undefined) delta.deletes.push(slot.id);
        else delta.upserts.push(row);
        slot.published = row;
      }
      if (winner === undefined) this.#drop(slot);
    }
    this.#touched.clear();
    const contributions = this.#changed;
    this.#changed = new Map();
    return { scopes: sortedDeltas(scopes), contributions, conflicted };
  }

  scopes(): string[] {
    return [...this.#scopes.keys()].sort(byText);
  }

  /** Published rows of a scope in the order of their ids. */
  rows(scope: string): Row[] {
    const slots = [...(this.#scopes.get(scope)?.values() ?? [])].sort((left, right) => byText(left.id, right.id));
    return slots.flatMap(({ published }) => (published === undefined ? [] : [published]));
  }

  explain(scope: string, id: RowId): ObjectRef[] {
    return this.#scopes.get(scope)?.get(id)?.contributors() ?? [];
  }

  rowsOf(ref: ObjectRef): { readonly scope: string; readonly row: Row }[] {
    const slots = [...(this.#slotsOf.get(refKey(ref))?.keys() ?? [])].sort(
      (left, right) => byText(left.scope, right.scope) || byText(left.id, right.id),
    );
    return slots.flatMap(({ scope, published }) => (published === undefined ? [] : [{ scope, row: published }]));
  }

  scopesOf(ref: ObjectRef): string[] {
    return [...(this.#scopesOf.get(refKey(ref))?.keys() ?? [])].sort(byText);
  }

  conflictsOf(key: string): readonly CompileFinding[] {
    return [...(this.#conflicts.get(key)?.values() ?? [])];
  }

  #slot(scope: string, id: RowId): Slot {
    const slots = getOrMake(this.#scopes, scope, () => new Map<RowId, Slot>());
    return getOrMake(slots, id, () => new Slot(scope, id));
  }

  #drop(slot: Slot): void {
    const slots = this.#scopes.get(slot.scope);
    slots?.delete(slot.id);
    if (slots?.size === 0) this.#scopes.delete(slot.scope);
  }

  #put(slot: Slot, { owner, translator }: Contributor, after: Contribution | undefined): void {
    const contributor = `${refKey(owner)} ${translator}`;
    const before = slot.contributions.get(contributor);
    if (same(before, after)) return;
    this.#touched.add(slot);
    for (const ref of refsOf(before)) this.#count(ref, slot, -1);
    for (const ref of refsOf(after)) this.#count(ref, slot, 1);
    if (after === undefined) slot.contributions.delete(contributor);
    else slot.contributions.set(contributor, after);
  }

  #count(ref: ObjectRef, slot: Slot, step: 1 | -1): void {
    this.#note(ref, slot);
    addTo(this.#slotsOf, refKey(ref), slot, step);
    addTo(this.#scopesOf, refKey(ref), slot.scope, step);
  }

  #note(ref: ObjectRef, slot: Slot): void {
    getOrMake(this.#changed, refKey(ref), () => new Set<string>()).add(slot.scope);
  }

  /** Finds out who disagrees with the published contribution. */
  #judge(slot: Slot, winner: Contribution | undefined, conflicted: Set<string>): void {
    for (const key of slot.inConflict) {
      this.#conflicts.get(key)?.delete(slot);
      if (this.#conflicts.get(key)?.size === 0) this.#conflicts.delete(key);
      conflicted.add(key);
    }
    slot.inConflict.clear();
    if (winner === undefined) return;
    const losers = [...slot.contributions.values()].filter(({ row }) => !same(row, winner.row));
    const [loser] = losers.sort((left, right) => byText(left.age, right.age));
    if (loser === undefined) return;
    for (const { owner } of [winner, ...losers]) {
      const other = owner === winner.owner ? loser.owner : winner.owner;
      getOrMake(this.#conflicts, refKey(owner), () => new Map<Slot, CompileFinding>()).set(slot, conflict(slot, other, winner));
      slot.inConflict.add(refKey(owner));
      conflicted.add(refKey(owner));
    }
  }
}

const conflict = (slot: Slot, other: ObjectRef, winner: Contribution): CompileFinding =>
  error(
    'Conflict',
    '',
    `row "${slot.id}" of scope "${slot.scope}" is wanted differently by ${refKey(other)}; ` +
      `that of the older ${refKey(winner.owner)} stays until one of the two is changed`,
  );

const refsOf = (contribution: Contribution | undefined): ObjectRef[] =>
  contribution === undefined ? [] : [contribution.owner, ...contribution.from];

const addTo = <Item>(counts: Map<string, Map<Item, number>>, key: string, item: Item, step: 1 | -1): void => {
  const items = getOrMake(counts, key, () => new Map<Item, number>());
  const count = (items.get(item) ?? 0) + step;
  if (count === 0) items.delete(item);
  else items.set(item, count);
  if (items.size === 0) counts.delete(key);
};

const sortedDeltas = (scopes: ReadonlyMap<string, { upserts: Row[]; deletes: RowId[] }>): ScopeDelta[] =>
  [...scopes]
    .sort(([left], [right]) => byText(left, right))
    .map(([scope, { upserts, deletes }]) => ({
      scope,
      upserts: upserts.sort((left, right) => byText(rowId(left), rowId(right))),
      deletes: deletes.sort(byText),
    }));
