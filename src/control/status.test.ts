import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../api/client.ts';
import type { Resource } from '../api/object.ts';
import { systemClock } from '../kit/clock.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { StatusWriter } from './status.ts';
import { buildHouse, cluster, createAll } from './testing.ts';
import { smallFabric } from '../compile/fixture.ts';

/** A writer of the status of Switches that does what `wanted` says. */
const writerOf = (client: ResourceClient, wanted: (object: Resource) => object, objects: ReadonlyMap<string, Resource>): StatusWriter =>
  new StatusWriter({
    client,
    wanted: (key) => {
      const object = objects.get(key);
      return object === undefined ? undefined : { object, status: wanted(object) };
    },
    onWritten: () => {},
    log: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
  });

test('a status that cannot be put together keeps no other from being written', async (t) => {
  const house = await buildHouse();
  await createAll(house.client, smallFabric());
  await house.stop();
  const names = ['leaf-1', 'leaf-2'];
  const objects = new Map(await Promise.all(names.map(async (name) => [name, await house.client.get(cluster('Switch', name))] as const)));
  let faults = 0;
  const writer = writerOf(house.client, ({ metadata }) => {
    if (metadata.name === 'leaf-2') return { asn: 65_001 };
    faults += 1;
    throw new Error('a fault of ours');
  }, objects);
  t.after(() => writer.close());
  for (const name of names) writer.mark(name);
  await until('the other one is written', async () => {
    const { status } = await house.client.get(cluster('Switch', 'leaf-2'));
    return (status as { asn?: number } | undefined)?.asn === 65_001;
  });
  assert.equal(faults, 1);
});
