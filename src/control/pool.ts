/**
 * The first free value of a pool, without ever walking over what is taken: a mark below which everything was handed out
 * once, and a heap of what came back since. Taking and giving back cost O(log n). Pure.
 */
import { addressOfBits, bitsOf, parseAddress } from '../net/address.ts';
import { width } from '../net/bits.ts';
import { firstHost, lastHost, offsetOf, parsePrefix, prefixLength, prefixOfBits, prefixSize } from '../net/prefix.ts';
import type { Candidates } from '../compile/demand.ts';
import { Heap } from './heap.ts';

/** What the positions of a candidate list are: the value there, undefined past the end, `unusable` where none may be taken. */
type Position = string | undefined | 'unusable';

interface Cursor {
  readonly candidates: Candidates;
  readonly at: (position: number) => Position;
  /** Every position below was handed out or found taken at some time. */
  next: number;
  /** Whether one below was refused, and may be taken some day. */
  refused: boolean;
  readonly returned: Heap;
}

export class Pool {
  readonly #taken = new Set<string>();
  /** One for each range that was ever asked for: usually one, more after the range was edited. */
  readonly #cursors = new Map<string, Cursor>();

  take(value: string): void {
    this.#taken.add(value);
  }

  giveBack(value: string): void {
    if (!this.#taken.delete(value)) return;
    for (const { candidates, next, returned } of this.#cursors.values()) {
      const position = positionOf(candidates, value);
      if (position !== undefined && position < next) returned.push(position);
    }
  }

  has(value: string): boolean {
    return this.#taken.has(value);
  }

  get empty(): boolean {
    return this.#taken.size === 0;
  }

  /**
   * Takes the lowest free candidate; undefined when there is none. One that is refused now is looked at again when there is
   * nothing else left.
   */
  takeFirst(candidates: Candidates, isRefused: (value: string) => boolean = () => false): string | undefined {
    const cursor = this.#cursor(candidates);
    const found = this.#search(cursor, isRefused);
    if (found !== undefined || !cursor.refused) return found;
    cursor.next = 0;
    cursor.refused = false;
    return this.#search(cursor, isRefused);
  }

  #search(cursor: Cursor, isRefused: (value: string) => boolean): string | undefined {
    for (;;) {
      const position = cursor.returned.pop() ?? cursor.next++;
      const value = cursor.at(position);
      if (value === undefined) {
        cursor.next = Math.min(cursor.next, position);
        return undefined;
      }
      if (value === 'unusable' || this.#taken.has(value)) continue;
      if (isRefused(value)) {
        cursor.refused = true;
        continue;
      }
      this.#taken.add(value);
      return value;
    }
  }

  #cursor(candidates: Candidates): Cursor {
    const key = keyOf(candidates);
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) this.#cursors.set(key, (cursor = { candidates, at: valuesOf(candidates), next: 0, refused: false, returned: new Heap() }));
    return cursor;
  }
}

/** Equal for equal ranges of one pool. */
const keyOf = (candidates: Candidates): string => {
  if (candidates.type === 'numbers') return `${candidates.from}-${candidates.to}`;
  if (candidates.type === 'prefixes') return `${candidates.prefix}>${candidates.length}`;
  return `${candidates.prefix} ${candidates.except.join(' ')} ${(candidates.spare ?? []).join('-')}`;
};

/** The candidates by position. Texts are read once a cursor, not once a value. */
const valuesOf = (candidates: Candidates): ((position: number) => Position) => {
  if (candidates.type === 'numbers') {
    const { from, to } = candidates;
    return (position) => (from + position > to ? undefined : String(from + position));
  }
  return candidates.type === 'addresses' ? addressesOf(candidates) : prefixesOf(candidates);
};

const addressesOf = ({ prefix, except, spare }: Candidates & { type: 'addresses' }): ((position: number) => Position) => {
  const { family, value } = bitsOf(prefix);
  const size = prefixSize(prefix);
  const [first, last] = [firstHost(prefix), lastHost(prefix)].map((address) => bitsOf(address).value - value);
  const excepted = new Set<string>(except);
  const [from, to] = (spare ?? []).map((address) => bitsOf(address).value - value);
  return (position) => {
    const offset = BigInt(position);
    if (offset >= size) return undefined;
    if (first === undefined || last === undefined || offset < first || offset > last) return 'unusable';
    if (from !== undefined && to !== undefined && offset >= from && offset <= to) return 'unusable';
    const address = addressOfBits({ family, value: value + offset });
    return excepted.has(address) ? 'unusable' : address;
  };
};

const prefixesOf = ({ prefix, length }: Candidates & { type: 'prefixes' }): ((position: number) => Position) => {
  const { family, value } = bitsOf(prefix);
  const bits = length - prefixLength(prefix);
  const step = BigInt(width(family) - length);
  return (position) =>
    bits < 0 || position >= 2 ** bits ? undefined : prefixOfBits({ family, value: value + (BigInt(position) << step) }, length);
};

/** The inverse of `valuesOf`; undefined when the value is none of the candidates. */
const positionOf = (candidates: Candidates, value: string): number | undefined => {
  if (candidates.type === 'numbers') {
    const number = Number(value);
    return number >= candidates.from && number <= candidates.to ? number - candidates.from : undefined;
  }
  const prefix = parsePrefix(candidates.type === 'addresses' ? candidates.prefix : value);
  if (!prefix.ok) return undefined;
  if (candidates.type === 'addresses') {
    const address = parseAddress(value);
    const offset = address.ok ? offsetOf(candidates.prefix, address.value) : undefined;
    return offset === undefined ? undefined : Number(offset);
  }
  const bits = bitsOf(prefix.value);
  const offset = offsetOf(candidates.prefix, addressOfBits(bits));
  return offset === undefined ? undefined : Number(offset >> BigInt(width(bits.family) - candidates.length));
};
