/** Who took over what was compiled along knows what one who starts from nothing knows, and neither misses nor repeats a change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as hold, property, shuffledSubarray } from 'fast-check';
import { createInProcessClient } from '../../apiserver/registry/client.ts';
import { createRegistry } from '../../apiserver/registry/registry.ts';
import { createScheme } from '../../apiserver/scheme.ts';
import type { ResourceClient } from '../../api/client.ts';
import { coreKinds } from '../../api/core/index.ts';
import { kinds } from '../../api/kinds.ts';
import { refOf } from '../../api/object.ts';
import { createCompiler } from '../../compile/compiler.ts';
import type { CompileResult } from '../../compile/engine.ts';
import { attachment, smallFabric, vpc } from '../../compile/fixture.ts';
import { systemClock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import { buildHouse, createAll, digests, tenant, waitFor } from '../testing.ts';
import { tellingAll } from './prepared.ts';
import { startStandby, type Standby } from './standby.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const declared = smallFabric();
const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = [vpc('red', { front: '10.1.0.0/24' }), attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' })];
const blue = [vpc('blue', { front: '10.2.0.0/24' }), attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'b2--leaf-2' })];

const clientOf = (store: Store): ResourceClient => createInProcessClient(createRegistry(store, createScheme([...coreKinds, ...kinds])));

const follow = (client: ResourceClient): Standby => startStandby({ client, log, clock: systemClock, patienceMilliseconds: 100 });

/** Comparable, whatever the order in which it was found out. */
const said = ({ scopes, contributions, findings, facts, demands }: CompileResult): object => ({
  rows: Object.fromEntries(scopes.filter(({ upserts }) => upserts.length > 0).map(({ scope, upserts }) => [scope, [...upserts].toSorted((a, b) => (`${a.table}/${a.key}` < `${b.table}/${b.key}` ? -1 : 1))])),
  contributions: Object.fromEntries([...contributions].filter(([, scopes_]) => scopes_.size > 0).map(([key, scopes_]) => [key, [...scopes_].toSorted()])),
  findings: Object.fromEntries([...findings].filter(([, all]) => all.length > 0)),
  facts: Object.fromEntries([...facts].filter(([, all]) => Object.keys(all).length > 0)),
  demands: Object.fromEntries([...demands].filter(([, all]) => all.length > 0)),
});

describe('a server that compiles along', () => {
  it('tells at first, whatever came and went before, what a compiler says that is handed everything at once', async () => {
    const store = createMemoryStore();
    const house = await buildHouse({ store, devices });
    await createAll(house.client, [...declared, ...red, ...blue]);
    await waitFor(house.client, tenant('VPCAttachment', 'b2'), 'Programmed', 'True');
    const objects = (await Promise.all(kinds.map(({ kind }) => house.client.list(kind)))).flatMap(({ items }) => items);
    await house.stop();
    const changes = objects.map((object) => ({ ref: refOf(object), object }));
    hold(
      property(shuffledSubarray(changes), shuffledSubarray(changes), (former, present) => {
        const warm = createCompiler();
        warm.apply(former);
        const isPresent = new Set(present.map(({ object }) => object));
        warm.apply(former.filter(({ object }) => !isPresent.has(object)).map(({ ref }) => ({ ref, object: undefined })));
        const known = former.filter(({ object }) => isPresent.has(object)).map(({ object }) => object);
        const taken = tellingAll(warm, known);
        assert.deepEqual(said(taken.apply(present)), said(createCompiler().apply(present)));
        assert.deepEqual(taken.apply(present).scopes, [], 'and nothing a second time');
      }),
      { numRuns: 40 },
    );
  });

  it('is taken over with everything up to the term, and the controller goes on with what comes after', async () => {
    const store = createMemoryStore();
    const former = await buildHouse({ store, devices });
    const client = clientOf(store);
    const standby = follow(client);
    await createAll(former.client, [...declared, ...red]);
    await waitFor(former.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await until('everything was compiled', () => standby.isReady);
    await former.stop();
    const before = digests(former.goal);
    // Heard of a moment later, and not listed by anybody.
    const [gone, made] = [client.delete(tenant('VPCAttachment', 'a1')), createAll(client, blue)];
    await Promise.all([gone, made]);
    const term = (await store.commit([{ type: 'put', key: '/heddle/term', value: '7' }]))[0]?.entry.revision ?? 0;
    const prepared = await standby.handOver(term);
    assert.ok(prepared !== undefined);
    const listed = await Promise.all(kinds.map(({ kind }) => prepared.over(clientOf(createMemoryStore())).list(kind)));
    const stored = await Promise.all(kinds.map(({ kind }) => client.list(kind)));
    assert.deepEqual(listed.map(({ items }) => items.map(({ metadata }) => metadata.resourceVersion).toSorted()), stored.map(({ items }) => items.map(({ metadata }) => metadata.resourceVersion).toSorted()));

    const house = await buildHouse({ store, devices, prepared });
    await waitFor(house.client, tenant('VPCAttachment', 'b2'), 'Programmed', 'True');
    const cold = await buildHouse({ store, devices });
    await until('both came to the same', async () => JSON.stringify(digests(house.goal)) === JSON.stringify(digests(cold.goal)));
    assert.notDeepEqual(digests(house.goal), before);
    await cold.stop();
    await createAll(house.client, red.slice(1));
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await house.stop();
  });

  it('is not taken over before it has everything, nor when it does not hear in time of what was written', async () => {
    const store = createMemoryStore();
    const client = clientOf(store);
    assert.equal(await follow(client).handOver(store.revision), undefined, 'it has only begun');
    const standby = follow(client);
    await until('ready', () => standby.isReady);
    assert.equal(await standby.handOver(store.revision + 1), undefined, 'that revision never comes');
    const stopped = follow(client);
    await stopped.stop();
    assert.equal(stopped.isReady, false);
  });

  it('does not know over a network how far it has come, and is not taken over', async () => {
    const store = createMemoryStore();
    const client = clientOf(store);
    const remote: ResourceClient = {
      ...client,
      async *watch(kind, from, signal) {
        yield* client.watch(kind, from, signal);
      },
    };
    const standby = follow(remote);
    await until('ready', () => standby.isReady);
    assert.equal(await standby.handOver(0), undefined);
  });
});
