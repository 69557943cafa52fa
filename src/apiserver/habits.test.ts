/** What tools do to any Kubernetes API: Argo CD, Pulumi and informers take all there is, k9s draws it, and all ask for what is not here. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kinds } from '../api/kinds.ts';
import { accept, all, event, make, merge, names, robots, table, watchLines } from './httptesting.ts';
import { at, robot, withServer, type TestServer } from './testing.ts';

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Paths of all collections that can be listed and watched, found as a tool finds them. */
const collections = async ({ call }: TestServer): Promise<string[]> => {
  const groups = listOf((await call('GET', '/apis')).json['groups']);
  const roots = ['/api/v1', ...groups.map((group) => `/apis/${String(at(group, 'preferredVersion.groupVersion'))}`)];
  const found = await Promise.all(
    roots.map(async (root) => {
      const resources = listOf((await call('GET', root)).json['resources']);
      return resources.filter((resource) => ['list', 'watch'].every((verb) => listOf(at(resource, 'verbs')).includes(verb))).map((resource) => `${root}/${String(at(resource, 'name'))}`);
    }),
  );
  return found.flat();
};

describe('tools that take everything', () => {
  it('list every kind in pages, in three forms, and watch it from there', () =>
    withServer(
      async (test) => {
        const paths = await collections(test);
        assert.ok(paths.length > 25, paths.join());
        const metadata = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
        for (const path of paths) {
          const [objects, rows, partial] = await Promise.all([undefined, table, metadata].map((form) => test.call('GET', `${path}?limit=500`, form === undefined ? {} : accept(form))));
          assert.match(String(objects?.json['kind']), /^\w+List$/, path);
          assert.deepEqual([listOf(objects?.json['items']).length, partial?.json['kind']], [listOf(rows?.json['rows']).length, 'PartialObjectMetadataList'], path);
          const columns = listOf(rows?.json['columnDefinitions']).length;
          assert.ok(columns > 1 && listOf(rows?.json['rows']).every((row) => listOf(at(row, 'cells')).length === columns), path);
        }
        const watched = await Promise.all(
          paths.map(async (path) => {
            const version = String(at((await test.call('GET', path)).json, 'metadata.resourceVersion'));
            const lines = await watchLines(test, `${path}?watch=true&resourceVersion=${version}&allowWatchBookmarks=true&timeoutSeconds=1`, 1);
            return lines.map((line) => line['type']);
          }),
        );
        assert.deepEqual(new Set(watched.flat()), new Set(['BOOKMARK']), 'a watch without changes ends with the version to go on from');
      },
      { kinds },
    ));

  it('Argo CD: a dry run of an apply says what would be and who would own it, beside what is', () =>
    withServer(async (test) => {
      const live = await make(test, 'a', { speed: 2 }, { ownerReferences: [] });
      const headers = { 'content-type': 'application/apply-patch+yaml' };
      const wanted = await test.call('PATCH', `${robots}/a?dryRun=All&fieldManager=argocd-controller&force=true`, { headers, body: robot('a', { speed: 5 }) });
      assert.deepEqual([wanted.status, at(wanted.json, 'spec.speed')], [200, 5]);
      const owners = listOf(at(wanted.json, 'metadata.managedFields')).filter((entry) => at(entry, 'manager') === 'argocd-controller');
      assert.deepEqual(owners.map((entry) => [at(entry, 'operation'), at(at(entry, 'fieldsV1.f:spec'), 'f:speed')]), [['Apply', {}]]);
      assert.deepEqual((await test.call('GET', `${robots}/a`)).json, live, 'nothing was stored');
    }));

  it('an informer goes on after its version is gone: 410, a list of the present, and a watch from there misses nothing', () =>
    withServer(async (test) => {
      await make(test, 'a');
      await make(test, 'b');
      await test.store.compact(test.store.revision);
      const [gone] = await watchLines(test, `${all}?watch=true&resourceVersion=1&allowWatchBookmarks=true`, 1);
      assert.deepEqual([gone?.['type'], at(gone, 'object.code')], ['ERROR', 410]);
      const list = (await test.call('GET', `${all}?limit=500`)).json;
      assert.deepEqual(names(list), ['a', 'b']);
      await test.call('PATCH', `${robots}/a`, { headers: merge, body: { spec: { speed: 3 } } });
      const from = String(at(list, 'metadata.resourceVersion'));
      const lines = await watchLines(test, `${all}?watch=true&resourceVersion=${from}`, 2, { meanwhile: () => test.call('DELETE', `${robots}/b`) });
      assert.deepEqual(lines.map(event), ['MODIFIED a', 'DELETED b']);
    }));
});

describe('tools that ask for what is not here', () => {
  it('hear so in a Status, and nothing stands in for it', () =>
    withServer(async ({ call }) => {
      const paths = ['/apis/metrics.k8s.io/v1beta1/nodes', '/apis/metrics.k8s.io', '/api/v1/nodes', '/api/v1/namespaces/default/pods', '/apis/apps/v1/deployments', '/api/v1/services', '/apis/discovery.k8s.io/v1/endpointslices', '/logs/', '/swagger.json'];
      for (const path of paths) {
        const { status, json } = await call('GET', path);
        assert.deepEqual([status, json['kind'], json['reason']], [404, 'Status', 'NotFound'], path);
      }
    }));

  it('k9s may ask what it may do with metrics, which are not here', () =>
    withServer(async ({ call }) => {
      const body = { spec: { resourceAttributes: { group: 'metrics.k8s.io', resource: 'nodes', verb: 'list' } } };
      const review = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body });
      assert.deepEqual([review.status, typeof at(review.json, 'status.allowed')], [201, 'boolean']);
    }));
});
