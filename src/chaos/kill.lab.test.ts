/** `heddle server` as a process, on SQLite, is killed under load. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ResourceClient } from '../api/client.ts';
import { until } from '../kit/testing.ts';
import { Server } from './cluster.ts';
import { Ledger } from './ledger.ts';

const rounds = 2;

test('a server that is killed under load loses no acknowledged write, makes none twice, and its watchers go on without a gap', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-kill-'));
  const server = new Server('server', join(folder, 'data'), ['--store', 'sqlite']);
  const [load, watching] = [new AbortController(), new AbortController()];
  try {
    await server.start();
    const ledger = new Ledger();
    const client = (): ResourceClient => server.client;
    const { resourceVersion, items } = await server.client.list('ConfigMap');
    const watches = [1, 2].map((n) => ledger.follow(`watcher ${n}`, client, resourceVersion, watching.signal));
    const writers = Array.from({ length: 8 }, (_, n) => ledger.write(`writer-${n}`, client, load.signal));
    for (let round = 1; round <= rounds; round += 1) {
      const { acknowledged } = ledger;
      await until('much was written', () => ledger.acknowledged > acknowledged + 100, 20_000);
      await server.close();
      await server.start();
      await until('watchers went on', () => ledger.resumed >= round, 20_000);
    }
    const { acknowledged, seen } = ledger;
    await until('writers and watchers went on', () => ledger.acknowledged > acknowledged && ledger.seen > seen, 20_000);
    load.abort();
    await Promise.all(writers);
    const now = async () => (await server.client.list('ConfigMap')).items.filter(({ metadata }) => items.every((old) => old.metadata.name !== metadata.name));
    await until('watchers saw everything', async () => ledger.isSeenBy(await now())).catch(() => undefined);
    watching.abort();
    await Promise.all(watches);
    assert.deepEqual(ledger.judge(await now()), []);
    assert.ok(ledger.acknowledged > rounds * 100);
  } finally {
    load.abort();
    watching.abort();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
