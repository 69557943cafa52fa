/**
 * In which scopes each object has rows, as counts, and what of that is news. Rows come in runs of one owner, one scope and
 * one list of further contributors, so a run is counted as a whole when the next begins.
 */
import { refKey, type ObjectRef } from '../api/object.ts';
import { addMember, getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import type { ScopedRow } from './view.ts';

type Place = Pick<ScopedRow, 'scope' | 'from'>;

interface Run {
  readonly owner: ObjectRef;
  readonly scope: string;
  readonly from: readonly ObjectRef[];
  count: number;
}

export class ScopeCounts {
  readonly #counts = new Map<string, Counts>();
  #news = new Map<string, Set<string>>();
  #run: Run | undefined;

  /** A row of the owner's came (1) or went (-1). */
  add(owner: ObjectRef, place: Place, step: 1 | -1): void {
    this.#runOf(owner, place).count += step;
  }

  /** A row of the owner's is another one now. */
  note(owner: ObjectRef, place: Place): void {
    this.#runOf(owner, place);
  }

  /** By object key: the scopes where something came, went or changed since the last call. */
  takeNews(): ReadonlyMap<string, ReadonlySet<string>> {
    this.#end();
    const news = this.#news;
    this.#news = new Map();
    return news;
  }

  /** Sorted. */
  scopes(key: string): string[] {
    this.#end();
    return (this.#counts.get(key)?.scopes() ?? []).sort(byText);
  }

  #runOf(owner: ObjectRef, { scope, from }: Place): Run {
    const run = this.#run;
    if (run !== undefined && run.owner === owner && run.scope === scope && run.from === from) return run;
    this.#end();
    this.#run = { owner, scope, from, count: 0 };
    return this.#run;
  }

  #end(): void {
    if (this.#run === undefined) return;
    const { owner, scope, from, count } = this.#run;
    this.#run = undefined;
    const keys = [refKey(owner)];
    for (const ref of from) {
      const key = refKey(ref);
      if (!keys.includes(key)) keys.push(key);
    }
    for (const key of keys) this.#tally(key, scope, count);
  }

  #tally(key: string, scope: string, count: number): void {
    addMember(this.#news, key, scope);
    if (count === 0) return;
    const counts = getOrMake(this.#counts, key, () => new Counts());
    counts.add(scope, count);
    if (counts.isEmpty) this.#counts.delete(key);
  }
}

/** Most objects have rows in one or two scopes, and a map for each would be most of what is held here. */
const fewest = 8;

/** A count a scope; those of zero are not held. */
class Counts {
  #few: (string | number)[] = [];
  #many: Map<string, number> | undefined;

  get isEmpty(): boolean {
    return (this.#many?.size ?? this.#few.length) === 0;
  }

  scopes(): string[] {
    return this.#many === undefined ? this.#few.filter((part) => typeof part === 'string') : [...this.#many.keys()];
  }

  add(scope: string, step: number): void {
    if (this.#many === undefined && !this.#addToFew(scope, step)) this.#many = mapOf(this.#few);
    if (this.#many === undefined) return;
    const count = (this.#many.get(scope) ?? 0) + step;
    if (count === 0) this.#many.delete(scope);
    else this.#many.set(scope, count);
  }

  /** False when there is no room for one more. */
  #addToFew(scope: string, step: number): boolean {
    const position = this.#few.indexOf(scope);
    const count = position < 0 ? 0 : Number(this.#few[position + 1]);
    if (position < 0) {
      if (this.#few.length >= fewest * 2) return false;
      // Not pushed: a list that was pushed to keeps room for sixteen more.
      this.#few = [...this.#few, scope, step];
    } else if (count + step === 0) this.#few.splice(position, 2);
    else this.#few[position + 1] = count + step;
    return true;
  }
}

const mapOf = (pairs: readonly (string | number)[]): Map<string, number> => {
  const map = new Map<string, number>();
  for (let index = 0; index < pairs.length; index += 2) map.set(String(pairs[index]), Number(pairs[index + 1]));
  return map;
};
