/**
 * The device's own record of its goal state: one append-only file of transactions, each in a frame
 *
 *   length (4 bytes, little endian) · CRC-32 of the payload (4 bytes, little endian) · payload (heddle.agent.v1.Transaction)
 *
 * A transaction is on disk before it is acknowledged, and before it is applied. When the file has grown far beyond what it
 * holds it is rewritten as one transaction, into a new file that then takes the old one's name.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type StoredTransaction, StoredTransactionSchema, type Transaction, TransactionSchema } from '../goal/gen/heddle/agent/v1/journal_pb.ts';
import { HeddleError } from '../kit/error.ts';

/** The file operations a journal needs; tests put one in whose disk is full. */
export type Disk = Pick<
  typeof fs,
  'closeSync' | 'fdatasyncSync' | 'fsyncSync' | 'ftruncateSync' | 'mkdirSync' | 'openSync' | 'readFileSync' | 'renameSync' | 'writeSync'
>;

export interface JournalOptions {
  readonly disk?: Disk;
  /** Whether every append waits for the disk. Default true; without it a power failure may lose the last transactions. */
  readonly sync?: boolean;
}

/** `torn`: the last append did not complete, which was never acknowledged. `damaged`: bytes changed that once were right. */
export type JournalCondition = 'whole' | 'torn' | 'damaged';

/** Where transactions are kept; throws `Unavailable`, and is as before, when it cannot take one. */
export interface TransactionLog {
  /** Whether so much has been overwritten that a rewrite pays. */
  readonly wantsRewrite: boolean;
  append(transaction: Transaction): void;
  /** Puts one transaction in place of all. */
  rewrite(transaction: Transaction): void;
  /** Puts these in place of all, taking one after the other, so that they need not be in memory at once; the first resets. */
  rewriteAll?(transactions: Iterable<StoredTransaction>): void;
  close(): void;
}

export interface Recovered {
  readonly journal: TransactionLog;
  /** To be gone through once; throws at one that cannot be read, which makes the journal a damaged one. */
  readonly transactions: Iterable<Transaction | StoredTransaction>;
  readonly condition: JournalCondition;
}

const frameHead = 8;
const rewriteFrom = 64 * 1024;
const rewriteFactor = 4;
/** A longer frame is taken apart by a rewrite: it is more in memory at once, and longer without a pause, than need be. */
const longFrame = 1024 * 1024;

export class Journal implements TransactionLog {
  readonly #directory: string;
  readonly #disk: Disk;
  readonly #sync: boolean;
  #file: number;
  /** Bytes that are known to be good; whatever follows is cut off before the next append. */
  #length: number;
  #rewrittenLength: number;
  #dirtyTail: boolean;
  /** Whether the file may still have its former name after a power failure. */
  #dirtyName = false;
  /** A rewrite that failed is not tried again before the file has grown to this. */
  #rewriteFrom = rewriteFrom;
  #hasLongFrame: boolean;

  private constructor(directory: string, options: JournalOptions, file: number, frames: Frames, dirtyTail: boolean) {
    this.#directory = directory;
    this.#disk = options.disk ?? fs;
    this.#sync = options.sync ?? true;
    this.#file = file;
    this.#length = frames.length;
    this.#rewrittenLength = frames.length;
    this.#hasLongFrame = frames.ends.some((end, index) => end - (frames.ends[index - 1] ?? 0) > longFrame);
    this.#dirtyTail = dirtyTail;
  }

  /** Opens, or begins, the journal in a directory. @throws HeddleError when the directory cannot be used at all. */
  static open(directory: string, options: JournalOptions = {}): Recovered {
    const disk = options.disk ?? fs;
    try {
      // The directory is for all to enter: daemons that a driver starts as other users have their sockets below it.
      disk.mkdirSync(directory, { recursive: true, mode: 0o755 });
      const file = disk.openSync(pathOf(directory), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
      const bytes = disk.readFileSync(file);
      const frames = findFrames(bytes);
      const journal = new Journal(directory, options, file, frames, frames.length < bytes.length);
      return { journal, transactions: readFrames(bytes, frames.ends), condition: frames.condition };
    } catch (error) {
      throw new HeddleError('Internal', `the state directory '${directory}' cannot be used: ${messageOf(error)}`, { cause: error });
    }
  }

  get wantsRewrite(): boolean {
    return this.#length > this.#rewriteFrom && (this.#hasLongFrame || this.#length > rewriteFactor * this.#rewrittenLength);
  }

  /** @throws HeddleError `Unavailable` when the disk refuses; the journal is as before. */
  append(transaction: Transaction): void {
    const bytes = frame(toBinary(TransactionSchema, transaction));
    try {
      if (this.#dirtyName) this.#syncDirectory();
      if (this.#dirtyTail) this.#disk.ftruncateSync(this.#file, this.#length);
      this.#dirtyTail = true;
      writeAll(this.#disk, this.#file, bytes, this.#length);
      if (this.#sync) this.#disk.fdatasyncSync(this.#file);
      this.#length += bytes.length;
      this.#hasLongFrame ||= bytes.length > longFrame;
      this.#dirtyTail = false;
    } catch (error) {
      this.#cutTail();
      throw new HeddleError('Unavailable', `the journal cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  rewrite(transaction: Transaction): void {
    const end = create(TransactionSchema, { ...transaction, drops: [], updates: [], reset: false });
    const both = [create(TransactionSchema, { ...transaction, reset: true }), end];
    this.#rewrite(both.map((each) => frame(toBinary(TransactionSchema, each))));
  }

  /** The first transaction resets. @throws HeddleError `Unavailable` when the disk refuses; the journal is as before. */
  rewriteAll(transactions: Iterable<StoredTransaction>): void {
    this.#rewrite(framesOf(transactions));
  }

  #rewrite(frames: Iterable<Uint8Array>): void {
    const draft = `${pathOf(this.#directory)}.new`;
    let file: number | undefined;
    let length = 0;
    try {
      file = this.#disk.openSync(draft, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC, 0o600);
      for (const bytes of frames) {
        writeAll(this.#disk, file, bytes, length);
        length += bytes.length;
      }
      this.#disk.fdatasyncSync(file);
      this.#disk.renameSync(draft, pathOf(this.#directory));
    } catch (error) {
      this.#rewriteFrom = Math.max(rewriteFrom, this.#length * 1.25);
      if (file !== undefined) this.#giveUp(file);
      throw new HeddleError('Unavailable', `the journal cannot be rewritten: ${messageOf(error)}`, { cause: error });
    }
    this.#close(this.#file);
    this.#file = file;
    this.#length = length;
    this.#rewrittenLength = length;
    this.#rewriteFrom = rewriteFrom;
    this.#hasLongFrame = false;
    this.#dirtyTail = false;
    this.#dirtyName = true;
    this.#trySyncDirectory();
  }

  close(): void {
    this.#disk.closeSync(this.#file);
  }

  /** What was written of the draft takes room that the journal itself may need. */
  #giveUp(draft: number): void {
    try {
      this.#disk.ftruncateSync(draft, 0);
    } catch {
      // The next rewrite begins by emptying it.
    }
    this.#close(draft);
  }

  /** What counts was written through before. */
  #close(file: number): void {
    try {
      this.#disk.closeSync(file);
    } catch {
      // A descriptor that cannot be closed is of no use to anybody.
    }
  }

  #trySyncDirectory(): void {
    try {
      this.#syncDirectory();
    } catch {
      // Tried again before anything more is taken.
    }
  }

  /** Without it a power failure may bring the file of before back, which is older but whole. */
  #syncDirectory(): void {
    const directory = this.#disk.openSync(this.#directory, fs.constants.O_RDONLY);
    try {
      this.#disk.fsyncSync(directory);
    } finally {
      this.#close(directory);
    }
    this.#dirtyName = false;
  }

  /** Best effort: the next append, or the next start, cuts it off again. */
  #cutTail(): void {
    try {
      this.#disk.ftruncateSync(this.#file, this.#length);
      this.#dirtyTail = false;
    } catch {
      this.#dirtyTail = true;
    }
  }
}

/** The journal's file in a state directory. */
export const pathOf = (directory: string): string => join(directory, 'journal');

/** And, after the last, one without content (`readFrames`). */
function* framesOf(transactions: Iterable<StoredTransaction>): Generator<Uint8Array> {
  let last: StoredTransaction | undefined;
  for (const transaction of transactions) {
    yield frame(toBinary(StoredTransactionSchema, transaction));
    last = transaction;
  }
  if (last === undefined) return;
  yield frame(toBinary(StoredTransactionSchema, create(StoredTransactionSchema, { ...last, drops: [], updates: [], reset: false })));
}

const frame = (payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(frameHead + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload), 4);
  bytes.set(payload, frameHead);
  return bytes;
};

interface Frames {
  /** Where each good frame ends, one after the other. */
  readonly ends: readonly number[];
  /** Bytes up to the end of the last good frame. */
  readonly length: number;
  readonly condition: JournalCondition;
}

const findFrames = (bytes: Buffer): Frames => {
  const ends: number[] = [];
  let length = 0;
  while (length < bytes.length) {
    const frameEnd = length + frameHead + (bytes.length - length < frameHead ? 0 : bytes.readUInt32LE(length));
    if (frameEnd > bytes.length || bytes.length - length < frameHead) return { ends, length, condition: 'torn' };
    // A file system may have made the file longer and lost what was written there.
    if (frameEnd === length + frameHead && bytes.subarray(length).every((byte) => byte === 0)) {
      return { ends, length, condition: 'torn' };
    }
    const payload = bytes.subarray(length + frameHead, frameEnd);
    if (payload.length === 0 || crc32(payload) !== bytes.readUInt32LE(length + 4)) return { ends, length, condition: 'damaged' };
    ends.push(frameEnd);
    length = frameEnd;
  }
  return { ends, length, condition: 'whole' };
};

/**
 * One at a time: all messages of a long journal would take many times the room of the journal. What a rewrite wrote lies between
 * two transactions without content: a device must not be made equal to the first half of what it is to hold.
 * @throws Error for a frame that is no transaction, and when the end of a rewrite is missing
 */
function* readFrames(bytes: Buffer, ends: readonly number[]): Generator<StoredTransaction> {
  let start = 0;
  let isWhole = true;
  for (const end of ends) {
    const transaction = fromBinary(StoredTransactionSchema, bytes.subarray(start + frameHead, end));
    if (transaction.drops.length + transaction.updates.length === 0) isWhole = !transaction.reset;
    yield transaction;
    start = end;
  }
  if (!isWhole) throw new Error('a rewritten journal ends before its end');
}

const writeAll = (disk: Disk, file: number, bytes: Uint8Array, position: number): void => {
  let written = 0;
  while (written < bytes.length) {
    const count = disk.writeSync(file, bytes, written, bytes.length - written, position + written);
    if (count === 0) throw new Error('ENOSPC: nothing was written');
    written += count;
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
