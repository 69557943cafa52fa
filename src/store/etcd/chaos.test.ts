/** Members are killed under load: what was acknowledged stays, nothing is written twice, and watchers miss nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '../../kit/error.ts';
import { until } from '../../kit/testing.ts';
import type { Change, Revision, Store } from '../store.ts';
import { hasEtcd, startCluster } from './testing.ts';

type Fate = { readonly revision: Revision } | 'refused' | 'unknown';

/** Every value that was ever asked to be written, and what its writer was told. */
type Ledger = Map<string, Fate>;

const keys = Array.from({ length: 30 }, (_, index) => `k/${index}`);

/** Writes what nobody else writes to a random key, on condition that it is as it was read. */
const writeOne = async (store: Store, ledger: Ledger, value: string): Promise<void> => {
  const key = keys[Math.floor(Math.random() * keys.length)] ?? '';
  const before = await store.get(key);
  const remove = before !== undefined && Math.random() < 0.1;
  try {
    const expected = before?.revision ?? 0;
    const [change] = await store.commit([remove ? { type: 'delete', key, expected } : { type: 'put', key, value, expected }]);
    if (!remove) ledger.set(value, { revision: change?.entry.revision ?? 0 });
  } catch (thrown) {
    const { code } = HeddleError.from(thrown);
    assert.ok(code === 'Conflict' || code === 'NotFound' || code === 'Unavailable', HeddleError.from(thrown).message);
    if (!remove) ledger.set(value, code === 'Unavailable' ? 'unknown' : 'refused');
  }
};

const write = async (store: Store, ledger: Ledger, name: string, signal: AbortSignal): Promise<void> => {
  for (let n = 0; !signal.aborted; n += 1) {
    // A read that cannot be answered now is tried again.
    await writeOne(store, ledger, `${name}.${n}`).catch((thrown: unknown) => {
      if (HeddleError.from(thrown).code !== 'Unavailable') throw thrown;
    });
  }
};

const follow = async (store: Store, after: Revision, signal: AbortSignal, seen: Change[]): Promise<void> => {
  for await (const change of store.watch({ prefix: '', after, signal })) seen.push(change);
};

const line = ({ type, entry, previous }: Change): string => `${entry.revision} ${type} ${entry.key}=${entry.value} was ${previous?.value ?? '-'}`;

describe('the etcd store when members are killed', { skip: !hasEtcd() }, () => {
  it('loses no acknowledged write, makes none twice, and its watchers go on without a gap', async () => {
    const cluster = await startCluster({ members: 3, tls: true });
    const { endpoints, members } = cluster;
    const [first, second] = [await cluster.open(), await cluster.open({ endpoints: endpoints.toReversed() })];
    const begin = first.revision;
    const [load, watching] = [new AbortController(), new AbortController()];
    const ledger: Ledger = new Map();
    const [here, there]: [Change[], Change[]] = [[], []];
    try {
      const watches = [follow(first, begin, watching.signal, here), follow(second, begin, watching.signal, there)];
      const writers = Array.from({ length: 12 }, (_, index) => write(index % 2 === 0 ? first : second, ledger, `w${index}`, load.signal));
      for (const member of members) {
        const [before, acknowledged] = [here.length, ledger.size];
        await delay(200);
        await member.kill();
        await until('writes and watches go on without it', () => ledger.size > acknowledged + 100 && here.length > before + 100, 20_000);
        member.start();
        await delay(500);
      }
      load.abort();
      await Promise.all(writers);
      const last = (await first.commit([{ type: 'put', key: 'k/end', value: 'end' }]))[0]?.entry.revision;
      await until('both watchers saw the end', () => [here, there].every((seen) => seen.at(-1)?.entry.revision === last));
      watching.abort();
      await Promise.all(watches);

      assert.deepEqual(here.map(line), there.map(line));
      const written = new Map<string, Revision[]>();
      const state = new Map<string, string>();
      let revision = begin;
      for (const change of here) {
        const { type, entry, previous } = change;
        assert.ok(entry.revision > revision, 'each revision once, in order');
        revision = entry.revision;
        assert.equal(previous?.value, state.get(entry.key), line(change));
        if (type === 'put') written.set(entry.value, [...(written.get(entry.value) ?? []), entry.revision]);
        if (type === 'put') state.set(entry.key, entry.value);
        else state.delete(entry.key);
      }
      const fates = [...ledger.values()];
      assert.ok(fates.filter((fate) => typeof fate === 'object').length > 300);
      for (const [value, fate] of ledger) {
        const revisions = written.get(value) ?? [];
        if (typeof fate === 'object') assert.deepEqual(revisions, [fate.revision], `${value} was acknowledged`);
        else if (fate === 'refused') assert.deepEqual(revisions, [], `${value} was refused`);
        else assert.ok(revisions.length <= 1, `${value} was written ${revisions.length} times`);
      }
      const now = (await second.list('k/')).entries.map(({ key, value }) => [key, value]);
      assert.deepEqual(now, [...state].toSorted());
      if (process.env['HEDDLE_CHAOS_LOG'] === '1') {
        const count = (wanted: (fate: Fate) => boolean): number => fates.filter(wanted).length;
        console.log(`${count((fate) => typeof fate === 'object')} acknowledged, ${count((fate) => fate === 'refused')} refused, ${count((fate) => fate === 'unknown')} unknown`);
      }
    } finally {
      load.abort();
      watching.abort();
      await Promise.all([first.close(), second.close()]);
      await cluster.stop();
    }
  });
});
