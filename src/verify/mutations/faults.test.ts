/** The faults themselves, without a verifier: each is one, and is not what a compiler without faults would say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sections, Workshop } from './testing-faults.ts';

test('every fault changes what is proposed, and has a name of its own', () => {
  const workshop = new Workshop();
  const faults = sections.flatMap((section) => section.faults);
  assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length);
  for (const fault of faults) {
    const { wrongly, rightly } = workshop.make(fault);
    assert.notDeepEqual(wrongly.proposal, rightly.proposal, fault.name);
    assert.notDeepEqual(fault.blames, [], fault.name);
  }
});
