/** One table of promises, held by every store; what is special to SQLite is in sqlite.test.ts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
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

const stores = { 'the memory store': withMemory, 'the SQLite store': withSqlite };

const put = (key: string, value: string, expected?: number): Write =>
  expected === undefined ? { type: 'put', key, value } : { type: 'put', key, value, expected };
const remove = (key: string, expected?: number): Write =>
  expected === undefined ? { type: 'delete', key } : { type: 'delete', key, expected };

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
  `${change.type} ${change.entry.key}=${change.entry.value}@${change.entry.revision} was ${change.previous?.value ?? '-'}`;

for (const [name, withStore] of Object.entries(stores)) {
  describe(name, () => {
    it('answers nothing for a key that was never written, at revision 0', () =>
      withStore(async (store) => {
        assert.equal(await store.get('a'), undefined);
        assert.equal(store.revision, 0);
        assert.deepEqual(await store.list(''), { entries: [], revision: 0 });
      }));

    it('gives every write its own revision and remembers the one that created the key', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1')]);
        await store.commit([put('a', '2'), put('b', '1')]);
        assert.deepEqual(await store.get('a'), { key: 'a', value: '2', revision: 2, createRevision: 1 });
        assert.deepEqual(await store.get('b'), { key: 'b', value: '1', revision: 3, createRevision: 3 });
      }));

    it('creates only what does not exist when revision 0 is expected', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1', 0)]);
        await assert.rejects(store.commit([put('a', '2', 0)]), failsWith('Conflict'));
        assert.equal((await store.get('a'))?.value, '1');
      }));

    it('refuses a write whose expected revision is stale, put and delete alike', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1')]);
        await store.commit([put('a', '2', 1)]);
        await assert.rejects(store.commit([put('a', '3', 1)]), failsWith('Conflict'));
        await assert.rejects(store.commit([remove('a', 1)]), failsWith('Conflict'));
        await store.commit([remove('a', 2)]);
        assert.equal(await store.get('a'), undefined);
      }));

    it('writes only while what a commit checks is as expected, and a check is no change', () =>
      withStore(async (store) => {
        await store.commit([put('leader', 'one')]);
        const check: Write = { type: 'check', key: 'leader', expected: 1 };
        const changes = await store.commit([check, put('a', '1')]);
        assert.deepEqual(changes.map(summary), ['put a=1@2 was -']);
        await store.commit([put('leader', 'two')]);
        await assert.rejects(store.commit([check, put('a', '2')]), failsWith('Conflict'));
        await assert.rejects(store.commit([{ ...check, key: 'nobody' }, put('a', '2')]), failsWith('Conflict'));
        await store.commit([{ ...check, key: 'nobody', expected: 0 }, put('a', '3')]);
        assert.deepEqual([(await store.get('a'))?.value, store.revision], ['3', 4]);
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

    it('writes all of a commit or none of it, and takes no revision for none', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1')]);
        await assert.rejects(store.commit([put('b', '1'), put('a', '2', 7)]), failsWith('Conflict'));
        assert.equal(await store.get('b'), undefined);
        assert.equal(store.revision, 1);
        const changes = await store.commit([put('b', '1'), put('b', '2', 2), remove('a')]);
        assert.deepEqual(changes.map(summary), ['put b=1@2 was -', 'put b=2@3 was 1', 'delete a=1@4 was 1']);
      }));

    it('settles commits that are asked for at once each for itself, in order', () =>
      withStore(async (store) => {
        const outcomes = await Promise.allSettled([
          store.commit([put('a', '1', 0)]),
          store.commit([put('b', '1'), put('a', 'x', 0)]),
          store.commit([put('a', '2', 1), put('c', '1')]),
          store.commit([remove('nothing')]),
          store.commit([put('d', '1')]),
        ]);
        assert.deepEqual(outcomes.map((outcome) => outcome.status), ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
        const { entries } = await store.list('');
        assert.deepEqual(entries.map(({ key, value, revision }) => `${key}=${value}@${revision}`), ['a=2@2', 'c=1@3', 'd=1@4']);
        assert.equal(store.revision, 4);
      }));

    it('lists a prefix in key order, and not its neighbours', () =>
      withStore(async (store) => {
        await store.commit(['b/2', 'b/1', 'a/1', 'b', 'c/1', 'b/1x'].map((key) => put(key, key)));
        assert.deepEqual((await store.list('b/')).entries.map((entry) => entry.key), ['b/1', 'b/1x', 'b/2']);
      }));

    it('pages through a list at the revision of its first page, whatever is written in between', () =>
      withStore(async (store) => {
        await store.commit(['a', 'b', 'c', 'd', 'e'].map((key) => put(`k/${key}`, '1')));
        const first = await store.list('k/', { limit: 2 });
        assert.deepEqual([first.next, first.remaining, first.revision], ['k/c', 3, 5]);
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
        await store.commit([put('a', '1')]);
        await store.commit([remove('a')]);
        await store.commit([put('a', '3')]);
        const values = async (revision: number) => (await store.list('', { revision })).entries.map((entry) => entry.value);
        assert.deepEqual([await values(0), await values(1), await values(2), await values(3)], [[], ['1'], [], ['3']]);
        await assert.rejects(store.list('', { revision: 4 }), failsWith('BadRequest'));
      }));

    it('forgets what was compacted: earlier lists and watches are Expired, the present and later ones work', () =>
      withStore(async (store) => {
        await store.commit([put('a', '1'), put('b', '1'), put('a', '2'), remove('b'), put('a', '3')]);
        await store.compact(4);
        await assert.rejects(store.list('', { revision: 3 }), failsWith('Expired'));
        await assert.rejects(take(store, '', 3, 1), failsWith('Expired'));
        assert.deepEqual((await store.list('', { revision: 4 })).entries.map((entry) => entry.value), ['2']);
        assert.deepEqual((await take(store, '', 4, 1)).map(summary), ['put a=3@5 was 2']);
        await store.compact(2);
        await assert.rejects(store.compact(6), failsWith('BadRequest'));
        assert.equal((await store.get('a'))?.value, '3');
      }));

    it('watches from a revision: first what is logged, then what comes, each change once', () =>
      withStore(async (store) => {
        await store.commit([put('k/a', '1'), put('x', '1'), put('k/b', '1')]);
        const watching = take(store, 'k/', 1, 4);
        await store.commit([put('k/a', '2')]);
        await store.commit([remove('k/b'), put('x', '2')]);
        await store.commit([put('k/c', '1')]);
        assert.deepEqual((await watching).map(summary), [
          'put k/b=1@3 was -',
          'put k/a=2@4 was 1',
          'delete k/b=1@5 was 1',
          'put k/c=1@7 was -',
        ]);
      }));

    it('catches up over more changes than it reads at a time, while writes go on', () =>
      withStore(async (store) => {
        for (let n = 0; n < 12; n += 1) await store.commit(Array.from({ length: 100 }, (_, i) => put(`k/${i}`, `${n}`)));
        const watching = take(store, 'k/', 0, 1300);
        await store.commit(Array.from({ length: 100 }, (_, i) => put(`k/${i}`, 'late')));
        const revisions = (await watching).map((change) => change.entry.revision);
        assert.deepEqual(revisions, Array.from({ length: 1300 }, (_, i) => i + 1));
      }));

    it('ends the watch of a consumer that fell behind with Expired, and nobody else', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const slow = store.watch({ prefix: '', after: 0, signal: stop.signal, buffer: 3 })[Symbol.asyncIterator]();
        const quick = take(store, '', 0, 6);
        const first = slow.next();
        for (let n = 0; n < 6; n += 1) await store.commit([put('a', `${n}`)]);
        assert.equal((await first).value?.entry.revision, 1);
        await assert.rejects(slow.next(), failsWith('Expired'));
        assert.equal((await quick).length, 6);
      }));

    it('hands a note of the writer to who watches now, and keeps none', () =>
      withStore(async (store) => {
        const note = { said: 'once' };
        const stop = new AbortController();
        const live = store.watch({ prefix: '', after: 0, signal: stop.signal })[Symbol.asyncIterator]();
        const next = live.next();
        const write: Write = { type: 'put', key: 'a', value: '1', note };
        await store.commit([write]);
        assert.equal((await next).value?.entry.note, note);
        assert.equal((await store.get('a'))?.note, undefined);
        assert.equal((await store.list('')).entries[0]?.note, undefined);
        assert.equal((await take(store, '', 0, 1))[0]?.entry.note, undefined);
        stop.abort();
      }));

    it('ends a watch that leaves more characters than it may, and counts what it takes', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const slow = store.watch({ prefix: '', after: 0, signal: stop.signal, bufferCharacters: 10 })[Symbol.asyncIterator]();
        for (let n = 0; n < 4; n += 1) {
          const next = slow.next();
          await store.commit([put('a', 'nine char')]);
          await store.commit([put('a', 'nine char')]);
          assert.equal((await next).done, false);
          assert.equal((await slow.next()).done, false);
        }
        const next = slow.next();
        for (let n = 0; n < 3; n += 1) await store.commit([put('a', 'nine char')]);
        assert.equal((await next).done, false);
        await assert.rejects(slow.next(), failsWith('Expired'));
      }));

    it('ends a watch normally when its signal aborts or the store closes', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const aborted = store.watch({ prefix: '', after: 0, signal: stop.signal })[Symbol.asyncIterator]().next();
        stop.abort();
        assert.equal((await aborted).done, true);
        const closed = store.watch({ prefix: '', after: 0, signal: new AbortController().signal });
        const end = closed[Symbol.asyncIterator]().next();
        await store.close();
        assert.equal((await end).done, true);
      }));

    it('tells how far a watch has come: past changes of other prefixes, not past an unhandled change', () =>
      withStore(async (store) => {
        const stop = new AbortController();
        const watch = store.watch({ prefix: 'k/', after: 0, signal: stop.signal });
        const changes = watch[Symbol.asyncIterator]();
        const first = changes.next();
        await store.commit([put('x', '1')]);
        assert.equal(watch.delivered, 1);
        await store.commit([put('k/a', '1'), put('x', '2')]);
        await first;
        assert.equal(watch.delivered, 0);
        const second = changes.next();
        assert.equal(watch.delivered, 3);
        stop.abort();
        await second;
      }));

    it('any history: a watch from any revision turns the list of then into the list of now', () =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 25 }), fc.nat(), fc.nat(), checkHistory(withStore)),
        { numRuns: 40 },
      ));
  });
}

const step = fc.record({ key: fc.constantFrom('k/a', 'k/b', 'k/c', 'k/aa', 'l/a'), value: fc.option(fc.string({ maxLength: 3 })) });

type Step = { key: string; value: string | null };

/** Only deletes of what exists are valid; the model is a plain map beside the store. */
const writesOf = (steps: readonly Step[], model: Map<string, string>): Write[] =>
  steps.flatMap(({ key, value }) => {
    if (value === null) return model.delete(key) ? [remove(key)] : [];
    model.set(key, value);
    return [put(key, value)];
  });

const checkHistory =
  (withStore: (body: (store: Store) => Promise<void>) => Promise<void>) =>
  (history: readonly Step[][], startSeed: number, compactSeed: number): Promise<void> =>
    withStore(async (store) => {
      const model = new Map<string, string>();
      const states: Map<string, string>[] = [new Map()];
      for (const steps of history) {
        const writes = writesOf(steps, model);
        if (writes.length === 0) continue;
        await store.commit(writes);
        while (states.length < store.revision) states.push(new Map());
        states.push(new Map(model));
      }
      const start = startSeed % (store.revision + 1);
      await store.compact(compactSeed % (start + 1));
      const state = new Map((await store.list('k/', { revision: start })).entries.map((entry) => [entry.key, entry.value]));
      await replay(store, start, state);
      const expected = [...model].filter(([key]) => key.startsWith('k/')).toSorted();
      assert.deepEqual([...state].toSorted(), expected);
      const now = (await store.list('k/')).entries.map((entry) => [entry.key, entry.value]);
      assert.deepEqual(now.toSorted(), expected);
    });

const replay = async (store: Store, start: number, state: Map<string, string>): Promise<void> => {
  const stop = new AbortController();
  const watch = store.watch({ prefix: 'k/', after: start, signal: stop.signal });
  const marker = (await store.commit([put('k/marker', 'end'), remove('k/marker')])).at(-1)?.entry.revision;
  let last = start;
  for await (const change of watch) {
    assert.ok(change.entry.revision > last, 'revisions rise');
    assert.equal(change.previous?.value, state.get(change.entry.key), 'previous is what the state held');
    last = change.entry.revision;
    if (change.type === 'put') state.set(change.entry.key, change.entry.value);
    else state.delete(change.entry.key);
    if (last === marker) stop.abort();
  }
};
