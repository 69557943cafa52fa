/** The client among servers, proxies and credentials that behave as they do outside of tests. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
import { objectOr } from '../kit/json.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createApiClient, type ApiClient, type ApiClientOptions } from './http.ts';
import { inClusterAccess, readKubeconfig, type Access } from './kubeconfig.ts';
import { startTestServer } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'heddle-http-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

const listen = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A plain server and its access; what was asked is counted. */
const serve = async (t: TestContext, answer: Answer): Promise<Access> => {
  const port = await listen(t, createServer((request, response) => {
    request.resume();
    answer(request, response);
  }));
  return { server: `http://127.0.0.1:${port}`, insecure: false, namespace: 'default', file: 'test' };
};

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

const clientOf = (t: TestContext, access: Access, options: ApiClientOptions = {}): ApiClient => {
  const client = createApiClient(access, options);
  t.after(() => client.close());
  return client;
};

const failsWith = (code: ErrorCode, message: RegExp) => (thrown: unknown): boolean => {
  assert.ok(thrown instanceof HeddleError, String(thrown));
  assert.equal(thrown.code, code);
  assert.match(thrown.message, message);
  return true;
};

const kubeconfig = (name: string, server: string, user: object, cluster: object = {}): string =>
  file(name, JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
  }));

test('a server that is too busy is asked again when it says so, and not for ever', async (t) => {
  let asked = 0;
  const waits: number[] = [];
  const clock = { sleep: async (milliseconds: number) => void waits.push(milliseconds) };
  const access = await serve(t, (_, response) => {
    asked += 1;
    if (asked < 3) json(response, asked === 1 ? 429 : 503, {}, { 'retry-after': '7' });
    else if (asked === 3) json(response, 200, { fine: true });
    else json(response, 429, { kind: 'Status', reason: 'TooManyRequests', message: 'later' });
  });
  const client = clientOf(t, access, { retries: 3, clock });
  assert.deepEqual((await client.call({ method: 'POST', path: '/', body: {} })).body, { fine: true });
  assert.deepEqual(waits, [7000, 7000]);
  await assert.rejects(client.call({ path: '/' }), failsWith('TooManyRequests', /^later$/));
  assert.equal(asked, 3 + 4);
});

test('an answer that does not come in time is a Timeout, before its head and after', async (t) => {
  const access = await serve(t, (request, response) => {
    if (request.url === '/head') return;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
  });
  const client = clientOf(t, access, { timeoutMilliseconds: 50 });
  for (const path of ['/head', '/body']) await assert.rejects(client.call({ path }), failsWith('Timeout', /did not answer within 50 ms/));
});

test('a stream that falls silent counts as broken', async (t) => {
  const access = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"n":1}\n');
  });
  const seen: unknown[] = [];
  const follow = async (): Promise<void> => {
    for await (const each of clientOf(t, access, { silenceMilliseconds: 50 }).stream({ path: '/' })) seen.push(each);
  };
  await assert.rejects(follow(), failsWith('Unavailable', /nothing came for 50 ms/));
  assert.deepEqual(seen, [{ n: 1 }]);
});

test('closing the client ends what is under way', async (t) => {
  const access = await serve(t, () => undefined);
  const client = createApiClient(access);
  const asked = client.call({ path: '/' });
  setImmediate(() => client.close());
  await assert.rejects(asked, failsWith('Unavailable', /the client is closed/));
});

test('a token in a file is read again when the server does not know it any more', async (t) => {
  const tokens: string[] = [];
  const access = await serve(t, ({ headers }, response) => {
    tokens.push(String(headers.authorization));
    json(response, headers.authorization === 'Bearer second' ? 200 : 401, {});
  });
  const path = file('token', 'first\n');
  const client = clientOf(t, readKubeconfig(kubeconfig('with-file', access.server, { tokenFile: 'token' })));
  await assert.rejects(client.call({ path: '/' }), failsWith('Unauthorized', /401/));
  writeFileSync(path, 'second\n');
  await client.call({ path: '/' });
  assert.deepEqual(tokens, ['Bearer first', 'Bearer first', 'Bearer first', 'Bearer second'].slice(0, tokens.length));
  assert.equal(tokens.at(-1), 'Bearer second');
});

const plugin = (name: string, lines: readonly string[]): string => file(name, `#!/bin/sh\n${lines.join('\n')}\n`, 0o700);
const credential = (status: object): string => JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });

test('an exec plugin is run with its arguments and once for many requests, and again when it is refused', async (t) => {
  const access = await serve(t, ({ headers }, response) => json(response, headers.authorization === 'Bearer one' ? 401 : 200, { seen: headers.authorization }));
  plugin('plugin', [
    'echo run >> "$RUNS"',
    'printf "%s" "$KUBERNETES_EXEC_INFO" > "$RUNS.info"',
    `if [ $(wc -l < "$RUNS") = 1 ]; then echo '${credential({ token: 'one' })}'; else echo '${credential({ token: 'two' }).replace('two', '\'"$1"\'')}'; fi`,
  ]);
  const runs = join(folder, 'runs');
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', args: ['a b; $(false)'], env: [{ name: 'RUNS', value: runs }], provideClusterInfo: true };
  const client = clientOf(t, readKubeconfig(kubeconfig('with-exec', access.server, { exec })));
  const answers = await Promise.all([client.call({ path: '/' }), client.call({ path: '/' })]);
  for (const { body } of answers) assert.deepEqual(body, { seen: 'Bearer a b; $(false)' });
  await client.call({ path: '/' });
  assert.ok(readFileSync(runs, 'utf8').split('\n').length - 1 <= 3);
  const info = objectOr(JSON.parse(readFileSync(`${runs}.info`, 'utf8')));
  assert.deepEqual([info['kind'], objectOr(objectOr(info['spec'])['cluster'])['server']], ['ExecCredential', access.server]);
});

test('what an exec plugin prints wrong is told, and never what it printed', async (t) => {
  const access = await serve(t, (_, response) => json(response, 200, {}));
  plugin('noisy', ['echo secret-in-the-output', 'echo "log in first" >&2', 'exit 3']);
  plugin('odd', ['echo secret-in-the-output']);
  plugin('empty', [`echo '${credential({})}'`]);
  const ask = async (command: string): Promise<string> => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, installHint: 'get it at example.org' };
    const client = clientOf(t, readKubeconfig(kubeconfig(`kubeconfig-${command.replaceAll(/\W/g, '')}`, access.server, { exec })));
    return client.call({ path: '/' }).then(() => 'fine', (thrown: unknown) => {
      assert.equal(HeddleError.from(thrown).code, 'Unauthorized');
      return HeddleError.from(thrown).message.replaceAll(/ of "[^"]*"/g, '');
    });
  };
  assert.equal(await ask('./noisy'), 'the exec plugin "./noisy" exited 3: log in first');
  assert.equal(await ask('./odd'), 'the exec plugin "./odd" printed no ExecCredential of client.authentication.k8s.io/v1');
  assert.equal(await ask('./empty'), 'the exec plugin "./empty" printed neither a token nor a certificate with its key');
  assert.equal(await ask('heddle-no-such-plugin'), 'the exec plugin "heddle-no-such-plugin" is not installed: get it at example.org');
});

test('a certificate that an exec plugin printed is shown to the server, and a proxy is passed through', async (t) => {
  const server = await startTestServer(createMemoryStore());
  t.after(() => server.close());
  const { certificate, key } = await server.api.ca.issueClient({ commonName: 'by-plugin', organizations: ['system:masters'] });
  file('answer', credential({ clientCertificateData: certificate, clientKeyData: key }));
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat', args: [join(folder, 'answer')] };
  const through: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    through.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => socket.destroy());
  });
  const port = await listen(t, proxy);
  const cluster = { 'certificate-authority-data': Buffer.from(server.api.ca.certificate).toString('base64'), 'proxy-url': `http://127.0.0.1:${port}` };
  const client = clientOf(t, readKubeconfig(kubeconfig('with-proxy', server.api.url, { exec }, cluster)));
  assert.equal(objectOr((await client.call({ path: '/api/v1/namespaces' })).body)['kind'], 'NamespaceList');
  assert.deepEqual(through, [`127.0.0.1:${server.port}`]);
});

test('in a pod the ServiceAccount says how to reach the API', () => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  assert.equal(inClusterAccess(env, join(folder, 'absent')), undefined);
  const account = mkdtempSync(join(folder, 'account-'));
  for (const [name, text] of [['token', 't'], ['ca.crt', 'the authority'], ['namespace', 'heddle-system\n']] as const) writeFileSync(join(account, name), text);
  assert.equal(inClusterAccess({}, account), undefined);
  assert.deepEqual(inClusterAccess(env, account), {
    server: 'https://[fd00::1]:443',
    authority: 'the authority',
    login: { tokenFile: join(account, 'token') },
    insecure: false,
    namespace: 'heddle-system',
    file: join(account, 'token'),
  });
});

test('ways to log in that heddle cannot go are told when the kubeconfig is read', () => {
  const read = (user: object, cluster: object = {}) => () => readKubeconfig(kubeconfig('unsupported', 'https://127.0.0.1:1', user, cluster));
  assert.throws(read({ username: 'u', password: 'p' }), failsWith('Unsupported', /logs in by a password/));
  assert.throws(read({ 'auth-provider': { name: 'gcp' } }), failsWith('Unsupported', /logs in by an auth-provider/));
  assert.throws(read({ exec: {} }), failsWith('BadRequest', /exec has no command/));
  assert.throws(read({ exec: { command: 'x', interactiveMode: 'Always' } }), failsWith('Unsupported', /wants to talk to a person/));
  assert.throws(read({}, { 'proxy-url': 'socks5://127.0.0.1:1' }), failsWith('Unsupported', /is no HTTP proxy/));
});
