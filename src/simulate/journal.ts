/**
 * A simulated device's journal: what is on its disk, always compact, and made of rows that thousands of devices share. It
 * outlives the agent, as a disk does. Encoding a journal is a device's own cost and tested with the agent.
 */
import { create } from '@bufbuild/protobuf';
import { rowIdOf } from '../goal/codec.ts';
import type { DecodedRow } from '../goal/codec.ts';
import { type Row as RowMessage, type Update, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { type Transaction, TransactionSchema } from '../goal/gen/heddle/agent/v1/journal_pb.ts';
import type { RowId } from '../goal/rows.ts';
import type { Recovered, TransactionLog } from '../agent/journal.ts';
import type { SharedDecoder } from './sharing.ts';

interface KeptScope {
  readonly last: Update;
  readonly rows: Map<RowId, DecodedRow>;
}

export class SharedJournal implements TransactionLog {
  readonly wantsRewrite = false;
  readonly #decoder: SharedDecoder;
  readonly #scopes = new Map<string, KeptScope>();
  /** Everything of the last transaction but its changes. */
  #head: Transaction | undefined;

  constructor(decoder: SharedDecoder) {
    this.#decoder = decoder;
  }

  /** What an agent starts from. */
  recover(): Recovered {
    const transactions = this.#head === undefined ? [] : [create(TransactionSchema, { ...this.#head, updates: this.#updates() })];
    return { journal: this, transactions, condition: 'whole' };
  }

  /** The disk is lost. */
  wipe(): void {
    this.#head = undefined;
    this.#scopes.clear();
  }

  append(transaction: Transaction): void {
    for (const scope of transaction.drops) this.#scopes.delete(scope);
    for (const update of transaction.updates) this.#keep(update);
    this.#head = { ...transaction, drops: [], updates: [], reset: true };
  }

  rewrite(transaction: Transaction): void {
    this.#scopes.clear();
    this.append(transaction);
  }

  close(): void {}

  #keep(update: Update): void {
    const rows = (update.full ? undefined : this.#scopes.get(update.scope)?.rows) ?? new Map<RowId, DecodedRow>();
    for (const { table, number, key } of update.deletes) rows.delete(rowIdOf(table, number, key));
    for (const message of update.upserts) {
      const row = this.#decoder.row(message);
      rows.set(row.id, row);
    }
    const isBare = update.upserts.length + update.deletes.length === 0;
    const last = isBare ? update : create(UpdateSchema, { ...update, upserts: [], deletes: [] });
    this.#scopes.set(update.scope, { last, rows });
  }

  #updates(): Update[] {
    const messages = (rows: ReadonlyMap<RowId, DecodedRow>): RowMessage[] => [...rows.values()].map(this.#decoder.messageOf);
    const whole = ({ last, rows }: KeptScope): Update => create(UpdateSchema, { ...last, full: true, upserts: messages(rows) });
    return [...this.#scopes.values()].map(whole);
  }
}
