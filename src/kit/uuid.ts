/**
 * UUIDs in the order they were made (version 7, RFC 9562 §5.7). Objects carry creation times of whole seconds; when two of
 * one second compete for something, their uids still tell which was first.
 */
import { randomFillSync } from 'node:crypto';

/** Most UUIDs of one millisecond: the counter has the 12 bits of rand_a (RFC 9562 §6.2, method 1). */
const counterLimit = 0x1000;

/** Random bytes are asked of the system for this many UUIDs at once: each time costs more than all the rest of a UUID. */
const drawn = 256;
const randomBytesEach = 8;

/** A source of UUIDs, each greater as text than the one before, also when the clock stands still or steps back. */
export const orderedUuids = (now: () => number = Date.now): (() => string) => {
  let milliseconds = 0;
  let counter = 0;
  const pool = Buffer.alloc(drawn * randomBytesEach);
  let used = pool.length;
  const random = (): Buffer => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += randomBytesEach;
    return pool.subarray(used - randomBytesEach, used);
  };
  return () => {
    const at = Math.floor(now());
    counter = at > milliseconds ? 0 : counter + 1;
    milliseconds = Math.max(at, milliseconds);
    if (counter === counterLimit) {
      milliseconds += 1;
      counter = 0;
    }
    return format(milliseconds, counter, random());
  };
};

const format = (milliseconds: number, counter: number, random: Buffer): string => {
  const time = milliseconds.toString(16).padStart(12, '0');
  // The two highest bits of the last half are the variant, binary 10.
  random.writeUInt8((random.readUInt8(0) & 0x3f) | 0x80, 0);
  const rest = random.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${rest.slice(0, 4)}-${rest.slice(4)}`;
};
