/** A ledger that finds nothing wrong must be one that could. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInProcessClient } from '../apiserver/registry/client.ts';
import { createRegistry } from '../apiserver/registry/registry.ts';
import { createScheme } from '../apiserver/scheme.ts';
import type { ResourceClient, WatchEvent } from '../api/client.ts';
import { coreKinds } from '../api/core/index.ts';
import { HeddleError } from '../kit/error.ts';
import { until } from '../kit/testing.ts';
import { createMemoryStore } from '../store/memory.ts';
import { Ledger } from './ledger.ts';

/** What a ledger says of a server that is not as it should be. */
const judged = async (spoil: (client: ResourceClient) => Partial<ResourceClient>): Promise<string> => {
  const store = createMemoryStore();
  const good = createInProcessClient(createRegistry(store, createScheme(coreKinds)));
  await good.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  const bad: ResourceClient = { ...good, ...spoil(good) };
  const [load, watching] = [new AbortController(), new AbortController()];
  const ledger = new Ledger();
  const watches = [good, bad].map((client, n) => ledger.follow(`watcher ${n}`, () => client, String(store.revision), watching.signal));
  const writing = ledger.write('writer', () => bad, load.signal);
  await until('much was written', () => ledger.acknowledged > 50);
  load.abort();
  await writing;
  const { items } = await good.list('ConfigMap');
  await until('watchers saw everything', () => ledger.isSeenBy(items), 200).catch(() => undefined);
  watching.abort();
  await Promise.all(watches);
  return ledger.judge(items).join('\n');
};

test('a ledger finds writes that were acknowledged and lost, refused and made, and watches with gaps or repetitions', async () => {
  assert.equal(await judged(() => ({})), '');
  let n = 0;
  const everyTenth = (): boolean => (n += 1) % 10 === 0;
  assert.match(await judged(() => ({ update: async (object) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '9999' } }) })), /was acknowledged at 9999 and seen at \[\]/);
  const liar = async (good: ResourceClient, object: Parameters<ResourceClient['update']>[0]) => {
    const written = await good.update(object);
    if (everyTenth()) throw new HeddleError('Conflict', 'no');
    return written;
  };
  assert.match(await judged((good) => ({ update: (object) => liar(good, object) })), /was refused and seen at/);
  const gappy = async function* (good: ResourceClient, ...from: Parameters<ResourceClient['watch']>): AsyncGenerator<WatchEvent> {
    for await (const event of good.watch(...from)) if (!everyTenth()) yield event;
  };
  assert.match(await judged((good) => ({ watch: (...from) => gappy(good, ...from) })), /watcher 1 saw other changes than watcher 0/);
  const repeating = async function* (good: ResourceClient, ...from: Parameters<ResourceClient['watch']>): AsyncGenerator<WatchEvent> {
    for await (const event of good.watch(...from)) yield* everyTenth() ? [event, event] : [event];
  };
  assert.match(await judged((good) => ({ watch: (...from) => repeating(good, ...from) })), /version (\d+) came after \1/);
});
