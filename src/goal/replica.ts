/**
 * The subscriber's copy of its scopes. A change is first staged, which decides from the digest alone whether it fits what is
 * held, then taken; in between the agent writes its journal. Staging costs the size of the change, not of the scope.
 */
import { type Digest, digestMinus, digestPlus, emptyDigest, rowDigest } from './digest.ts';
import { type DecodedRow, decodeRow, rowIdOf, rowOfMessage } from './codec.ts';
import type { Row as RowMessage, Update } from './gen/heddle/agent/v1/agent_pb.ts';
import { type Row, type RowId, deviceScope } from './rows.ts';
import type { Version } from './state.ts';
import { type GoalTables, merge } from './tables.ts';

export interface HeldScope {
  readonly version: Version;
  readonly digest: Digest;
  readonly rows: ReadonlyMap<RowId, DecodedRow>;
}

/** A change as it came over the wire, or with rows still encoded, as a journal keeps them. */
export type AnyUpdate = Pick<Update, 'scope' | 'toVersion' | 'full' | 'deletes' | 'digest'> & {
  readonly upserts: readonly (RowMessage | Uint8Array)[];
};

/** A change that fits; `rows` holds an absent row for a delete. */
export interface StagedUpdate {
  readonly update: AnyUpdate;
  readonly rows: ReadonlyMap<RowId, DecodedRow | undefined>;
}

interface MutableScope {
  version: Version;
  digest: Digest;
  rows: Map<RowId, DecodedRow>;
  /** Ids of rows in tables that this build does not know; hardly ever there. */
  foreign: Set<RowId> | undefined;
}

export class Replica {
  readonly #scopes = new Map<string, MutableScope>();
  readonly #decode: (message: RowMessage) => DecodedRow;

  /** @param decode may answer the same for the same message; what it answers is never changed */
  constructor(decode: (message: RowMessage) => DecodedRow = rowOfMessage) {
    this.#decode = decode;
  }

  get scopes(): ReadonlyMap<string, HeldScope> {
    return this.#scopes;
  }

  /** Whether the change leads to the digest it promises; a string says why not. */
  stage(update: AnyUpdate): StagedUpdate | string {
    const rows = new Map<RowId, DecodedRow | undefined>();
    for (const key of update.deletes) rows.set(rowIdOf(key.table, key.number, key.key), undefined);
    for (const message of update.upserts) {
      const row = message instanceof Uint8Array ? decodeRow(message) : this.#decode(message);
      rows.set(row.id, row);
    }
    const held = update.full ? undefined : this.#scopes.get(update.scope);
    const digest = digestAfter(held, rows);
    if (digest === update.digest) return { update, rows };
    return held === undefined && !update.full ? `holds no scope '${update.scope}'` : 'digest mismatch';
  }

  take(staged: StagedUpdate): void {
    const { update } = staged;
    const held = update.full ? undefined : this.#scopes.get(update.scope);
    const rows = held?.rows ?? new Map<RowId, DecodedRow>();
    let foreign = held?.foreign;
    for (const [id, row] of staged.rows) {
      if (row === undefined) rows.delete(id);
      else rows.set(id, row);
      if (row !== undefined && row.row === undefined) (foreign ??= new Set()).add(id);
      else foreign?.delete(id);
    }
    this.#scopes.set(update.scope, { version: Number(update.toVersion), digest: update.digest, rows, foreign });
  }

  /** The same rows under another version, as versions of another server count anew. */
  renumber(scope: string, version: Version): void {
    const held = this.#scopes.get(scope);
    if (held !== undefined) held.version = version;
  }

  drop(scope: string): void {
    this.#scopes.delete(scope);
  }

  clear(): void {
    this.#scopes.clear();
  }

  /** Rows of all scopes, as far as this build knows their tables; the device's own scope first. */
  tables(device: string): GoalTables {
    const own = this.#scopes.get(deviceScope(device));
    const shared = [...this.#scopes.values()].filter((scope) => scope !== own);
    return merge((own === undefined ? shared : [own, ...shared]).map(knownRows));
  }

  /** The scope that holds a row, undefined when none does. */
  scopeOf(id: RowId): string | undefined {
    for (const [name, scope] of this.#scopes) if (scope.rows.has(id)) return name;
    return undefined;
  }

  /** Rows in tables that this build does not know, by scope; scopes without are left out. */
  foreignRows(): ReadonlyMap<string, ReadonlySet<RowId>> {
    const found = new Map<string, ReadonlySet<RowId>>();
    for (const [name, { foreign }] of this.#scopes) if (foreign !== undefined && foreign.size > 0) found.set(name, foreign);
    return found;
  }

  /** Tables and fields of a newer server, left out of what the driver sees. */
  get unknown(): number {
    let sum = 0;
    for (const scope of this.#scopes.values()) for (const row of scope.rows.values()) sum += row.unknown;
    return sum;
  }
}

const digestAfter = (held: HeldScope | undefined, rows: ReadonlyMap<RowId, DecodedRow | undefined>): Digest => {
  let digest = held?.digest ?? emptyDigest;
  for (const [id, row] of rows) {
    const previous = held?.rows.get(id);
    if (previous !== undefined) digest = digestMinus(digest, digestOf(previous));
    if (row !== undefined) digest = digestPlus(digest, digestOf(row));
  }
  return digest;
};

const digestOf = ({ digest, bytes }: DecodedRow): Digest => digest ?? rowDigest(bytes);

function* knownRows(scope: HeldScope): Generator<Row> {
  for (const { row } of scope.rows.values()) if (row !== undefined) yield row;
}
