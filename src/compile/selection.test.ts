import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Selector } from '../api/kinds/selector.ts';
import { isWithin, matches, selectorText, termsOf, termsToSearch } from './selection.ts';

const web = { name: 'a', labels: { app: 'web', tier: 'front' } };
const bare = { name: 'b', labels: {} };

const word = fc.constantFrom('a', 'b', 'c');
const labels = fc.dictionary(word, word, { maxKeys: 3 });
const arbitrarySelector: fc.Arbitrary<Selector> = fc.record(
  {
    matchLabels: labels,
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({ key: word, operator: fc.constantFrom('In' as const, 'NotIn' as const), values: fc.uniqueArray(word, { minLength: 1 }) }),
        fc.record({ key: word, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
      ),
      { maxLength: 3 },
    ),
    names: fc.uniqueArray(word, { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const labelled = fc.record({ name: word, labels });

describe('a selector', () => {
  it('that says nothing selects everything', () => {
    assert.ok(matches({}, web) && matches({}, bare));
  });

  it('asks for labels as Kubernetes does', () => {
    assert.ok(matches({ matchLabels: { app: 'web' } }, web) && !matches({ matchLabels: { app: 'web', tier: 'back' } }, web));
    assert.ok(matches({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] }, bare));
    assert.ok(!matches({ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, bare));
    assert.ok(matches({ names: ['b'] }, bare) && !matches({ names: ['b'] }, web));
    assert.ok(!matches({ matchLabels: { constructor: 'x' } }, bare));
  });

  it('finds all that it selects by any of its terms', () => {
    fc.assert(fc.property(arbitrarySelector, labelled, (selector, object) => {
      const terms = termsToSearch(selector);
      if (matches(selector, object) && terms !== undefined) assert.ok(termsOf(object.labels).some((term) => terms.includes(term)));
    }));
  });

  it('that is within another selects nothing that the other does not', () => {
    fc.assert(fc.property(arbitrarySelector, arbitrarySelector, labelled, (one, other, object) => {
      const both: Selector = { ...one, matchExpressions: [...(one.matchExpressions ?? []), ...(other.matchExpressions ?? [])] };
      for (const [inner, outer] of [[one, other], [both, one]] as const) {
        if (isWithin(inner, outer) && matches(inner, object)) assert.ok(matches(outer, object));
      }
      assert.ok(isWithin(both, one) && isWithin(one, undefined) && isWithin(one, {}));
      if (selectorText(one) === selectorText(other)) assert.equal(matches(one, object), matches(other, object));
    }));
  });
});
