/** `heddle token create --for`: a token by which a program comes in as a ServiceAccount, which is made when there is none. */
import { join } from 'node:path';
import type { ApiClient } from '../client/http.ts';
import { parseDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import { objectOr, optional } from '../kit/json.ts';
import { yamlText } from '../kit/yaml.ts';
import type { ExitStatus, Io } from './io.ts';
import { withSession } from './session.ts';
import { createToken } from './token.ts';

/** As the command line has them. */
export interface TokenVerbOptions {
  readonly device?: string;
  readonly for?: string;
  readonly namespace?: string;
  readonly group: readonly string[];
  readonly duration: string;
  readonly output: 'token' | 'kubeconfig';
  readonly data?: string;
  readonly kubeconfig?: string;
}

/** Prints the token of a device or of a ServiceAccount. @throws HeddleError `BadRequest` when it is not clear of which */
export const printToken = async (io: Io, options: TokenVerbOptions): Promise<ExitStatus> => {
  const { device, data } = options;
  if ((device === undefined) === (options.for === undefined)) {
    throw new HeddleError('BadRequest', 'a token is for a device or for a program: give either --device NAME or --for NAME');
  }
  if (device === undefined) return printAccountToken(io, options);
  if (data === undefined) throw new HeddleError('BadRequest', 'the token of a device is made with the secret of the server: give its data folder with --data');
  io.out(`${createToken({ device, data })}\n`);
  return 0;
};

const printAccountToken = (io: Io, options: TokenVerbOptions): Promise<ExitStatus> => {
  const { for: name = '', group, duration, output } = options;
  const seconds = Math.round(parseDuration(duration) / 1000);
  const kubeconfig = options.kubeconfig ?? (options.data === undefined ? undefined : join(options.data, 'kubeconfig'));
  return withSession(io, { ...optional('kubeconfig', kubeconfig), ...optional('namespace', options.namespace) }, async ({ client, namespace }): Promise<ExitStatus> => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts`;
    await ensureAccount(client, path, name);
    const annotations = group.length === 0 ? {} : { annotations: { 'heddle.dev/groups': group.join(',') } };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: annotations, spec: { expirationSeconds: seconds } };
    const answer = await client.call({ method: 'POST', path: `${path}/${encodeURIComponent(name)}/token`, body });
    const { token, expirationTimestamp } = objectOr(objectOr(answer.body)['status']);
    io.out(output === 'token' ? `${String(token)}\n` : tokenKubeconfig(client, namespace, name, String(token)));
    io.note(`good until ${String(expirationTimestamp)}; ends at once when ServiceAccount "${namespace}/${name}" is deleted\n`);
    return 0;
  });
};

const ensureAccount = async (client: ApiClient, path: string, name: string): Promise<void> => {
  try {
    await client.call({ path: `${path}/${encodeURIComponent(name)}` });
  } catch (thrown) {
    if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
    await client.call({ method: 'POST', path, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } } });
  }
};

/** A kubeconfig that holds the token and nothing of who asked for it. */
const tokenKubeconfig = ({ access }: ApiClient, namespace: string, user: string, token: string): string =>
  yamlText({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'heddle', cluster: { server: access.server, ...authorityOf(access.authority) } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'heddle', context: { cluster: 'heddle', user, namespace } }],
    'current-context': 'heddle',
  });

const authorityOf = (authority: string | undefined): object =>
  authority === undefined ? {} : { 'certificate-authority-data': Buffer.from(authority).toString('base64') };
