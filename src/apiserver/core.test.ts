/** Core kinds as clients use them: Secrets, definitions, namespaces that end, owners and dependents. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageWriter } from './body/protobuf.ts';
import { accept, event, make, merge, names, robots, table, watchLines } from './httptesting.ts';
import { at, robot, withServer } from './testing.ts';

const secrets = '/api/v1/namespaces/default/secrets';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };

describe('core kinds', () => {
  it('Secrets: text becomes base64, tables count, faults do not show values, frozen ones stay', () =>
    withServer(async ({ call }) => {
      const made = await call('POST', secrets, { body: { metadata: { name: 's' }, stringData: { password: 'hunter2' } } });
      assert.deepEqual([made.status, at(made.json, 'data'), at(made.json, 'type'), at(made.json, 'stringData')], [201, { password: 'aHVudGVyMg==' }, 'Opaque', undefined]);
      const drawn = await call('GET', secrets, accept(table));
      assert.deepEqual((at(drawn.json, 'rows.0.cells') as unknown[]).slice(0, 3), ['s', 'Opaque', 1]);
      assert.ok(!drawn.text.includes('hunter2') && !drawn.text.includes('aHVudGVyMg'));
      for (const body of [{ metadata: { name: 'x' }, data: { password: 'hunter2!' } }, { metadata: { name: 'x' }, stringData: { password: 19930214 } }, '{"stringData":{"password":"hunter2""}}']) {
        const refused = await call('POST', secrets, { body });
        assert.ok([400, 422].includes(refused.status), refused.text);
        assert.ok(!/hunter2|19930214/.test(refused.text), refused.text);
      }
      const frozen = await call('PATCH', `${secrets}/s`, { headers: merge, body: { immutable: true } });
      assert.equal(frozen.status, 200);
      assert.equal((await call('PATCH', `${secrets}/s`, { headers: merge, body: { stringData: { more: 'x' } } })).status, 422);
      assert.equal((await call('PATCH', `${secrets}/s`, { headers: merge, body: { metadata: { labels: { a: 'b' } } } })).status, 200);
      assert.deepEqual(names((await call('GET', `${secrets}?fieldSelector=type%3DOpaque`)).json), ['s']);
      const raw = new MessageWriter().message(1, (meta) => meta.string(1, 'p')).message(2, (data) => data.string(1, 'a').string(2, 'b')).finish();
      const body = Buffer.concat([Buffer.from('k8s\0'), new MessageWriter().message(1, (type) => type.string(1, 'v1').string(2, 'Secret')).bytes(2, raw).finish()]);
      assert.deepEqual(at((await call('POST', secrets, { body, headers: protobuf })).json, 'data'), { a: 'Yg==' });
      const settings = await call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'c' }, data: { a: '1' }, binaryData: { b: 'AA==' } } });
      assert.equal(settings.status, 201);
    }));

  it('definitions of our kinds are there to be read and waited for, and for nothing else', () =>
    withServer(async ({ call }) => {
      const list = await call('GET', definitions);
      assert.deepEqual(names(list.json), ['robots.test.heddle.dev']);
      const conditions = at(list.json, 'items.0.status.conditions');
      assert.deepEqual(Array.isArray(conditions) && conditions.map((condition) => `${String(at(condition, 'type'))} ${String(at(condition, 'status'))}`), ['NamesAccepted True', 'Established True']);
      assert.equal(at(list.json, 'items.0.spec.names.kind'), 'Robot');
      assert.equal((await call('GET', `${definitions}/robots.test.heddle.dev`)).status, 200);
      const refused = await call('DELETE', `${definitions}/robots.test.heddle.dev`);
      assert.deepEqual([refused.status, /cannot be changed/.test(String(refused.json['message']))], [403, true]);
    }));

  it('a namespace says what keeps it, ends when that is gone, and is let go by /finalize alone', () =>
    withServer(async (test) => {
      const { call } = test;
      const one = '/api/v1/namespaces/one';
      await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'one' } } });
      await call('POST', robots.replace('default', 'one'), { body: robot('held', {}, { namespace: 'one', finalizers: ['heddle.dev/busy'] }) });
      assert.equal(at((await call('PATCH', one, { headers: merge, body: { spec: { finalizers: [] }, status: { phase: 'Gone' } } })).json, 'spec.finalizers.0'), 'kubernetes');
      const dying = await call('DELETE', one);
      assert.deepEqual([dying.status, at(dying.json, 'status.phase')], [200, 'Terminating']);
      const lines = await watchLines(test, '/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Done', 9, {
        meanwhile: async () => {
          for (;;) {
            const message = String(at((await call('GET', one)).json, 'status.conditions.0.message'));
            if (message !== 'undefined') {
              assert.equal(message, 'Some resources are remaining: robots.test.heddle.dev has 1 resource instances');
              break;
            }
          }
          assert.equal((await call('POST', robots.replace('default', 'one'), { body: robot('late', {}, { namespace: 'one' }) })).status, 403);
          await call('PATCH', `${robots.replace('default', 'one')}/held`, { headers: merge, body: { metadata: { finalizers: null } } });
          await test.server.close();
        },
      });
      assert.ok(lines.length > 0);
    }));

  it('a namespace with a finalizer of somebody else waits for a PUT on /finalize', () =>
    withServer(async ({ call }) => {
      const two = '/api/v1/namespaces/two';
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'two' }, spec: { finalizers: ['kubernetes', 'heddle.dev/other'] } };
      await call('POST', '/api/v1/namespaces', { body });
      await call('DELETE', two);
      const finalizers = async (): Promise<unknown> => at((await call('GET', two)).json, 'spec.finalizers');
      while (String(await finalizers()) !== 'heddle.dev/other');
      assert.equal((await call('GET', `${two}/finalize`)).status, 405);
      const last = await call('PUT', `${two}/finalize`, { body: { ...body, spec: { finalizers: [] } } });
      assert.deepEqual([last.status, at(last.json, 'metadata.name')], [200, 'two']);
      assert.equal((await call('GET', two)).status, 404);
      assert.equal((await call('DELETE', '/api/v1/namespaces')).status, 405);
      const resources = at((await call('GET', '/api/v1')).json, 'resources');
      const ofNamespaces = Array.isArray(resources) ? resources.filter((resource) => String(at(resource, 'name')).startsWith('namespaces')) : [];
      assert.deepEqual(ofNamespaces.map((resource) => at(resource, 'name')), ['namespaces', 'namespaces/status', 'namespaces/finalize']);
    }));

  it('deletion in three ways, with options in body or query, alone and of collections', () =>
    withServer(async (test) => {
      const { call } = test;
      const ownerOf = (owner: unknown) => ({ ownerReferences: [{ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', name: at(owner, 'metadata.name'), uid: at(owner, 'metadata.uid'), blockOwnerDeletion: true }] });
      const owner = await make(test, 'owner');
      await make(test, 'child', {}, ownerOf(owner));
      const version = String(at((await call('GET', robots)).json, 'metadata.resourceVersion'));
      const lines = await watchLines(test, `${robots}?watch=true&resourceVersion=${version}`, 3, {
        meanwhile: async () => {
          const dying = await call('DELETE', `${robots}/owner`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Foreground', gracePeriodSeconds: 0 } });
          assert.deepEqual([dying.status, at(dying.json, 'metadata.finalizers'), at(dying.json, 'metadata.deletionGracePeriodSeconds')], [200, ['foregroundDeletion'], 0]);
        },
      });
      assert.deepEqual(lines.map(event), ['MODIFIED owner', 'DELETED child', 'DELETED owner']);
      await make(test, 'free');
      const orphaned = await call('DELETE', `${robots}/free?orphanDependents=true&dryRun=All`);
      assert.deepEqual(at(orphaned.json, 'metadata.finalizers'), ['orphan']);
      assert.equal((await call('DELETE', `${robots}/free?orphanDependents=true`, { body: { propagationPolicy: 'Orphan' } })).status, 422);
      assert.equal((await call('DELETE', `${robots}/free`, { body: { kind: 'Robot' } })).status, 400);
      assert.equal((await call('DELETE', `${robots}/free?gracePeriodSeconds=x`)).status, 422);
      for (const name of ['a', 'b', 'c']) await make(test, name, {}, { labels: { batch: 'yes' } });
      assert.deepEqual(names((await call('DELETE', `${robots}?labelSelector=batch&limit=2`)).json), ['a', 'b']);
      assert.deepEqual(names((await call('DELETE', `${robots}?labelSelector=batch&dryRun=All`)).json), ['c']);
      await make(test, 'used');
      await make(test, 'user', { tags: ['used'] });
      assert.equal((await call('DELETE', robots)).status, 409);
      assert.deepEqual(names((await call('GET', robots)).json), ['used']);
    }));
});
