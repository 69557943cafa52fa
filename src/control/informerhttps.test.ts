/** The controller's ears over HTTPS, at servers that restart, compact, are busy, or were set back to an older state. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { kinds } from '../api/kinds.ts';
import { apiVersion, type Resource } from '../api/object.ts';
import { createApiClient } from '../client/http.ts';
import { readKubeconfig, type Access } from '../client/kubeconfig.ts';
import { createResourceClient } from '../client/resources.ts';
import { startTestServer } from '../client/testing.ts';
import { systemClock } from '../kit/clock.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { createMemoryStore } from '../store/memory.ts';
import { startInformers, type Informers } from './informer.ts';

const claim = (name: string): Resource => ({
  apiVersion,
  kind: 'Claim',
  metadata: { name },
  spec: { pool: 'vni', value: '1', owner: { kind: 'VPC', namespace: '', name: 'a', uid: 'u' }, purpose: 'l3' },
});

interface Ears {
  readonly informers: Informers;
  /** Revision of each object as it was told last. */
  readonly seen: Map<string, string>;
  readonly told: string[];
}

const listen = (t: TestContext, access: Access, watchSeconds: readonly [number, number] = [300, 600]): Ears => {
  const api = createApiClient(access, { retries: 3, timeoutMilliseconds: 5000 });
  const client = createResourceClient(api, kinds, { watchSeconds });
  const seen = new Map<string, string>();
  const told: string[] = [];
  const informers = startInformers({
    client,
    kinds: ['Claim'],
    clock: systemClock,
    log: createLogger({ name: 'test', level: 'silent' }),
    onChange: ({ ref, object, setBack }) => {
      if (object === undefined) seen.delete(ref.name);
      else seen.set(ref.name, object.metadata.resourceVersion ?? '');
      told.push(`${ref.name} ${object?.metadata.resourceVersion ?? 'gone'}${setBack === true ? ' set back' : ''}`);
    },
  });
  t.after(async () => {
    await informers.stop();
    api.close();
  });
  return { informers, seen, told };
};

test('a server that is away misses nothing: what happened meanwhile is told when it is back, once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-ears-'));
  const store = createMemoryStore();
  let server = await startTestServer(store, folder);
  t.after(async () => {
    await server.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  await server.api.client.create(claim('a'));
  const { informers, seen, told } = listen(t, readKubeconfig(server.api.kubeconfigPath));
  await informers.synced;
  const { client } = server.api;
  await client.create(claim('b'));
  await until('b is heard of', () => seen.has('b'));
  await server.close();
  await client.delete({ kind: 'Claim', namespace: '', name: 'a' });
  await client.create(claim('c'));
  server = await startTestServer(store, folder, server.port);
  await until('c is heard of', () => seen.has('c') && !seen.has('a'));
  assert.equal(new Set(told).size, told.length);
});

test('a revision that was compacted while nobody listened leads to a new list', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-ears-'));
  const store = createMemoryStore();
  let server = await startTestServer(store, folder);
  t.after(async () => {
    await server.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const { client } = server.api;
  for (const name of ['a', 'b']) await client.create(claim(name));
  const { informers, seen } = listen(t, readKubeconfig(server.api.kubeconfigPath));
  await informers.synced;
  await server.close();
  await client.delete({ kind: 'Claim', namespace: '', name: 'a' });
  await client.create(claim('c'));
  await store.compact(store.revision);
  server = await startTestServer(store, folder, server.port);
  await until('the difference is told', () => !seen.has('a') && seen.has('b') && seen.has('c'));
});

/** A server that does what it is told, over plain HTTP: real ones are rarely so unkind. */
const unkind = async (t: TestContext, answer: (url: URL, response: ServerResponse) => void): Promise<Access> => {
  const server: Server = createServer((request, response) => answer(new URL(request.url ?? '/', 'http://x'), response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { server: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, insecure: false, namespace: 'default', file: 'test' };
};

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const listOf = (resourceVersion: string, ...items: Resource[]) => ({ kind: 'ClaimList', apiVersion, metadata: { resourceVersion }, items });
const at = (name: string, resourceVersion: string): Resource => ({ ...claim(name), metadata: { name, resourceVersion } });

test('a busy server is asked again when it says, and pages that were compacted away are begun anew', async (t) => {
  const asked: string[] = [];
  const access = await unkind(t, (url, response) => {
    asked.push(url.search);
    if (url.searchParams.has('watch')) return;
    if (asked.length <= 2) return json(response, 429, { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'wait' }, { 'retry-after': '0' });
    if (asked.length === 3) return json(response, 200, { ...listOf('5', at('a', '1')), metadata: { resourceVersion: '5', continue: 'token' } });
    if (asked.length === 4) return json(response, 410, { kind: 'Status', code: 410, reason: 'Expired', message: 'the token is too old' });
    json(response, 200, listOf('9', at('a', '1'), at('b', '8')));
  });
  const { informers, told } = listen(t, access);
  await informers.synced;
  assert.deepEqual(told, ['a 1', 'b 8']);
  assert.deepEqual(asked.slice(2, 5), ['?limit=500', '?limit=500&continue=token', '?limit=500']);
  await until('it watches', () => asked.length === 6);
  assert.match(asked[5] ?? '', /watch=true&resourceVersion=9&allowWatchBookmarks=true&timeoutSeconds=\d+/);
});

test('a watch goes on from the last bookmark, whether it ended, broke in the middle of a line, or the server fell ill', async (t) => {
  const from: string[] = [];
  const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
  const bookmark = (resourceVersion: string): string => line('BOOKMARK', { kind: 'Claim', apiVersion, metadata: { resourceVersion } });
  const access = await unkind(t, (url, response) => {
    if (!url.searchParams.has('watch')) return json(response, 200, listOf('9', at('a', '1')));
    from.push(url.searchParams.get('resourceVersion') ?? '');
    response.writeHead(from.length === 3 ? 503 : 200, { 'content-type': 'application/json' });
    if (from.length === 1) response.end(line('ADDED', at('b', '10')) + bookmark('15'));
    else if (from.length === 2) response.end(line('MODIFIED', at('b', '16')) + '{"type":"ADD');
    else if (from.length === 3) response.end('overloaded');
    else response.write(line('DELETED', at('b', '17')));
  });
  const { told } = listen(t, access);
  await until('all is told', () => told.includes('b gone'));
  assert.deepEqual(from, ['9', '15', '16', '16']);
  assert.deepEqual(told, ['a 1', 'b 10', 'b 16', 'b gone']);
});

test('an ERROR of 410 in the stream, and a server set back to an older state, lead to a new list', async (t) => {
  let lists = 0;
  let watches = 0;
  const access = await unkind(t, (url, response) => {
    if (!url.searchParams.has('watch')) {
      lists += 1;
      return json(response, 200, lists < 3 ? listOf('20', at('a', '19'), at('b', '20')) : listOf('7', at('a', '6')));
    }
    watches += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    if (watches === 1) response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Gone', message: 'too old resource version' } })}\n`);
    else if (watches === 2) response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })}\n`);
  });
  const { told } = listen(t, access);
  await until('the older state is told', () => lists === 3 && told.length >= 4);
  assert.deepEqual(told, ['a 19', 'b 20', 'b gone', 'a 6 set back']);
});
