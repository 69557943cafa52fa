/** Three processes and etcd: what `npm run chaos -- --takeovers` does for longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasEtcd } from '../store/etcd/testing.ts';
import { runTakeover } from './takeover.ts';

test('a leader that is killed is followed soon, and no acknowledged write is lost or comes to mean something else', { skip: !hasEtcd() && 'needs etcd' }, async () => {
  const { wrong, takeovers, acknowledged, rows } = await runTakeover({ servers: 2, ends: ['kill', 'pause'] });
  assert.deepEqual(wrong, []);
  assert.equal(takeovers.length, 2);
  assert.ok(acknowledged > 10, `only ${acknowledged} writes were acknowledged`);
  assert.ok(rows > acknowledged, `only ${rows} rows came to devices`);
});
