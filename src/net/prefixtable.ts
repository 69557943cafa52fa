/** Values by prefix, found by the longest prefix that holds an address: what a FIB does. */
import { bitsOf } from './address.ts';
import { width, type Family } from './bits.ts';
import type { Address, Prefix } from './brand.ts';
import { prefixLength } from './prefix.ts';
import { getOrMake } from '../kit/maps.ts';

export interface PrefixEntry<Value> {
  readonly prefix: Prefix;
  readonly value: Value;
}

/**
 * A map for each length that occurs. A look-up costs one probe for each of them, of which a fabric has few, and nothing has
 * to be balanced or compressed.
 */
export class PrefixTable<Value> {
  /** By family: lengths, longest first, and their entries by the bits in front. */
  readonly #lengths: Record<Family, Map<number, Map<bigint, PrefixEntry<Value>>>> = { 4: new Map(), 6: new Map() };
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(prefix: Prefix): Value | undefined {
    const { family, value } = bitsOf(prefix);
    const length = prefixLength(prefix);
    return this.#lengths[family].get(length)?.get(value >> BigInt(width(family) - length))?.value;
  }

  set(prefix: Prefix, value: Value): void {
    const { family, value: bits } = bitsOf(prefix);
    const length = prefixLength(prefix);
    const isNewLength = !this.#lengths[family].has(length);
    const entries = getOrMake(this.#lengths[family], length, () => new Map<bigint, PrefixEntry<Value>>());
    const before = entries.size;
    entries.set(bits >> BigInt(width(family) - length), { prefix, value });
    this.#size += entries.size - before;
    if (isNewLength) this.#lengths[family] = new Map([...this.#lengths[family]].toSorted(([left], [right]) => right - left));
  }

  delete(prefix: Prefix): boolean {
    const { family, value } = bitsOf(prefix);
    const length = prefixLength(prefix);
    const entries = this.#lengths[family].get(length);
    if (entries?.delete(value >> BigInt(width(family) - length)) !== true) return false;
    this.#size -= 1;
    if (entries.size === 0) this.#lengths[family].delete(length);
    return true;
  }

  /** The entry of the longest prefix that holds the address. */
  longest(address: Address): PrefixEntry<Value> | undefined {
    return this.matches(address).next().value;
  }

  /** All entries whose prefix holds the address, the longest first. */
  *matches(address: Address): Generator<PrefixEntry<Value>, undefined> {
    const { family, value } = bitsOf(address);
    for (const [length, entries] of this.#lengths[family]) {
      const found = entries.get(value >> BigInt(width(family) - length));
      if (found !== undefined) yield found;
    }
  }
}
