/** Where no store refuses the writes of one who led, he must know by himself: at the first write, not when his timers run again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../../api/client.ts';
import { coreKinds } from '../../api/core/index.ts';
import { createInProcessClient } from '../../apiserver/registry/client.ts';
import { createRegistry } from '../../apiserver/registry/registry.ts';
import { createScheme } from '../../apiserver/scheme.ts';
import { manualClock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { type Office, startElection } from './election.ts';
import { officeClient } from './officeclient.ts';
import { promptTiming } from './timing.ts';

const note = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' } });
const ref = (name: string) => ({ kind: 'ConfigMap', namespace: 'kube-system', name });

test('one that stood still for longer than its Lease lasts writes nothing when it goes on, though nobody has told it yet', async () => {
  const api = createInProcessClient(createRegistry(createMemoryStore(), createScheme(coreKinds)));
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } });
  // Time that passes without anybody's turn: the process stands still.
  let still = 0;
  const timers = manualClock(1_700_000_000_000);
  const clock = { ...timers, monotonic: () => timers.monotonic() + still };
  const offices: Office[] = [];
  const lead = async (office: Office): Promise<void> => {
    offices.push(office);
    await new Promise<void>((resolve) => office.signal.addEventListener('abort', () => resolve(), { once: true }));
  };
  const log = createLogger({ name: 'test', level: 'silent' });
  const election = startElection({ client: api, lease: { namespace: 'kube-system', name: 'l' }, identity: 'a', timing: promptTiming, clock, log, lead });
  const office = await until('it leads', () => offices[0]);
  const client = officeClient(api, office);
  await client.create(note('before'));
  still = promptTiming.giveUpMilliseconds - 100;
  await client.create(note('in-time'));
  still = promptTiming.giveUpMilliseconds + 1;

  assert.equal(office.signal.aborted, false, 'its timers have not run');
  const writes: readonly ((client: ResourceClient) => Promise<unknown>)[] = [
    (to) => to.create(note('late')),
    (to) => to.update(note('before')),
    (to) => to.patch(ref('before'), { data: { a: 'b' } }),
    (to) => to.patchStatus(ref('before'), {}),
    (to) => to.delete(ref('before')),
  ];
  for (const write of writes) await assert.rejects(write(client), { code: 'Unavailable', message: /leads no longer/ });
  assert.deepEqual((await client.list('ConfigMap')).items.map(({ metadata }) => metadata.name), ['before', 'in-time']);
  await election.stop();
});
