/** What the tests of this folder share: a small kind with everything that kinds can have, and a server on it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { parse } from 'yaml';
import { asMap, asSet } from '../api/fieldtype.ts';
import type { Kind, Resource } from '../api/object.ts';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { startApiServer, type ApiServer, type ApiServerOptions } from './server.ts';

const arm = Type.Object({ joints: Type.Integer({ minimum: 1, maximum: 9, description: 'How many joints.' }), tool: Type.Optional(Type.String()) });

export const robotKind: Kind = {
  group: 'test.heddle.dev',
  version: 'v1',
  kind: 'Robot',
  plural: 'robots',
  singular: 'robot',
  shortNames: ['rb'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'A robot of the tests.',
  properties: {
    spec: Type.Object(
      {
        model: Type.String({ pattern: '^[a-z0-9]+$', maxLength: 12, description: 'Model name.' }),
        color: Type.Optional(Type.Union([Type.Literal('red'), Type.Literal('blue')], { description: 'Paint.' })),
        speed: Type.Optional(Type.Integer({ description: 'Default 1.' })),
        arms: Type.Optional(Type.Record(Type.String(), arm, { description: 'Arms by name.' })),
        tags: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
        skills: Type.Optional(Type.Array(Type.String(), asSet)),
        ports: Type.Optional(Type.Array(Type.Object({ name: Type.String(), num: Type.Optional(Type.Integer()), note: Type.Optional(Type.String()) }), asMap('name'))),
      },
      { additionalProperties: false, description: 'What the robot should be.' },
    ),
    status: Type.Object({
      ready: Type.Optional(Type.String()),
      conditions: Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String(), reason: Type.Optional(Type.String()) }), asMap('type'))),
    }),
  },
  required: ['spec'],
  defaults: (object) => ({ ...object, spec: { speed: 1, ...objectOr(object.spec) } }),
  validate: (object, old) => {
    const [spec, oldSpec] = [objectOr(object.spec), objectOr(old?.spec)];
    const findings = [];
    if (spec['speed'] === 13) findings.push({ path: 'spec.speed', code: 'Unlucky', message: '13 is unlucky; use 12' });
    if (old !== undefined && spec['model'] !== oldSpec['model']) findings.push({ path: 'spec.model', code: 'FieldImmutable', message: 'the model cannot be changed' });
    return findings;
  },
  references: ({ spec, metadata: { namespace = '' } }) => {
    const tags = objectOr(spec)['tags'];
    return Array.isArray(tags) ? tags.map((name) => ({ kind: 'Robot', namespace, name: String(name) })) : [];
  },
  columns: [
    { name: 'Model', type: 'string', jsonPath: '.spec.model', description: 'Model', priority: 0 },
    { name: 'Speed', type: 'integer', jsonPath: '.spec.speed', description: 'Speed', priority: 0 },
    { name: 'Ready', type: 'string', jsonPath: '.status.ready', description: 'Ready', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age', priority: 0 },
    { name: 'Color', type: 'string', jsonPath: '.spec.color', description: 'Color', priority: 1 },
  ],
  hasStatus: true,
};

export const robot = (name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'test.heddle.dev/v1',
  kind: 'Robot',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { model: 'r2', ...spec },
});

export const failsWith = (code: ErrorCode, ...parts: string[]) => (error: unknown): boolean => {
  assert.ok(error instanceof HeddleError, String(error));
  assert.equal(error.code, code, error.message);
  for (const part of parts) assert.ok(error.message.includes(part), `"${error.message}" lacks "${part}"`);
  return true;
};

export const specOf = (object: Resource): JsonObject => objectOr(object.spec);

export interface TestServer {
  readonly server: ApiServer;
  readonly store: Store;
  readonly directory: string;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
  /** Default: the admin certificate of the kubeconfig. */
  readonly anonymous?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON object; empty when it is none. */
  readonly json: JsonObject;
}

/** Runs the body on a fresh server over a memory store and removes everything after. */
export const withServer = async (body: (test: TestServer) => Promise<void>, options: Partial<ApiServerOptions> = {}): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-apiserver-'));
  const store = options.store ?? createMemoryStore();
  const log = { info: () => undefined, error: () => undefined };
  const server = await startApiServer({ store, kinds: [robotKind], dataDir: directory, listen: { host: '127.0.0.1', port: 0 }, log, ...options });
  const credentials = await readKubeconfig(server.kubeconfigPath);
  const call: TestServer['call'] = (method, path, callOptions = {}) => send(server.url, credentials, method, path, callOptions);
  try {
    await body({ server, store, directory, call });
  } finally {
    await server.close();
    await store.close();
    await rm(directory, { recursive: true });
  }
};

interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const readKubeconfig = async (path: string): Promise<Credentials> => {
  const config: unknown = parse(await readFile(path, 'utf8'));
  const first = (list: string, member: string): JsonObject => {
    const found = objectOr(config)[list];
    return Array.isArray(found) && isJsonObject(found[0]) ? objectOr(found[0][member]) : {};
  };
  const decode = (value: unknown): string => Buffer.from(String(value), 'base64').toString();
  return {
    ca: decode(first('clusters', 'cluster')['certificate-authority-data']),
    cert: decode(first('users', 'user')['client-certificate-data']),
    key: decode(first('users', 'user')['client-key-data']),
  };
};

const send = (url: string, { ca, cert, key }: Credentials, method: string, path: string, options: CallOptions): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const body = options.body === undefined || typeof options.body === 'string' || Buffer.isBuffer(options.body) ? options.body : JSON.stringify(options.body);
    const identity = options.anonymous === true ? { ca } : { ca, cert, key };
    // Node frames the body of a DELETE only when it is told the length.
    const framing = body === undefined || options.headers?.['transfer-encoding'] !== undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request(url + path, { method, headers: { ...framing, ...options.headers }, agent: false, ...identity }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve(replyOf(response.statusCode ?? 0, response.headers, Buffer.concat(parts))));
    });
    sent.on('error', reject);
    sent.end(body);
  });

const replyOf = (status: number, headers: Reply['headers'], bytes: Buffer): Reply => {
  const text = bytes.toString('utf8');
  return { status, headers, bytes, text, json: parseObject(text) };
};

const parseObject = (text: string): JsonObject => {
  try {
    return objectOr(JSON.parse(text));
  } catch {
    return {};
  }
};

/** The member at a dotted path of a JSON value, such as `details.causes.0.field`. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, segment) => (typeof found === 'object' && found !== null ? Reflect.get(found, segment) : undefined), value);
