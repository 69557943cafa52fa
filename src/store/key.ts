/**
 * Keys and prefix ranges. Keys are printable ASCII, so that every backend sorts them alike (SQLite compares UTF-8 bytes,
 * JavaScript compares UTF-16 units; only ASCII is the same in both) and the end of a prefix range is one appended byte.
 */
import { HeddleError } from '../kit/error.ts';

const printable = /^[\x21-\x7e]{1,1024}$/;

/** Throws `BadRequest` for a key that a store cannot hold. */
export const checkKey = (key: string): void => {
  if (!printable.test(key)) {
    throw new HeddleError('BadRequest', `store key "${key}" must be 1 to 1024 printable ASCII characters`);
  }
};

/** First string after every key that starts with `prefix`. */
export const prefixEnd = (prefix: string): string => `${prefix}\x7f`;

export const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
