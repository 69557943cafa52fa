import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeddleError } from '../../kit/error.ts';
import { Agent, request } from 'node:https';
import { until } from '../../kit/testing.ts';
import { readKubeconfig, robot, withServer } from '../testing.ts';
import { clientOf, createFairness, type FairnessOptions } from './fairness.ts';

/** On a connection of the agent's; 0 for one that was closed. */
const statusOf = (url: string, agent: Agent): Promise<{ status: number; retryAfter: unknown }> =>
  new Promise((resolve) => {
    const sent = request(url, { agent }, (response) => {
      response.resume();
      response.on('close', () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }));
    });
    sent.on('error', () => resolve({ status: 0, retryAfter: undefined }));
    sent.end();
  });

const never = new AbortController().signal;

/** Requests as they get their turn; `end` ends the oldest that is under way. */
const playground = (options: FairnessOptions) => {
  const fairness = createFairness(options);
  const [order, running]: [string[], (() => void)[]] = [[], []];
  /** As a client, or as `client/user`. */
  const ask = async (user: string, signal = never): Promise<string> => {
    try {
      const leave = await fairness.enter({ name: user.split('/')[0] ?? '', user }, signal);
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
    assert.equal(await ask('b'), 'TooManyRequests');
    gone.abort();
    assert.equal(await waiting[0], 'TooManyRequests');
    assert.equal(fairness.waiting, 2);
    await end();
    await end();
    assert.equal(await waiting[1], 'served');
  });

  it('make room for who asks seldom in queues that others have filled, at the cost of the longest', async () => {
    const { fairness, ask, settle, end } = playground({ seats: 1, queueOfOne: 3, queue: 5 });
    void ask('flood');
    const flood = [ask('flood'), ask('flood'), ask('flood')];
    const others = [ask('a'), ask('b')];
    await settle();
    assert.equal(fairness.waiting, 5);
    const late = ask('c');
    await settle();
    assert.equal(await flood[2], 'TooManyRequests');
    for (let turn = 0; turn < 5; turn += 1) await end();
    assert.deepEqual(await Promise.all([late, ...others, flood[0], flood[1]]), ['served', 'served', 'served', 'served', 'served']);
    assert.equal(fairness.waiting, 0);
  });

  it('are of a tenant, however many accounts it has, and within it of each account', async () => {
    const { order, ask, settle, end } = playground({ seats: 1, queueOfOne: 4 });
    void ask('red/1');
    await settle();
    const flood = ['red/1', 'red/1', 'red/1', 'red/2'].map((user) => ask(user));
    void ask('blue/1');
    await settle();
    const late = ask('red/3');
    await settle();
    assert.equal(await flood[2], 'TooManyRequests', 'the account that has most waiting gives up its last');
    for (let turn = 0; turn < 5; turn += 1) await end();
    assert.equal(await late, 'served');
    assert.deepEqual(order, ['red/1', 'red/1', 'blue/1', 'red/2', 'red/3', 'red/1']);
    assert.deepEqual(
      ['alice', 'system:serviceaccount:red:a', 'system:serviceaccount:red:b', 'system:serviceaccount:blue:a'].map((name) => clientOf({ name, groups: [] }).name),
      ['alice', 'system:serviceaccounts:red', 'system:serviceaccounts:red', 'system:serviceaccounts:blue'],
    );
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

  it('let everything of a quiet client through while another floods with uploads, lists and watches on many connections', () =>
    withServer(
      async ({ call, server }) => {
        const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
        for (const name of ['flood', 'quiet']) {
          const bound = { metadata: { name }, subjects: [{ kind: 'User', name }], roleRef: { kind: 'ClusterRole', name: 'admin' } };
          assert.equal((await call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', { body: bound })).status, 201);
        }
        for (let index = 0; index < 20; index += 1) await call('POST', robots, { body: robot(`r${index}`) });
        const { ca } = await readKubeconfig(server.kubeconfigPath);
        const connectionsOf = async (commonName: string): Promise<Agent> => {
          const { certificate: cert, key } = await server.ca.issueClient({ commonName });
          return new Agent({ keepAlive: true, ca, cert, key });
        };
        const [flood, quiet] = [await connectionsOf('flood'), await connectionsOf('quiet')];
        // Uploads that stay unfinished, and everything else beside them.
        const uploads = Array.from({ length: 3 }, () => {
          const upload = request(server.url + robots, { agent: flood, method: 'POST', headers: { 'content-length': 1_000_000 } });
          upload.on('error', () => undefined);
          upload.write('{"metadata":');
          return upload;
        });
        const counts = new Map<number, number>();
        const over = new AbortController();
        const flooding = Array.from({ length: 6 }, async (_, index) => {
          while (!over.signal.aborted) {
            const { status, retryAfter } = await statusOf(`${server.url}${robots}${index % 2 === 0 ? '' : '?watch=1&timeoutSeconds=1'}`, flood);
            counts.set(status, (counts.get(status) ?? 0) + 1);
            if (status === 429) assert.equal(retryAfter, '1');
          }
        });
        await until('the flood is more than one may have', () => (counts.get(429) ?? 0) > 0);
        const served: number[] = [];
        for (let index = 0; index < 12; index += 1) served.push((await statusOf(`${server.url}${robots}/r${index}`, quiet)).status);
        over.abort();
        for (const upload of uploads) upload.destroy();
        await Promise.all(flooding);
        for (const agent of [flood, quiet]) agent.destroy();
        assert.deepEqual(served, Array.from({ length: 12 }, () => 200));
      },
      { fairness: { seats: 2, seatsOfOne: 1, queueOfOne: 1 } },
    ));
});
