import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../api/client.ts';
import type { Resource } from '../api/object.ts';
import { createInProcessClient } from '../apiserver/registry/client.ts';
import { createRegistry } from '../apiserver/registry/registry.ts';
import { createScheme } from '../apiserver/scheme.ts';
import { coreKinds } from '../api/core/index.ts';
import { systemClock } from '../kit/clock.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { createMemoryStore } from '../store/memory.ts';
import { Events } from './events.ts';

const about: Resource = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Switch', metadata: { name: 'leaf-1', uid: 'uid-1' } };

const openEvents = async (): Promise<{ client: ResourceClient; events: Events }> => {
  const client = createInProcessClient(createRegistry(createMemoryStore(), createScheme(coreKinds)));
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  return { client, events: new Events({ client, log: createLogger({ name: 'test', level: 'silent' }), clock: systemClock }) };
};

const listed = async (client: ResourceClient): Promise<{ reason?: string; count?: number }[]> =>
  (await client.list('Event')).items.map((event) => event as { reason?: string; count?: number });

test('the same thing said again raises the count of one event', async (t) => {
  const { client, events } = await openEvents();
  t.after(() => events.close());
  const happening = { type: 'Warning', reason: 'DeviceLost', message: 'gone' } as const;
  events.record(about, happening);
  await until('one event', async () => (await listed(client)).length === 1);
  events.record(about, happening);
  events.record(about, happening);
  await until('counted three times', async () => (await listed(client))[0]?.count === 3);
  assert.equal((await listed(client)).length, 1);
});

test('an object that has very much to say is not listened to for ever', async (t) => {
  const { client, events } = await openEvents();
  t.after(() => events.close());
  for (let number = 0; number < 100; number++) events.record(about, { type: 'Normal', reason: 'Noise', message: `number ${number}` });
  const other = { ...about, metadata: { name: 'leaf-2', uid: 'uid-2' } };
  events.record(other, { type: 'Normal', reason: 'Quiet', message: 'once' });
  await until('the other is heard', async () => (await listed(client)).some(({ reason }) => reason === 'Quiet'));
  assert.equal((await listed(client)).filter(({ reason }) => reason === 'Noise').length, 12);
});
