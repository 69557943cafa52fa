import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insert, map, mutateSet, named, resultsOf, set, uuidOf } from './rows.ts';

test('sets, maps and references are tagged arrays', () => {
  assert.deepEqual(insert('Logical_Switch', { name: 's', ports: set([named('p')]), other_config: map({ a: 'b' }) }, 's1'), {
    op: 'insert',
    table: 'Logical_Switch',
    row: { name: 's', ports: ['set', [['named-uuid', 'p']]], other_config: ['map', [['a', 'b']]] },
    'uuid-name': 's1',
  });
  assert.deepEqual(mutateSet('Port_Group', 'u', 'delete', 'ports', [named('p')]), {
    op: 'mutate',
    table: 'Port_Group',
    where: [['_uuid', '==', ['uuid', 'u']]],
    mutations: [['ports', 'delete', ['set', [['named-uuid', 'p']]]]],
  });
});

test('a transaction is refused by an error in any place', () => {
  const row = { uuid: ['uuid', 'a'] };
  assert.deepEqual(resultsOf([row, { count: 1 }], 2), [row, { count: 1 }]);
  // A failed constraint comes after all results; operations after a failed one are null.
  const refusal = { error: 'constraint violation', details: 'two rows have the name "a"' };
  assert.throws(() => resultsOf([row, refusal], 1), /refused a transaction: constraint violation: two rows have the name "a"/);
  assert.throws(() => resultsOf([row, refusal, null], 3), /constraint violation/);
  assert.throws(() => resultsOf([row], 2), /answered 1 of 2 operations/);
  assert.throws(() => resultsOf(null, 1), /answered 0 of 1 operations/);
});

test('the id of a row is the second half of its reference', () => {
  assert.equal(uuidOf(['uuid', 'a']), 'a');
  assert.throws(() => uuidOf(['named-uuid', 'a']), /not the id of a row/);
  assert.throws(() => uuidOf(undefined), /not the id of a row/);
});
