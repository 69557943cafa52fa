/** Who judges the verifier must be right itself: it finds nothing in what is compiled, and finds what is spoilt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sceneOf } from '../../scenarios/purestage.ts';
import { after, damage, damaging } from './testing-damage.ts';
import { disagreements } from './testing-enumeration.ts';
import { compiledOf, inside, outside } from './testing-networks.ts';

for (const kind of [inside, outside]) {
  test(`brute force finds nothing in a compiled network (${kind.name}), and damage often`, () => {
    let found = 0;
    fc.assert(
      fc.property(kind.edits, fc.array(damage, { minLength: 8, maxLength: 8 }), (edits, damages) => {
        const stage = compiledOf(kind, edits);
        const scene = sceneOf(stage, new Map());
        assert.deepEqual(disagreements(scene, stage.scopes()), []);
        for (const each of damages) {
          const change = damaging(stage.scopes(), each);
          if (change !== undefined && disagreements(scene, after(stage.scopes(), change)).length > 0) found += 1;
        }
      }),
      { numRuns: 10 },
    );
    assert.ok(found > 0);
  });
}
