/** Watches over HTTP: where they begin, what they tell, how they end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, all, event, make, merge, robots, table, watchLines } from './httptesting.ts';
import { at, robot, withServer } from './testing.ts';

describe('watching', () => {
  it('goes on from the version of a list, live, and marks the version in bookmarks only when asked', () =>
    withServer(async (test) => {
      await make(test, 'before');
      const version = String(at((await test.call('GET', robots)).json, 'metadata.resourceVersion'));
      const lines = await watchLines(test, `${all}?watch=True&resourceVersion=${version}`, 3, {
        meanwhile: async () => {
          await make(test, 'a');
          await test.call('PATCH', `${robots}/a`, { headers: merge, body: { spec: { speed: 2 } } });
          await test.call('DELETE', `${robots}/a`);
        },
      });
      assert.deepEqual(lines.map(event), ['ADDED a', 'MODIFIED a', 'DELETED a']);
      assert.ok(Number(at(lines[2], 'object.metadata.resourceVersion')) > Number(at(lines[1], 'object.metadata.resourceVersion')));
    }));

  it('begins with everything, in order and each once, also when that is many pages and some of it changes meanwhile', () =>
    withServer(async (test) => {
      const names = Array.from({ length: 450 }, (_, n) => `r${String(n).padStart(3, '0')}`);
      const keyOf = (name: string): string => `robots.test.heddle.dev/default/${name}`;
      await test.store.commit(names.map((name) => ({ type: 'put', key: keyOf(name), value: JSON.stringify(robot(name)) })));
      const lines = await watchLines(test, `${all}?watch=true`, 452, {
        meanwhile: async () => {
          await test.store.commit([{ type: 'delete', key: keyOf('r449') }]);
          await test.store.commit([{ type: 'put', key: keyOf('s'), value: JSON.stringify(robot('s')) }]);
        },
      });
      assert.deepEqual(lines.map(event), [...names.map((name) => `ADDED ${name}`), 'DELETED r449', 'ADDED s']);
    }));

  it('begins with everything when no version is given, and ends by itself after timeoutSeconds with a bookmark', () =>
    withServer(async (test) => {
      await make(test, 'a');
      await make(test, 'b');
      const lines = await watchLines(test, `${robots}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3Db`, 9);
      assert.deepEqual(lines.map(event), ['ADDED b', 'BOOKMARK undefined']);
      assert.equal(at(lines[1], 'object.metadata.resourceVersion'), String(test.store.revision));
    }));

  it('streams a list: initial events, then the bookmark that ends them, then live', () =>
    withServer(async (test) => {
      await make(test, 'a');
      const options = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      const lines = await watchLines(test, `${robots}?${options}`, 3, { meanwhile: () => make(test, 'b') });
      assert.deepEqual(lines.map((line) => line['type']), ['ADDED', 'BOOKMARK', 'ADDED']);
      assert.deepEqual(at(lines[1], 'object.metadata.annotations'), { 'k8s.io/initial-events-end': 'true' });
      assert.equal((await test.call('GET', `${robots}?watch=true&sendInitialEvents=true`)).status, 422);
    }));

  it('answers a compacted version with one ERROR event that holds a 410, and closes', () =>
    withServer(async (test) => {
      await make(test, 'a');
      await test.store.compact(test.store.revision);
      const lines = await watchLines(test, `${robots}?watch=true&resourceVersion=1`, 5);
      assert.deepEqual(lines.map((line) => [line['type'], at(line, 'object.code'), at(line, 'object.reason')]), [['ERROR', 410, 'Expired']]);
    }));

  it('draws tables, with column definitions in the first event only', () =>
    withServer(async (test) => {
      await make(test, 'a');
      const lines = await watchLines(test, `${robots}?watch=true`, 2, { ...accept(table), meanwhile: () => make(test, 'b') });
      assert.deepEqual(lines.map((line) => at(line, 'object.rows.0.cells.0')), ['a', 'b']);
      assert.ok(Array.isArray(at(lines[0], 'object.columnDefinitions')));
      assert.equal(at(lines[1], 'object.columnDefinitions'), null);
    }));

  it('ends politely when the server closes', () =>
    withServer(async (test) => {
      const lines = await watchLines(test, `${robots}?watch=true`, 9, { meanwhile: () => test.server.close() });
      assert.deepEqual(lines, []);
    }));
});
