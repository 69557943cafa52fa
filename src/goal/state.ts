/**
 * The goal state of all devices, in scopes. A commit changes rows; every scope that really changed gets a new version, a new
 * digest and an entry in its bounded log of changes, from which a subscriber that is behind gets a delta.
 */
import { type Digest, digestMinus, digestPlus, emptyDigest, rowDigest } from './digest.ts';
import { encodeRow } from './codec.ts';
import { type Row, type RowId, deviceScope, rowId } from './rows.ts';
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
  readonly rows: ReadonlyMap<RowId, Row>;
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

interface LogEntry {
  readonly version: Version;
  readonly digest: Digest;
  readonly changed: readonly RowId[];
}

interface Scope {
  version: Version;
  digest: Digest;
  readonly rows: Map<RowId, Row>;
  /** Oldest first. The first entry's `changed` is not needed: it says where the log begins. */
  log: LogEntry[];
  loggedRows: number;
}

const emptyScope: ScopeView = { version: 0, digest: emptyDigest, rows: new Map() };

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
    const next = this.#version + 1;
    const changed = new Map<string, ChangedScope>();
    for (const change of changes) {
      const ids = this.#change(change, next);
      if (ids === undefined) continue;
      changed.set(change.scope, { scope: change.scope, from: changed.get(change.scope)?.from ?? ids.from, version: next });
    }
    if (changed.size > 0) this.#version = next;
    return [...changed.values()];
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
    const head = { scope: name, from, to: scope.version, digest: scope.digest };
    const changed = this.#changedSince(name, from);
    if (changed === undefined) return { ...head, full: true, upserts: [...scope.rows.values()], deletes: [] };
    const upserts: Row[] = [];
    const deletes: RowId[] = [];
    for (const id of changed) {
      const row = scope.rows.get(id);
      if (row === undefined) deletes.push(id);
      else upserts.push(row);
    }
    return { ...head, full: false, upserts, deletes };
  }

  /** Digest a scope had at a version; undefined when the log does not reach back to it. */
  digestAt(name: string, version: Version): Digest | undefined {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return version === 0 ? emptyDigest : undefined;
    return version === scope.version ? scope.digest : scope.log.find((entry) => entry.version === version)?.digest;
  }

  /** Scopes a device holds: the shared ones its `member` rows name, then its own. */
  subscriptions(device: string): readonly string[] {
    return [...this.#subscriptions.sharedScopes(device), deviceScope(device)];
  }

  /** Devices that hold a scope. */
  devicesOf(scope: string): readonly string[] {
    return this.#subscriptions.devices(scope);
  }

  /** All rows a device must hold. */
  tables(device: string): GoalTables {
    return merge(this.subscriptions(device).map((name) => this.scope(name).rows.values()));
  }

  #change(change: ScopeChange, version: Version): { readonly from: Version } | undefined {
    const scope = this.#scopes.get(change.scope) ?? newScope();
    const changed: RowId[] = [];
    const kept = new Set(change.upserts.map(rowId));
    for (const id of change.deletes) if (!kept.has(id) && this.#delete(change.scope, scope, id)) changed.push(id);
    for (const row of change.upserts) if (this.#upsert(change.scope, scope, row)) changed.push(rowId(row));
    if (changed.length === 0) return undefined;
    const from = scope.version;
    this.#scopes.set(change.scope, scope);
    scope.version = version;
    scope.log.push({ version, digest: scope.digest, changed });
    scope.loggedRows += changed.length;
    this.#trim(scope);
    return { from };
  }

  #delete(name: string, scope: Scope, id: RowId): boolean {
    const row = scope.rows.get(id);
    if (row === undefined) return false;
    scope.rows.delete(id);
    scope.digest = digestMinus(scope.digest, rowDigest(encodeRow(row)));
    this.#subscriptions.changed(name, row, undefined);
    return true;
  }

  #upsert(name: string, scope: Scope, row: Row): boolean {
    const id = rowId(row);
    const previous = scope.rows.get(id);
    const bytes = encodeRow(row);
    if (previous !== undefined) {
      const previousBytes = encodeRow(previous);
      if (equalBytes(previousBytes, bytes)) return false;
      scope.digest = digestMinus(scope.digest, rowDigest(previousBytes));
    }
    scope.rows.set(id, row);
    scope.digest = digestPlus(scope.digest, rowDigest(bytes));
    this.#subscriptions.changed(name, previous, row);
    return true;
  }

  #changedSince(name: string, from: Version): ReadonlySet<RowId> | undefined {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return from === 0 ? new Set() : undefined;
    if (from === scope.version) return new Set();
    const start = scope.log.findIndex((entry) => entry.version === from);
    return start < 0 ? undefined : new Set(scope.log.slice(start + 1).flatMap((entry) => entry.changed));
  }

  /** Beyond the size of the scope a delta is no cheaper than the whole. */
  #trim(scope: Scope): void {
    const most = Math.max(this.#logRows, scope.rows.size);
    let dropped = 0;
    while (scope.loggedRows > most && dropped < scope.log.length - 1) {
      scope.loggedRows -= scope.log[dropped]?.changed.length ?? 0;
      dropped += 1;
    }
    if (dropped > 0) scope.log = scope.log.slice(dropped);
  }
}

/** The log begins with version 0, so that a subscriber of an empty scope gets a delta. */
const newScope = (): Scope => ({
  version: 0,
  digest: emptyDigest,
  rows: new Map(),
  log: [{ version: 0, digest: emptyDigest, changed: [] }],
  loggedRows: 0,
});

const equalBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);
