/** Three processes and etcd: what `npm run chaos -- --takeovers` does for longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasEtcd } from '../store/etcd/testing.ts';
import { runTakeover } from './takeover.ts';

const isMissing = !hasEtcd() && 'needs etcd';

test('a leader that is killed is followed soon, and no acknowledged write is lost or comes to mean something else', { skip: isMissing }, async () => {
  const { wrong, takeovers, acknowledged, rows } = await runTakeover({ servers: 2, ends: ['kill', 'pause'] });
  assert.deepEqual(wrong, []);
  assert.equal(takeovers.length, 2);
  assert.ok(acknowledged > 10, `only ${acknowledged} writes were acknowledged`);
  assert.ok(rows > acknowledged, `only ${rows} rows came to devices`);
});

test('a member of etcd and a leader are killed, three members with TLS: clients, watchers and devices go on', { skip: isMissing }, async () => {
  const { wrong, takeovers, others, resumed } = await runTakeover({ servers: 2, etcd: { members: 3, tls: true }, ends: ['member', 'kill', 'member'] });
  assert.deepEqual(wrong, []);
  assert.equal(takeovers.length, 3);
  assert.ok(others > 50, `only ${others} writes were acknowledged`);
  assert.ok(resumed > 0, 'a watcher was never cut off');
});
