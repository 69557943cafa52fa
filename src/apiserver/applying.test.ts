/** Server-side apply and managedFields over HTTP: options, codes, locks, and what clients see of owners. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { at, robot, withServer, type Reply, type TestServer } from './testing.ts';

const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
const path = `${robots}/r`;
const applyType = { 'content-type': 'application/apply-patch+yaml' };

const applying = ({ call }: TestServer) => (body: unknown, query = 'fieldManager=me', where = path): Promise<Reply> => call('PATCH', `${where}?${query}`, { headers: applyType, body });

const entries = ({ json }: Reply): JsonObject[] => {
  const list = at(json, 'metadata.managedFields');
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
};

const owners = (reply: Reply): string[] =>
  entries(reply).map(({ manager, operation, subresource }) => [manager, operation, ...(subresource === undefined ? [] : [subresource])].map(String).join(' '));

const causes = (reply: Reply): unknown[] => {
  const list = at(reply.json, 'details.causes');
  return Array.isArray(list) ? list.map((cause) => objectOr(cause)['field']) : [];
};

describe('an apply request', () => {
  it('creates with 201, changes with 200, and said again changes neither version nor time', () =>
    withServer(async (test) => {
      const apply = applying(test);
      const made = await apply(robot('r', { color: 'red' }));
      assert.equal(made.status, 201, made.text);
      assert.deepEqual(entries(made).map((entry) => ({ ...entry, time: '' })), [
        { manager: 'me', operation: 'Apply', apiVersion: 'test.heddle.dev/v1', time: '', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:color': {}, 'f:model': {} } } },
      ]);
      const again = await apply(robot('r', { color: 'red' }));
      assert.equal(again.status, 200);
      assert.deepEqual(again.json, made.json);
      assert.equal((await apply(robot('r', { color: 'blue' }))).status, 200);
      assert.deepEqual(entries(await test.call('GET', path)), entries(made), 'the set is the same, and so is its time');
    }));

  it('takes YAML, JSON, and names of the URL; needs fieldManager; refuses managedFields, other types and other names', () =>
    withServer(async (test) => {
      const apply = applying(test);
      assert.equal((await apply(stringify({ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', spec: { model: 'r2' } }))).status, 201);
      assert.equal((await apply('{apiVersion: test.heddle.dev/v1, kind: Robot, spec: {model: r2}}')).status, 200);
      const nobody = await apply(robot('r'), '');
      assert.equal(nobody.status, 422);
      assert.deepEqual(causes(nobody), ['fieldManager']);
      assert.equal((await apply(robot('r'), `fieldManager=${'m'.repeat(129)}`)).status, 422);
      assert.equal((await apply(robot('r', {}, { managedFields: [] }))).status, 400);
      assert.equal((await apply(robot('other'))).status, 400);
      assert.equal((await apply({ ...robot('r'), kind: 'Other' })).status, 400);
      assert.equal((await apply('- a')).status, 400);
      assert.equal((await test.call('PATCH', `${path}?force=true`, { headers: { 'content-type': 'application/merge-patch+json' }, body: {} })).status, 422);
    }));

  it('reports duplicates and unknown fields under Strict in JSON and YAML, and warns otherwise', () =>
    withServer(async (test) => {
      const apply = applying(test);
      const yaml = 'apiVersion: test.heddle.dev/v1\nkind: Robot\nspec:\n  model: r1\n  model: r2\n  sped: 1\n';
      const json = '{"apiVersion":"test.heddle.dev/v1","kind":"Robot","spec":{"model":"r1","model":"r2","sped":1}}';
      for (const body of [yaml, json]) {
        const strict = await apply(body, 'fieldManager=me&fieldValidation=Strict');
        assert.equal(strict.status, 400);
        assert.match(String(strict.json['message']), /duplicate field "spec.model", unknown field "spec.sped"/);
        const warned = await apply(body);
        assert.equal([warned.headers['warning']].flat().join().match(/299 - /g)?.length, 2);
        assert.equal(at(warned.json, 'spec.model'), 'r2');
      }
    }));

  it('is locked by a version, and refused for another UID or for one of an object that is not there', () =>
    withServer(async (test) => {
      const apply = applying(test);
      assert.equal((await apply(robot('r', {}, { uid: 'x' }))).status, 409);
      assert.equal((await apply(robot('r', {}, { resourceVersion: '5' }))).status, 409);
      const { json } = await apply(robot('r'));
      assert.equal((await apply(robot('r', { speed: 2 }, { uid: 'x' }))).status, 422);
      assert.equal((await apply(robot('r', { speed: 2 }, { resourceVersion: '1' }))).status, 409);
      assert.equal((await apply(robot('r', { speed: 2 }, { resourceVersion: at(json, 'metadata.resourceVersion'), uid: at(json, 'metadata.uid') }))).status, 200);
      const namesVersion = entries(await test.call('GET', path)).some(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('resourceVersion'));
      assert.equal(namesVersion, false);
    }));

  it('that is a dry run judges conflicts and rules, and keeps nothing', () =>
    withServer(async (test) => {
      const apply = applying(test);
      const dry = await apply(robot('r', { speed: 4 }), 'fieldManager=me&dryRun=All');
      assert.equal(dry.status, 201);
      assert.deepEqual(owners(dry), ['me Apply']);
      assert.equal((await test.call('GET', path)).status, 404);
      await apply(robot('r', { speed: 4 }));
      assert.equal((await apply(robot('r', { speed: 13 }), 'fieldManager=me&dryRun=All')).status, 422);
      const conflict = await apply(robot('r', { speed: 5 }), 'fieldManager=you&dryRun=All');
      assert.equal(conflict.status, 409);
      assert.deepEqual(causes(conflict), ['.spec.speed']);
      assert.equal(at(conflict.json, 'details.causes.0.reason'), 'FieldManagerConflict');
      assert.equal(at((await apply(robot('r', { speed: 5 }), 'fieldManager=you&dryRun=All&force=true')).json, 'spec.speed'), 5);
      assert.equal(at((await test.call('GET', path)).json, 'spec.speed'), 4);
    }));

  it('at /status owns and changes status alone, and creates nothing', () =>
    withServer(async (test) => {
      const apply = applying(test);
      const report = { ...robot('r', { speed: 9 }, { labels: { a: 'b' } }), status: { ready: 'yes', conditions: [{ type: 'Up', status: 'True' }] } };
      assert.equal((await apply(report, 'fieldManager=agent', `${path}/status`)).status, 404);
      await apply(robot('r', { speed: 2 }));
      const reply = await apply(report, 'fieldManager=agent', `${path}/status`);
      assert.equal(reply.status, 200);
      assert.equal(at(reply.json, 'spec.speed'), 2);
      assert.equal(at(reply.json, 'metadata.labels'), undefined);
      const agent = entries(reply).find(({ manager }) => manager === 'agent');
      assert.deepEqual(agent?.['fieldsV1'], { 'f:status': { 'f:conditions': { 'k:{"type":"Up"}': { '.': {}, 'f:status': {}, 'f:type': {} } }, 'f:ready': {} } });
      assert.equal(agent?.['subresource'], 'status');
      assert.equal((await apply({ ...report, status: { ready: 'no' } }, 'fieldManager=other', `${path}/status`)).status, 409);
      assert.deepEqual(at((await apply({ ...report, status: {} }, 'fieldManager=agent', `${path}/status`)).json, 'status'), {});
    }));
});

describe('owners of what other requests write', () => {
  it('are named by fieldManager, else by the User-Agent; status has its own, controllers in process too', () =>
    withServer(async (test) => {
      const { call, server } = test;
      await call('POST', `${robots}?fieldManager=maker`, { body: robot('r') });
      const merge = { 'content-type': 'application/merge-patch+json', 'user-agent': 'curl/7.88 (x)' };
      await call('PATCH', path, { headers: merge, body: { metadata: { labels: { a: 'b' } } } });
      await server.client.patchStatus({ kind: 'Robot', namespace: 'default', name: 'r' }, { ready: 'yes' });
      const reply = await call('GET', path);
      assert.deepEqual(owners(reply).toSorted(), ['curl Update', 'heddle-controller Update status', 'maker Update']);
      const ofCurl = entries(reply).find(({ manager }) => manager === 'curl');
      assert.deepEqual(ofCurl?.['fieldsV1'], { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } });
      const listed = await call('GET', robots);
      assert.deepEqual(at(listed.json, 'items.0.metadata.managedFields'), at(reply.json, 'metadata.managedFields'));
      const inProcess = await server.client.list('Robot');
      assert.equal(inProcess.items[0]?.metadata.managedFields, undefined);
    }));

  it('are all fields of who made it, defaults too, and stay so when he writes what he read', () =>
    withServer(async ({ call }) => {
      const made = await call('POST', `${robots}?fieldManager=maker`, { body: robot('r', { skills: ['a'] }) });
      assert.deepEqual(at(made.json, 'metadata.managedFields.0.fieldsV1'), { 'f:spec': { '.': {}, 'f:model': {}, 'f:skills': { '.': {}, 'v:"a"': {} }, 'f:speed': {} } });
      const put = (spec: JsonObject, manager: string) => call('PUT', `${path}?fieldManager=${manager}`, { body: { ...made.json, spec: { ...objectOr(made.json['spec']), ...spec }, metadata: { ...objectOr(made.json['metadata']), resourceVersion: undefined } } });
      assert.equal((await put({}, 'maker')).status, 422);
      const replaced = await call('PUT', `${path}?fieldManager=maker`, { body: { ...made.json, spec: { model: 'r2', speed: 3 } } });
      assert.deepEqual(owners(replaced), ['maker Update']);
      assert.deepEqual(at(replaced.json, 'metadata.managedFields.0.fieldsV1'), { 'f:spec': { '.': {}, 'f:model': {}, 'f:speed': {} } });
    }));

  it('can be changed by JSON patch under the lock of a version, and cleared', () =>
    withServer(async (test) => {
      const { call } = test;
      const made = await call('POST', `${robots}?fieldManager=maker`, { body: robot('r', { speed: 2 }) });
      const version = at(made.json, 'metadata.resourceVersion');
      const renamed = entries(made).map((entry) => ({ ...entry, manager: 'heir', operation: 'Apply' }));
      const patch = (operations: unknown) => call('PATCH', path, { headers: { 'content-type': 'application/json-patch+json' }, body: operations });
      const hand = (to: unknown) => [{ op: 'replace', path: '/metadata/managedFields', value: renamed }, { op: 'replace', path: '/metadata/resourceVersion', value: to }];
      assert.equal((await patch(hand('1'))).status, 409);
      const moved = await patch(hand(version));
      assert.deepEqual(owners(moved), ['heir Apply']);
      assert.notEqual(at(moved.json, 'metadata.resourceVersion'), version);
      assert.equal(at((await applying(test)(robot('r'), 'fieldManager=heir')).json, 'spec.speed'), 1, 'the heir no longer wants it');
      const cleared = await patch([{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]);
      assert.deepEqual(owners(cleared), []);
      await call('PATCH', path, { headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { speed: 7 } } });
      assert.deepEqual(owners(await call('GET', path)), []);
      const first = await applying(test)(robot('r'), 'fieldManager=me');
      assert.deepEqual(owners(first).toSorted(), ['before-first-apply Update', 'me Apply']);
    }));

  it('that make no sense are refused, and those of versions that are not served are forgotten', () =>
    withServer(async (test) => {
      await applying(test)(robot('r'));
      const merge = (managedFields: unknown) => test.call('PATCH', path, { headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { managedFields } } });
      const entry = { manager: 'x', operation: 'Apply', apiVersion: 'test.heddle.dev/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:speed': {} } } };
      for (const bad of [{ ...entry, operation: 'Own' }, { ...entry, fieldsType: 'V2' }, { ...entry, fieldsV1: { spec: {} } }, { ...entry, fieldsV1: { 'k:x': {} } }, 'x', { manager: 3 }]) {
        assert.equal((await merge([bad])).status, 422, JSON.stringify(bad));
      }
      assert.deepEqual(owners(await merge([entry, { ...entry, manager: 'old', apiVersion: 'test.heddle.dev/v0' }])), ['x Apply']);
    }));

  it('reach watchers with the object', () =>
    withServer(async (test) => {
      await applying(test)(robot('r'));
      const reply = await test.call('GET', `${robots}?watch=true&timeoutSeconds=1&resourceVersion=0`);
      const event: unknown = JSON.parse(reply.text.split('\n')[0] ?? '{}');
      assert.equal(at(event, 'object.metadata.managedFields.0.manager'), 'me');
    }));
});

describe('the schema that clients read', () => {
  it('says which lists have items with owners of their own, in both versions of OpenAPI', () =>
    withServer(async ({ call }) => {
      const v2 = await call('GET', '/openapi/v2', { headers: { accept: 'application/json' } });
      const v3 = await call('GET', '/openapi/v3/apis/test.heddle.dev/v1');
      for (const robotSchema of [objectOr(v2.json['definitions'])['dev.heddle.test.v1.Robot'], objectOr(at(v3.json, 'components.schemas'))['dev.heddle.test.v1.Robot']]) {
        assert.equal(at(robotSchema, 'properties.spec.properties.skills.x-kubernetes-list-type'), 'set');
        assert.deepEqual(at(robotSchema, 'properties.spec.properties.ports.x-kubernetes-list-map-keys'), ['name']);
        assert.equal(at(robotSchema, 'properties.spec.properties.tags.x-kubernetes-list-type'), undefined);
        assert.equal(at(robotSchema, 'properties.status.properties.conditions.x-kubernetes-patch-strategy'), undefined);
      }
      const namespace = objectOr(v2.json['definitions'])['io.k8s.api.core.v1.Namespace'];
      assert.equal(at(namespace, 'properties.status.properties.conditions.x-kubernetes-patch-merge-key'), 'type');
    }));

  it('is held: an item twice in a list with keys is refused', () =>
    withServer(async ({ call }) => {
      const reply = await call('POST', robots, { body: robot('r', { ports: [{ name: 'x' }, { name: 'x', num: 2 }], skills: ['a', 'a'] }) });
      assert.equal(reply.status, 422);
      assert.deepEqual(causes(reply), ['spec.ports[1]', 'spec.skills[1]']);
    }));
});
