import { test } from 'node:test';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { HeddleError } from '../kit/error.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store, Write } from '../store/store.ts';
import { buildHouse, createAll, tenant, waitFor } from './testing.ts';

/** Refuses some writes, at once. */
const picky = (store: Store, refuses: (write: Write) => boolean): Store => ({
  get revision() {
    return store.revision;
  },
  get: (key) => store.get(key),
  list: (prefix, options) => store.list(prefix, options),
  commit: async (writes) => {
    if (writes.some(refuses)) throw new HeddleError('Unavailable', 'no space left on device');
    return store.commit(writes);
  },
  watch: (options) => store.watch(options),
  compact: (revision) => store.compact(revision),
  close: () => store.close(),
});

test('a store that takes no claims holds up nobody, and is asked again', { timeout: 20_000 }, async () => {
  let full = true;
  const store = createMemoryStore();
  const refuses = ({ key }: Write): boolean => full && key.includes('claims');
  const house = await buildHouse({ store: picky(store, refuses), devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  try {
    const tenants = [vpc('shop', { default: '10.1.0.0/24' }), attachment('a1', { vpc: 'shop', connection: 'a1--leaf-1' })];
    await createAll(house.client, [...smallFabric(), ...tenants]);
    await waitFor(house.client, tenant('VPC', 'shop'), 'Programmed', 'False');
    full = false;
    await waitFor(house.client, tenant('VPC', 'shop'), 'Programmed', 'True');
  } finally {
    await house.stop();
    await store.close();
  }
});
