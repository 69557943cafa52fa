/** What becomes of a claim when the API does not answer at the first try. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../api/client.ts';
import { apiVersion, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger } from '../kit/log.ts';
import { Allocator } from './allocate.ts';
import { Barrier } from './barrier.ts';
import { Claims, claimWaiter } from './claims.ts';

const name = 'vni-10';
const claim: Resource = {
  apiVersion,
  kind: 'Claim',
  metadata: { name },
  spec: { pool: 'vni', value: '10', purpose: 'l3', owner: { kind: 'VPC', namespace: 'default', name: 'red', uid: 'u' } },
};

/** A claim whose owner is gone, over an API that refuses as often as it is told to; what is put off waits for `later`. */
const bench = (refusals: { deletes?: number; patches?: number }) => {
  const calls: string[] = [];
  const left = { deletes: 0, patches: 0, ...refusals };
  const answer = async (call: string, which: 'deletes' | 'patches'): Promise<void> => {
    calls.push(call);
    if (left[which] > 0) {
      left[which] -= 1;
      throw new HeddleError('Unavailable', 'the store is away');
    }
  };
  const unused = (): never => assert.fail('not part of this');
  const client: ResourceClient = {
    list: unused,
    watch: unused,
    get: unused,
    create: unused,
    update: unused,
    patch: unused,
    patchStatus: async (_ref, status) => {
      await answer(JSON.stringify(status), 'patches');
      return { ...claim, status };
    },
    delete: () => answer('delete', 'deletes'),
  };
  const allocator = new Allocator(() => undefined);
  const barrier = new Barrier();
  const putOff: (() => void)[] = [];
  const later = (action: () => void): void => void putOff.push(action);
  const log = createLogger({ name: 'test', level: 'silent' });
  const claims = new Claims({ client, allocator, barrier, log, later, retryLater: unused });
  allocator.observe(name, claim);
  assert.deepEqual(allocator.decide().quarantine, [name]);
  const runLater = async (): Promise<void> => {
    await claims.close();
    for (const action of putOff.splice(0)) action();
    await claims.close();
  };
  return { allocator, claims, calls, runLater };
};

const quarantined = JSON.stringify({ phase: 'Quarantined' });

test('a delete that failed is tried until it succeeds', async () => {
  const { claims, calls, runLater } = bench({ deletes: 2 });
  claims.quarantine(name);
  assert.equal(claims.settle(claimWaiter(name)), true);
  await runLater();
  await runLater();
  await runLater();
  assert.deepEqual(calls, [quarantined, 'delete', 'delete', 'delete']);
});

test('a delete whose answer was lost does not take the claim that has the name by now', async () => {
  const { allocator, claims, calls, runLater } = bench({ deletes: 1 });
  claims.quarantine(name);
  claims.settle(claimWaiter(name));
  await claims.close();
  allocator.observe(name, undefined);
  allocator.observe(name, claim);
  await runLater();
  assert.deepEqual(calls, [quarantined, 'delete']);
});

test('a quarantine that could not be written is written later, unless it is over', async () => {
  const { claims, calls, runLater } = bench({ patches: 1 });
  claims.quarantine(name);
  await runLater();
  assert.deepEqual(calls, [quarantined, quarantined]);
  const other = bench({ patches: 1 });
  other.claims.quarantine(name);
  await other.claims.close();
  other.allocator.observe(name, undefined);
  await other.runLater();
  assert.deepEqual(other.calls, [quarantined]);
});
