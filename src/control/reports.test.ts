import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import { systemClock } from '../kit/clock.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { Barrier } from './barrier.ts';
import { createMetrics } from './metrics.ts';
import { Objects } from './objects.ts';
import { Reports, usualPace } from './reports.ts';
import { buildHouse } from './testing.ts';

const serverOf = (number: number): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Server',
  metadata: { name: `server-${number}`, uid: `uid-${number}`, generation: 1, resourceVersion: String(number + 1) },
  spec: {},
});

test('what has waited long enough is written, whatever else begins to wait before its turn', async () => {
  const house = await buildHouse();
  await house.stop();
  const gate = Promise.withResolvers<void>();
  const written = new Set<string>();
  const client = {
    ...house.client,
    patchStatus: async ({ name }: ObjectRef): Promise<Resource> => {
      await gate.promise;
      written.add(name);
      return serverOf(0);
    },
  };
  const objects = new Objects();
  const servers = Array.from({ length: 1001 }, (_, number) => serverOf(number));
  for (const object of servers) objects.put({ ref: refOf(object), object });
  const graces: (() => void)[] = [];
  const none = (): number => 0;
  const reports = new Reports({
    client,
    log: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
    objects,
    barrier: new Barrier(),
    metrics: createMetrics(new Registry(), {
      compiler: house.controller.compiler.counters.bind(house.controller.compiler),
      goalRows: none,
      goalScopes: none,
      devices: none,
      connected: none,
      quarantined: none,
      held: none,
      violations: () => new Map(),
      unproven: none,
    }),
    verdictOn: () => ({ status: { ready: '0/1' }, tentative: false, waiting: true }),
    later: (_, action) => void graces.push(action),
    pace: usualPace,
  });
  const [latecomer, ...others] = servers.map((object) => refKey(refOf(object)));
  const pass = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const key of others) reports.mark(key);
  await pass();
  // The latecomer is looked at before those whose grace is over, and its own is over before their turn.
  reports.mark(latecomer ?? '');
  graces.shift()?.();
  await pass();
  assert.equal(graces.length, 1);
  graces.shift()?.();
  gate.resolve();
  await until('all are written', () => written.size === servers.length || graces.length > 0);
  assert.equal(written.size, servers.length);
  assert.equal(graces.length, 0);
  await reports.close();
});
