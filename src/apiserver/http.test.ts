/** The protocol as clients see it: what kubectl, client-go and people with curl rely on, trap by trap. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../kit/json.ts';
import { MessageWriter, readMessage, readText } from './body/protobuf.ts';
import { at, readKubeconfig, robot, withServer, type CallOptions, type TestServer } from './testing.ts';

const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
const all = '/apis/test.heddle.dev/v1/robots';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const merge = { 'content-type': 'application/merge-patch+json' };

const make = async ({ call }: TestServer, name: string, spec: JsonObject = {}, metadata: JsonObject = {}): Promise<JsonObject> => {
  const reply = await call('POST', robots, { body: robot(name, spec, metadata) });
  assert.equal(reply.status, 201, reply.text);
  return reply.json;
};

const accept = (value: string): CallOptions => ({ headers: { accept: value } });
const names = (list: unknown): unknown[] => {
  const items = at(list, 'items');
  return Array.isArray(items) ? items.map((item) => at(item, 'metadata.name')) : [];
};

/** Reads a watch until `count` lines came or it ended; answers the parsed lines. */
const watchLines = async (test: TestServer, path: string, count: number, options: CallOptions & { meanwhile?: () => Promise<unknown> } = {}): Promise<JsonObject[]> => {
  const credentials = await readKubeconfig(test.server.kubeconfigPath);
  return new Promise((resolve, reject) => {
    const lines: JsonObject[] = [];
    const sent = request(test.server.url + path, { ...credentials, agent: false, headers: { ...options.headers } }, (response) => {
      let text = '';
      const finish = (): void => {
        sent.destroy();
        resolve(lines);
      };
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
          lines.push(JSON.parse(text.slice(0, end)));
          text = text.slice(end + 1);
        }
        if (lines.length >= count) finish();
      });
      response.on('end', finish);
      response.on('error', () => undefined);
      // Headers have arrived before any event.
      options.meanwhile?.().catch(reject);
    });
    sent.on('error', (error) => (lines.length >= count ? undefined : reject(error)));
    sent.end();
  });
};

const event = (line: JsonObject | undefined): string => `${String(at(line, 'type'))} ${String(at(line, 'object.metadata.name'))}`;

describe('discovery', () => {
  it('answers exactly the aggregated version asked for, in the order of Accept, and plain JSON otherwise', () =>
    withServer(async ({ call }) => {
      const asking = (...versions: string[]) => [...versions.map((v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`), 'application/json'].join(',');
      const v2beta1 = await call('GET', '/apis', accept(asking('v2beta1')));
      assert.equal(v2beta1.json['apiVersion'], 'apidiscovery.k8s.io/v2beta1');
      assert.match(String(v2beta1.headers['content-type']), /v=v2beta1/);
      assert.equal((await call('GET', '/api', accept(asking('v2', 'v2beta1')))).json['apiVersion'], 'apidiscovery.k8s.io/v2');
      const plain = await call('GET', '/apis', accept(asking('v3')));
      assert.deepEqual([plain.json['kind'], plain.headers['vary']], ['APIGroupList', 'Accept']);
      assert.equal(at(v2beta1.json, 'items.0.versions.0.resources.0.subresources.0.subresource'), 'status');
    }));

  it('lists groups, versions and resources with status as its own entry; trailing slashes do not matter', () =>
    withServer(async ({ call }) => {
      assert.deepEqual((await call('GET', '/api')).json['versions'], ['v1']);
      assert.equal(at((await call('GET', '/apis/test.heddle.dev')).json, 'preferredVersion.version'), 'v1');
      const resources = (await call('GET', '/apis/test.heddle.dev/v1/')).json;
      assert.deepEqual([at(resources, 'resources.0.name'), at(resources, 'resources.1.name'), at(resources, 'resources.0.shortNames')], ['robots', 'robots/status', ['rb']]);
      assert.equal((await call('GET', '/version/')).json['major'], '1');
      const missing = await call('GET', '/apis/nothing.dev/v1');
      assert.deepEqual([missing.status, missing.json['kind']], [404, 'Status']);
    }));
});

describe('OpenAPI', () => {
  it('v3: the hash in the URL is cacheable for ever, a wrong one redirects, none revalidates', () =>
    withServer(async ({ call }) => {
      const index = (await call('GET', '/openapi/v3')).json;
      const url = String(at(index, 'paths')) && String(Object.values(Object(at(index, 'paths')))[1] && at(Object.values(Object(at(index, 'paths')))[1], 'serverRelativeURL'));
      const right = await call('GET', url);
      assert.deepEqual([right.status, right.headers['cache-control']], [200, 'public, immutable']);
      const wrong = await call('GET', url.replace(/hash=.*/, 'hash=0'));
      assert.deepEqual([wrong.status, wrong.headers['location']], [301, url]);
      const none = await call('GET', url.replace(/\?.*/, ''));
      assert.deepEqual([none.status, none.headers['cache-control']], [200, 'no-cache, private']);
      assert.equal((await call('GET', url, { headers: { 'if-none-match': String(right.headers['etag']) } })).status, 304);
      const schema = at(right.json, 'components.schemas');
      const spec = at(Object(schema)['dev.heddle.test.v1.Robot'], 'properties.spec.properties');
      assert.deepEqual(at(spec, 'color'), { description: 'Paint.', enum: ['red', 'blue'], type: 'string' });
      assert.equal(at(spec, 'arms.additionalProperties.properties.joints.maximum'), 9);
    }));

  it('v2: protobuf to those who ask for it, under a content type without "@"; JSON to others; nothing else', () =>
    withServer(async ({ call }) => {
      const reply = await call('GET', '/openapi/v2', accept('application/com.github.proto-openapi.spec.v2@v1.0+protobuf'));
      assert.equal(reply.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
      const version = readMessage(reply.bytes).find((field) => field.number === 1);
      assert.equal(version && readText(version.value), '2.0');
      assert.equal((await call('GET', '/openapi/v2', accept('application/json'))).json['swagger'], '2.0');
      assert.equal((await call('GET', '/openapi/v2', accept('text/html'))).status, 406);
      assert.equal((await call('GET', '/swagger-2.0.0.pb-v1')).status, 404);
    }));
});

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
      const future = await call('GET', `${robots}?resourceVersion=99999`);
      assert.deepEqual([future.status, at(future.json, 'details.causes.0.reason')], [504, 'ResourceVersionTooLarge']);
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

describe('writing', () => {
  it('takes JSON without a content type, YAML, and protobuf for core kinds, and answers JSON', () =>
    withServer(async ({ call }) => {
      assert.equal((await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'one', creationTimestamp: null } } })).status, 201);
      const yaml = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: two\n';
      assert.equal((await call('POST', '/api/v1/namespaces', { body: yaml, headers: { 'content-type': 'application/yaml' } })).status, 201);
      const raw = new MessageWriter().message(1, (meta) => meta.string(1, 'three').message(8, () => undefined).message(11, (label) => label.string(1, 'a').string(2, 'b'))).finish();
      const unknown = new MessageWriter().message(1, (type) => type.string(1, 'v1').string(2, 'Namespace')).bytes(2, raw).finish();
      const body = Buffer.concat([Buffer.from('k8s\0'), unknown]);
      const three = await call('POST', '/api/v1/namespaces', { body, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } });
      assert.deepEqual([three.status, at(three.json, 'metadata.labels')], [201, { a: 'b', 'kubernetes.io/metadata.name': 'three' }]);
      const broken = await call('POST', '/api/v1/namespaces', { body: body.subarray(0, -3), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } });
      assert.equal(broken.status, 400);
      assert.equal((await call('POST', robots, { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 415);
    }));

  it('reports unknown and duplicate fields: 400 under Strict, warnings by default, silence under Ignore', () =>
    withServer(async ({ call }) => {
      const text = '{"apiVersion":"test.heddle.dev/v1","kind":"Robot","metadata":{"name":"a"},"spec":{"model":"r1","model":"r2","mdel":"x"}}';
      const strict = await call('POST', `${robots}?fieldValidation=Strict`, { body: text });
      assert.equal(strict.status, 400);
      assert.match(String(strict.json['message']), /strict decoding error: duplicate field "spec.model", unknown field "spec.mdel"/);
      const warned = await call('POST', robots, { body: text });
      assert.deepEqual([warned.status, at(warned.json, 'spec')], [201, { model: 'r2', speed: 1 }]);
      assert.match(String(warned.headers['warning']), /^299 - "duplicate field \\"spec.model\\""/);
      const ignored = await call('POST', `${robots}?fieldValidation=Ignore`, { body: text.replace('"a"', '"b"') });
      assert.deepEqual([ignored.status, ignored.headers['warning']], [201, undefined]);
    }));

  it('answers every fault as a cause that names its field', () =>
    withServer(async ({ call }) => {
      const { status, json } = await call('POST', robots, { body: robot('a', { model: 'R2!', speed: 'x' }) });
      assert.deepEqual([status, json['reason'], at(json, 'details.kind')], [422, 'Invalid', 'Robot']);
      const causes = at(json, 'details.causes');
      assert.deepEqual(Array.isArray(causes) && causes.map((cause) => [at(cause, 'field'), at(cause, 'reason')]).toSorted(), [
        ['spec.model', 'FieldValueInvalid'],
        ['spec.speed', 'FieldValueTypeInvalid'],
      ]);
    }));

  it('patches by merge and by JSON Patch, and names what it takes when asked for another kind of patch', () =>
    withServer(async (test) => {
      const { call } = test;
      await make(test, 'a', { color: 'red' });
      const patch = (type: string, body: unknown, query = '') => call('PATCH', `${robots}/a${query}`, { headers: { 'content-type': type }, body });
      assert.deepEqual(at((await patch('application/merge-patch+json', { spec: { color: null, speed: 4 } })).json, 'spec'), { model: 'r2', speed: 4 });
      const operations = [{ op: 'test', path: '/spec/speed', value: 4 }, { op: 'add', path: '/spec/tags', value: ['x'] }, { op: 'add', path: '/spec/tags/-', value: 'y' }];
      assert.deepEqual(at((await patch('application/json-patch+json', operations)).json, 'spec.tags'), ['x', 'y']);
      assert.equal((await patch('application/json-patch+json', [{ op: 'test', path: '/spec/speed', value: 5 }])).status, 422);
      assert.equal((await patch('application/json-patch+json', [{ op: 'remove', path: '/spec/nothing' }])).status, 422);
      assert.equal((await patch('application/merge-patch+json', { metadata: { resourceVersion: '1' } })).status, 409);
      assert.equal((await patch('application/merge-patch+json', { spec: { sped: 1 } }, '?fieldValidation=Strict')).status, 400);
      const strategic = await patch('application/strategic-merge-patch+json', {});
      assert.equal(strategic.status, 415);
      assert.match(String(strategic.json['message']), /merge-patch\+json, application\/json-patch\+json/);
      const apply = await patch('application/apply-patch+yaml', {});
      assert.match(String(apply.json['message']), /server-side apply is not served here yet/);
      assert.equal((await call('PATCH', `${robots}/nobody`, { headers: merge, body: {} })).status, 404);
    }));

  it('takes strategic patches of core kinds, with finalizers as a set', () =>
    withServer(async ({ call }) => {
      const patch = (body: unknown) => call('PATCH', '/api/v1/namespaces/default', { headers: { 'content-type': 'application/strategic-merge-patch+json' }, body });
      await patch({ metadata: { finalizers: ['a.b/one'], annotations: { x: '1' } } });
      const second = await patch({ metadata: { finalizers: ['a.b/two'], '$setElementOrder/finalizers': ['a.b/one', 'a.b/two'] } });
      assert.deepEqual([at(second.json, 'metadata.finalizers'), at(second.json, 'metadata.annotations.x')], [['a.b/one', 'a.b/two'], '1']);
      const third = await patch({ metadata: { '$deleteFromPrimitiveList/finalizers': ['a.b/one'] } });
      assert.deepEqual(at(third.json, 'metadata.finalizers'), ['a.b/two']);
    }));

  it('keeps status and the rest apart over HTTP too, and refuses a body that is meant for elsewhere', () =>
    withServer(async (test) => {
      const { call } = test;
      const made = await make(test, 'a');
      const status = await call('PUT', `${robots}/a/status`, { body: { ...made, spec: { model: 'zz' }, status: { ready: '1/1' } } });
      assert.deepEqual([at(status.json, 'spec.model'), at(status.json, 'status.ready')], ['r2', '1/1']);
      assert.equal((await call('PUT', `${robots}/a`, { body: robot('b') })).status, 400);
      assert.equal((await call('POST', robots, { body: robot('b', {}, { namespace: 'other' }) })).status, 400);
      assert.equal((await call('POST', robots, { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } } })).status, 400);
      assert.equal((await call('PUT', `${robots}/nobody`, { body: robot('nobody', {}, { resourceVersion: '1' }) })).status, 404);
    }));

  it('deletes with options in the body or the query, and collections by selector', () =>
    withServer(async (test) => {
      const { call } = test;
      const made = await make(test, 'a');
      const dry = await call('DELETE', `${robots}/a?dryRun=All`, { body: { propagationPolicy: 'Background' } });
      assert.equal(dry.json['status'], 'Success');
      assert.equal((await call('DELETE', `${robots}/a`, { body: { dryRun: ['Some'] } })).status, 422);
      assert.equal((await call('DELETE', `${robots}/a`, { body: { propagationPolicy: 'Never' } })).status, 422);
      assert.equal((await call('DELETE', `${robots}/a`, { body: { preconditions: { uid: 'x' } } })).status, 409);
      const gone = await call('DELETE', `${robots}/a`);
      assert.deepEqual(gone.json['details'], { name: 'a', group: 'test.heddle.dev', kind: 'robots', uid: at(made, 'metadata.uid') });
      for (const name of ['x', 'y', 'z']) await make(test, name, {}, { labels: { keep: name === 'z' ? 'yes' : 'no' } });
      assert.deepEqual(names((await call('DELETE', `${robots}?labelSelector=keep%3Dno`)).json), ['x', 'y']);
      assert.deepEqual(names((await call('GET', robots)).json), ['z']);
    }));
});

describe('the edges of HTTP', () => {
  it('refuses bodies over 3 MiB, with and without a length, and other methods', () =>
    withServer(async ({ call }) => {
      const large = robot('a', {}, { annotations: { long: 'x'.repeat(3 * 1024 * 1024) } });
      assert.equal((await call('POST', robots, { body: large })).status, 413);
      const annotated = robot('a', {}, { annotations: { long: 'x'.repeat(300_000) } });
      assert.equal((await call('POST', robots, { body: annotated })).status, 422);
      assert.equal((await call('OPTIONS', robots)).status, 405);
      assert.equal((await call('PUT', robots)).status, 405);
      assert.equal((await call('POST', all, { body: robot('a') })).status, 405);
    }));

  it('answers HEAD like GET without the body, and gives every answer an audit id', () =>
    withServer(async ({ call }) => {
      const head = await call('HEAD', '/version');
      const get = await call('GET', '/version');
      assert.deepEqual([head.status, head.bytes.byteLength, head.headers['content-length']], [200, 0, get.headers['content-length']]);
      assert.match(String(get.headers['audit-id']), /^[0-9a-f-]{36}$/);
      assert.equal(get.headers['cache-control'], 'no-cache, private');
    }));

  it('serves health, and metrics under the names that dashboards know', () =>
    withServer(async (test) => {
      await make(test, 'a');
      for (const path of ['/healthz', '/livez', '/readyz']) assert.equal((await test.call('GET', path)).text, 'ok');
      assert.match((await test.call('GET', '/readyz?verbose')).text, /\[\+\]store ok/);
      const { text } = await test.call('GET', '/metrics');
      assert.match(text, /apiserver_request_total\{verb="create",group="test.heddle.dev",version="v1",resource="robots",subresource="",code="201"\} 1/);
      for (const name of ['apiserver_request_duration_seconds_bucket', 'apiserver_current_inflight_requests', 'apiserver_longrunning_requests']) assert.ok(text.includes(name), name);
    }));

  it('survives request targets and bodies that are meant to hurt', () =>
    withServer(async (test) => {
      for (const path of ['//', '//other.host/api', '/%zz', '/apis/%2e%2e/x', '/api/v1/namespaces/%00', `${robots}/..%2fb`]) {
        const { status } = await test.call('GET', path);
        assert.ok(status === 404 || status === 200, `${path}: ${status}`);
      }
      const body = '{"apiVersion":"test.heddle.dev/v1","kind":"Robot","metadata":{"name":"a"},"spec":{"model":"r2","arms":{"__proto__":{"joints":1}}}}';
      assert.equal((await test.call('POST', `${robots}?fieldValidation=Strict`, { body })).status, 400);
      await make(test, 'b');
      assert.equal((await test.call('PATCH', `${robots}/b`, { headers: merge, body: '{"spec":{"__proto__":{"x":1}}}' })).status, 400);
      for (const bad of ['', '[]', '"text"', '{', 'null']) assert.equal((await test.call('POST', robots, { body: bad })).status, 400, bad);
      for (const bad of [{ metadata: [] }, { metadata: { name: 3 } }, { ...robot('c'), metadata: { name: 'c', labels: { a: 1 } } }]) {
        const { status } = await test.call('POST', robots, { body: bad });
        assert.ok(status === 400 || status === 422, `${JSON.stringify(bad)}: ${status}`);
      }
      assert.equal((await test.call('GET', '/readyz')).text, 'ok');
    }));

  it('cuts off a watcher that does not read, and nobody else', () =>
    withServer(async (test) => {
      await make(test, 'a', {}, { annotations: { long: 'x'.repeat(200_000) } });
      const credentials = await readKubeconfig(test.server.kubeconfigPath);
      const ended = new Promise<string>((resolve, reject) => {
        const sent = request(`${test.server.url}${robots}?watch=true`, { ...credentials, agent: false }, (response) => {
          response.once('readable', async () => {
            // Nothing is read while far more changes come than a watcher may leave.
            for (let n = 0; n < 2200; n += 1) await test.store.commit([{ type: 'put', key: 'robots.test.heddle.dev/default/b', value: JSON.stringify(robot('b', { speed: n, tags: ['x'.repeat(9000)] })) }]);
            let text = '';
            response.setEncoding('utf8').on('data', (part: string) => (text = (text + part).slice(-2000)));
            response.on('end', () => resolve(text));
          });
        });
        sent.on('error', reject);
        sent.end();
      });
      assert.match(await ended, /"type":"ERROR","object":\{"kind":"Status".*"code":410\}\}\n$/);
      assert.equal((await test.call('GET', robots)).status, 200);
    }));

  it('answers a review that nobody serves with 404, never with a yes', () =>
    withServer(async ({ call }) => {
      const reply = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: Buffer.from('k8s\0'), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } });
      assert.equal(reply.status, 404);
    }));
});
