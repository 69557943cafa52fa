/** Follows a compile stage with a verifier: after each step what changed of objects, findings and rows is handed to it. For tests. */
import { kinds } from '../api/kinds.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import { byId, diff } from '../goal/tables.ts';
import { GoalState, type ScopeChange } from '../goal/state.ts';
import type { CompileStage } from '../scenarios/compilestage.ts';
import { isSame } from '../specify/objects.ts';
import { createVerifier } from './checker.ts';
import { lookupIn } from './state.ts';
import type { ObjectChange, Refusal, Verdict } from './verifier.ts';

export class Follower {
  readonly goal = new GoalState();
  readonly verifier = createVerifier({ goal: lookupIn(this.goal) });
  readonly #stage: CompileStage;
  readonly #objects = new Map<string, Resource>();
  readonly #findings = new Map<string, readonly Refusal[]>();

  constructor(stage: CompileStage) {
    this.#stage = stage;
  }

  /** Checks what the stage changed since the last time, and keeps it. */
  step(): Verdict {
    this.observe();
    const proposal = this.proposal();
    const verdict = this.verifier.check(proposal);
    this.goal.commit(proposal);
    this.verifier.accept();
    return verdict;
  }

  observe(): void {
    const now = new Map(objectsOf(this.#stage).map((object) => [refKey(refOf(object)), object]));
    const changes: ObjectChange[] = [];
    for (const [key, object] of now) if (this.#objects.get(key) !== object) changes.push({ ref: refOf(object), object });
    for (const [key, object] of this.#objects) if (!now.has(key)) changes.push({ ref: refOf(object), object: undefined });
    const refusals = new Map<string, readonly Refusal[]>();
    for (const key of new Set([...now.keys(), ...this.#findings.keys()])) {
      const said = this.#stage.findings(refOfKey(key, now.get(key) ?? this.#objects.get(key)));
      if (!isSame(said, this.#findings.get(key) ?? [])) refusals.set(key, said);
      this.#findings.set(key, said);
    }
    for (const { ref, object } of changes) {
      if (object === undefined) this.#objects.delete(refKey(ref));
      else this.#objects.set(refKey(ref), object);
    }
    this.verifier.observe(changes, refusals);
  }

  proposal(): ScopeChange[] {
    const now = new Map(this.#stage.scopes());
    return [...new Set([...now.keys(), ...this.goal.scopes()])].flatMap((scope): ScopeChange[] => {
      const difference = diff(this.goal.scope(scope).rows, byId(now.get(scope) ?? []), isSame);
      return difference.upserts.length + difference.deletes.length === 0 ? [] : [{ scope, ...difference }];
    });
  }

  /** What a verifier says that hears of everything at once. */
  fromScratch(): Verdict {
    const fresh = createVerifier({ goal: lookupIn(this.goal) });
    fresh.observe([...this.#objects.values()].map((object) => ({ ref: refOf(object), object })), this.#findings);
    return fresh.checkAll();
  }
}

const objectsOf = (stage: CompileStage): Resource[] => kinds.flatMap(({ kind }) => stage.objects(kind));

const refOfKey = (key: string, object: Resource | undefined): ObjectRef => {
  if (object !== undefined) return refOf(object);
  const [kind = '', ...rest] = key.split('/');
  return rest.length === 1 ? { kind, namespace: '', name: rest[0] ?? '' } : { kind, namespace: rest[0] ?? '', name: rest.slice(1).join('/') };
};

/** What is worth reading of violations when there must be none. */
export const textOf = ({ violations }: Verdict): string[] => violations.map(({ code, message, rows }) => `${code}: ${message} [${rows.map(({ scope, row }) => `${scope} ${row}`).join(', ')}]`);
