import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient, WatchEvent } from '../api/client.ts';
import { apiVersion, refKey, type Resource } from '../api/object.ts';
import { systemClock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { startInformers } from './informer.ts';

const vpc = (name: string, revision: number): Resource => ({
  apiVersion,
  kind: 'VPC',
  metadata: { name, namespace: 'default', resourceVersion: String(revision) },
});

/** A client whose first watch tells one change and has then fallen too far behind. */
const clientOf = (lists: Resource[][], change: WatchEvent): ResourceClient => {
  const fails = (): never => {
    throw new HeddleError('Unsupported', 'not of this test');
  };
  let watches = 0;
  return {
    list: async () => ({ items: lists.shift() ?? [], resourceVersion: '9' }),
    async *watch(_kind, _from, signal): AsyncGenerator<WatchEvent> {
      watches += 1;
      if (watches === 1) {
        yield change;
        throw new HeddleError('Expired', 'too far behind');
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    get: fails,
    create: fails,
    update: fails,
    patch: fails,
    patchStatus: fails,
    delete: fails,
  };
};

test('a watch that fell behind lists again and tells only what is different', async () => {
  const told: string[] = [];
  const client = clientOf([[vpc('a', 1), vpc('b', 2), vpc('c', 3)], [vpc('b', 2), vpc('c', 7), vpc('e', 8)]], { type: 'ADDED', object: vpc('d', 5) });
  const informers = startInformers({
    client,
    kinds: ['VPC'],
    onChange: ({ ref, object }) => told.push(`${refKey(ref)} ${object?.metadata.resourceVersion ?? 'gone'}`),
    log: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
  });
  await informers.synced;
  await until('the second list was told', () => told.length === 8);
  await informers.stop();
  assert.deepEqual(told.slice(0, 4), ['VPC/default/a 1', 'VPC/default/b 2', 'VPC/default/c 3', 'VPC/default/d 5']);
  assert.deepEqual(told.slice(4), ['VPC/default/a gone', 'VPC/default/d gone', 'VPC/default/c 7', 'VPC/default/e 8']);
});
