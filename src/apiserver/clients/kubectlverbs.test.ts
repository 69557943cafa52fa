/** The verbs and options of kubectl that a day's work seldom needs, and those that need what is not here. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../kit/json.ts';
import { robot } from '../testing.ts';
import { kubectlSuite, type Kubectl } from './kubectl.ts';

const shared = (name: string, data: JsonObject = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels: { app: 'x' } }, data });

const owned = (name: string, uid: string) => robot(name, {}, { ownerReferences: [{ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', name: 'owner', uid, blockOwnerDeletion: true }] });

const names = async (kubectl: Kubectl, what = 'robots'): Promise<string[]> => (await kubectl.ok('get', what, '-o', 'name')).trim().split('\n').map((name) => name.split('/')[1] ?? '');

await kubectlSuite('verbs of a real kubectl', {
  'reads: sorted, in columns, by template, raw, versions, definitions, events of one': async (kubectl: Kubectl) => {
    const { ok, outcome, file, minor } = kubectl;
    const list = { apiVersion: 'v1', kind: 'List', items: [robot('a', { speed: 3 }, { labels: { app: 'x' } }), robot('b', { speed: 2 })] };
    await ok('create', '-f', await file('list.yaml', list));
    assert.match(await ok('get', 'robots', '--sort-by=.spec.speed'), /b +r2 +2 [^]*a +r2 +3 /);
    assert.match(await ok('get', 'robots', '-o', 'custom-columns=N:.metadata.name,S:.spec.speed', '--no-headers'), /^a +3\nb +2\n$/);
    assert.equal(await ok('get', 'robot', 'a', '-o', 'go-template={{.spec.speed}}'), '3');
    assert.match(await ok('get', 'robots', '-L', 'app'), /APP\na .* x\nb /);
    assert.match(await ok('get', 'robots,namespaces'), /robot.test.heddle.dev\/a [^]*namespace\/default /);
    assert.equal(await ok('get', 'robot', 'nobody', '--ignore-not-found'), '');
    assert.equal(await ok('get', '--raw', '/readyz'), 'ok');
    assert.match(await ok('version', '-o', 'json'), /"gitVersion": "v1\.32\.0\+heddle/);
    assert.match(await ok('api-resources', '--verbs=deletecollection', '-o', 'name'), /robots.test.heddle.dev/);
    await ok('wait', '--for=condition=established', 'crd/robots.test.heddle.dev', '--timeout=20s');
    assert.match(await ok('describe', 'namespace', 'default'), /Status: +Active/);
    if (minor >= 24) assert.match(await ok('get', 'robot', 'a', '--subresource=status'), /a +r2 +3 /);
    if (minor < 27) return;
    const about = { involvedObject: { apiVersion: 'test.heddle.dev/v1', kind: 'Robot', namespace: 'default', name: 'a' }, reason: 'Accepted', message: 'fine', type: 'Normal' };
    await kubectl.test.server.client.create({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'a.1', namespace: 'default' }, ...about });
    assert.match(await ok('events', '--for', 'robot/a'), /Normal +Accepted +Robot\/a +fine/);
    assert.match((await outcome('events', '--for', 'robot/b')).err, /No events found/);
  },

  'watches: changes alone, and with all columns': async (kubectl: Kubectl) => {
    const { ok, file, test } = kubectl;
    await ok('create', '-f', await file('a.yaml', robot('a', { color: 'red' })));
    const ref = { kind: 'Robot', namespace: 'default', name: 'a' };
    let ready = 0;
    const change = async (): Promise<void> => void (await test.server.client.patchStatus(ref, { ready: `${++ready}/9` }));
    assert.match(await kubectl.until((text) => text.includes('1/9'), change, 'get', 'robots', '-w', '-o', 'wide'), /COLOR\na +r2 .* red\na +r2 +1 +1\/9 +\S+ +red/);
  },

  'writes: config maps, secrets, status, last-applied, prune, replace by force': async (kubectl: Kubectl) => {
    const { ok, lacks, file, minor } = kubectl;
    await ok('create', 'configmap', 'c', '--from-literal=a=1');
    await ok('create', 'secret', 'generic', 's', '--from-literal=password=hunter2');
    assert.equal(await ok('get', 'secret', 's', '-o', 'jsonpath={.data.password}'), 'aHVudGVyMg==');
    assert.doesNotMatch(await ok('describe', 'secret', 's'), /hunter2/);
    const [a, b] = [await file('a.yaml', robot('a')), await file('b.yaml', robot('a', { speed: 5 }))];
    await ok('apply', '-f', a);
    assert.match(await ok('apply', 'view-last-applied', 'robot', 'a'), /model: r2/);
    await ok('apply', 'set-last-applied', '-f', b);
    assert.match(await ok('apply', 'view-last-applied', 'robot', 'a'), /speed: 5/);
    assert.match(await ok('replace', '--force', '-f', b), /replaced/);
    await ok('annotate', 'robot', 'a', 'note=x');
    await ok('annotate', 'robot', 'a', 'note-');
    if (minor >= 24) {
      await ok('patch', 'robot', 'a', '--subresource=status', '--type', 'merge', '-p', '{"status":{"ready":"1/1"},"spec":{"speed":9}}');
      assert.equal(await ok('get', 'robot', 'a', '-o', 'jsonpath={.spec.speed} {.status.ready}'), '5 1/1');
    }
    const allowed = minor < 26 ? '--prune-whitelist' : '--prune-allowlist';
    const both = { apiVersion: 'v1', kind: 'List', items: [shared('one'), shared('two')] };
    await ok('apply', '-f', await file('both.yaml', both), '--prune', '-l', 'app=x', allowed, 'core/v1/ConfigMap');
    await ok('apply', '-f', await file('one.yaml', shared('one', { k: 'v' })), '--prune', '-l', 'app=x', allowed, 'core/v1/ConfigMap');
    assert.deepEqual(await names(kubectl, 'configmaps'), ['c', 'one']);
    const rules = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r', namespace: 'default' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }] };
    assert.match(await ok('auth', 'reconcile', '-f', await file('role.yaml', rules)), /reconciled/);
    for (const missing of [['scale', 'robot', 'a', '--replicas=2'], ['rollout', 'status', 'robot/a'], ['top', 'nodes'], ['get', 'pods'], ['logs', 'a']]) {
      const { code, err } = await lacks(...missing);
      assert.equal(code, 1, missing.join(' '));
      assert.match(err, /not find|not available|no .* has been implemented|doesn't have a resource type|Metrics API|is registered for version/i, missing.join(' '));
    }
  },

  'deletes: in three ways, by selector and file, by name of a field, all, as a dry run': async (kubectl: Kubectl) => {
    const { ok, file, minor } = kubectl;
    const family = async (): Promise<void> => {
      await ok('create', '-f', await file('owner.yaml', robot('owner')));
      const uid = await ok('get', 'robot', 'owner', '-o', 'jsonpath={.metadata.uid}');
      await ok('create', '-f', await file('child.yaml', owned('child', uid)));
    };
    await family();
    assert.match(await ok('delete', 'robot', 'owner', '--dry-run=server'), /deleted.*dry run/);
    assert.deepEqual(await names(kubectl), ['child', 'owner']);
    await ok('delete', 'robot', 'owner', '--cascade=foreground', '--timeout=20s');
    assert.deepEqual(await names(kubectl), [''], 'in the foreground the dependents go first');
    await family();
    await ok('delete', 'robot', 'owner', '--cascade=orphan', '--timeout=20s');
    assert.deepEqual(await names(kubectl), ['child']);
    assert.equal(await ok('get', 'robot', 'child', '-o', 'jsonpath={.metadata.ownerReferences}'), '');
    await ok('delete', '-f', await file('child.yaml', robot('child')), '--grace-period=0', '--force');
    const items = ['a', 'b', 'c', 'd'].map((name) => robot(name, {}, { labels: { app: name < 'b' ? 'x' : 'y' } }));
    await ok('create', '-f', await file('list.yaml', { apiVersion: 'v1', kind: 'List', items }));
    await ok('delete', 'robots', '-l', 'app=x');
    await ok('delete', 'robots', '--field-selector', 'metadata.name=b');
    assert.deepEqual(await names(kubectl), ['c', 'd']);
    await ok('delete', 'robots', '--all');
    assert.deepEqual(await names(kubectl), ['']);
    if (minor >= 31) {
      const waiting = ok('wait', '--for=create', 'robot/late', '--timeout=20s');
      await ok('create', '-f', await file('late.yaml', robot('late')));
      await waiting;
    }
    if (minor >= 27) {
      await ok('apply', '-f', await file('late.yaml', robot('late', { speed: 4 })));
      await ok('wait', '--for=jsonpath={.spec.speed}=4', 'robot/late', '--timeout=20s');
    }
  },
});
