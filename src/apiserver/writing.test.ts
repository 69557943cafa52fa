/** Creation, update, patch and deletion over HTTP: bodies, options, and what is refused how. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageWriter } from './body/protobuf.ts';
import { make, merge, names, robots } from './httptesting.ts';
import { at, robot, withServer, type CallOptions } from './testing.ts';

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
      assert.match(String(strategic.json['message']), /merge-patch\+json, application\/json-patch\+json, application\/apply-patch\+yaml/);
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

  it('answers every kind of write under dryRun as if it were done, and does none', () =>
    withServer(async (test) => {
      const { call, store } = test;
      const made = await make(test, 'a', { speed: 2 }, { finalizers: ['test.heddle.dev/held'] });
      await make(test, 'b');
      const version = String(at(made, 'metadata.resourceVersion'));
      const space = (await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'team' } } })).json;
      const applied = { 'content-type': 'application/apply-patch+yaml' };
      const writes: readonly (readonly [string, string, CallOptions, number])[] = [
        ['POST', `${robots}?`, { body: robot('new') }, 201],
        ['POST', `${robots}?`, { body: { ...robot('x'), metadata: { generateName: 'gen-' } } }, 201],
        ['POST', '/api/v1/namespaces?', { body: { metadata: { name: 'other' } } }, 201],
        ['PUT', `${robots}/a?`, { body: robot('a', { speed: 3 }, { resourceVersion: version, finalizers: [] }) }, 200],
        ['PATCH', `${robots}/a?`, { headers: merge, body: { spec: { speed: 3 } } }, 200],
        ['PATCH', `${robots}/a?`, { headers: { 'content-type': 'application/json-patch+json' }, body: [{ op: 'replace', path: '/spec/speed', value: 3 }] }, 200],
        ['PATCH', `${robots}/a?fieldManager=m&force=true&`, { headers: applied, body: robot('a', { speed: 3 }) }, 200],
        ['PATCH', `${robots}/new?fieldManager=m&`, { headers: applied, body: robot('new', { speed: 3 }) }, 201],
        ['PATCH', '/api/v1/namespaces/team?', { headers: { 'content-type': 'application/strategic-merge-patch+json' }, body: { metadata: { labels: { a: 'b' } } } }, 200],
        ['PATCH', `${robots}/a/status?`, { headers: merge, body: { status: { ready: '1/1' } } }, 200],
        ['PUT', `${robots}/a/status?`, { body: { ...made, status: { ready: '1/1' } } }, 200],
        ['PATCH', `${robots}/a/status?fieldManager=m&`, { headers: applied, body: { ...robot('a'), status: { ready: '1/1' } } }, 200],
        ['DELETE', `${robots}/a?`, {}, 200],
        ['DELETE', `${robots}/b?propagationPolicy=Foreground&`, {}, 200],
        ['DELETE', `${robots}?`, {}, 200],
        ['DELETE', '/api/v1/namespaces/team?', {}, 200],
        ['PUT', '/api/v1/namespaces/team/finalize?', { body: { ...space, spec: { finalizers: [] } } }, 200],
      ];
      const { revision } = store;
      for (const [method, path, options, status] of writes) {
        const reply = await call(method, `${path}dryRun=All`, options);
        assert.equal(reply.status, status, `${method} ${path}: ${reply.text}`);
        assert.equal(store.revision, revision, `${method} ${path} wrote something`);
      }
      assert.equal((await call('PATCH', `${robots}/a?dryRun=All`, { headers: merge, body: { spec: { speed: 13 } } })).status, 422, 'what would be refused is');
      assert.equal((await call('DELETE', `${robots}?dryRun=All`, { body: { kind: 'DeleteOptions', preconditions: { uid: 'x' } } })).status, 409);
      assert.equal((await call('DELETE', `${robots}/a?gracePeriodSeconds=soon`)).status, 422);
    }));
});
