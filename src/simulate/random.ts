/**
 * Chance that can be repeated: everything a simulation decides follows from its seed. The generator is mulberry32 (Tommy
 * Ettinger, public domain): 32 bits of state, good enough to pick faults by, and small enough to have one for every device.
 */
import { murmur3 } from '../goal/digest.ts';

export class Random {
  #state: number;

  /** @param seed any number; only its lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Another stream of chance, which depends on the seed and the name only, not on what was drawn before. */
  static named(seed: number, name: string): Random {
    return new Random(murmur3(Buffer.from(name), seed >>> 0));
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** Exponentially distributed: how long until something that happens every `mean` on average. */
  until(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  pick<Value>(values: readonly Value[]): Value | undefined {
    return values[this.below(values.length)];
  }
}
