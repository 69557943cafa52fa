/**
 * What the device holds of goal state, in memory and in its journal. Both change together: a transaction that the disk does not
 * take has no effect.
 */
import { create, fromBinary } from '@bufbuild/protobuf';
import { type Drop, RowSchema, type Update, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import {
  type StoredTransaction,
  StoredTransactionSchema,
  type StoredUpdate,
  StoredUpdateSchema,
  type Transaction,
  TransactionSchema,
} from '../goal/gen/heddle/agent/v1/journal_pb.ts';
import { digestPlus, emptyDigest, formatDigest, rowDigest } from '../goal/digest.ts';
import { type HeldScope, Replica, type StagedUpdate } from '../goal/replica.ts';
import { type RowId, deviceScope } from '../goal/rows.ts';
import type { Version } from '../goal/state.ts';
import type { GoalTables } from '../goal/tables.ts';
import { HeddleError } from '../kit/error.ts';
import { HeldTables } from './heldtables.ts';
import { Journal, type JournalCondition, type JournalOptions, type Recovered, type TransactionLog } from './journal.ts';

/** What the device is to be, at one moment. */
export interface Goal {
  /** Counts the changes of the goal since the agent started. */
  readonly revision: number;
  /** As they are at this moment: they change in place. */
  readonly tables: GoalTables;
  readonly versions: ReadonlyMap<string, Version>;
  readonly isolated: boolean;
  /** Equal for equal goals only, now and after a restart; of this moment, as `tables` are. */
  readonly mark: () => string;
}

export interface HoldingOptions extends JournalOptions {
  readonly device: string;
  readonly stateDirectory: string;
  /** In place of the one in `stateDirectory`, which is then not used. */
  readonly journal?: Recovered;
  /** An empty one, in place of one that decodes every row anew. */
  readonly replica?: Replica;
  /** Names a new journal; a part of `Hello.boot_epoch`. */
  readonly newEpoch: () => string;
}

export interface TransactionInput {
  readonly lineage: string;
  readonly drops: readonly Drop[];
  readonly updates: readonly Update[];
}

export class Holding {
  readonly replica: Replica;
  #condition: JournalCondition;
  readonly #device: string;
  readonly #journal: TransactionLog;
  readonly #tables: HeldTables;
  #epoch = '';
  #lineage = '';
  #term = 0n;
  #isolated = false;
  #revision = 0;
  #goal: Goal | undefined;
  /** Of `#goal`; numbered anew in place, so that what was said of this revision stays said of it. */
  #versions = new Map<string, Version>();
  #mustRewrite = false;
  /** The isolation is not in the journal yet. */
  #unwritten = false;

  readonly #recovery: Iterator<void>;

  /**
   * Unless `inParts`, everything is recovered when it returns.
   * @throws HeddleError when the state directory cannot be used at all.
   */
  constructor(options: HoldingOptions, inParts = false) {
    this.#device = options.device;
    this.replica = options.replica ?? new Replica();
    this.#tables = new HeldTables(this.replica, options.device);
    const { journal, transactions, condition } = options.journal ?? Journal.open(options.stateDirectory, options);
    this.#journal = journal;
    this.#condition = condition;
    this.#recovery = this.#recover(transactions, options.newEpoch);
    if (!inParts) while (this.#recovery.next().done !== true);
  }

  /** Recovers with pauses, so that others get on meanwhile. @throws HeddleError when the state directory cannot be used at all. */
  static async open(options: HoldingOptions): Promise<Holding> {
    const holding = new Holding(options, true);
    while (holding.#recovery.next().done !== true) await nextTurn();
    return holding;
  }

  get condition(): JournalCondition {
    return this.#condition;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get lineage(): string {
    return this.#lineage;
  }

  /** Highest term of a leader this device has seen. */
  get term(): bigint {
    return this.#term;
  }

  get isolated(): boolean {
    return this.#isolated;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Undefined while the device does not know what it is to be; it then leaves everything as it is. */
  goal(): Goal | undefined {
    if (!this.replica.scopes.has(deviceScope(this.#device))) return undefined;
    this.#goal ??= this.#assemble();
    return this.#goal;
  }

  /** Takes a transaction, or throws with the reason why not and changes nothing. */
  take(input: TransactionInput): void {
    const term = this.#termOf([...input.drops, ...input.updates]);
    const staged = this.#stage(input.updates);
    const drops = input.drops.map(({ scope }) => scope);
    this.#record({ lineage: input.lineage, term, drops, updates: [...input.updates] });
    const ids = this.#affected(drops, staged);
    for (const scope of drops) this.replica.drop(scope);
    for (const update of staged) this.replica.take(update);
    this.#tables.changed(ids);
    this.#lineage = input.lineage;
    this.#term = term;
    this.#isolated = false;
    this.#unwritten = false;
    this.#changed();
  }

  /** Rows that a transaction may change: those it names, and those of scopes that it drops or replaces. */
  #affected(drops: readonly string[], staged: readonly StagedUpdate[]): ReadonlySet<RowId> {
    const ids = new Set<RowId>();
    const replaced = [...drops, ...staged.flatMap(({ update }) => (update.full ? [update.scope] : []))];
    for (const scope of replaced) for (const id of this.replica.scopes.get(scope)?.rows.keys() ?? []) ids.add(id);
    for (const { rows } of staged) for (const id of rows.keys()) ids.add(id);
    return ids;
  }

  /**
   * The server finds that these scopes are as they should be, and numbers them anew. Answers whether they are all that is held.
   * Nothing is journalled: a version that is not of its lineage is found out by its digest.
   */
  confirm(lineage: string, scopes: readonly { readonly scope: string; readonly version: Version }[]): boolean {
    for (const { scope, version } of scopes) {
      this.replica.renumber(scope, version);
      this.#versions.set(scope, version);
    }
    const isAll = scopes.length > 0 && scopes.length === this.replica.scopes.size;
    if (isAll) this.#lineage = lineage;
    return isAll;
  }

  /**
   * A leader of this term has greeted. It may have nothing to write, and still whoever led before must not write any more. Counts
   * even when the disk does not take it, and then throws.
   */
  meet(term: bigint): void {
    if (term <= this.#term) return;
    this.#term = term;
    // What is not in the journal yet takes the term along.
    if (this.#unwritten) return this.#recordIsolation();
    this.#record({ lineage: this.#lineage, term, isolated: this.#isolated });
  }

  /**
   * Takes tenants' ports out of service until the next transaction. Isolates even when the disk does not take it, and then
   * throws; `tidy` tries again.
   */
  isolate(term: bigint): void {
    if (this.#isolated) return this.#recordIsolation();
    this.#term = this.#termOf([{ term }]);
    this.#isolated = true;
    this.#unwritten = true;
    this.#changed();
    this.#recordIsolation();
  }

  /**
   * Writes what the disk refused before, and rewrites the journal when that pays; does nothing most of the time.
   * @throws HeddleError `Unavailable` when the disk refuses; nothing is lost.
   */
  tidy(): void {
    this.#recordIsolation();
    if (this.#journal.wantsRewrite) this.#rewrite();
  }

  #recordIsolation(): void {
    if (!this.#unwritten) return;
    this.#record({ lineage: this.#lineage, term: this.#term, isolated: true });
    this.#unwritten = false;
  }

  close(): void {
    this.#journal.close();
  }

  /** Every write carries its leader's term; a leader that lost office without knowing must not write any more. */
  #termOf(writes: readonly { readonly term: bigint }[]): bigint {
    let highest = this.#term;
    for (const { term } of writes) {
      if (term < highest) throw refusal(`stale term ${term}: this device has seen term ${highest}`);
      highest = term;
    }
    return highest;
  }

  #stage(updates: readonly Update[]): StagedUpdate[] {
    const scopes = new Set<string>();
    return updates.map((update) => {
      if (scopes.has(update.scope)) throw refusal(`two updates of scope '${update.scope}' in one transaction`);
      scopes.add(update.scope);
      const staged = this.replica.stage(update);
      if (typeof staged === 'string') throw refusal(`${update.scope}: ${staged}`);
      return staged;
    });
  }

  /** Yields after every transaction. What does not fit what the ones before it led to is as bad as what cannot be read. */
  *#recover(transactions: Iterable<Transaction | StoredTransaction>, newEpoch: () => string): Generator<void> {
    try {
      for (const transaction of this.#condition === 'damaged' ? [] : transactions) {
        this.#replay(transaction);
        yield;
      }
    } catch {
      this.#condition = 'damaged';
    }
    this.#mustRewrite = this.#condition === 'damaged';
    if (this.#mustRewrite) this.replica.clear();
    if (this.#epoch === '' || this.#mustRewrite) this.#epoch = newEpoch();
  }

  #replay(transaction: Transaction | StoredTransaction): void {
    if (transaction.reset) this.replica.clear();
    for (const scope of transaction.drops) this.replica.drop(scope);
    for (const update of transaction.updates) {
      const staged = this.replica.stage(update);
      if (typeof staged === 'string') throw refusal(staged);
      this.replica.take(staged);
    }
    this.#epoch = transaction.bootEpoch;
    this.#lineage = transaction.lineage;
    this.#term = transaction.term;
    this.#isolated = transaction.isolated;
  }

  /** What a damaged journal holds must not come back, so it is replaced before anything is added. */
  #record(change: TransactionFields): void {
    if (this.#mustRewrite) this.#rewrite();
    this.#mustRewrite = false;
    this.#journal.append(this.#transaction(change));
  }

  #changed(): void {
    this.#revision += 1;
    this.#goal = undefined;
  }

  #assemble(): Goal {
    const tables = this.#tables.get();
    const versions = new Map([...this.replica.scopes].map(([scope, { version }]) => [scope, version]));
    this.#versions = versions;
    const isolated = this.#isolated;
    const mark = (): string => this.#mark();
    return { revision: this.#revision, tables: isolated ? withoutTenants(tables) : tables, versions, isolated, mark };
  }

  #mark(): string {
    const digests = [...this.replica.scopes].map(([scope, { digest }]) => `${scope}=${formatDigest(digest)}`);
    return `${this.#isolated ? 'isolated ' : ''}${digests.toSorted().join(' ')}`;
  }

  #rewrite(): void {
    const state = { bootEpoch: this.#epoch, lineage: this.#lineage, term: this.#term, isolated: this.#isolated };
    if (this.#journal.rewriteAll !== undefined) this.#journal.rewriteAll(this.#parts(state));
    else this.#journal.rewrite(create(TransactionSchema, { ...state, updates: [...this.#wholeScopes()], reset: true }));
    this.#unwritten = false;
  }

  /** All that is held, in transactions that can be made and forgotten one after the other. */
  *#parts(state: Pick<Transaction, 'bootEpoch' | 'lineage' | 'term' | 'isolated'>): Generator<StoredTransaction> {
    yield create(StoredTransactionSchema, { ...state, reset: true });
    for (const [scope, held] of this.replica.scopes) {
      for (const update of storedUpdates(scope, held, this.#term)) yield create(StoredTransactionSchema, { ...state, updates: [update] });
    }
  }

  *#wholeScopes(): Generator<Update> {
    for (const [scope, { version, digest, rows }] of this.replica.scopes) {
      const upserts = [...rows.values()].map(({ bytes }) => fromBinary(RowSchema, bytes));
      yield create(UpdateSchema, { scope, toVersion: BigInt(version), full: true, upserts, digest, term: this.#term });
    }
  }

  #transaction(init: TransactionFields): Transaction {
    return create(TransactionSchema, { bootEpoch: this.#epoch, ...init });
  }
}

/** A transaction of the rewritten journal: what is in memory at once while it is written and read. */
const rowsAPart = 4096;

type TransactionFields = Partial<Omit<Transaction, '$typeName' | '$unknown'>>;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const refusal = (reason: string): HeddleError => new HeddleError('Conflict', reason);

/** Keeps the underlay and the VRFs; takes away what lets a tenant's port in. */
const withoutTenants = (tables: GoalTables): GoalTables => ({ ...tables, attachment: new Map(), host: new Map() });

/** A scope as one full update, and what comes on top of it when it has many rows. */
function* storedUpdates(scope: string, held: HeldScope, term: bigint): Generator<StoredUpdate> {
  const version = BigInt(held.version);
  let upserts: Uint8Array[] = [];
  let digest = emptyDigest;
  let full = true;
  const update = (): StoredUpdate => {
    for (const bytes of upserts) digest = digestPlus(digest, rowDigest(bytes));
    const made = create(StoredUpdateSchema, { scope, fromVersion: full ? 0n : version, toVersion: version, full, upserts, digest, term });
    upserts = [];
    full = false;
    return made;
  };
  for (const { bytes } of held.rows.values()) if (upserts.push(bytes) === rowsAPart) yield update();
  if (full || upserts.length > 0) yield update();
}
