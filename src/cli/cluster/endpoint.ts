/**
 * What a controller on a cluster answers over plain HTTP: health and metrics for the cluster, and goal state for its operators.
 * Goal state holds what tenants have, so it is answered on this machine only: in a pod, to those who may forward a port to it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { kinds } from '../../api/kinds.ts';
import type { Controller } from '../../control/controller.ts';
import { answerView, type ViewTarget } from '../../control/views.ts';
import { HeddleError } from '../../kit/error.ts';
import { bracketed, listening, type Endpoint } from '../endpoints.ts';

export interface Endpoints {
  /** `http://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

type Answer = (url: URL, response: ServerResponse) => void | Promise<void>;

export interface Health {
  readonly metrics: Registry;
  /** Why it is not ready; undefined when it is. */
  readonly fault: () => string | undefined;
}

/** `/livez`, `/readyz`, `/healthz` and `/metrics`. */
export const serveHealth = (endpoint: Endpoint, { metrics, fault }: Health): Promise<Endpoints> =>
  serve('the health endpoint', '--health', endpoint, async (url, response) => {
    if (url.pathname === '/metrics') return plain(response, 200, await metrics.metrics(), metrics.contentType);
    if (url.pathname === '/livez') return plain(response, 200, 'ok');
    if (url.pathname !== '/readyz' && url.pathname !== '/healthz') return plain(response, 404, 'there are /livez, /readyz and /metrics');
    const why = fault();
    plain(response, why === undefined ? 200 : 503, why ?? 'ok');
  });

/** `/<plural>/<name>/<view>` or `/namespaces/<namespace>/<plural>/<name>/<view>`, as the subresources of our own API server. */
export const serveViews = (endpoint: Endpoint, controller: () => Controller): Promise<Endpoints> => {
  if (!isLocal(endpoint.host)) {
    throw new HeddleError('BadRequest', `--views "${endpoint.host}" could be asked by others: use 127.0.0.1 or ::1, and forward a port to it`);
  }
  return serve('the endpoint of views', '--views', endpoint, async (url, response) => {
    const target = targetOf(url.pathname);
    if (target === undefined) return plain(response, 404, `there are ${viewPaths.join(', ')}`);
    // Who may ask here may read everything.
    plain(response, 200, JSON.stringify(await answerView(controller(), target, url.searchParams, () => true)), 'application/json');
  });
};

const viewed = kinds.filter(({ views = {} }) => Object.keys(views).length > 0);

const viewPaths = viewed.flatMap(({ scope, plural, views = {} }) =>
  Object.keys(views).map((view) => `${scope === 'Namespaced' ? '/namespaces/<namespace>' : ''}/${plural}/<name>/${view}`));

const targetOf = (path: string): ViewTarget | undefined => {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const [namespace = '', plural, name = '', view = ''] = parts[0] === 'namespaces' && parts.length === 5 ? parts.slice(1) : ['', ...parts];
  const kind = viewed.find((each) => each.plural === plural && (each.scope === 'Namespaced') === (namespace !== ''));
  if (kind === undefined || name === '' || !Object.hasOwn(kind.views ?? {}, view)) return undefined;
  return { kind: kind.kind, namespace, name, view };
};

const isLocal = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);

const serve = async (what: string, option: string, endpoint: Endpoint, answer: Answer): Promise<Endpoints> => {
  const server = createServer((request, response) => void handle(request, response, answer));
  const { host, port } = endpoint;
  await listening(what, option, endpoint, new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }));
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${bracketed(host)}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const handle = async (request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> => {
  request.resume();
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new HeddleError('MethodNotAllowed', 'this can only be read');
    const url = URL.parse(request.url ?? '', 'http://heddle');
    if (url === null) throw new HeddleError('BadRequest', 'the path cannot be read');
    await answer(url, response);
  } catch (thrown) {
    const error = HeddleError.from(thrown);
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: error.status, reason: error.code, message: error.message };
    plain(response, error.status, JSON.stringify(body), 'application/json');
  }
};

const plain = (response: ServerResponse, status: number, body: string, contentType = 'text/plain'): void => {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
};
