/** What only a store on disk can promise: it survives its process, its disk filling up, and a second server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HeddleError } from '../kit/error.ts';
import { openSqliteStore } from './sqlite.ts';

const inDirectory = async (body: (path: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-sqlite-'));
  await body(join(directory, 'store.db')).finally(() => rm(directory, { recursive: true }));
};

const writer = `
  import { openSqliteStore } from ${JSON.stringify(new URL('sqlite.ts', import.meta.url).href)};
  import { writeSync } from 'node:fs';
  const store = openSqliteStore(process.argv[1]);
  for (let n = 0; ; n += 1) {
    const [change] = await store.commit([{ type: 'put', key: 'k/' + (n % 50), value: 'x'.repeat(n % 3000) + ':' + store.revision }]);
    writeSync(1, change.entry.revision + '\\n');
  }`;

/** Runs the writer until it has acknowledged `acknowledgements` commits, kills it, and answers the last one it told of. */
const killWriter = async (path: string, acknowledgements: number): Promise<number> => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer, path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > acknowledgements) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  const last = output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1);
  assert.ok(Number(last) > 0, `the writer acknowledged nothing: ${errors}`);
  return Number(last);
};

describe('the SQLite store on disk', () => {
  it('holds every acknowledged write after its process was killed at any moment, again and again', () =>
    inDirectory(async (path) => {
      for (const acknowledgements of [1, 40, 7, 333, 90]) {
        const acknowledged = await killWriter(path, acknowledgements);
        const store = openSqliteStore(path);
        const { entries } = await store.list('');
        const newest = entries.toSorted((a, b) => b.revision - a.revision)[0];
        assert.ok(store.revision >= acknowledged, `revision ${acknowledged} was acknowledged, ${store.revision} is there`);
        assert.equal(newest?.revision, store.revision);
        assert.ok(newest.value.endsWith(`:${store.revision - 1}`), 'the newest value is whole');
        const past = await store.list('', { revision: acknowledged });
        assert.ok(past.entries.some((entry) => entry.revision === acknowledged));
        await store.close();
      }
    }));

  it('keeps its revision when everything was deleted and compacted away', () =>
    inDirectory(async (path) => {
      const store = openSqliteStore(path);
      await store.commit([{ type: 'put', key: 'a', value: '1' }]);
      await store.commit([{ type: 'delete', key: 'a' }]);
      await store.compact(2);
      await store.close();
      const again = openSqliteStore(path);
      assert.equal(again.revision, 2);
      const [change] = await again.commit([{ type: 'put', key: 'a', value: '2' }]);
      assert.equal(change?.entry.revision, 3);
      await again.close();
    }));

  it('keeps one row a live key, whatever the order of compactions, and gives the space back to later writes', () =>
    inDirectory(async (path) => {
      const store = openSqliteStore(path);
      for (let n = 0; n < 3000; n += 1) {
        const key = `k/${n % 10}`;
        await store.commit(n % 7 === 3 && (await store.get(key)) !== undefined ? [{ type: 'delete', key }] : [{ type: 'put', key, value: `${n}` }]);
        if (n % 500 === 0) await store.compact(store.revision - (n % 3));
      }
      await store.compact(store.revision);
      const live = (await store.list('')).entries;
      await store.close();
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(path, { readOnly: true });
      const rows = database.prepare('SELECT revision FROM log ORDER BY revision').all().map((row) => row['revision']);
      database.close();
      assert.deepEqual(rows, live.map((entry) => entry.revision).toSorted((a, b) => a - b));
    }));

  it('refuses a second server on the same file, in words that help', () =>
    inDirectory(async (path) => {
      const store = openSqliteStore(path);
      assert.throws(() => openSqliteStore(path), (error: unknown) => {
        return error instanceof HeddleError && error.code === 'Unavailable' && error.message.includes('in use by another server');
      });
      await store.commit([{ type: 'put', key: 'a', value: '1' }]);
      await store.close();
      await openSqliteStore(path).close();
    }));

  it('refuses a file that is not a store', () =>
    inDirectory(async (path) => {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(path, 'not a database, but long enough to be looked at as one'.repeat(50));
      assert.throws(() => openSqliteStore(path), /cannot be opened/);
    }));

  it('fails the write that does not fit, tells nobody of it, and goes on consistent and usable', () =>
    inDirectory(async (path) => {
      const store = openSqliteStore(path, { maxBytes: 256 * 1024 });
      const stop = new AbortController();
      const seen: number[] = [];
      const watching = (async () => {
        for await (const change of store.watch({ prefix: '', after: 0, signal: stop.signal })) seen.push(change.entry.revision);
      })();
      const big = 'x'.repeat(30_000);
      const failure = await fill(store, big);
      assert.equal(failure.code, 'InsufficientStorage');
      const { revision } = store;
      const { entries } = await store.list('');
      assert.equal(entries.length, revision);
      const first = entries[0];
      assert.ok(first);
      const [fits, tooBig] = await Promise.allSettled([
        store.commit([{ type: 'delete', key: 'small' }]),
        store.commit([{ type: 'put', key: 'big', value: big }]),
      ]);
      assert.deepEqual([fits.status, tooBig.status], ['fulfilled', 'rejected']);
      assert.equal(store.revision, revision + 1);
      stop.abort();
      await watching;
      assert.deepEqual(seen, Array.from({ length: revision + 1 }, (_, n) => n + 1));
      await store.close();
      const again = openSqliteStore(path);
      assert.equal((await again.list('')).entries.length, revision - 1);
      await again.close();
    }));
});

const fill = async (store: ReturnType<typeof openSqliteStore>, big: string): Promise<HeddleError> => {
  await store.commit([{ type: 'put', key: 'small', value: '1' }]);
  for (let n = 0; n < 100; n += 1) {
    try {
      await store.commit([{ type: 'put', key: `big/${n}`, value: big }]);
    } catch (error) {
      return HeddleError.from(error);
    }
  }
  throw new Error('the store never filled up');
};
