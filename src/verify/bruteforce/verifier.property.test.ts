/** The verifier beside brute force, and beside itself started anew, on small networks by chance. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ScopeChange } from '../../goal/state.ts';
import { sceneOf } from '../../scenarios/purestage.ts';
import { evaluate } from '../evaluate.ts';
import { readNetwork } from '../network.ts';
import type { Verdict } from '../verifier.ts';
import { after, damage, damaging, type Scopes } from './testing-damage.ts';
import { disagreements } from './testing-enumeration.ts';
import { Follower, told } from './testing-follower.ts';
import { applyEdit, compiledOf, inside, outside, type Edit } from './testing-networks.ts';

/** Runs that once showed a fault of two units that find the same row, by network; kept so that they are tried again. */
const seedsOfOrder: Record<string, number> = { inside: 395696727, outside: 689109120 };

for (const kind of [inside, outside]) {
  test(`whatever is declared, what is compiled is proven, change by change (${kind.name})`, () => {
    fc.assert(
      fc.property(kind.edits, (edits) => {
        const stage = kind.begin();
        const follower = new Follower();
        for (const edit of [undefined, ...edits]) {
          if (edit !== undefined) applyEdit(stage, edit);
          const proposal = follower.observe(stage);
          assert.deepEqual(described(follower.verifier.check(proposal)), []);
          follower.accept(proposal);
        }
        assert.deepEqual(described(follower.verifier.checkAll()), []);
      }),
      { numRuns: 8 },
    );
  });

  test(`what brute force finds in damaged rows, the verifier finds, and its witnesses are true (${kind.name})`, () => {
    fc.assert(
      fc.property(kind.edits, fc.array(damage, { minLength: 12, maxLength: 12 }), (edits, damages) => {
        const stage = compiledOf(kind, edits);
        const scene = sceneOf(stage, new Map());
        const follower = new Follower();
        follower.goal.commit(follower.observe(stage));
        assert.deepEqual(described(follower.verifier.checkAll()), []);
        for (const each of damages) {
          const change = damaging(stage.scopes(), each);
          if (change === undefined) continue;
          const verdict = follower.verifier.check([change]);
          follower.verifier.reject();
          const scopes = after(stage.scopes(), change);
          const wrong = disagreements(scene, scopes);
          if (wrong.length > 0) assert.ok(verdict.violations.length > 0, `${JSON.stringify(change)} is let pass, but ${JSON.stringify(wrong.slice(0, 3), undefined, 1)}`);
          assert.deepEqual(untrue(verdict, scopes), [], JSON.stringify(change));
        }
      }),
      { numRuns: 8 },
    );
  });

  test(`a check of what changed says what a check of everything would (${kind.name})`, () => {
    fc.assert(
      fc.property(kind.edits, fc.array(damage, { minLength: 8, maxLength: 8 }), (edits, damages) => {
        const stage = compiledOf(kind, edits);
        const follower = new Follower();
        follower.goal.commit(follower.observe(stage));
        follower.verifier.checkAll();
        for (const each of damages) {
          const change = damaging(stage.scopes(), each);
          if (change === undefined) continue;
          const verdict = follower.verifier.check([change]);
          follower.verifier.reject();
          assert.deepEqual(told(verdict), told(follower.afresh(stage, [change])), JSON.stringify(change));
        }
      }),
      { numRuns: 6 },
    );
  });

  test(`after any edits, and proposals kept and dropped, it knows what one started anew knows (${kind.name})`, () => {
    const steps = fc.array(fc.record({ damage, isAccepted: fc.boolean(), isDamaged: fc.boolean() }), { minLength: 6, maxLength: 6 });
    for (const parameters of [{ seed: seedsOfOrder[kind.name] ?? 0, numRuns: 6 }, { numRuns: 8 }]) {
      fc.assert(
        fc.property(kind.edits, steps, (edits: readonly Edit[], courses) => {
          const stage = kind.begin();
          const follower = new Follower();
          follower.goal.commit(follower.observe(stage));
          for (const [place, edit] of edits.entries()) {
            applyEdit(stage, edit);
            const course = courses[place % courses.length];
            const change = course?.isDamaged === true ? damaging(stage.scopes(), course.damage) : undefined;
            const wanted = follower.observe(stage);
            const proposal: ScopeChange[] = change === undefined ? wanted : follower.difference(after(stage.scopes(), change));
            follower.verifier.check(proposal);
            if (course?.isAccepted === true) follower.accept(proposal);
            else follower.verifier.reject();
          }
          assert.deepEqual(told(follower.verifier.checkAll()), told(follower.afresh(stage)));
        }),
        parameters,
      );
    }
  });
}

const described = ({ violations }: Verdict): string[] => violations.map(({ code, message, rows }) => `${code}: ${message} ${rows.map(({ scope, row }) => `${scope} ${row}`).join(', ')}`);

/** Witnesses that go another way than is said of them. */
const untrue = ({ violations }: Verdict, scopes: Scopes): string[] => {
  const network = readNetwork(scopes);
  return violations.flatMap(({ code, witness }) => {
    if (witness === undefined) return [];
    const { type } = evaluate(network, witness.place, witness.packet);
    return witness.outcome.startsWith(type) ? [] : [`${code}: ${JSON.stringify(witness)} is ${type}`];
  });
};
