/**
 * Whatever is peered with networks outside, however these are met and whatever they announce: packets over the rows go where
 * intent says. So no VPC reaches another through an External that both peer with, with a default route neither.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf } from '../api/object.ts';
import { CompileStage } from './compilestage.ts';
import { checkRows, differing } from './purestage.ts';
import { expand } from './scenario.ts';
import { outsideObject, outsideWiring, peeredVpcs } from './testing-outside.ts';

test('packets over the rows of any intent with networks outside go where the oracle says', () => {
  const wiring = outsideWiring();
  fc.assert(
    fc.property(fc.array(fc.tuple(outsideObject, fc.nat(9)), { minLength: 8, maxLength: 20 }), (edits) => {
      const stage = new CompileStage(wiring);
      stage.apply(peeredVpcs.map(expand));
      for (const [edit, chance] of edits) {
        const object = JSON.parse(JSON.stringify(expand(edit))) as ReturnType<typeof expand>;
        if (chance === 0 && edit.kind !== 'External') stage.delete([refOf(object)]);
        else if (stage.check(object).length === 0) stage.apply([object]);
      }
      assert.deepEqual(differing(checkRows(stage)), []);
    }),
    { numRuns: 60 },
  );
});
