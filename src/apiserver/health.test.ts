/** What the server says of its health, and what it measures of itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeddleError } from '../kit/error.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { make, robots } from './httptesting.ts';
import { robot, withServer } from './testing.ts';

describe('health', () => {
  it('has checks that can be listed, asked for alone, and left out; to live is less than to be ready', async () => {
    let isSynced = false;
    const controller = { name: 'controller', run: () => { if (!isSynced) throw new HeddleError('Unavailable', 'still reading what there is'); } };
    await withServer(async ({ call }) => {
      const ask = async (path: string): Promise<[number, string]> => {
        const { status, text } = await call('GET', path, { anonymous: !/\/.*\//.test(path) });
        return [status, text];
      };
      assert.deepEqual(await ask('/livez'), [200, 'ok']);
      assert.deepEqual(await ask('/readyz'), [500, '[+]ping ok\n[+]store ok\n[-]controller failed: reason withheld\nreadyz check failed\n']);
      assert.deepEqual(await ask('/readyz?exclude=controller'), [200, 'ok']);
      assert.deepEqual(await ask('/readyz?exclude=controller&exclude=etcd&verbose'), [
        200, '[+]ping ok\n[+]store ok\n[+]controller excluded: ok\nwarn: some health checks cannot be excluded: no matches for "etcd"\nreadyz check passed\n',
      ]);
      assert.deepEqual([await ask('/readyz/ping'), (await ask('/readyz/controller'))[0], (await ask('/readyz/nothing'))[0]], [[200, 'ok'], 500, 404]);
      isSynced = true;
      assert.deepEqual([await ask('/healthz'), await ask('/readyz/controller?verbose')], [[200, 'ok'], [200, '[+]controller ok\nreadyz check passed\n']]);
    }, { checks: [controller] });
  });

  it('is not ready while its store cannot write, and is again when it can', async () => {
    const memory = createMemoryStore();
    let isFull = false;
    const store: Store = Object.assign(Object.create(memory) as Store, {
      commit: (writes: Parameters<Store['commit']>[0]) => (isFull ? Promise.reject(new HeddleError('InsufficientStorage', 'no room')) : memory.commit(writes)),
    });
    await withServer(async (test) => {
      const { call } = test;
      isFull = true;
      assert.equal((await call('GET', '/readyz/store')).status, 200);
      assert.equal((await call('POST', robots, { body: robot('a') })).status, 507);
      assert.equal((await call('GET', '/readyz/store')).status, 500);
      assert.equal((await call('GET', '/livez')).status, 200);
      isFull = false;
      assert.equal((await call('GET', '/readyz/store')).status, 200);
      await make(test, 'a');
    }, { store });
  });
});

describe('metrics', () => {
  it('have the labels that dashboards select by, and counts of what is stored', () =>
    withServer(async (test) => {
      await make(test, 'a');
      await test.call('GET', robots);
      await test.call('GET', `${robots}/a`);
      await test.call('DELETE', `${robots}?dryRun=All`);
      const { text } = await test.call('GET', '/metrics');
      for (const labels of ['verb="LIST",.*scope="namespace"', 'verb="GET",.*scope="resource"', 'verb="POST",.*scope="resource"', 'verb="DELETECOLLECTION",.*dry_run="All"']) {
        assert.match(text, new RegExp(`^apiserver_request_total\\{${labels}.*\\} 1$`, 'm'));
      }
      // Bounds by scope that the recording rules of the Kubernetes mixin ask for.
      for (const labels of ['verb="POST",.*scope="resource".*', 'verb="LIST",.*scope="namespace".*']) {
        assert.match(text, new RegExp(`^apiserver_request_sli_duration_seconds_count\\{${labels}\\} 1$`, 'm'));
      }
      for (const bound of ['1', '5', '30']) assert.match(text, new RegExp(`^apiserver_request_sli_duration_seconds_bucket\\{le="${bound}",verb="GET"`, 'm'));
      assert.doesNotMatch(text, /^apiserver_request_sli_duration_seconds_count\{verb="DELETECOLLECTION"/m);
      assert.match(text, /^apiserver_storage_objects\{resource="robots.test.heddle.dev"\} 1$/m);
      assert.match(text, /^apiserver_storage_objects\{resource="secrets"\} 0$/m);
      assert.match(text, /^workqueue_depth\{name="garbage_collector"\} 0$/m);
      assert.equal((await test.call('GET', '/metrics', { anonymous: true })).status, 403);
    }));
});
