/** Finds and reads a kubeconfig: which server, whom to trust, who we are. The part of the format that Heddle and kind write. */
import { readFileSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';

export interface Access {
  /** Origin of the API server, such as `https://127.0.0.1:6443`. */
  readonly server: string;
  /** PEM. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly token?: string;
  readonly insecure: boolean;
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
  if (user['exec'] !== undefined) {
    throw new HeddleError('Unsupported', `kubeconfig "${file}" logs in by an exec plugin, which heddle does not run: use kubectl there`);
  }
  const server = text(cluster['server']);
  if (!URL.canParse(server)) throw new HeddleError('BadRequest', `kubeconfig "${file}": server "${server}" is not a URL`);
  const pem = pemOf(file);
  return {
    server: server.replace(/\/$/, ''),
    ...pem('authority', cluster, 'certificate-authority'),
    ...pem('certificate', user, 'client-certificate'),
    ...pem('key', user, 'client-key'),
    ...(typeof user['token'] === 'string' ? { token: user['token'] } : {}),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    namespace: text(context['namespace']) || 'default',
    file,
  };
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
