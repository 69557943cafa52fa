/** One table of promises, held by every store; what is special to SQLite is in sqlite.test.ts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
import { until } from '../kit/testing.ts';
import { hasEtcd, startCluster, type TestCluster } from './etcd/testing.ts';
import { createMemoryStore } from './memory.ts';
import { openSqliteStore } from './sqlite.ts';
import type { Change, Store, Write } from './store.ts';

const withMemory = async (body: (store: Store) => Promise<void>): Promise<void> => {
  const store = createMemoryStore();
  await body(store).finally(() => store.close());
};

const withSqlite = async (body: (store: Store) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-store-'));
  const store = openSqliteStore(join(directory, 'store.db'));
  await body(store).finally(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
};

/** One etcd for all tests, so that they see what others wrote before; each has a prefix of its own. */
let etcd: TestCluster | undefined;
let prefixes = 0;

const withEtcd = async (body: (store: Store) => Promise<void>): Promise<void> => {
  etcd ??= await startCluster();
  prefixes += 1;
  const store = await etcd.open({ prefix: `/heddle/test-${prefixes}/` });
  await body(store).finally(() => store.close());
};

after(() => etcd?.stop());

const stores = { 'the memory store': withMemory, 'the SQLite store': withSqlite, ...(hasEtcd() ? { 'the etcd store': withEtcd } : {}) };

const put = (key: string, value: string, expected?: number): Write =>
  expected === undefined ? { type: 'put', key, value } : { type: 'put', key, value, expected };
const remove = (key: string, expected?: number): Write =>
  expected === undefined ? { type: 'delete', key } : { type: 'delete', key, expected };

/** Commits and answers the revision of each change. */
const commit = async (store: Store, ...writes: Write[]): Promise<number[]> => (await store.commit(writes)).map(({ entry }) => entry.revision);

/** The same for one write. */
const one = async (store: Store, write: Write): Promise<number> => (await commit(store, write))[0] ?? 0;

const failsWith = (code: ErrorCode) => (error: unknown) => error instanceof HeddleError && error.code === code;

const take = async (store: Store, prefix: string, after: number, count: number): Promise<Change[]> => {
  const stop = new AbortController();
  const changes: Change[] = [];
  if (count === 0) return changes;
  for await (const change of store.watch({ prefix, after, signal: stop.signal })) {
    changes.push(change);
    if (changes.length === count) stop.abort();
  }
  return changes;
};

const summary = (change: Change): string =>
  `${change.type} ${change.entry.key}=${change.entry.value} was ${change.previous?.value ?? '-'}`;

const assertRising = (revisions: readonly number[], above: number): void => {
  for (const [index, revision] of revisions.entries()) assert.ok(revision > (revisions[index - 1] ?? above), `${revision} in ${revisions.join(' ')}`);
};

for (const [name, withStore] of Object.entries(stores)) {
  describe(name, () => {
    it('answers nothing for a key that was never written, at the revision it begins with', () =>
      withStore(async (store) => {
        assert.equal(await store.get('a'), undefined);
        const { revision } = store;
        assert.deepEqual(await store.list(''), { entries: [], revision });
      }));

    it('gives every commit greater revisions and remembers the one that created the key', () =>
      withStore(async (store) => {
        const { revision } = store;
        const created = await one(store, put('a', '1'));
        const [updated = 0, second = 0] = await commit(store, put('a', '2'), put('b', '1'));
        assertRising([created, updated], revision);
        assert.ok(second >= updated);
        assert.ok(store.revision >= second);
        assert.deepEqual(await store.get('a'), { key: 'a', value: '2', revision: updated, createRevision: created });
        assert.deepEqual(await store.get('b'), { key: 'b', value: '1', revision: second, createRevision: second });
      }));

    it('answers a commit with what changed: the entry, and the one before it', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1'), put('b', '1')]);
        const changes = await store.commit([put('a', '2'), put('c', ''), remove('b')]);
        assert.deepEqual(changes.map(summary), ['put a=2 was 1', 'put c= was -', 'delete b=1 was 1']);
        assert.deepEqual(changes[0]?.entry, await store.get('a'));
        const [created] = await store.commit([put('b', 'again')]);
        assert.deepEqual(created?.entry, await store.get('b'));
        assert.equal(created?.entry.createRevision, created?.entry.revision);
      }));

    it('keeps any text as it is', () =>
      withStore(async (store) => {
        const texts = ['', 'Grüße', '\u0000', 'a\u0000b:c\u0000', '{"a":"\\u0000"}', 'x'.repeat(100_000)];
        await store.commit(texts.map((text, index) => put(`k/${index}`, text)));
        assert.deepEqual((await store.list('k/')).entries.map((entry) => entry.value), texts);
        assert.deepEqual((await take(store, 'k/', (await store.list('k/')).revision - texts.length, 1)).map((change) => change.type), ['put']);
      }));

    it('creates only what does not exist when revision 0 is expected', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1', 0)]);
        await assert.rejects(store.commit([put('a', '2', 0)]), failsWith('Conflict'));
        assert.equal((await store.get('a'))?.value, '1');
      }));

    it('refuses a write whose expected revision is stale, put and delete alike', () =>
      withStore(async (store) => {
        const first = await one(store, put('a', '1'));
        const second = await one(store, put('a', '2', first));
        await assert.rejects(store.commit([put('a', '3', first)]), failsWith('Conflict'));
        await assert.rejects(store.commit([remove('a', first)]), failsWith('Conflict'));
        await store.commit([remove('a', second)]);
        assert.equal(await store.get('a'), undefined);
        await assert.rejects(store.commit([put('a', '3', second)]), failsWith('Conflict'));
        await assert.rejects(store.commit([remove('a', second)]), failsWith('NotFound'));
      }));

    it('lets one of several win who expect the same revision', () =>
      withStore(async (store) => {
        const before = await one(store, put('a', '0'));
        const outcomes = await Promise.allSettled(['1', '2', '3', '4', '5'].map((value) => store.commit([put('a', value, before)])));
        assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
        for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(failsWith('Conflict')(outcome.reason));
      }));

    it('writes only while what a commit checks is as expected, and a check is no change', () =>
      withStore(async (store) => {
        const leader = await one(store, put('leader', 'one'));
        const check: Write = { type: 'check', key: 'leader', expected: leader };
        const changes = await store.commit([check, put('a', '1')]);
        assert.deepEqual(changes.map(summary), ['put a=1 was -']);
        await store.commit([put('leader', 'two')]);
        await assert.rejects(store.commit([check, put('a', '2')]), failsWith('Conflict'));
        await assert.rejects(store.commit([{ ...check, key: 'nobody' }, put('a', '2')]), failsWith('Conflict'));
        await store.commit([{ ...check, key: 'nobody', expected: 0 }, put('a', '3')]);
        assert.equal((await store.get('a'))?.value, '3');
      }));

    it('may check a key that it writes', () =>
      withStore(async (store) => {
        const first = await one(store, put('a', '1'));
        const check: Write = { type: 'check', key: 'a', expected: first };
        await store.commit([check, put('a', '2')]);
        await assert.rejects(store.commit([check, put('a', '3')]), failsWith('Conflict'));
        assert.deepEqual(await store.commit([{ type: 'check', key: 'b', expected: 0 }]), []);
      }));

    it('refuses to delete what is not there', () =>
      withStore(async (store) => {
        await assert.rejects(store.commit([remove('a')]), failsWith('NotFound'));
      }));

    it('refuses keys that backends would sort differently', () =>
      withStore(async (store) => {
        await assert.rejects(store.commit([put('ä', '1')]), failsWith('BadRequest'));
        await assert.rejects(store.commit([put('', '1')]), failsWith('BadRequest'));
      }));

    it('refuses to write one key twice in a commit', () =>
      withStore(async (store) => {
        await assert.rejects(store.commit([put('a', '1'), put('b', '1'), put('a', '2')]), failsWith('BadRequest'));
        await assert.rejects(store.commit([put('a', '1'), remove('a')]), failsWith('BadRequest'));
        assert.equal(await store.get('b'), undefined);
      }));

    it('writes all of a commit or none of it, and takes no revision for none', () =>
      withStore(async (store) => {
        const first = await one(store, put('a', '1'));
        await assert.rejects(store.commit([put('b', '1'), put('a', '2', first + 1)]), failsWith('Conflict'));
        await assert.rejects(store.commit([put('b', '1'), remove('c')]), failsWith('NotFound'));
        assert.equal(await store.get('b'), undefined);
        assert.equal(store.revision, first);
        const changes = await store.commit([put('b', '1'), remove('a'), put('c', '1', 0)]);
        assert.deepEqual(changes.map(summary), ['put b=1 was -', 'delete a=1 was 1', 'put c=1 was -']);
      }));

    it('settles commits that are asked for at once each for itself', () =>
      withStore(async (store) => {
        const first = await one(store, put('a', '1'));
        const outcomes = await Promise.allSettled([
          store.commit([put('b', '1'), put('a', 'x', 0)]),
          store.commit([put('a', '2', first), put('c', '1')]),
          store.commit([remove('nothing')]),
          store.commit([put('d', '1')]),
        ]);
        assert.deepEqual(outcomes.map((outcome) => outcome.status), ['rejected', 'fulfilled', 'rejected', 'fulfilled']);
        const { entries } = await store.list('');
        assert.deepEqual(entries.map(({ key, value }) => `${key}=${value}`), ['a=2', 'c=1', 'd=1']);
      }));

    it('lists a prefix in key order, and not its neighbours', () =>
      withStore(async (store) => {
        await store.commit(['b/2', 'b/1', 'a/1', 'b', 'c/1', 'b/1x'].map((key) => put(key, key)));
        assert.deepEqual((await store.list('b/')).entries.map((entry) => entry.key), ['b/1', 'b/1x', 'b/2']);
      }));

    it('pages through a list at the revision of its first page, whatever is written in between', () =>
      withStore(async (store) => {
        const [, , , , last] = await commit(store, ...['a', 'b', 'c', 'd', 'e'].map((key) => put(`k/${key}`, '1')));
        const first = await store.list('k/', { limit: 2 });
        assert.deepEqual([first.next, first.remaining, first.revision], ['k/c', 3, last]);
        await store.commit([remove('k/d'), put('k/cc', '2'), put('k/e', '2')]);
        const second = await store.list('k/', { limit: 2, from: first.next ?? '', revision: first.revision });
        assert.deepEqual(second.entries.map((entry) => entry.key), ['k/c', 'k/d']);
        assert.equal(second.remaining, 1);
        const third = await store.list('k/', { limit: 2, from: second.next ?? '', revision: first.revision });
        assert.deepEqual(third.entries.map((entry) => [entry.key, entry.value]), [['k/e', '1']]);
        assert.equal(third.next, undefined);
      }));

    it('lists the past exactly as it was, deletions and re-creations included', () =>
      withStore(async (store) => {
        const { revision: begin } = store;
        const created = await one(store, put('a', '1'));
        const removed = await one(store, remove('a'));
        const again = await one(store, put('a', '3'));
        const values = async (revision: number) => (await store.list('', { revision })).entries.map((entry) => entry.value);
        assert.deepEqual([await values(begin), await values(created), await values(removed), await values(again)], [[], ['1'], [], ['3']]);
        await assert.rejects(store.list('', { revision: again + 1000 }), failsWith('BadRequest'));
      }));

    it('forgets what was compacted: earlier lists and watches are Expired, the present and later ones work', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1'), put('b', '1')]);
        const second = await one(store, put('a', '2'));
        const gone = await one(store, remove('b'));
        await store.commit([put('a', '3')]);
        await store.compact(gone);
        await assert.rejects(store.list('', { revision: second }), failsWith('Expired'));
        await assert.rejects(take(store, '', second, 1), failsWith('Expired'));
        assert.deepEqual((await store.list('', { revision: gone })).entries.map((entry) => entry.value), ['2']);
        assert.deepEqual((await take(store, '', gone, 1)).map(summary), ['put a=3 was 2']);
        await store.compact(second);
        await assert.rejects(store.compact(store.revision + 1000), failsWith('BadRequest'));
        assert.equal((await store.get('a'))?.value, '3');
      }));

    it('watches from a revision: first what is logged, then what comes, each change once', () =>
      withStore(async (store) => {
        const first = await one(store, put('k/a', '1'));
        await store.commit([put('x', '1'), put('k/b', '1')]);
        const watching = take(store, 'k/', first, 5);
        await store.commit([put('k/a', '2')]);
        await store.commit([remove('k/b'), put('x', '2'), put('k/a', '3')]);
        await store.commit([put('k/c', '1')]);
        const changes = await watching;
        assert.deepEqual(changes.map(summary), [
          'put k/b=1 was -',
          'put k/a=2 was 1',
          'delete k/b=1 was 1',
          'put k/a=3 was 2',
          'put k/c=1 was -',
        ]);
        assert.deepEqual(changes.at(-1)?.entry, await store.get('k/c'));
      }));

    it('watches from a revision that is still to come', () =>
      withStore(async (store) => {
        const early = await one(store, put('a', '1'));
        const watching = take(store, '', early + 1, 1);
        await one(store, put('a', '2'));
        while (store.revision < early + 1) await one(store, put('b', ''));
        await store.commit([put('c', 'seen')]);
        assert.deepEqual((await watching).map(summary), ['put c=seen was -']);
      }));

    it('catches up over more changes than it reads at a time, while writes go on', () =>
      withStore(async (store) => {
        const { revision } = store;
        const all: number[] = [];
        for (let n = 0; n < 12; n += 1) all.push(...(await commit(store, ...Array.from({ length: 100 }, (_, i) => put(`k/${i}`, `${n}`)))));
        const watching = take(store, 'k/', revision, 1300);
        all.push(...(await commit(store, ...Array.from({ length: 100 }, (_, i) => put(`k/${i}`, 'late')))));
        assert.deepEqual((await watching).map((change) => change.entry.revision), all);
      }));

    it('ends the watch of a consumer that fell behind with Expired, and nobody else', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const { revision } = store;
        const slow = store.watch({ prefix: '', after: revision, signal: stop.signal, buffer: 3 })[Symbol.asyncIterator]();
        const quick = take(store, '', revision, 6);
        const first = slow.next();
        const written: number[] = [];
        for (let n = 0; n < 6; n += 1) written.push(await one(store, put('a', `${n}`)));
        assert.equal((await quick).length, 6);
        assert.equal((await first).value?.entry.revision, written[0]);
        await assert.rejects(slow.next(), failsWith('Expired'));
      }));

    it('hands a note of the writer to who watches now, and keeps none', () =>
      withStore(async (store) => {
        const note = { said: 'once' };
        const stop = new AbortController();
        const { revision } = store;
        const live = store.watch({ prefix: '', after: revision, signal: stop.signal })[Symbol.asyncIterator]();
        const next = live.next();
        await store.commit([{ type: 'put', key: 'a', value: '1', note }]);
        assert.equal((await next).value?.entry.note, note);
        assert.equal((await store.get('a'))?.note, undefined);
        assert.equal((await store.list('')).entries[0]?.note, undefined);
        assert.equal((await take(store, '', revision, 1))[0]?.entry.note, undefined);
        stop.abort();
      }));

    it('ends a watch that leaves more characters than it may, and counts what it takes', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const { revision } = store;
        const slow = store.watch({ prefix: '', after: revision, signal: stop.signal, bufferCharacters: 10 })[Symbol.asyncIterator]();
        for (let n = 0; n < 4; n += 1) {
          const next = slow.next();
          await store.commit([put('a', 'nine char')]);
          await store.commit([put('a', 'nine char')]);
          assert.equal((await next).done, false);
          assert.equal((await slow.next()).done, false);
        }
        const next = slow.next();
        for (let n = 0; n < 3; n += 1) await store.commit([put('a', 'nine char')]);
        const last = store.revision;
        assert.equal((await next).done, false);
        await until('everything is published', async () => (await take(store, '', last - 1, 1)).length === 1);
        await assert.rejects(slow.next(), failsWith('Expired'));
      }));

    it('ends a watch normally when its signal aborts or the store closes', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const aborted = store.watch({ prefix: '', after: store.revision, signal: stop.signal })[Symbol.asyncIterator]().next();
        stop.abort();
        assert.equal((await aborted).done, true);
        const closed = store.watch({ prefix: '', after: store.revision, signal: new AbortController().signal });
        const end = closed[Symbol.asyncIterator]().next();
        await store.close();
        assert.equal((await end).done, true);
      }));

    it('tells how far a watch has come: past changes of other prefixes, not past an unhandled change', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const begin = store.revision;
        const watch = store.watch({ prefix: 'k/', after: begin, signal: stop.signal });
        const changes = watch[Symbol.asyncIterator]();
        const first = changes.next();
        const other = await one(store, put('x', '1'));
        await until('the watch has come past it', () => watch.delivered === other);
        await store.commit([put('k/a', '1'), put('x', '2')]);
        await first;
        assert.equal(watch.delivered, begin);
        const second = changes.next();
        await until('the watch has come past its own', () => watch.delivered === store.revision);
        stop.abort();
        await second;
      }));

    it('does not call half a commit handled', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const begin = store.revision;
        const [first = 0, second = 0] = await commit(store, put('k/a', '1'), put('k/b', '1'));
        const watch = store.watch({ prefix: 'k/', after: begin, signal: stop.signal });
        const changes = watch[Symbol.asyncIterator]();
        await changes.next();
        await changes.next();
        assert.ok(watch.delivered >= begin && watch.delivered < second, `${watch.delivered}`);
        assert.equal(watch.delivered, first === second ? first - 1 : first);
        const third = changes.next();
        await until('both are handled', () => watch.delivered >= second);
        stop.abort();
        await third;
      }));

    it('any history: a watch from any revision turns the list of then into the list of now', () =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 25 }), fc.nat(), fc.nat(), checkHistory(withStore)),
        { numRuns: name === 'the etcd store' ? 20 : 40 },
      ));
  });
}

const step = fc.record({ key: fc.constantFrom('k/a', 'k/b', 'k/c', 'k/aa', 'l/a'), value: fc.option(fc.string({ maxLength: 3 })) });

type Step = { key: string; value: string | null };

/** Only deletes of what exists are valid, and a key once a commit; the model is a plain map beside the store. */
const writesOf = (steps: readonly Step[], model: Map<string, string>): Write[] =>
  [...new Map(steps.map((step) => [step.key, step])).values()].flatMap(({ key, value }) => {
    if (value === null) return model.delete(key) ? [remove(key)] : [];
    model.set(key, value);
    return [put(key, value)];
  });

const checkHistory =
  (withStore: (body: (store: Store) => Promise<void>) => Promise<void>) =>
  (history: readonly Step[][], startSeed: number, compactSeed: number): Promise<void> =>
    withStore(async (store) => {
      const model = new Map<string, string>();
      const revisions = [store.revision];
      for (const steps of history) {
        const writes = writesOf(steps, model);
        if (writes.length > 0) revisions.push(...(await commit(store, ...writes)).slice(-1));
      }
      const index = startSeed % revisions.length;
      const [start = 0, compacted = 0] = [revisions[index], revisions[compactSeed % (index + 1)]];
      await store.compact(compacted);
      const state = new Map((await store.list('k/', { revision: start })).entries.map((entry) => [entry.key, entry.value]));
      await replay(store, start, state);
      const expected = [...model].filter(([key]) => key.startsWith('k/')).toSorted();
      assert.deepEqual([...state].toSorted(), expected);
      const now = (await store.list('k/')).entries.map((entry) => [entry.key, entry.value]);
      assert.deepEqual(now, expected);
    });

const replay = async (store: Store, start: number, state: Map<string, string>): Promise<void> => {
  const stop = new AbortController();
  const watch = store.watch({ prefix: 'k/', after: start, signal: stop.signal });
  await store.commit([put('k/marker', 'end')]);
  const marker = await one(store, remove('k/marker'));
  let last = start;
  for await (const change of watch) {
    assert.ok(change.entry.revision >= last, 'revisions never fall');
    assert.equal(change.previous?.value, state.get(change.entry.key), 'previous is what the state held');
    last = change.entry.revision;
    if (change.type === 'put') state.set(change.entry.key, change.entry.value);
    else state.delete(change.entry.key);
    if (last === marker) stop.abort();
  }
};
