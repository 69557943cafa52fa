import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeddleError } from '../../kit/error.ts';
import { withServer } from '../testing.ts';
import { createFairness, type FairnessOptions } from './fairness.ts';

const never = new AbortController().signal;

/** Requests as they get their turn; `end` ends the oldest that is under way. */
const playground = (options: FairnessOptions) => {
  const fairness = createFairness(options);
  const [order, running]: [string[], (() => void)[]] = [[], []];
  const ask = async (user: string, signal = never): Promise<string> => {
    try {
      const leave = await fairness.enter(user, signal);
      order.push(user);
      running.push(leave);
      return 'served';
    } catch (thrown) {
      return HeddleError.from(thrown).code;
    }
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const end = async (): Promise<void> => {
    running.shift()?.();
    await settle();
  };
  return { fairness, order, running, ask, settle, end };
};

describe('fair shares', () => {
  it('let one who asks seldom pass the queue of one who floods', async () => {
    const { order, ask, settle, end } = playground({ seats: 2, seatsOfOne: 2 });
    for (let index = 0; index < 20; index += 1) void ask('flood');
    await settle();
    void ask('alice');
    void ask('bob');
    await settle();
    for (let index = 0; index < 4; index += 1) await end();
    assert.deepEqual(order, ['flood', 'flood', 'flood', 'alice', 'bob', 'flood']);
  });

  it('keep places free for others while one has all that one may have', async () => {
    const { order, ask, settle } = playground({ seats: 4, seatsOfOne: 3 });
    for (let index = 0; index < 10; index += 1) void ask('flood');
    await settle();
    void ask('alice');
    await settle();
    assert.deepEqual(order, ['flood', 'flood', 'flood', 'alice']);
  });

  it('refuse when a queue is full, and let the next one in when somebody leaves it', async () => {
    const { fairness, ask, settle, end } = playground({ seats: 1, queueOfOne: 2, queue: 3 });
    const gone = new AbortController();
    void ask('a');
    const waiting = [ask('a', gone.signal), ask('a')];
    await settle();
    assert.equal(await ask('a'), 'TooManyRequests');
    void ask('b');
    await settle();
    assert.equal(fairness.waiting, 3);
    assert.equal(await ask('c'), 'TooManyRequests');
    gone.abort();
    assert.equal(await waiting[0], 'TooManyRequests');
    assert.equal(fairness.waiting, 2);
    await end();
    await end();
    assert.equal(await waiting[1], 'served');
  });

  it('refuse who has waited too long', async () => {
    const { ask } = playground({ seats: 1, waitMilliseconds: 5 });
    await ask('a');
    assert.equal(await ask('a'), 'TooManyRequests');
  });

  it('answer 429 with Retry-After over HTTPS, while masters and health probes are served', () =>
    withServer(
      async ({ call, server }) => {
        const asked = await call('GET', '/version', { anonymous: true });
        assert.equal(asked.status, 429);
        assert.equal(asked.headers['retry-after'], '1');
        assert.equal(asked.json['reason'], 'TooManyRequests');
        assert.equal((await call('GET', '/version')).status, 200);
        assert.equal((await call('GET', '/readyz', { anonymous: true })).status, 200);
        assert.match(await server.metrics.metrics(), /apiserver_flowcontrol_rejected_requests_total\{reason="queue-full"\} 1/);
      },
      { fairness: { seats: 0, queueOfOne: 0 } },
    ));
});
