/** Whatever tenants declare, in whatever order: packets over the compiled rows go where intent says, and nowhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf } from '../api/object.ts';
import { CompileStage } from './compilestage.ts';
import { checkRows, differing } from './purestage.ts';
import { expand } from './scenario.ts';
import { insideWiring, tenantObject } from './testing-tenants.ts';

test('packets over the rows of any intent go where the oracle says', () => {
  const wiring = insideWiring();
  fc.assert(
    fc.property(fc.array(fc.tuple(tenantObject, fc.nat(9)), { minLength: 6, maxLength: 16 }), (edits) => {
      const stage = new CompileStage(wiring);
      for (const [edit, chance] of edits) {
        const object = JSON.parse(JSON.stringify(expand(edit))) as ReturnType<typeof expand>;
        if (chance === 0) stage.delete([refOf(object)]);
        else if (stage.check(object).length === 0) stage.apply([object]);
      }
      assert.deepEqual(differing(checkRows(stage)), []);
    }),
    { numRuns: 60 },
  );
});
