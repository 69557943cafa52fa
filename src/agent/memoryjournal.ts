/**
 * A journal without a disk, for thousands of simulated devices in one process. It outlives the agent that writes it, as a disk
 * does: `recover` gives the next agent what the last one wrote.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Transaction, TransactionSchema } from '../goal/gen/heddle/agent/v1/journal_pb.ts';
import type { Recovered, TransactionLog } from './journal.ts';

const rewriteFrom = 16 * 1024;
const rewriteFactor = 4;

export class MemoryJournal implements TransactionLog {
  /** Encoded, since messages take several times the room and must not be shared with whoever wrote them. */
  #frames: Uint8Array[] = [];
  #length = 0;
  #rewrittenLength = 0;

  /** What an agent starts from; pass it as `journal` of its options. */
  recover(): Recovered {
    const transactions = this.#frames.map((frame) => fromBinary(TransactionSchema, frame));
    return { journal: this, transactions, condition: 'whole' };
  }

  /** The device lost its disk: the next agent starts from nothing. */
  wipe(): void {
    this.#replace([]);
  }

  get wantsRewrite(): boolean {
    return this.#length > rewriteFrom && this.#length > rewriteFactor * this.#rewrittenLength;
  }

  append(transaction: Transaction): void {
    const frame = toBinary(TransactionSchema, transaction);
    this.#frames.push(frame);
    this.#length += frame.length;
  }

  rewrite(transaction: Transaction): void {
    this.#replace([toBinary(TransactionSchema, create(TransactionSchema, { ...transaction, reset: true }))]);
  }

  close(): void {}

  #replace(frames: Uint8Array[]): void {
    this.#frames = frames;
    this.#length = frames.reduce((sum, { length }) => sum + length, 0);
    this.#rewrittenLength = this.#length;
  }
}
