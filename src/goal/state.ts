/**
 * The goal state of all devices, in scopes. A commit changes rows; every scope that really changed gets a new version, a new
 * digest and an entry in its bounded log of changes, from which a subscriber that is behind gets a delta.
 */
import { ByteBuffer } from './bytes.ts';
import { type Digest, emptyDigest, RunningDigest } from './digest.ts';
import { encodeRowInto } from './encoder.ts';
import { ChangeLog } from './log.ts';
import { type Row, type RowId, rowId } from './rows.ts';
import { RowSet, tableAndKey } from './rowset.ts';
import { Subscriptions } from './subscriptions.ts';
import { type GoalTables, merge } from './tables.ts';

/** Counts commits of the whole goal state, from 1, within one lineage; 0 is the empty scope nobody wrote. */
export type Version = number;

export interface ScopeChange {
  readonly scope: string;
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowId[];
}

export interface ChangedScope {
  readonly scope: string;
  readonly from: Version;
  readonly version: Version;
}

export interface ScopeView {
  readonly version: Version;
  readonly digest: Digest;
  readonly rows: Pick<RowSet, 'count' | 'in' | 'find'> & ReadonlyMap<RowId, Row>;
}

export interface ScopeDelta {
  readonly scope: string;
  readonly from: Version;
  readonly to: Version;
  /** The upserts are all there is. */
  readonly full: boolean;
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowId[];
  /** Of the scope at `to`. */
  readonly digest: Digest;
}

export interface GoalStateOptions {
  /** Changed rows that a scope's log remembers, at least; a longer absence costs the whole scope. Default 256. */
  readonly logRows?: number;
}

const emptyScope: ScopeView = { version: 0, digest: emptyDigest, rows: new RowSet() };

export class GoalState {
  readonly #scopes = new Map<string, Scope>();
  readonly #subscriptions = new Subscriptions();
  readonly #logRows: number;
  #version: Version = 0;

  constructor(options: GoalStateOptions = {}) {
    this.#logRows = options.logRows ?? 256;
  }

  /** Version of the last commit that changed something. */
  get version(): Version {
    return this.#version;
  }

  /** Applies all changes as one version. Rows written equal and deletes of absent rows change nothing; an upsert outweighs a delete. */
  commit(changes: readonly ScopeChange[]): readonly ChangedScope[] {
    const version = this.#version + 1;
    const touched = new Map<Scope, string[]>();
    for (const change of changes) {
      const scope = this.#scopes.get(change.scope) ?? new Scope(change.scope, this.#subscriptions);
      const changed = touched.get(scope) ?? [];
      scope.apply(change, changed);
      if (changed.length === 0) continue;
      touched.set(scope, changed);
      this.#scopes.set(change.scope, scope);
    }
    if (touched.size > 0) this.#version = version;
    return [...touched].map(([scope, changed]) => scope.close(version, changed, this.#logRows));
  }

  /** Makes a scope hold exactly these rows. */
  replace(scope: string, rows: readonly Row[]): readonly ChangedScope[] {
    const wanted = new Set(rows.map(rowId));
    const deletes = [...this.scope(scope).rows.keys()].filter((id) => !wanted.has(id));
    return this.commit([{ scope, upserts: rows, deletes }]);
  }

  /** What a scope holds; a scope nobody wrote is empty, at version 0. */
  scope(name: string): ScopeView {
    return this.#scopes.get(name) ?? emptyScope;
  }

  scopes(): IterableIterator<string> {
    return this.#scopes.keys();
  }

  /** What brings a subscriber from a version to now: the changed rows, or the whole scope when the log does not reach back. */
  delta(name: string, from: Version): ScopeDelta {
    const scope = this.scope(name);
    const { rows } = scope;
    const head = { scope: name, from, to: scope.version, digest: scope.digest };
    const changed = this.changedSince(name, from);
    if (changed === undefined) return { ...head, full: true, upserts: [...rows.values()], deletes: [] };
    const upserts: Row[] = [];
    const deletes: RowId[] = [];
    for (const id of changed) {
      const row = rows.get(id);
      if (row === undefined) deletes.push(id);
      else upserts.push(row);
    }
    return { ...head, full: false, upserts, deletes };
  }

  /** Digest a scope had at a version; undefined when the log does not reach back to it. */
  digestAt(name: string, version: Version): Digest | undefined {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return version === 0 ? emptyDigest : undefined;
    return version === scope.version ? scope.digest : scope.log.digestAt(version);
  }

  /** Scopes a device holds: the shared ones its `member` rows name, sorted, then its own. The same list until it changes. */
  subscriptions(device: string): readonly string[] {
    return this.#subscriptions.scopes(device);
  }

  /** Devices that hold a scope, sorted. The same list until it changes. */
  devicesOf(scope: string): readonly string[] {
    return this.#subscriptions.devices(scope);
  }

  /** All rows a device must hold. */
  tables(device: string): GoalTables {
    return merge(this.subscriptions(device).map((name) => this.scope(name).rows.values()));
  }

  /** Ids of rows that changed after a version; undefined when that is too long ago to say. */
  changedSince(name: string, from: Version): ReadonlySet<RowId> | undefined {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return from === 0 ? new Set() : undefined;
    return from === scope.version ? new Set() : scope.log.since(from);
  }
}

const [before, after] = [new ByteBuffer(), new ByteBuffer()];

/** One scope; every write costs the row that is written and nothing else. */
class Scope implements ScopeView {
  readonly rows = new RowSet();
  readonly log = new ChangeLog();
  readonly name: string;
  readonly #subscriptions: Subscriptions;
  readonly #digest = new RunningDigest();
  #version: Version = 0;

  constructor(name: string, subscriptions: Subscriptions) {
    this.name = name;
    this.#subscriptions = subscriptions;
  }

  get version(): Version {
    return this.#version;
  }

  get digest(): Digest {
    return this.#digest.value;
  }

  /** Notes table and key of every row that is not as it was in `changed`. */
  apply({ upserts, deletes }: ScopeChange, changed: string[]): void {
    if (deletes.length > 0) {
      const kept = new Set(upserts.map(rowId));
      for (const id of deletes) if (!kept.has(id)) this.#delete(id, changed);
    }
    for (const row of upserts) this.#upsert(row, changed);
  }

  #delete(id: RowId, changed: string[]): void {
    const [table, key] = tableAndKey(id);
    const row = this.rows.find(table, key);
    if (row === undefined) return;
    this.rows.remove(table, key);
    encodeRowInto(before, row);
    this.#digest.subtract(before.view, before.length);
    this.#subscriptions.changed(this.name, row, undefined);
    changed.push(row.table, row.key);
  }

  #upsert(row: Row, changed: string[]): void {
    const previous = this.rows.find(row.table, row.key);
    if (previous === row) return;
    encodeRowInto(after, row);
    if (previous !== undefined) {
      encodeRowInto(before, previous);
      if (before.equals(after)) return;
      this.#digest.subtract(before.view, before.length);
    }
    this.rows.put(row);
    this.#digest.add(after.view, after.length);
    this.#subscriptions.changed(this.name, previous, row);
    changed.push(row.table, row.key);
  }

  /** Ends a commit. Beyond the size of the scope a delta is no cheaper than the whole. */
  close(version: Version, changed: readonly string[], logRows: number): ChangedScope {
    const from = this.#version;
    this.#version = version;
    this.log.append(version, this.digest, changed);
    this.log.trim(Math.max(logRows, this.rows.size));
    return { scope: this.name, from, version };
  }
}
