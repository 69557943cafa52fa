// What a TypeScript user does with the resource API, with @kubernetes/client-node. Prints each step that worked.
// Arguments: folder of the package, kubeconfig.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, file] = process.argv.slice(2);
const resolved = createRequire(join(folder, 'package.json')).resolve('@kubernetes/client-node');
const k8s = await import(pathToFileURL(resolved).href);
const config = new k8s.KubeConfig();
config.loadFromFile(file);
const done = (step) => process.stdout.write(`${step}\n`);
const place = { group: 'test.heddle.dev', version: 'v1', namespace: 'default', plural: 'robots' };
const robot = (name, spec = {}) => ({ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', metadata: { name, namespace: 'default' }, spec: { model: 'r2', ...spec } });

const api = config.makeApiClient(k8s.CustomObjectsApi);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const core = config.makeApiClient(k8s.CoreV1Api);

await core.createNamespace({ body: { metadata: { name: 'team' } } });
assert.ok((await core.listNamespace()).items.some(({ metadata }) => metadata.name === 'team'));
done('create and list namespaces');

const list = () => api.listNamespacedCustomObject(place);
const informer = k8s.makeInformer(config, '/apis/test.heddle.dev/v1/namespaces/default/robots', list);
const seen = [];
const wanted = new Map();
const heard = (event) => new Promise((resolve) => (seen.includes(event) ? resolve() : wanted.set(event, resolve)));
for (const verb of ['add', 'update', 'delete']) {
  informer.on(verb, ({ metadata, spec }) => {
    const event = `${verb} ${metadata.name} ${spec.speed}`;
    seen.push(event);
    wanted.get(event)?.();
  });
}
let isStopped = false;
informer.on('error', (error) => isStopped || assert.fail(String(error)));

await api.createNamespacedCustomObject({ ...place, body: robot('early', { speed: 2 }) });
done('create');
await informer.start();
await heard('add early 2');
done('informer: what was there');
await api.createNamespacedCustomObject({ ...place, body: robot('late', { speed: 3 }) });
await heard('add late 3');
done('informer: what comes');
await objects.patch(robot('late', { speed: 4 }), undefined, undefined, 'transcript', undefined, k8s.PatchStrategy.MergePatch);
await heard('update late 4');
done('merge patch, and informer: what changes');
await objects.patch(robot('applied', { speed: 5 }), undefined, undefined, 'transcript', true, k8s.PatchStrategy.ServerSideApply);
await heard('add applied 5');
done('server-side apply');
await api.deleteNamespacedCustomObject({ ...place, name: 'late' });
await heard('delete late 4');
done('delete, and informer: what goes');
assert.equal((await objects.read(robot('early'))).spec.speed, 2);
done('read by kind');
await assert.rejects(api.getNamespacedCustomObject({ ...place, name: 'none' }), (error) => error.code === 404);
done('get what is not there: 404');
isStopped = true;
await informer.stop();
const watch = new k8s.Watch(config);
await new Promise((resolve, reject) => {
  watch
    .watch('/apis/test.heddle.dev/v1/robots', { allowWatchBookmarks: true }, (type, object) => type === 'ADDED' && object.metadata.name === 'early' && resolve(), (error) => error && reject(error))
    .catch(reject);
});
done('watch');
process.exit(0);
