/** What is restored is what was stored, whatever the store; what is damaged or in the way is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { kinds } from '../../api/kinds.ts';
import type { Resource } from '../../api/object.ts';
import { startApiServer, type ApiServer } from '../../apiserver/server.ts';
import { discover } from '../../client/discovery.ts';
import { createApiClient } from '../../client/http.ts';
import { readKubeconfig } from '../../client/kubeconfig.ts';
import { smallFabric, vpc } from '../../compile/fixture.ts';
import { hasEtcd, startCluster } from '../../store/etcd/testing.ts';
import { openSqliteStore } from '../../store/sqlite.ts';
import type { Store } from '../../store/store.ts';
import { loadTokenSecret } from '../../southbound/tokens.ts';
import { runProgram } from '../program.ts';
import { openStore, type StoreOptions } from '../storeoption.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const heddle = async (...words: string[]): Promise<{ status: number; said: string }> => {
  let said = '';
  const say = (text: string): void => void (said += text);
  const io = { out: say, note: say, stdin: async () => '', env: {}, signal: new AbortController().signal, columns: 120, isTerminal: false };
  return { status: await runProgram(words, io), said };
};

interface Served {
  readonly store: Store;
  readonly server: ApiServer;
  close(): Promise<void>;
}

const serve = async (data: string, options: StoreOptions = {}): Promise<Served> => {
  const store = await openStore(data, options, () => undefined);
  const server = await startApiServer({ store, kinds, dataDir: data, listen: { host: '127.0.0.1', port: 0 }, log: silent });
  loadTokenSecret(join(data, 'token-secret'));
  const close = async (): Promise<void> => {
    await server.close();
    await store.close();
  };
  return { store, server, close };
};

/** All objects of all kinds, in order, and the versions that clients saw of them. */
const everything = async ({ registry }: ApiServer): Promise<{ objects: unknown[]; versions: number[] }> => {
  const lists = await Promise.all(registry.scheme.kinds.map(async (served) => (await registry.list(served)).items));
  const objects = lists.flat().map((object) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '' } }));
  return { objects, versions: lists.flat().map(({ metadata }) => Number(metadata.resourceVersion)) };
};

const note = (name: string, text: string): Resource => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { text } }) as Resource;

const fill = async ({ server }: Served): Promise<void> => {
  for (const object of [...smallFabric(), vpc('red', { front: '10.1.0.0/24' }), note('odd', 'a\u2028b\u2029c\r\n\u0001 – ü'), note('large', 'x'.repeat(900_000))]) {
    await server.client.create(object);
  }
  for (let n = 0; n < 250; n += 1) await server.client.create(note(`n${n}`, 'y'.repeat(2000)));
};

test('everything served is served again from a restored store, with its uid, at greater versions, to the same clients', async (t) => {
  const [from, to, file] = [folderFor(t), folderFor(t), join(folderFor(t), 'b.gz')];
  const before = await serve(from);
  await fill(before);
  // The server goes on meanwhile.
  const { status, said } = await heddle('backup', file, '--data', from, '--with-keys');
  assert.equal(status, 0, said);
  assert.match(said, /entries at revision \d+ and 4 key files written/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const was = await everything(before.server);
  const kubeconfig = readFileSync(before.server.kubeconfigPath, 'utf8');
  await before.server.client.create(note('later', 'not in the backup'));
  const last = before.store.revision;
  await before.close();

  assert.equal((await heddle('restore', file, '--data', to)).status, 0);
  const after = await serve(to);
  const is = await everything(after.server);
  assert.deepEqual(is.objects, was.objects);
  assert.ok(Math.min(...is.versions) > last, 'no client sees a version go back');
  const moved = kubeconfig.replace(before.server.url, after.server.url);
  const path = join(to, 'old-kubeconfig');
  writeFileSync(path, moved);
  const client = createApiClient(readKubeconfig(path));
  assert.deepEqual((await discover(client)).filter(({ kind }) => kind === 'VPC').length, 1);
  client.close();
  await after.close();
});

test('a backup of etcd is restored into SQLite and back, and keys only come along when asked for', { skip: !hasEtcd() }, async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const [from, to, folder] = [folderFor(t), folderFor(t), folderFor(t)];
  const etcd = (prefix: string): string[] => ['--store', 'etcd', '--etcd-endpoints', cluster.endpoints.join(','), '--etcd-prefix', prefix];
  const options: StoreOptions = { store: 'etcd', etcdEndpoints: cluster.endpoints.join(',') };
  const first = await serve(from, { ...options, etcdPrefix: '/heddle/one' });
  await fill(first);
  const was = await everything(first.server);
  await first.close();
  const [one, two] = [join(folder, 'one.gz'), join(folder, 'two.gz')];
  assert.equal((await heddle('backup', one, ...etcd('/heddle/one'))).status, 0);
  assert.ok(!gunzipSync(readFileSync(one)).includes('PRIVATE KEY'));
  assert.equal((await heddle('restore', one, '--data', to)).status, 0);
  const store = openSqliteStore(join(to, 'heddle.db'));
  const { entries } = await store.list('');
  await store.close();
  assert.equal((await heddle('backup', two, '--data', to)).status, 0);
  assert.equal((await heddle('restore', two, ...etcd('/heddle/two'))).status, 0);
  const last = await serve(to, { ...options, etcdPrefix: '/heddle/two' });
  const is = await everything(last.server);
  assert.deepEqual(is.objects, was.objects);
  assert.ok(Math.min(...is.versions) > Math.max(...entries.map(({ revision }) => revision)));
  await last.close();
  const again = await heddle('restore', two, ...etcd('/heddle/two'));
  assert.deepEqual([again.status, /choose another prefix/.test(again.said)], [1, true]);
});

test('a file that is cut off, changed or none of ours is refused before anything is written', async (t) => {
  const [data, folder] = [folderFor(t), folderFor(t)];
  const served = await serve(data);
  await served.server.client.create(note('a', 'b'));
  await served.close();
  const good = join(folder, 'good.gz');
  assert.equal((await heddle('backup', good, '--data', data)).status, 0);
  const bytes = readFileSync(good);
  const text = gunzipSync(bytes).toString('utf8');
  const broken: Record<string, Buffer> = {
    cut: bytes.subarray(0, bytes.length - 20),
    changed: gzipSync(text.replace('"b', '"c')),
    endless: gzipSync(text.split('\n').slice(0, -2).join('\n')),
    longer: gzipSync(`${text}{"key":"a","value":"1"}\n`),
    other: gzipSync('{"format":"tar"}\n'),
    later: gzipSync(text.replace('"version":1', '"version":2')),
    plain: Buffer.from('hello'),
  };
  for (const [name, content] of Object.entries(broken)) {
    const [path, target] = [join(folder, name), join(folder, `${name}.data`)];
    writeFileSync(path, content);
    const { status, said } = await heddle('restore', path, '--data', target);
    assert.equal(status, 1, name);
    assert.match(said, /cannot be used|not a backup|has format 2/, name);
    assert.equal((await heddle('backup', join(folder, 'x'), '--data', target)).status, 1, 'nothing is there');
  }
  assert.equal((await heddle('restore', join(folder, 'none'), '--data', join(folder, 'd'))).status, 1);
});

/** A whole backup with other items than its own. */
const forged = (items: readonly object[]): Buffer => {
  const counts = { entries: items.filter((item) => 'key' in item).length, files: items.filter((item) => 'file' in item).length };
  const lines = [{ format: 'heddle-backup', version: 1, revision: 7, time: '2026-01-01T00:00:00Z', heddle: '0' }, ...items].map((item) => `${JSON.stringify(item)}\n`);
  const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
  return gzipSync(`${lines.join('')}${JSON.stringify({ end: counts, sha256 })}\n`);
};

test('a key file that is none, or cannot be written, leaves no store behind that would begin with keys of its own', async (t) => {
  const folder = folderFor(t);
  const entry = { key: '/registry/x', value: '{}' };
  const attempt = async (name: string, files: readonly object[], prepare: (data: string) => void = () => undefined): Promise<string> => {
    const [path, data] = [join(folder, name), join(folder, `${name}.data`)];
    writeFileSync(path, forged([entry, ...files]));
    mkdirSync(data);
    prepare(data);
    const { status, said } = await heddle('restore', path, '--data', data);
    assert.equal(status, 1, said);
    assert.deepEqual(readdirSync(data).filter((file) => file.startsWith('heddle.db')), []);
    return said;
  };
  assert.match(await attempt('elsewhere', [{ file: '../../escaped', content: '' }]), /which is none of the keys/);
  assert.equal(existsSync(join(folder, '..', 'escaped')), false);
  await attempt('unwritable', [{ file: 'pki/ca.key', content: 'aGk=' }], (data) => writeFileSync(join(data, 'pki'), 'a file'));
});

test('what a restore left that was killed is taken away by the next one', async (t) => {
  const [folder, data] = [folderFor(t), folderFor(t)];
  const path = join(folder, 'b.gz');
  writeFileSync(path, forged([{ key: '/registry/x', value: '{}' }]));
  for (const suffix of ['', '-wal', '-lock']) writeFileSync(join(data, `heddle.db.restoring${suffix}`), 'half written');
  const { status, said } = await heddle('restore', path, '--data', data);
  assert.equal(status, 0, said);
  assert.deepEqual(readdirSync(data).filter((file) => file.includes('restoring')), []);
  const store = openSqliteStore(join(data, 'heddle.db'));
  assert.deepEqual((await store.list('')).entries.map(({ key, revision }) => [key, revision]), [['/registry/x', 1_000_000_008]]);
  await store.close();
});

test('what is in the way is left as it is', async (t) => {
  const [data, folder] = [folderFor(t), folderFor(t)];
  await (await serve(data)).close();
  const file = join(folder, 'b.gz');
  assert.equal((await heddle('backup', file, '--data', data, '--with-keys')).status, 0);
  const inTheWay = async (words: string[], pattern: RegExp): Promise<void> => {
    const { status, said } = await heddle(...words);
    assert.ok(status > 0, said);
    assert.match(said, pattern);
  };
  await inTheWay(['backup', file, '--data', data], /never written over/);
  await inTheWay(['restore', file, '--data', data], /is there already/);
  rmSync(join(data, 'heddle.db'));
  await inTheWay(['restore', file, '--data', data], /ca.crt" is there already/);
  await inTheWay(['restore', file, '--data', folder, '--store', 'memory'], /lives and ends/);
  await inTheWay(['backup', join(folder, 'c.gz')], /--data is needed/);
  await inTheWay(['backup', join(folder, 'c.gz'), '--data', folder, '--etcd-prefix', '/x/'], /--etcd-prefix/);
  await inTheWay(['backup', join(folder, 'c.gz'), '--data', folder], /there is no store/);
});
