/**
 * Where a store is in the key space of an etcd, and how its entries look there:
 *
 *     <prefix>objects/<key>        value, zero byte, stamp of the writer
 *     <prefix>revision-offset      what is added to etcd's revisions; absent: 0
 *     <prefix>beacon               written to know how far a watch has come
 *
 * The stamp is unique to a commit, so that it can be found out whether a commit whose answer was lost was carried out. The offset
 * is written once, into an empty prefix: a store that was restored from a backup goes on above the revisions that clients know,
 * whatever this etcd has counted.
 */
import { HeddleError } from '../../kit/error.ts';
import type { Entry, Revision } from '../store.ts';
import type { KeyValue } from './gen/etcd/etcd_pb.ts';

export const defaultPrefix = '/heddle/default/';
/** Below it are stores of Heddle only. */
export const commonRoot = '/heddle/';

/** @throws HeddleError `BadRequest` */
export const checkPrefix = (prefix: string): void => {
  if (/^\/([\w.-]+\/)+$/.test(prefix)) return;
  throw new HeddleError('BadRequest', `etcd prefix "${prefix}" must be words between slashes, such as ${defaultPrefix}`);
};

/** First key after all keys that begin with the prefix, which ends with a slash. */
export const rangeEnd = (prefix: string): Uint8Array => Buffer.from(`${prefix.slice(0, -1)}0`, 'latin1');

/** A stored value taken apart; `stamp` is empty when somebody else's program wrote it. */
export interface Stamped {
  readonly text: string;
  readonly stamp: string;
}

export const stamped = (text: string, stamp: string): Uint8Array => Buffer.from(`${text}\0${stamp}`, 'utf8');

export const unstamped = (value: Uint8Array): Stamped => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const end = bytes.lastIndexOf(0);
  if (end < 0) return { text: bytes.toString('utf8'), stamp: '' };
  return { text: bytes.toString('utf8', 0, end), stamp: bytes.toString('latin1', end + 1) };
};

export class Layout {
  readonly prefix: string;
  readonly offset: Revision;
  readonly #objects: string;

  constructor(prefix: string, offset: Revision) {
    this.prefix = prefix;
    this.offset = offset;
    this.#objects = `${prefix}objects/`;
  }

  /** etcd's key of a key of ours. */
  keyOf(key: string): Uint8Array {
    return Buffer.from(this.#objects + key, 'latin1');
  }

  /** First of etcd's keys after all whose key of ours begins with `prefix`. */
  endOf(prefix: string): Uint8Array {
    return Buffer.from(`${this.#objects}${prefix}\x7f`, 'latin1');
  }

  get beacon(): Uint8Array {
    return Buffer.from(`${this.prefix}beacon`, 'latin1');
  }

  /** Our key of one of etcd's; undefined for what is not an object. */
  objectKey(key: Uint8Array): string | undefined {
    const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
    return text.startsWith(this.#objects) ? text.slice(this.#objects.length) : undefined;
  }

  /** Our revision of one of etcd's. */
  revisionOf(revision: bigint | undefined): Revision {
    return Number(revision ?? 0n) + this.offset;
  }

  /** etcd's revision of one of ours; `Expired` for one from before the offset. */
  etcdRevision(revision: Revision): bigint {
    if (revision < this.offset) throw new HeddleError('Expired', `revision ${revision} is from before the store was restored: list again`);
    return BigInt(revision - this.offset);
  }

  entryOf(kv: KeyValue): Entry {
    return {
      key: this.objectKey(kv.key) ?? '',
      value: unstamped(kv.value).text,
      revision: this.revisionOf(kv.modRevision),
      createRevision: this.revisionOf(kv.createRevision),
    };
  }
}

export const offsetKey = (prefix: string): Uint8Array => Buffer.from(`${prefix}revision-offset`, 'latin1');
