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
