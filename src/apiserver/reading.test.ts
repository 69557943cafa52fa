/** Lists and single objects as clients read them: versions, pages, selectors, tables, other forms. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { accept, all, make, merge, names, robots, table } from './httptesting.ts';
import { at, withServer } from './testing.ts';

describe('reading', () => {
  it('pages at the first page, keeps counts, and answers 410 with a way on when that was compacted', () =>
    withServer(async (test) => {
      const { call, store } = test;
      for (const name of ['a', 'b', 'c', 'd', 'e']) await make(test, name);
      const first = (await call('GET', `${robots}?limit=2`)).json;
      assert.deepEqual([names(first), at(first, 'metadata.remainingItemCount')], [['a', 'b'], 3]);
      await make(test, 'bb');
      const token = String(at(first, 'metadata.continue'));
      const second = (await call('GET', `${robots}?limit=2&continue=${token}`)).json;
      assert.deepEqual([names(second), at(second, 'metadata.resourceVersion')], [['c', 'd'], at(first, 'metadata.resourceVersion')]);
      await store.compact(store.revision);
      const expired = await call('GET', `${robots}?limit=2&continue=${token}`);
      assert.deepEqual([expired.status, expired.json['reason']], [410, 'Expired']);
      const rest = await call('GET', `${robots}?continue=${String(at(expired.json, 'metadata.continue'))}`);
      assert.deepEqual(names(rest.json), ['c', 'd', 'e']);
      assert.equal((await call('GET', `${robots}?continue=garbage`)).status, 400);
      assert.equal((await call('GET', `${robots}?continue=${token}&resourceVersion=4`)).status, 400);
    }));

  it('reads versions: 0 ignores limit, an old one with limit is exact, one of the future times out', () =>
    withServer(async (test) => {
      const { call } = test;
      const made = await make(test, 'a');
      const version = String(at(made, 'metadata.resourceVersion'));
      await make(test, 'b');
      assert.deepEqual(names((await call('GET', `${robots}?limit=1&resourceVersion=0`)).json), ['a', 'b']);
      assert.deepEqual(names((await call('GET', `${robots}?limit=5&resourceVersion=${version}`)).json), ['a']);
      assert.deepEqual(names((await call('GET', `${robots}?resourceVersion=${version}&resourceVersionMatch=Exact`)).json), ['a']);
      assert.deepEqual(names((await call('GET', `${robots}?resourceVersion=${version}`)).json), ['a', 'b']);
      assert.equal((await call('GET', `${robots}?resourceVersion=x`)).status, 400);
      assert.equal((await call('GET', `${robots}?resourceVersion=0&resourceVersionMatch=Exact`)).status, 422);
      assert.equal((await call('GET', `${robots}?resourceVersionMatch=Exact`)).status, 422);
      assert.equal((await call('GET', `${robots}/a?resourceVersion=x`)).status, 400);
      assert.equal((await call('GET', `${robots}/a?resourceVersion=${version}`)).status, 200);
      const futures = await Promise.all([`${robots}?`, `${robots}?fieldSelector=metadata.name%3Da&`, `${robots}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&`, `${robots}/a?`].map((path) => call('GET', `${path}resourceVersion=99999`)));
      for (const future of futures) assert.deepEqual([future.status, at(future.json, 'details.causes.0.reason')], [504, 'ResourceVersionTooLarge']);
    }));

  it('reads versions of one named object like those of all', () =>
    withServer(async (test) => {
      const { call } = test;
      const version = String(at(await make(test, 'a'), 'metadata.resourceVersion'));
      await call('PATCH', `${robots}/a`, { headers: merge, body: { spec: { speed: 5 } } });
      const speed = async (query: string): Promise<unknown> => at((await call('GET', `${robots}?fieldSelector=metadata.name%3Da&${query}`)).json, 'items.0.spec.speed');
      assert.equal(await speed(''), 5);
      assert.equal(await speed(`resourceVersion=${version}`), 5);
      assert.equal(await speed(`resourceVersion=${version}&resourceVersionMatch=Exact`), 1);
      assert.equal(await speed(`resourceVersion=${version}&limit=500`), 1, 'a limit without a match asks for just that version');
    }));

  it('selects by label and field, pages through what is selected, and refuses fields it does not know', () =>
    withServer(async (test) => {
      const { call } = test;
      for (const name of ['a', 'b', 'c', 'd']) await make(test, name, {}, { labels: { rack: name < 'c' ? 'r1' : 'r2', [name]: 'x' } });
      const select = async (query: string) => names((await call('GET', `${all}?${query}`)).json);
      assert.deepEqual(await select('labelSelector=rack%3Dr1'), ['a', 'b']);
      assert.deepEqual(await select('labelSelector=rack+in+(r1,r2),!a,rack!%3Dr2'), ['b']);
      assert.deepEqual(await select('labelSelector=c'), ['c']);
      assert.deepEqual(await select('labelSelector=rack+notin+(r1)'), ['c', 'd']);
      assert.deepEqual(await select('fieldSelector=metadata.name%3Db'), ['b']);
      assert.deepEqual(await select('fieldSelector=metadata.name!%3Db,metadata.namespace%3Ddefault'), ['a', 'c', 'd']);
      const page = (await call('GET', `${all}?labelSelector=rack%3Dr2&limit=1`)).json;
      assert.deepEqual([names(page), at(page, 'metadata.remainingItemCount')], [['c'], undefined]);
      assert.equal((await call('GET', `${all}?fieldSelector=spec.model%3Dr2`)).status, 400);
      assert.equal((await call('GET', `${all}?labelSelector=a%3D%3D%3Db`)).status, 400);
    }));

  it('draws tables with metadata in every row, the version of the list, and null for what is absent', () =>
    withServer(async (test) => {
      await make(test, 'a', { color: 'red' });
      const { json } = await test.call('GET', robots, accept(table));
      assert.equal(json['kind'], 'Table');
      assert.deepEqual(at(json, 'columnDefinitions.0'), { name: 'Name', type: 'string', format: 'name', description: 'Name of the object', priority: 0 });
      const cells = at(json, 'rows.0.cells');
      assert.ok(Array.isArray(cells));
      assert.deepEqual([cells.slice(0, 4), cells[5]], [['a', 'r2', 1, null], 'red']);
      assert.match(String(cells[4]), /^\d+s$/);
      assert.deepEqual([at(json, 'rows.0.object.kind'), at(json, 'rows.0.object.metadata.namespace')], ['PartialObjectMetadata', 'default']);
      const one = await test.call('GET', `${robots}/a?includeObject=Object`, accept(table));
      assert.equal(at(one.json, 'rows.0.object.spec.model'), 'r2');
      assert.equal(at((await test.call('GET', `${robots}?includeObject=None`, accept(table))).json, 'rows.0.object'), null);
    }));

  it('writes metadata only, YAML, and falls back from protobuf to JSON, but not when only protobuf will do', () =>
    withServer(async (test) => {
      await make(test, 'a');
      const partial = await test.call('GET', robots, accept('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'));
      assert.deepEqual([partial.json['kind'], at(partial.json, 'items.0.spec')], ['PartialObjectMetadataList', undefined]);
      const yaml = await test.call('GET', `${robots}/a`, accept('application/yaml'));
      assert.match(yaml.text, /^apiVersion: test.heddle.dev\/v1\nkind: Robot\n/);
      assert.equal((await test.call('GET', `${robots}/a`, accept('application/vnd.kubernetes.protobuf,application/json'))).json['kind'], 'Robot');
      assert.equal((await test.call('GET', `${robots}/a`, accept('application/vnd.kubernetes.protobuf'))).status, 406);
    }));

  it('compresses large answers for those who can read it', () =>
    withServer(async (test) => {
      for (const name of ['a', 'b']) await make(test, name, {}, { annotations: { long: 'x'.repeat(100_000) } });
      const plain = await test.call('GET', robots);
      const packed = await test.call('GET', robots, { headers: { 'accept-encoding': 'gzip' } });
      assert.deepEqual([plain.headers['content-encoding'], packed.headers['content-encoding'], packed.headers['vary']], [undefined, 'gzip', 'Accept-Encoding']);
      assert.equal(gunzipSync(packed.bytes).toString(), plain.text);
      assert.equal((await test.call('GET', `${robots}/a`, { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'], undefined);
    }));

  it('tells a missing object with the details that kubectl prints', () =>
    withServer(async ({ call }) => {
      const { status, json } = await call('GET', `${robots}/nobody`);
      assert.deepEqual([status, json['reason'], json['details'], json['message']], [404, 'NotFound', { name: 'nobody', group: 'test.heddle.dev', kind: 'robots' }, 'robots.test.heddle.dev "nobody" not found']);
      assert.equal((await call('GET', '/apis/test.heddle.dev/v1/robots/a')).status, 404);
      assert.equal((await call('GET', `${robots}/a/scale`)).status, 404);
    }));
});
