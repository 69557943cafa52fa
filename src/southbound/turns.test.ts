import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Turns, type TurnsOptions } from './turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  let turns: Turns<string>;
  let served: string[];
  const make = (options: Partial<TurnsOptions<string>> = {}): void => {
    served = [];
    const serve = (item: string): boolean => {
      served.push(item);
      return true;
    };
    turns = new Turns({ serve, onFault: (_item, error) => assert.fail(String(error)), ...options });
  };
  afterEach(() => turns.close());

  test('what takes something away goes first, over several turns, and each once', async () => {
    make({ perTurn: 2 });
    turns.serve([], ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(served, ['a', 'b']);
    turns.serve(['x', 'y', 'z'], ['e', 'f']);
    while (served.length < 9) await turn();
    assert.deepEqual(served, ['a', 'b', 'x', 'y', 'z', 'c', 'd', 'e', 'f']);
  });

  test('only so many newcomers are served at the same time, the next when one has settled', async () => {
    make({ mostAdmitted: 2 });
    for (const item of ['a', 'b', 'c', 'd']) turns.admit(item);
    for (let count = 0; count < 5; count += 1) await turn();
    assert.deepEqual(served, ['a', 'b']);
    assert.ok(turns.isWaiting('c') && !turns.isWaiting('a'));
    turns.settled('a');
    await turn();
    assert.deepEqual(served, ['a', 'b', 'c']);
    turns.remove('b');
    await turn();
    assert.deepEqual(served, ['a', 'b', 'c', 'd']);
  });

  test('newcomers with nothing to do take no place', async () => {
    make({ mostAdmitted: 1, serve: (item) => (served.push(item), false) });
    for (const item of ['a', 'b', 'c']) turns.admit(item);
    await turn();
    assert.deepEqual(served, ['a', 'b', 'c']);
  });

  test('a slow device keeps its place for a while and not for ever', async () => {
    make({ mostAdmitted: 1 });
    for (const item of ['slow', 'next']) turns.admit(item);
    await turn();
    turns.check(performance.now());
    await turn();
    assert.deepEqual(served, ['slow']);
    turns.check(performance.now() + 10_000);
    await turn();
    assert.deepEqual(served, ['slow', 'next']);
  });

  test('who waits to be admitted is not served by a change, and who left not at all', async () => {
    make({ mostAdmitted: 0 });
    turns.admit('newcomer');
    turns.serve(['newcomer'], ['newcomer']);
    await turn();
    assert.deepEqual(served, []);
    make({ perTurn: 1 });
    turns.serve([], ['a', 'b']);
    turns.remove('b');
    await turn();
    assert.deepEqual(served, ['a']);
  });

  test('a fault with one keeps nobody else from being served', async () => {
    const faults: string[] = [];
    make({
      serve: (item) => {
        if (item === 'b') throw new Error('faulty');
        served.push(item);
        return true;
      },
      onFault: (item) => void faults.push(item),
    });
    turns.serve(['a', 'b', 'c'], []);
    assert.deepEqual([served, faults], [['a', 'c'], ['b']]);
  });
});
