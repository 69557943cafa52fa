import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { controllerOwnRules, controllerRules } from '../api/controllerrules.ts';
import { kinds } from '../api/kinds.ts';
import { objectOr, type JsonObject } from '../kit/json.ts';
import { tryRun } from '../kit/process.ts';
import { runProgram } from './program.ts';

interface Printed {
  readonly status: number;
  readonly out: string;
  readonly note: string;
}

const heddle = async (...words: string[]): Promise<Printed> => {
  let [out, note] = ['', ''];
  const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', env: {}, signal: new AbortController().signal, columns: 120, isTerminal: false };
  return { status: await runProgram(words, io), out, note };
};

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-manifests-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

const objectsIn = (text: string): JsonObject[] => parseAllDocuments(text).map((document) => objectOr(document.toJS()));
const nameOf = (object: JsonObject): string => `${String(object['kind'])}/${String(objectOr(object['metadata'])['name'])}`;
const find = (objects: readonly JsonObject[], name: string): JsonObject => {
  const found = objects.find((object) => nameOf(object) === name);
  assert.ok(found, name);
  return found;
};

const { out: everything } = await heddle('manifests', '--image', 'registry.example/heddle:1', '-n', 'fabric', '--southbound-name', 'heddle.example');
const objects = objectsIn(everything);

test('one stream has a definition of every kind, then everything that the controller needs, in the order to apply', () => {
  const names = objects.map(nameOf);
  assert.deepEqual(names.slice(0, kinds.length), kinds.map(({ plural }) => `CustomResourceDefinition/${plural}.heddle.dev`));
  assert.deepEqual(names.slice(kinds.length), [
    'Namespace/fabric',
    'ServiceAccount/heddle-controller',
    'ClusterRole/heddle-controller',
    'ClusterRoleBinding/heddle-controller',
    'Role/heddle-controller',
    'RoleBinding/heddle-controller',
    'ClusterRole/heddle-admin',
    'ClusterRole/heddle-operator',
    'ClusterRole/heddle-tenant',
    'ClusterRole/heddle-viewer',
    'Deployment/heddle-controller',
    'Service/heddle-southbound',
    'PodDisruptionBudget/heddle-controller',
  ]);
  const homes = new Set(objects.map((object) => objectOr(object['metadata'])['namespace']).filter((namespace) => namespace !== undefined));
  assert.deepEqual([...homes], ['fabric']);
});

test('the Deployment runs the very command line that the program takes', async () => {
  const container = JSON.stringify(find(objects, 'Deployment/heddle-controller'));
  assert.match(container, /"image":"registry.example\/heddle:1"/);
  assert.match(container, /"--southbound-name","heddle-southbound.fabric.svc","--southbound-name","heddle.example"/);
  assert.match(container, /"--lease","fabric\/heddle-controller","--secret","fabric\/heddle-southbound"/);
  const args = /"args":(\[[^\]]*\])/.exec(container)?.[1] ?? '[]';
  const words = (JSON.parse(args) as string[]).map((word) => (word === '/var/lib/heddle' ? join(tmpdir(), 'heddle-never') : word));
  // The options are understood, and it stops at what is missing here: an API server.
  const { status, note } = await heddle(...words, '--kubeconfig', '/nowhere/kubeconfig');
  assert.deepEqual([status, note], [1, 'heddle: kubeconfig "/nowhere/kubeconfig" cannot be read: ENOENT: no such file or directory, open \'/nowhere/kubeconfig\'\n']);
});

test('the controller is granted what it asks for, and nobody but it writes claims and leases', () => {
  assert.deepEqual(find(objects, 'ClusterRole/heddle-controller')['rules'], JSON.parse(JSON.stringify(controllerRules)));
  assert.deepEqual(find(objects, 'Role/heddle-controller')['rules'], JSON.parse(JSON.stringify(controllerOwnRules('heddle-controller', 'heddle-southbound'))));
  for (const name of ['heddle-operator', 'heddle-tenant', 'heddle-viewer']) {
    const rules = find(objects, `ClusterRole/${name}`)['rules'];
    assert.ok(Array.isArray(rules));
    const writable = new Set(rules.map(objectOr).filter(({ verbs }) => Array.isArray(verbs) && verbs.includes('patch')).flatMap(({ resources }) => resources));
    assert.ok(!writable.has('claims') && !writable.has('dhcpleases'), name);
    assert.equal(writable.has('vpcs'), name === 'heddle-tenant');
  }
});

test('one small definition, word for word', () => {
  const golden = join(import.meta.dirname, '../../testdata/manifests/peeringconsents.yaml');
  const text = stringify(find(objects, 'CustomResourceDefinition/peeringconsents.heddle.dev'), { lineWidth: 0 });
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(golden, text);
  else assert.equal(text, readFileSync(golden, 'utf8'));
});

test('with -o each part is a file, and all files together are the stream', async (t) => {
  const folder = join(folderFor(t), 'made');
  const { status, note } = await heddle('manifests', '-o', folder);
  assert.equal(status, 0);
  assert.equal(note, `4 files in ${folder}: kubectl apply -f ${folder}\n`);
  const files = readdirSync(folder).toSorted();
  const inFiles = files.flatMap((file) => objectsIn(readFileSync(join(folder, file), 'utf8')).map(nameOf));
  assert.deepEqual(inFiles, objectsIn((await heddle('manifests')).out).map(nameOf));
});

test('kubectl reads all of it, and what it knows by type as that type', { skip: !existsSync('/usr/bin/kubectl') && 'kubectl is not installed' }, async (t) => {
  const folder = folderFor(t);
  const [all, deployment] = [join(folder, 'all.yaml'), join(folder, 'deployment.yaml')];
  writeFileSync(all, everything);
  writeFileSync(deployment, stringify(find(objects, 'Deployment/heddle-controller')));
  const kubectl = (...words: string[]) => tryRun(['/usr/bin/kubectl', ...words], { env: { HOME: folder, PATH: process.env['PATH'] } });
  const labelled = await kubectl('label', '--local', '-f', all, 'seen=yes', '-o', 'name');
  assert.equal(labelled.stderr, '');
  assert.equal(labelled.stdout.trim().split('\n').length, objects.length);
  const changed = await kubectl('set', 'image', '--local', '-f', deployment, 'controller=other:2', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.replicas}');
  assert.equal(changed.stdout, 'other:2 2', changed.stderr);
});
