/**
 * The published goal state, and who contributed what to it. Several objects may contribute the same row; when they
 * disagree, the oldest object's row is published and the disagreement is a finding on all of them. "Oldest" is creation
 * time, then name: so the row that was there first stays when a younger object contradicts it, and a compile from scratch
 * comes to the same answer without knowing history.
 *
 * A row costs one `Slot` beside itself: who contributed it is known by whom it was handed in, and what objects have rows in
 * which scopes is counted, not listed.
 */
import { refKey, type ObjectRef } from '../api/object.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import { RowSet } from '../goal/rowset.ts';
import { getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import { error, type CompileFinding } from './finding.ts';
import { same } from './same.ts';
import { ScopeCounts } from './scopecounts.ts';
import type { ScopedRow } from './view.ts';

export interface ScopeDelta {
  readonly scope: string;
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowId[];
}

export interface Merged {
  readonly scopes: readonly ScopeDelta[];
  /** By object key: the scopes where a row it contributes to changed, or where it began or ceased to contribute. */
  readonly contributions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of rows that changed or were deleted, by scope and id: the objects that contributed to them and do not, or not the same, any more. */
  readonly departed: ReadonlyMap<string, ReadonlyMap<RowId, readonly ObjectRef[]>>;
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

interface Contribution {
  readonly contributor: Contributor;
  readonly scoped: ScopedRow;
}

const isBy = (one: Contributor, other: Contributor): boolean =>
  one === other ||
  (one.translator === other.translator &&
    one.owner.name === other.owner.name &&
    one.owner.namespace === other.owner.namespace &&
    one.owner.kind === other.owner.kind);

/** Negative when `one` goes before `other`. */
const byAge = (one: Contribution, other: Contribution): number =>
  byText(one.contributor.age, other.contributor.age) || byText(one.contributor.translator, other.contributor.translator);

/** Everything about one row. Nearly all rows have one contributor, so the first needs no list. */
class Slot {
  /** The oldest contribution, whose row is published; undefined when there is none left. */
  #first: Contributor | undefined;
  /** Its row; of a slot without contributions the last that was here. */
  #scoped: ScopedRow;
  #others: readonly Contribution[] | undefined;
  published: Row | undefined;

  constructor(contributor: Contributor, scoped: ScopedRow) {
    this.#first = contributor;
    this.#scoped = scoped;
  }

  get table(): Row['table'] {
    return this.#scoped.row.table;
  }

  get key(): string {
    return this.#scoped.row.key;
  }

  get scope(): string {
    return this.#scoped.scope;
  }

  /** The row to publish. */
  get row(): Row | undefined {
    return this.#first === undefined ? undefined : this.#scoped.row;
  }

  get isShared(): boolean {
    return this.#others !== undefined;
  }

  /** The oldest first. */
  contributions(): readonly Contribution[] {
    if (this.#first === undefined) return [];
    const first = { contributor: this.#first, scoped: this.#scoped };
    return this.#others === undefined ? [first] : [first, ...this.#others];
  }

  by(contributor: Contributor): Contribution | undefined {
    if (this.#first === undefined) return undefined;
    if (isBy(this.#first, contributor)) return { contributor: this.#first, scoped: this.#scoped };
    return this.#others?.find((other) => isBy(other.contributor, contributor));
  }

  /** Exchanges what this contributor says; undefined when it says nothing any more. */
  set(contributor: Contributor, scoped: ScopedRow | undefined): void {
    if (this.#others === undefined && (this.#first === undefined || isBy(this.#first, contributor))) {
      this.#first = scoped === undefined ? undefined : contributor;
      if (scoped !== undefined) this.#scoped = scoped;
      return;
    }
    const rest = this.contributions().filter((other) => !isBy(other.contributor, contributor));
    if (scoped !== undefined) rest.push({ contributor, scoped });
    const [first, ...others] = rest.sort(byAge);
    this.#first = first?.contributor;
    if (first !== undefined) this.#scoped = first.scoped;
    this.#others = others.length === 0 ? undefined : others;
  }
}

export class GoalTable {
  readonly #scopes = new Map<string, RowSet<Slot>>();
  readonly #scopesOf = new ScopeCounts();
  readonly #conflicts = new Map<string, Map<Slot, CompileFinding>>();
  /** Keys of the objects that have a finding for a row. */
  readonly #disputes = new Map<Slot, ReadonlySet<string>>();
  #touched: Slot[] = [];
  /** Who said of rows what is not said, or not by them, any more. */
  readonly #departed = new Map<Slot, readonly ObjectRef[]>();

  /**
   * Exchanges what a contributor hands in; nothing is published before `publish`. Rows that stand at the beginning and at the
   * end of both lists, and those in the same place of both, cost nothing but a look.
   */
  replace(contributor: Contributor, before: readonly ScopedRow[], after: readonly ScopedRow[]): void {
    const sameAge = this.#sameAge(contributor, before[0]);
    const { start, end } = sameAge ? common(before, after) : { start: 0, end: 0 };
    const kept = new Set<Slot>();
    for (let index = start; index < after.length - end; index++) {
      const scoped = after[index];
      if (scoped === undefined || (sameAge && scoped === before[index])) continue;
      const slot = this.#put(contributor, scoped);
      if (start + end < before.length) kept.add(slot);
    }
    for (let index = start; index < before.length - end; index++) {
      if (sameAge && before[index] === after[index]) continue;
      const slot = this.#find(before[index]);
      if (slot !== undefined && !kept.has(slot)) this.#take(contributor, slot);
    }
  }

  /** Settles every row that was touched since the last call. */
  publish(): Merged {
    const scopes = new Map<string, { upserts: Row[]; deletes: RowId[] }>();
    const departed = new Map<string, Map<RowId, readonly ObjectRef[]>>();
    const conflicted = new Set<string>();
    for (const slot of this.#touched) {
      if (slot.isShared || this.#disputes.size > 0) this.#judge(slot, conflicted);
      const { row, published } = slot;
      if (!same(row, published)) {
        // Who handed in a row that was not there has been counted as news already.
        if (published !== undefined || slot.isShared) {
          for (const { contributor, scoped } of slot.contributions()) this.#scopesOf.note(contributor.owner, scoped);
        }
        const delta = getOrMake(scopes, slot.scope, () => ({ upserts: [], deletes: [] }));
        if (row === undefined) delta.deletes.push(rowId(slot));
        else delta.upserts.push(row);
        const gone = this.#departed.get(slot);
        if (gone !== undefined) getOrMake(departed, slot.scope, () => new Map<RowId, readonly ObjectRef[]>()).set(rowId(slot), gone);
        slot.published = row;
      }
      if (row === undefined) this.#drop(slot);
    }
    this.#touched = [];
    this.#departed.clear();
    return { scopes: sortedDeltas(scopes), contributions: this.#scopesOf.takeNews(), departed, conflicted };
  }

  scopes(): string[] {
    return [...this.#scopes.keys()].sort(byText);
  }

  /** Published rows of a scope in the order of their ids. */
  rows(scope: string): Row[] {
    const slots = this.#scopes.get(scope)?.values() ?? [];
    return [...slots].flatMap(({ published }) => (published === undefined ? [] : [published])).sort(byId);
  }

  explain(scope: string, id: RowId): ObjectRef[] {
    const found = new Map<string, ObjectRef>();
    for (const { contributor, scoped } of this.#scopes.get(scope)?.get(id)?.contributions() ?? [])
      for (const ref of [contributor.owner, ...scoped.from]) found.set(refKey(ref), ref);
    return [...found].sort(([left], [right]) => byText(left, right)).map(([, ref]) => ref);
  }

  /** Those that hand the row in, the oldest first. */
  owners(scope: string, id: RowId): ObjectRef[] {
    return (this.#scopes.get(scope)?.get(id)?.contributions() ?? []).map(({ contributor }) => contributor.owner);
  }

  /** Looks at all rows of the scopes that the object has rows in. */
  rowsOf(ref: ObjectRef): { readonly scope: string; readonly row: Row }[] {
    const key = refKey(ref);
    return this.scopesOf(ref).flatMap((scope) =>
      this.rows(scope)
        .filter((row) => this.explain(scope, rowId(row)).some((contributor) => refKey(contributor) === key))
        .map((row) => ({ scope, row })),
    );
  }

  scopesOf(ref: ObjectRef): string[] {
    return this.#scopesOf.scopes(refKey(ref));
  }

  conflictsOf(key: string): readonly CompileFinding[] {
    return [...(this.#conflicts.get(key)?.values() ?? [])];
  }

  #find(scoped: ScopedRow | undefined): Slot | undefined {
    return scoped === undefined ? undefined : this.#scopes.get(scoped.scope)?.find(scoped.row.table, scoped.row.key);
  }

  /** Whether the contributor's rows were handed in when its owner had the age it has now. */
  #sameAge(contributor: Contributor, row: ScopedRow | undefined): boolean {
    return this.#find(row)?.by(contributor)?.contributor.age === contributor.age;
  }

  #put(contributor: Contributor, scoped: ScopedRow): Slot {
    const rows = getOrMake(this.#scopes, scoped.scope, () => new RowSet<Slot>());
    const found = rows.find(scoped.row.table, scoped.row.key);
    if (found === undefined) {
      const slot = new Slot(contributor, scoped);
      rows.put(slot);
      this.#scopesOf.add(contributor.owner, scoped, 1);
      this.#touched.push(slot);
      return slot;
    }
    const before = found.by(contributor);
    found.set(contributor, scoped);
    if (before?.contributor.age === contributor.age && same(before.scoped, scoped)) return found;
    if (before !== undefined) {
      this.#scopesOf.add(contributor.owner, before.scoped, -1);
      if (!same(before.scoped.from, scoped.from)) this.#noteDeparted(found, before);
    }
    this.#scopesOf.add(contributor.owner, scoped, 1);
    this.#touched.push(found);
    return found;
  }

  #take(contributor: Contributor, slot: Slot): void {
    const before = slot.by(contributor);
    if (before === undefined) return;
    slot.set(contributor, undefined);
    this.#noteDeparted(slot, before);
    this.#scopesOf.add(contributor.owner, before.scoped, -1);
    this.#touched.push(slot);
  }

  #noteDeparted(slot: Slot, { contributor, scoped }: Contribution): void {
    this.#departed.set(slot, [contributor.owner, ...scoped.from, ...(this.#departed.get(slot) ?? [])]);
  }

  #drop(slot: Slot): void {
    const slots = this.#scopes.get(slot.scope);
    slots?.remove(slot.table, slot.key);
    if (slots?.size === 0) this.#scopes.delete(slot.scope);
  }

  /** Finds out who disagrees with the oldest contribution. */
  #judge(slot: Slot, conflicted: Set<string>): void {
    for (const key of this.#disputes.get(slot) ?? []) {
      this.#conflicts.get(key)?.delete(slot);
      if (this.#conflicts.get(key)?.size === 0) this.#conflicts.delete(key);
      conflicted.add(key);
    }
    this.#disputes.delete(slot);
    const [winner, ...others] = slot.contributions();
    if (winner === undefined) return;
    const losers = others.filter(({ scoped }) => !same(scoped.row, winner.scoped.row));
    const [loser] = losers;
    if (loser === undefined) return;
    const parties = new Set<string>();
    for (const { contributor } of [winner, ...losers]) {
      const other = contributor === winner.contributor ? loser : winner;
      const key = refKey(contributor.owner);
      const finding = conflict(slot, other.contributor.owner, winner.contributor.owner);
      getOrMake(this.#conflicts, key, () => new Map<Slot, CompileFinding>()).set(slot, finding);
      parties.add(key);
      conflicted.add(key);
    }
    this.#disputes.set(slot, parties);
  }
}

const conflict = (slot: Slot, other: ObjectRef, winner: ObjectRef): CompileFinding =>
  error(
    'Conflict',
    '',
    `row "${rowId(slot)}" of scope "${slot.scope}" is wanted differently by ${refKey(other)}; ` +
      `that of the older ${refKey(winner)} stays until one of the two is changed`,
  );

/** How many entries at the beginning and at the end of both lists are the very same. */
const common = (before: readonly ScopedRow[], after: readonly ScopedRow[]): { readonly start: number; readonly end: number } => {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { start, end };
};

/** The order of row ids: no name of a table goes on with "/" or less. */
const byId = (left: Row, right: Row): number => byText(left.table, right.table) || byText(left.key, right.key);

const sortedDeltas = (scopes: ReadonlyMap<string, { upserts: Row[]; deletes: RowId[] }>): ScopeDelta[] =>
  [...scopes]
    .sort(([left], [right]) => byText(left, right))
    .map(([scope, { upserts, deletes }]) => ({ scope, upserts: upserts.sort(byId), deletes: deletes.sort(byText) }));
