import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './testing.ts';
import { Turns } from './turns.ts';

test('a fault while one is served is told, and the others have their turns', async () => {
  const served: string[] = [];
  const faults: string[] = [];
  const turns = new Turns<string>({
    serve: (item) => {
      if (item.startsWith('bad')) throw new Error(`no ${item}`);
      served.push(item);
      return true;
    },
    onFault: (item, error) => faults.push(`${item}: ${String(error)}`),
    perTurn: 1,
  });
  turns.admit('bad-new');
  turns.admit('new');
  turns.serve(['bad', 'urgent'], ['usual']);
  await until('everybody to be served', () => served.length === 3);
  assert.deepEqual(served, ['urgent', 'usual', 'new']);
  assert.deepEqual(faults, ['bad: Error: no bad', 'bad-new: Error: no bad-new']);
  turns.serve(['later'], []);
  assert.equal(served.at(-1), 'later');
  turns.close();
});
