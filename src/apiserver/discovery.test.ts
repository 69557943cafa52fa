/** What clients ask before anything else: groups, resources and schemas, in the forms that each kubectl can read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMessage, readText } from './body/protobuf.ts';
import { accept } from './httptesting.ts';
import { at, withServer } from './testing.ts';

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
      const groups = at(v2beta1.json, 'items');
      const ours = Array.isArray(groups) && groups.find((group) => at(group, 'metadata.name') === 'test.heddle.dev');
      assert.equal(at(ours, 'versions.0.resources.0.subresources.0.subresource'), 'status');
    }));

  it('tells the same resources and subresources, with the same verbs, plain and aggregated', () =>
    withServer(async ({ call }) => {
      const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
      const aggregated = (await Promise.all(['/api', '/apis'].map((path) => call('GET', path, accept('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'))))).flatMap(({ json }) => list(json['items']));
      let compared = 0;
      for (const group of aggregated) {
        const name = at(group, 'metadata.name');
        const version = String(at(group, 'versions.0.version'));
        const plain = list((await call('GET', name === undefined ? `/api/${version}` : `/apis/${String(name)}/${version}`)).json['resources']);
        const flat = list(at(group, 'versions.0.resources')).flatMap((resource) => [
          [at(resource, 'resource'), at(resource, 'verbs')],
          ...list(at(resource, 'subresources')).map((part) => [`${String(at(resource, 'resource'))}/${String(at(part, 'subresource'))}`, at(part, 'verbs')]),
        ]);
        assert.deepEqual(flat, plain.map((resource) => [at(resource, 'name'), at(resource, 'verbs')]));
        compared += flat.length;
      }
      assert.ok(compared > 20);
    }));

  it('is written as YAML for those who ask for it, and not at all as what it cannot be', () =>
    withServer(async ({ call }) => {
      for (const path of ['/api', '/apis', '/apis/test.heddle.dev', '/apis/test.heddle.dev/v1']) {
        assert.match((await call('GET', path, accept('application/yaml'))).text, /^kind: API/, path);
        assert.equal((await call('GET', path, accept('text/html'))).status, 406, path);
        assert.equal((await call('GET', path, accept('application/vnd.kubernetes.protobuf,application/json'))).status, 200, path);
      }
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
      const url = String(at(Object(at(index, 'paths'))['apis/test.heddle.dev/v1'], 'serverRelativeURL'));
      const right = await call('GET', url);
      assert.deepEqual([right.status, right.headers['cache-control']], [200, 'public, immutable']);
      const wrong = await call('GET', url.replace(/hash=.*/, 'hash=0'));
      assert.deepEqual([wrong.status, wrong.headers['location']], [301, url]);
      const none = await call('GET', url.replace(/\?.*/, ''));
      assert.deepEqual([none.status, none.headers['cache-control']], [200, 'no-cache, private']);
      assert.equal((await call('GET', url, accept('application/com.github.proto-openapi.spec.v3@v1.0+protobuf'))).status, 406, 'JSON would be read as protobuf');
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
