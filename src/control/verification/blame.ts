/**
 * Which rows of a candidate are to blame for a violation, and what belongs to them. The rows that a violation names are wrong or
 * missing, or merely on the way of its witness; of those that the candidate changes, the likeliest come first, and whoever asks
 * again after they were withheld gets the next. With a row everything stays that its owners hand in and nobody else does. Pure.
 */
import { rowId, type RowId } from '../../goal/rows.ts';
import type { ScopeChange } from '../../goal/state.ts';
import type { RowRef, Violation } from '../../verify/verifier.ts';
import { getOrMake } from '../../kit/maps.ts';
import type { PartiesOf, Reason } from '../withheld.ts';

export interface SuspectsOptions {
  readonly candidate: readonly ScopeChange[];
  readonly partiesOf: PartiesOf;
  /** Scopes in which rows of the object may be among the candidate's. */
  readonly scopesOf: (object: string) => Iterable<string>;
  /** Whether a row may be taken out; not one that devices have already, as far as is known. */
  readonly mayStay: (row: RowRef) => boolean;
}

/** Rows of a candidate, less those that stay. Work grows with the scopes that are asked about. */
export class Suspects {
  readonly stays = new Map<string, Map<RowId, Reason>>();
  /** Owners of what stays. */
  readonly guilty = new Set<string>();
  readonly #options: SuspectsOptions;
  readonly #changes: ReadonlyMap<string, ScopeChange>;
  /** By scope that was asked about: owners of its rows. */
  readonly #owners = new Map<string, ReadonlyMap<RowId, readonly string[]>>();

  constructor(options: SuspectsOptions) {
    this.#options = options;
    this.#changes = new Map(options.candidate.map((change) => [change.scope, change]));
  }

  has({ scope, row }: RowRef): boolean {
    return this.#in(scope).has(row) && this.stays.get(scope)?.has(row) !== true;
  }

  ownersOf({ scope, row }: RowRef): readonly string[] {
    return this.#in(scope).get(row) ?? [];
  }

  /** Rows that the object hands in, alone or with others. */
  rowsOf(owner: string): readonly RowRef[] {
    const found: RowRef[] = [];
    for (const scope of new Set(this.#options.scopesOf(owner))) {
      for (const [row, owners] of this.#in(scope)) if (owners.includes(owner) && this.has({ scope, row })) found.push({ scope, row });
    }
    return found;
  }

  /** Rows that stay with these, and these; those that other owners hand in too go. Answers all owners. */
  withhold(rows: readonly RowRef[]): ReadonlySet<string> {
    const owners = new Set(rows.flatMap((row) => this.ownersOf(row)));
    for (const owner of owners) this.guilty.add(owner);
    for (const row of rows) this.#stay(row);
    for (const owner of owners) {
      for (const row of this.rowsOf(owner)) if (this.ownersOf(row).every((other) => owners.has(other)) && this.#options.mayStay(row)) this.#stay(row);
    }
    return owners;
  }

  /** Answers all owners. */
  withholdAll(): ReadonlySet<string> {
    const owners = new Set<string>();
    for (const scope of this.#changes.keys()) {
      for (const [row, own] of this.#in(scope)) {
        if (!this.has({ scope, row })) continue;
        this.#stay({ scope, row });
        for (const owner of own) owners.add(owner);
      }
    }
    return owners;
  }

  /** The candidate without what stays; with the deletions among that, if asked for. */
  going(withDeletes = false): readonly ScopeChange[] {
    return without(this.#options.candidate, this.stays, withDeletes);
  }

  /** Deletions do not stay. */
  letDeletesGo(): void {
    for (const [scope, rows] of this.stays) {
      for (const id of this.#changes.get(scope)?.deletes ?? []) rows.delete(id);
      if (rows.size === 0) this.stays.delete(scope);
    }
  }

  get keepsDeletes(): boolean {
    return [...this.stays].some(([scope, rows]) => this.#changes.get(scope)?.deletes.some((id) => rows.has(id)) === true);
  }

  #stay({ scope, row }: RowRef): void {
    getOrMake(this.stays, scope, () => new Map<RowId, Reason>()).set(row, 'Unproven');
  }

  #in(scope: string): ReadonlyMap<RowId, readonly string[]> {
    return getOrMake(this.#owners, scope, () => {
      const { upserts = [], deletes = [] } = this.#changes.get(scope) ?? {};
      const owners = new Map<RowId, readonly string[]>();
      for (const id of deletes) owners.set(id, this.#options.partiesOf(scope, id).owners);
      for (const row of upserts) owners.set(rowId(row), this.#options.partiesOf(scope, rowId(row)).owners);
      return owners;
    });
  }
}

/**
 * Rows of the candidate that the violation may come from, the likeliest first: what is wrong or missing itself, what of its way the
 * objects hand in that it is about, what else these change, the rest of its way. None when it is nothing that the candidate does.
 */
export const culpritsOf = ({ rows, objects, before }: Violation, suspects: Suspects): readonly RowRef[] => {
  const changed = rows.filter((row) => suspects.has(row));
  const isOfParty = (row: RowRef): boolean => suspects.ownersOf(row).some((owner) => objects.includes(owner));
  const [first] = rows;
  const wrong = changed.filter((row) => row === first);
  const own = changed.filter(isOfParty);
  // A fault that is there already, and on whose way nothing changes, is not made by what else its objects change.
  const others = before && changed.length === 0 ? [] : objects.flatMap((object) => suspects.rowsOf(object));
  const found = new Map([...wrong, ...own, ...others, ...changed].map((row) => [`${row.scope} ${row.row}`, row]));
  return [...found.values()];
};

const without = (candidate: readonly ScopeChange[], stays: ReadonlyMap<string, ReadonlyMap<RowId, Reason>>, withDeletes: boolean): readonly ScopeChange[] => {
  if (stays.size === 0) return candidate;
  return candidate.flatMap((change) => {
    const staying = stays.get(change.scope);
    if (staying === undefined) return change;
    const upserts = change.upserts.filter((row) => !staying.has(rowId(row)));
    const deletes = withDeletes ? change.deletes : change.deletes.filter((id) => !staying.has(id));
    return upserts.length + deletes.length === 0 ? [] : { scope: change.scope, upserts, deletes };
  });
};
