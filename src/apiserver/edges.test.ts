/** Requests that are unusual, large or meant to hurt, and what the server says of itself. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import { all, make, merge, robots } from './httptesting.ts';
import { at, readKubeconfig, robot, withServer } from './testing.ts';

describe('the edges of HTTP', () => {
  it('refuses bodies over 3 MiB, with and without a length, and other methods', () =>
    withServer(async ({ call }) => {
      const large = robot('a', {}, { annotations: { long: 'x'.repeat(3 * 1024 * 1024) } });
      assert.equal((await call('POST', robots, { body: large })).status, 413);
      const chunked = await call('POST', robots, { body: JSON.stringify(large), headers: { 'transfer-encoding': 'chunked' } });
      assert.equal(chunked.status, 413);
      const annotated = robot('a', {}, { annotations: { long: 'x'.repeat(300_000) } });
      assert.equal((await call('POST', robots, { body: annotated })).status, 422);
      assert.equal((await call('OPTIONS', robots)).status, 405);
      for (const method of ['PUT', 'PATCH']) assert.equal((await call(method, robots, { body: {} })).status, 405, method);
      const named = await call('POST', robots, { body: { metadata: { generateName: 'x'.repeat(100) }, spec: { model: 'r2' } } });
      assert.match(String(at(named.json, 'metadata.name')), /^x{58}[a-z0-9]{5}$/);
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
      assert.match(text, /apiserver_request_total\{verb="POST",group="test.heddle.dev",version="v1",resource="robots",subresource="",scope="resource",component="apiserver",dry_run="",code="201"\} 1/);
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

  it('answers a review that cannot be read with an error, never with a yes', () =>
    withServer(async ({ call }) => {
      const reply = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: Buffer.from('k8s\0'), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } });
      assert.equal(reply.status, 415);
    }));
});
