import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../../api/client.ts';
import { coreKinds } from '../../api/core/index.ts';
import type { Resource } from '../../api/object.ts';
import { createInProcessClient } from '../../apiserver/registry/client.ts';
import { createRegistry } from '../../apiserver/registry/registry.ts';
import { createScheme } from '../../apiserver/scheme.ts';
import { type Clock, manualClock, type ManualClock } from '../../kit/clock.ts';
import type { HeddleError } from '../../kit/error.ts';
import { createLogger } from '../../kit/log.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { type Election, type LeaderSeen, type Office, startElection } from './election.ts';
import { recordOf, southboundAnnotation, termOf } from './record.ts';
import { promptTiming } from './timing.ts';

const at = { namespace: 'kube-system', name: 'heddle-controller' };
const log = createLogger({ name: 'test', level: 'silent' });

const openApi = async (): Promise<ResourceClient> => {
  const api = createInProcessClient(createRegistry(createMemoryStore(), createScheme(coreKinds)));
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } });
  return api;
};

const leaseIn = (api: ResourceClient): Promise<Resource> => api.get({ kind: 'Lease', ...at });

interface Someone {
  readonly election: Election;
  readonly offices: Office[];
  readonly seen: (LeaderSeen | undefined)[];
  /** The way to the API is cut: nothing is answered. */
  cut(): void;
}

/** A candidate whose work ends as soon as it is told to. */
const candidate = (identity: string, api: ResourceClient, clock: Clock): Someone => {
  const offices: Office[] = [];
  const seen: (LeaderSeen | undefined)[] = [];
  let isCut = false;
  const pass = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => (isCut ? new Promise(() => undefined) : ask());
  const election = startElection({
    client: { get: (ref) => pass(() => api.get(ref)), create: (object) => pass(() => api.create(object)), update: (object) => pass(() => api.update(object)) },
    lease: at,
    identity,
    timing: promptTiming,
    clock,
    log,
    annotations: { [southboundAnnotation]: `${identity}:7443` },
    random: () => 0,
    lead: async (office) => {
      offices.push(office);
      await new Promise<void>((resolve) => office.signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    onSeen: (leader) => seen.push(leader),
  });
  return { election, offices, seen, cut: () => (isCut = true) };
};

const settle = async (clock: ManualClock, milliseconds = 1): Promise<void> => {
  await clock.advance(milliseconds);
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Time goes on in steps, so that everybody has its turn. */
const pass = async (clock: ManualClock, milliseconds: number): Promise<void> => {
  for (let gone = 0; gone < milliseconds; gone += 50) await settle(clock, 50);
};

const start = 1_700_000_000_000;

test('the first to come leads, renews, and the others only look', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const [a, b] = [candidate('a', api, clock), candidate('b', api, clock)];
  await pass(clock, 5000);
  assert.deepEqual([a.offices.length, b.offices.length], [1, 0]);
  assert.deepEqual([a.election.isLeader, b.election.isLeader], [true, false]);
  const lease = await leaseIn(api);
  const { acquireTime, renewTime, ...rest } = recordOf(lease);
  assert.deepEqual(rest, { holder: 'a', durationSeconds: 2, transitions: 0 });
  assert.match(acquireTime, /^2023-11-14T22:13:20\.0\d\d000Z$/);
  assert.ok(Date.parse(renewTime) >= start + 4400);
  assert.equal(lease.metadata.annotations?.['heddle.dev/term'], '1700000000');
  assert.deepEqual({ ...b.seen.at(-1), version: '' }, { identity: 'a', version: '', southbound: 'a:7443' });
  await Promise.all([a.election.stop(), b.election.stop()]);
});

test('whoever stops in an orderly way is followed at the next look', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const [a, b] = [candidate('a', api, clock), candidate('b', api, clock)];
  await pass(clock, 1000);
  const stopped = a.election.stop();
  await settle(clock);
  await stopped;
  assert.equal(recordOf(await leaseIn(api)).holder, '');
  await pass(clock, 300);
  assert.equal(b.election.isLeader, true);
  assert.equal(recordOf(await leaseIn(api)).transitions, 1);
  assert.ok((b.offices[0]?.term ?? 0) > (a.offices[0]?.term ?? 0));
  await b.election.stop();
});

test('a leader that is cut off stops before the next one begins, and that one begins within 3 s', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const [a, b] = [candidate('a', api, clock), candidate('b', api, clock)];
  await pass(clock, 1000);
  a.cut();
  let [stopped, began] = [0, 0];
  for (let gone = 0; began === 0 && gone < 10_000; gone += 50) {
    await settle(clock, 50);
    if (stopped === 0 && !a.election.isLeader) stopped = clock.monotonic();
    if (b.election.isLeader) began = clock.monotonic();
  }
  assert.ok(stopped > 0 && stopped < began, `${stopped} before ${began}`);
  assert.ok(began - 1000 <= 3000, `${began}`);
  assert.equal(b.seen.includes(undefined), true, 'in between nobody was known to lead');
  await b.election.stop();
});

test('times in the Lease mean nothing: a clock that is years ahead takes nothing early', async () => {
  const api = await openApi();
  const [clock, ahead] = [manualClock(start), manualClock(start + 1e11)];
  const a = candidate('a', api, clock);
  await settle(clock);
  const b = candidate('b', api, ahead);
  for (let turn = 0; turn < 100; turn += 1) {
    await settle(clock, 50);
    await settle(ahead, 50);
  }
  assert.deepEqual([a.offices.length, b.offices.length], [1, 0]);
  await a.election.stop();
  for (let turn = 0; turn < 10; turn += 1) await settle(ahead, 50);
  const c = candidate('c', api, clock);
  await b.election.stop();
  await pass(clock, 500);
  assert.ok((c.offices[0]?.term ?? 0) > (b.offices[0]?.term ?? 0), 'and a term follows what was taken, whatever the clock says');
  await c.election.stop();
});

test('a Lease that somebody annotated, or deleted, is still its holder\'s', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const a = candidate('a', api, clock);
  await pass(clock, 1000);
  const lease = await leaseIn(api);
  await api.update({ ...lease, metadata: { ...lease.metadata, annotations: { ...lease.metadata.annotations, note: 'seen' } } });
  await pass(clock, 1000);
  assert.equal((await leaseIn(api)).metadata.annotations?.['note'], 'seen');
  await api.delete({ kind: 'Lease', ...at });
  await pass(clock, 1000);
  assert.equal(a.offices.length, 1);
  assert.equal(termOf(await leaseIn(api)), a.offices[0]?.term);
  await a.election.stop();
});

test('a Lease that was given to somebody else by hand ends the office at once', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const a = candidate('a', api, clock);
  await pass(clock, 1000);
  const lease = await leaseIn(api);
  await api.update({ ...lease, spec: { ...(lease.spec as object), holderIdentity: 'somebody' } });
  await pass(clock, 600);
  assert.equal(a.election.isLeader, false);
  assert.match((a.offices[0]?.signal.reason as HeddleError | undefined)?.message ?? '', /"somebody" holds the Lease now/);
  assert.equal(recordOf(await leaseIn(api)).holder, 'somebody', 'what is somebody else\'s is not given back');
  await pass(clock, 3000);
  assert.equal(a.offices.length, 2, 'and when that one never renews, it is taken again');
  await a.election.stop();
});

test('one that comes back under its own name need not wait', async () => {
  const [api, clock] = [await openApi(), manualClock(start)];
  const first = candidate('heddle-server', api, clock);
  await pass(clock, 100);
  first.cut();
  const again = candidate('heddle-server', api, clock);
  await settle(clock);
  assert.equal(again.offices.length, 1);
  assert.equal(recordOf(await leaseIn(api)).transitions, 0);
  assert.ok((again.offices[0]?.term ?? 0) > (first.offices[0]?.term ?? 0));
  await again.election.stop();
});
