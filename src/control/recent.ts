/**
 * How many rows a scope lost a short while ago: one deletion by a person often arrives as hundreds of changes, one object
 * each. Rows that come are set off against rows that went before them, so that what is exchanged or made anew again and again
 * does not add up. Pure.
 */
import { getOrMake } from '../kit/maps.ts';

interface Loss {
  readonly at: number;
  rows: number;
}

export class RecentLosses {
  /** By scope, the oldest first. */
  readonly #losses = new Map<string, Loss[]>();

  copy(): RecentLosses {
    const copy = new RecentLosses();
    for (const [scope, losses] of this.#losses) copy.#losses.set(scope, losses.map((loss) => ({ ...loss })));
    return copy;
  }

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  lost(scope: string, rows: number, at: number): void {
    const losses = getOrMake(this.#losses, scope, (): Loss[] => []);
    const last = losses.at(-1);
    if (last?.at === at) last.rows += rows;
    else losses.push({ at, rows });
  }

  /** The scope got rows. */
  gained(scope: string, rows: number): void {
    const losses = this.#losses.get(scope) ?? [];
    let left = rows;
    for (let last = losses.at(-1); last !== undefined && left > 0; last = losses.at(-1)) {
      const taken = Math.min(left, last.rows);
      last.rows -= taken;
      left -= taken;
      if (last.rows === 0) losses.pop();
    }
    if (losses.length === 0) this.#losses.delete(scope);
  }

  forget(scope: string): void {
    this.#losses.delete(scope);
  }

  /** Rows lost since `since`. What is older stays: another fabric that has the scope may look back further. */
  count(scope: string, since: number): number {
    return (this.#losses.get(scope) ?? []).reduce((sum, { at, rows }) => (at < since ? sum : sum + rows), 0);
  }

  /** By scope, where there are any: rows lost since `since`, which must be the longest window; what is older is forgotten. */
  counts(since: number): Map<string, number> {
    this.prune(since);
    const counts = new Map<string, number>();
    for (const scope of this.#losses.keys()) {
      const rows = this.count(scope, since);
      if (rows > 0) counts.set(scope, rows);
    }
    return counts;
  }

  /** Forgets everything older. */
  prune(since: number): void {
    for (const [scope, losses] of this.#losses) {
      while ((losses[0]?.at ?? since) < since) losses.shift();
      if (losses.length === 0) this.#losses.delete(scope);
    }
  }
}

/** Devices that lost a good part lately, by fabric: each has its own limits, and its own window. */
export class RecentHits {
  /** With the time. */
  readonly #hits = new Map<string, Map<string, number>>();

  copy(): RecentHits {
    const copy = new RecentHits();
    for (const [fabric, hits] of this.#hits) copy.#hits.set(fabric, new Map(hits));
    return copy;
  }

  hit(fabric: string, device: string, at: number): void {
    getOrMake(this.#hits, fabric, () => new Map<string, number>()).set(device, at);
  }

  /** Devices of the fabric that were hit since `since`; what is older is forgotten. */
  since(fabric: string, since: number): ReadonlySet<string> {
    const hits = this.#hits.get(fabric) ?? new Map<string, number>();
    for (const [device, at] of hits) if (at < since) hits.delete(device);
    return new Set(hits.keys());
  }
}
