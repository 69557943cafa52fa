/** A verifier that hears of everything that a compiler does, with the goal state that it looks at. */
import { kinds } from '../../api/kinds.ts';
import { refKey, refOf, type Resource } from '../../api/object.ts';
import { rowId, type Row } from '../../goal/rows.ts';
import { GoalState, type ScopeChange } from '../../goal/state.ts';
import type { CompileStage } from '../../scenarios/compilestage.ts';
import { createVerifier } from '../checker.ts';
import { lookupIn } from '../state.ts';
import type { ObjectChange, Refusal, Verdict, Verifier, Violation } from '../verifier.ts';
import type { Scopes } from './testing-damage.ts';

export class Follower {
  readonly goal = new GoalState();
  readonly verifier: Verifier = createVerifier({ goal: lookupIn(this.goal) });
  readonly #objects = new Map<string, Resource>();
  readonly #texts = new Map<string, string>();
  readonly #refusals = new Map<string, string>();

  /** Tells the verifier which objects are otherwise, and answers the rows that would make the goal state what is compiled. */
  observe(stage: CompileStage): ScopeChange[] {
    const objects = new Map(kinds.flatMap(({ kind }) => stage.objects(kind)).map((object) => [refKey(refOf(object)), object]));
    const changes: ObjectChange[] = [];
    const refusals = new Map<string, readonly Refusal[]>();
    for (const [key, object] of objects) {
      const [text, found] = [JSON.stringify(object), stage.findings(refOf(object))];
      if (this.#texts.get(key) !== text) changes.push({ ref: refOf(object), object });
      if ((this.#refusals.get(key) ?? '[]') !== JSON.stringify(found)) refusals.set(key, found);
      this.#texts.set(key, text);
      this.#refusals.set(key, JSON.stringify(found));
    }
    for (const [key, object] of this.#objects) {
      if (objects.has(key)) continue;
      changes.push({ ref: refOf(object), object: undefined });
      refusals.set(key, []);
      this.#texts.delete(key);
      this.#refusals.delete(key);
    }
    this.#objects.clear();
    for (const [key, object] of objects) this.#objects.set(key, object);
    this.verifier.observe(changes, refusals);
    return this.difference(stage.scopes());
  }

  /** What brings the goal state to these rows. */
  difference(scopes: Scopes): ScopeChange[] {
    const wanted = new Map(scopes.map(([scope, rows]) => [scope, new Map(rows.map((row) => [rowId(row), row]))]));
    return [...new Set([...wanted.keys(), ...this.goal.scopes()])].flatMap((scope) => {
      const [now, rows] = [this.goal.scope(scope).rows, wanted.get(scope) ?? new Map<string, Row>()];
      const upserts = [...rows].filter(([id, row]) => JSON.stringify(now.get(id)) !== JSON.stringify(row)).map(([, row]) => row);
      const deletes = [...now.keys()].filter((id) => !rows.has(id));
      return upserts.length + deletes.length === 0 ? [] : [{ scope, upserts, deletes }];
    });
  }

  accept(proposal: readonly ScopeChange[]): void {
    this.verifier.accept();
    this.goal.commit(proposal);
  }

  /** One that starts now, with the same objects, and the same goal state after the proposal. */
  afresh(stage: CompileStage, proposal: readonly ScopeChange[] = []): Verdict {
    const other = new Follower();
    other.observe(stage);
    other.goal.commit([...this.goal.scopes()].map((scope) => ({ scope, upserts: [...this.goal.scope(scope).rows.values()], deletes: [] })));
    other.goal.commit(proposal);
    return other.verifier.checkAll();
  }
}

/** What is wrong, whatever way it was found, in an order of its own. Whose what is left over was, one that starts anew cannot know. */
export const told = ({ violations }: Verdict): string[] => [...new Set(violations.map(text))].sort();
const text = ({ code, rows, objects }: Violation): string =>
  [code, rows[0]?.scope ?? '', rows[0]?.row ?? '', ...(code === 'StaleRow' ? [] : [...objects].sort())].join(' ');
