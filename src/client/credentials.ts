/**
 * What a client shows the server to be known: fixed texts, a token in a file that somebody renews (ServiceAccounts in a pod), or
 * what a program says (exec plugins of kubeconfigs, KEP 541). What is read is kept until it runs out or the server refuses it.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isJsonObject, objectOr, optional } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import { tryRun } from '../kit/process.ts';

/** PEM, or a bearer token. */
export interface Credential {
  readonly token?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** A program that prints an ExecCredential. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** What to do when the program is not there, in the words of who wrote the kubeconfig. */
  readonly installHint?: string;
  /** Of the cluster, for plugins that ask for it (`provideClusterInfo`). */
  readonly cluster?: object;
}

export type Login = { readonly tokenFile: string } | { readonly exec: ExecPlugin };

export interface Credentials {
  current(): Promise<Credential>;
  /** The server does not know it any more: the next `current` asks anew. False when that cannot change anything. */
  refuse(): boolean;
}

/** As client-go: a token in a file is read again after a minute. */
const fileMilliseconds = 60_000;
/** Asked for a little before it runs out, for clocks differ and requests take time. */
const marginMilliseconds = 10_000;

interface Held {
  credential: Promise<Credential>;
  /** Milliseconds since 1970. */
  until: number;
}

/** @param file the kubeconfig, for messages and relative paths; `now` in milliseconds since 1970 */
export const createCredentials = (fixed: Credential, login: Login | undefined, file: string, now: () => number = Date.now): Credentials => {
  if (login === undefined) return { current: async () => fixed, refuse: () => false };
  let held: Held | undefined;
  const read = async (asked: Held): Promise<Credential> => {
    try {
      const { credential, until } = 'exec' in login ? await runPlugin(login.exec, file) : await readToken(login.tokenFile, now());
      asked.until = until;
      return { ...fixed, ...credential };
    } catch (thrown) {
      if (held === asked) held = undefined;
      throw thrown;
    }
  };
  const ask = (): Held => {
    const asked: Held = { until: Number.POSITIVE_INFINITY, credential: Promise.resolve({}) };
    asked.credential = read(asked);
    return asked;
  };
  return {
    current() {
      if (held === undefined || held.until <= now()) held = ask();
      return held.credential;
    },
    refuse() {
      held = undefined;
      return true;
    },
  };
};

interface Known {
  readonly credential: Credential;
  readonly until: number;
}

const readToken = async (path: string, now: number): Promise<Known> => {
  try {
    return { credential: { token: (await readFile(path, 'utf8')).trim() }, until: now + fileMilliseconds };
  } catch (error) {
    throw new HeddleError('Unauthorized', `the token file "${path}" cannot be read: ${HeddleError.from(error).message}`);
  }
};

/** What the program printed is never part of a message: it may hold a secret. */
const runPlugin = async ({ apiVersion, argv, env, cluster, installHint }: ExecPlugin, file: string): Promise<Known> => {
  const [command, ...rest] = argv;
  // As kubectl: a path is relative to the kubeconfig, a name is looked up in PATH.
  const program = command.includes('/') ? resolve(dirname(file), command) : command;
  const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false, ...optional('cluster', cluster) } };
  const what = `the exec plugin "${command}" of "${file}"`;
  const output = await tryRun([program, ...rest], { env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) } }).catch((thrown: unknown) => {
    const { code, message } = HeddleError.from(thrown);
    if (code !== 'Unsupported') throw new HeddleError('Unauthorized', `${what} failed: ${message}`);
    throw new HeddleError('Unauthorized', `${what} is not installed${installHint === undefined ? '' : `: ${installHint}`}`);
  });
  if (output.status !== 0) throw new HeddleError('Unauthorized', `${what} exited ${output.status}: ${output.stderr.trim().split('\n').slice(-5).join('; ')}`);
  return credentialIn(output.stdout, apiVersion, what);
};

const credentialIn = (printed: string, apiVersion: string, what: string): Known => {
  const answer = parsed(printed);
  if (answer['kind'] !== 'ExecCredential' || answer['apiVersion'] !== apiVersion) {
    throw new HeddleError('Unauthorized', `${what} printed no ExecCredential of ${apiVersion}`);
  }
  const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp: expiry } = objectOr(answer['status']);
  const credential = { ...optional('token', text(token)), ...optional('certificate', text(certificate)), ...optional('key', text(key)) };
  if (credential.token === undefined && (credential.certificate === undefined || credential.key === undefined)) {
    throw new HeddleError('Unauthorized', `${what} printed neither a token nor a certificate with its key`);
  }
  const until = typeof expiry === 'string' ? Date.parse(expiry) - marginMilliseconds : Number.POSITIVE_INFINITY;
  return { credential, until: Number.isNaN(until) ? Number.POSITIVE_INFINITY : until };
};

const parsed = (printed: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(printed);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
};

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
