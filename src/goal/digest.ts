/**
 * Order-independent digest of a set of rows: the sum, modulo 2^64, of a 64-bit hash of each row's canonical bytes. A row that
 * comes or goes changes the sum by its own hash, so a digest is kept up to date at the cost of the change, and two sides that
 * hold the same rows agree whatever the order in which they learned them.
 *
 * The row hash is MurmurHash3_x86_32 (Appleby, public domain) with two seeds, the first in the upper half. It defends against
 * accidents, not against adversaries: both sides are authenticated.
 */

/** An unsigned 64-bit number; 0n for no rows. */
export type Digest = bigint;

export const emptyDigest: Digest = 0n;

const upperSeed = 0x6865_6464; // "hedd"
const lowerSeed = 0x6c65_0001; // "le", 1

export const rowDigest = (canonical: Uint8Array): Digest => {
  const view = new DataView(canonical.buffer, canonical.byteOffset, canonical.byteLength);
  return digestOf(murmurOf(view, canonical.length, upperSeed), murmurOf(view, canonical.length, lowerSeed));
};

export const digestPlus = (digest: Digest, row: Digest): Digest => BigInt.asUintN(64, digest + row);

export const digestMinus = (digest: Digest, row: Digest): Digest => BigInt.asUintN(64, digest - row);

/** Sixteen hexadecimal digits, for people. */
export const formatDigest = (digest: Digest): string => digest.toString(16).padStart(16, '0');

const digestOf = (upper: number, lower: number): Digest => (BigInt(upper) << 32n) | BigInt(lower);

/** A digest while rows come and go: two halves as plain numbers, because a bigint is a new object for every sum. */
export class RunningDigest {
  #upper = 0;
  #lower = 0;

  get value(): Digest {
    return digestOf(this.#upper, this.#lower);
  }

  /** Adds the row whose canonical bytes are the first `length` of the view. */
  add(view: DataView, length: number): void {
    const lower = this.#lower + murmurOf(view, length, lowerSeed);
    this.#lower = lower >>> 0;
    this.#upper = (this.#upper + murmurOf(view, length, upperSeed) + (lower > this.#lower ? 1 : 0)) >>> 0;
  }

  subtract(view: DataView, length: number): void {
    const lower = this.#lower - murmurOf(view, length, lowerSeed);
    this.#lower = lower >>> 0;
    this.#upper = (this.#upper - murmurOf(view, length, upperSeed) - (lower < 0 ? 1 : 0)) >>> 0;
  }
}

/** MurmurHash3_x86_32; an unsigned 32-bit number. */
export const murmur3 = (bytes: Uint8Array, seed: number): number =>
  murmurOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes.length, seed);

const murmurOf = (view: DataView, length: number, seed: number): number => {
  const blocksEnd = length & ~3;
  let hash = seed;
  for (let index = 0; index < blocksEnd; index += 4) {
    hash ^= scramble(view.getUint32(index, true));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let index = length - 1; index >= blocksEnd; index -= 1) tail = (tail << 8) | view.getUint8(index);
  hash ^= scramble(tail) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

const scramble = (block: number): number => {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
};
