/** Finds and reads a kubeconfig: which server, whom to trust, who we are. In a pod the ServiceAccount says it. */
import { readFileSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject, objectOr, optional, type JsonObject } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import type { ExecPlugin, Login } from './credentials.ts';

export interface Access {
  /** Origin of the API server, such as `https://127.0.0.1:6443`. */
  readonly server: string;
  /** PEM. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly token?: string;
  /** How to log in where nothing fixed does. */
  readonly login?: Login;
  readonly insecure: boolean;
  /** The name that the server's certificate has, where it is not that of the URL. */
  readonly serverName?: string;
  /** URL of an HTTP proxy; without it that of the environment. */
  readonly proxy?: string;
  /** Namespace of the context. */
  readonly namespace: string;
  /** The file it was read from, for messages. */
  readonly file: string;
}

export interface Places {
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Kubeconfigs of labs and servers that run here. */
  readonly running: readonly string[];
}

/**
 * The first that is set of: flag, HEDDLE_KUBECONFIG, KUBECONFIG, a running lab or server, ~/.kube/config. `BadRequest` when
 * several run: an apply or delete must not go to one that nobody named.
 */
export const findKubeconfig = ({ flag, env, running }: Places): string => {
  const home = join(env['HOME'] ?? homedir(), '.kube', 'config');
  const named = [flag, env['HEDDLE_KUBECONFIG'], env['KUBECONFIG']?.split(delimiter).find((file) => file !== '')].find(
    (file) => file !== undefined && file !== '',
  );
  if (named !== undefined) return named;
  const here = running.filter((file) => existsSync(file));
  if (here.length > 1) {
    throw new HeddleError('BadRequest', `several API servers run here: say which with --kubeconfig or HEDDLE_KUBECONFIG: ${here.join(', ')}`);
  }
  const found = [...here, home].find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new HeddleError(
    'NotFound',
    'no API server is known: start one with "heddle server --data DIR" or "heddle lab up", or name its kubeconfig with --kubeconfig FILE',
  );
};

/** Reads one kubeconfig's current context; relative file names in it are relative to it. */
export const readKubeconfig = (file: string): Access => {
  const config = objectOr(parse(readText(file, 'kubeconfig')));
  const current = text(config['current-context']);
  const context = named(config['contexts'], current, 'context', file);
  const cluster = named(config['clusters'], text(context['cluster']), 'cluster', file);
  const user = named(config['users'], text(context['user']), 'user', file);
  const server = text(cluster['server']);
  if (!URL.canParse(server)) throw new HeddleError('BadRequest', `kubeconfig "${file}": server "${server}" is not a URL`);
  const pem = pemOf(file);
  return {
    server: server.replace(/\/$/, ''),
    ...pem('authority', cluster, 'certificate-authority'),
    ...pem('certificate', user, 'client-certificate'),
    ...pem('key', user, 'client-key'),
    ...optional('token', text(user['token']) || undefined),
    ...optional('login', loginOf(user, cluster, file)),
    ...optional('serverName', text(cluster['tls-server-name']) || undefined),
    ...optional('proxy', proxyOf(cluster, file)),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    namespace: text(context['namespace']) || 'default',
    file,
  };
};

/** Where Kubernetes puts what a pod needs to reach the API. */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Access of the ServiceAccount of the pod that this runs in; undefined elsewhere. */
export const inClusterAccess = (env: Places['env'], folder = serviceAccountFolder): Access | undefined => {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = env;
  const tokenFile = join(folder, 'token');
  if (host === '' || port === '' || !existsSync(tokenFile)) return undefined;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    authority: readText(join(folder, 'ca.crt'), 'certificate authority'),
    login: { tokenFile },
    insecure: false,
    namespace: existsSync(join(folder, 'namespace')) ? readText(join(folder, 'namespace'), 'namespace').trim() : 'default',
    file: tokenFile,
  };
};

/** A fixed token wins over a file, and that over a program, as for kubectl. */
const loginOf = (user: JsonObject, cluster: JsonObject, file: string): Login | undefined => {
  if (text(user['token']) !== '') return undefined;
  const tokenFile = text(user['tokenFile']);
  if (tokenFile !== '') return { tokenFile: resolve(dirname(file), tokenFile) };
  if (user['exec'] !== undefined) return { exec: pluginOf(objectOr(user['exec']), cluster, file) };
  if (user['auth-provider'] === undefined && user['username'] === undefined) return undefined;
  throw new HeddleError('Unsupported', `kubeconfig "${file}" logs in by ${user['username'] === undefined ? 'an auth-provider' : 'a password'}, which Kubernetes gave up: use an exec plugin, a certificate or a token`);
};

const pluginOf = (exec: JsonObject, cluster: JsonObject, file: string): ExecPlugin => {
  const command = text(exec['command']);
  if (command === '') throw new HeddleError('BadRequest', `kubeconfig "${file}": exec has no command`);
  if (exec['interactiveMode'] === 'Always') {
    throw new HeddleError('Unsupported', `kubeconfig "${file}": the exec plugin "${command}" wants to talk to a person, which heddle does not let it`);
  }
  const args: unknown[] = Array.isArray(exec['args']) ? exec['args'] : [];
  const env: unknown[] = Array.isArray(exec['env']) ? exec['env'] : [];
  const info = { server: cluster['server'], 'certificate-authority-data': cluster['certificate-authority-data'] };
  return {
    apiVersion: text(exec['apiVersion']) || 'client.authentication.k8s.io/v1',
    argv: [command, ...args.map(String)],
    env: Object.fromEntries(env.map(objectOr).map(({ name, value }) => [String(name), String(value)])),
    ...optional('installHint', text(exec['installHint']) || undefined),
    ...(exec['provideClusterInfo'] === true ? { cluster: info } : {}),
  };
};

const proxyOf = (cluster: JsonObject, file: string): string | undefined => {
  const url = text(cluster['proxy-url']);
  if (url === '' || /^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url || undefined;
  throw new HeddleError('Unsupported', `kubeconfig "${file}": proxy "${url}" is no HTTP proxy`);
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** kubeconfig keeps its parts as lists of `{name, <part>: {…}}`. */
const named = (list: unknown, name: string, part: string, file: string): JsonObject => {
  const items: unknown[] = Array.isArray(list) ? list : [];
  const found = items.find((item) => isJsonObject(item) && item['name'] === name);
  if (!isJsonObject(found)) throw new HeddleError('BadRequest', `kubeconfig "${file}" has no ${part} "${name}"`);
  return objectOr(found[part]);
};

const pemOf =
  (file: string) =>
  <Name extends string>(name: Name, holder: JsonObject, member: string): { [Key in Name]?: string } => {
    const inline = text(holder[`${member}-data`]);
    const beside = text(holder[member]);
    const result: { [Key in Name]?: string } = {};
    if (inline !== '') result[name] = Buffer.from(inline, 'base64').toString('utf8');
    else if (beside !== '') result[name] = readText(resolve(dirname(file), beside), member);
    return result;
  };

const readText = (file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new HeddleError('NotFound', `${what} "${file}" cannot be read: ${error instanceof Error ? error.message : error}`);
  }
};
