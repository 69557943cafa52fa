/**
 * Compiler, allocator and goal state working as in a control plane, with this file in the place of the store: what benches
 * without a network measure.
 */
import { refKey, refOf, type ObjectRef, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import type { Compiler, CompileResult, Counters, ObjectChange } from '../src/compile/engine.ts';
import { hasErrors, type CompileFinding } from '../src/compile/finding.ts';
import { Allocator } from '../src/control/allocate.ts';
import { GoalState } from '../src/goal/state.ts';

export interface Spent {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
}

/** As the store would have it: uids of version 7, all of the same second. */
export const stored = (object: Resource): Resource => {
  const number = (stored.count += 1);
  const hex = (digits: number, value: number): string => value.toString(16).padStart(digits, '0');
  const uid = `0192f000-${hex(4, number >> 12)}-7${hex(3, number & 0xfff)}-8000-${hex(12, number)}`;
  return { ...object, metadata: { ...object.metadata, uid, creationTimestamp: '2026-01-01T00:00:00Z' } };
};
stored.count = 0;

/** Runs something and adds what it took. */
export class Stopwatch {
  milliseconds = 0;
  cpuMilliseconds = 0;

  time<Result>(step: () => Result): Result {
    const [began, before] = [performance.now(), process.cpuUsage()];
    const result = step();
    const { user, system } = process.cpuUsage(before);
    this.milliseconds += performance.now() - began;
    this.cpuMilliseconds += (user + system) / 1000;
    return result;
  }

  spent(): Spent {
    const { milliseconds, cpuMilliseconds } = this;
    return { milliseconds, cpuMilliseconds };
  }
}

/** What else is done with every batch. */
export interface Hooks {
  readonly beforeCommit?: (changes: readonly ObjectChange[], result: CompileResult) => void;
  readonly afterCommit?: () => void;
}

export class Plane {
  readonly compiling = new Stopwatch();
  readonly claims = new Map<string, Resource>();
  readonly goal = new GoalState();
  readonly #compiler = createCompiler();
  readonly #hooks: Hooks;
  readonly #owners = new Map<string, { readonly uid: string; accepted: boolean }>();
  readonly #allocator = new Allocator((key) => this.#owners.get(key));

  constructor(hooks: Hooks = {}) {
    this.#hooks = hooks;
  }

  /** Compiles and commits until nothing asks for an id any more. */
  apply(changes: readonly ObjectChange[]): void {
    let due = changes;
    while (due.length > 0) {
      for (const change of due) this.#observe(change);
      const result = this.compiling.time(() => this.#compiler.apply(due));
      const { scopes, demands, findings } = result;
      this.#hooks.beforeCommit?.(due, result);
      this.goal.commit(scopes);
      this.#hooks.afterCommit?.();
      for (const [key, found] of findings) this.#judge(key, !hasErrors(found));
      for (const [key, wanted] of demands) this.#allocator.demand(key, wanted);
      const { create, quarantine } = this.#allocator.decide();
      // There are no devices that could still use what is given back.
      const freed = quarantine.map((name): ObjectChange => ({ ref: { kind: 'Claim', namespace: '', name }, object: undefined }));
      due = [...create.map((claim) => put(stored(claim))), ...freed];
    }
  }

  get compiler(): Compiler {
    return this.#compiler;
  }

  counters(): Counters {
    return this.#compiler.counters();
  }

  /** Everything that is said of an object. */
  findingsOf(ref: ObjectRef): readonly CompileFinding[] {
    return [...this.#compiler.findingsOf(ref), ...this.#allocator.findingsOf(refKey(ref))];
  }

  rows(): number {
    return [...this.goal.scopes()].reduce((sum, scope) => sum + this.goal.scope(scope).rows.size, 0);
  }

  #observe({ ref, object }: ObjectChange): void {
    const key = refKey(ref);
    if (ref.kind === 'Claim') {
      this.#allocator.observe(ref.name, object);
      if (object === undefined) this.claims.delete(key);
      else this.claims.set(key, object);
      return;
    }
    if (object === undefined) this.#owners.delete(key);
    else this.#owners.set(key, { uid: object.metadata.uid ?? '', accepted: true });
    this.#allocator.review(key);
  }

  #judge(key: string, accepted: boolean): void {
    const owner = this.#owners.get(key);
    if (owner !== undefined) owner.accepted = accepted;
    this.#allocator.review(key);
  }
}

/** As many objects as share a transaction of the store when a client writes as fast as it can. */
export const perBatch = 200;

export const batchesOf = <Item>(items: readonly Item[]): Item[][] =>
  Array.from({ length: Math.ceil(items.length / perBatch) }, (_, number) => items.slice(number * perBatch, (number + 1) * perBatch));

export const put = (object: Resource): ObjectChange => ({ ref: refOf(object), object });
export const remove = (object: Resource): ObjectChange => ({ ref: refOf(object), object: undefined });
