/** The HTTPS listener: TLS, one exchange a request, metrics, logging of what went wrong, and a polite end. */
import { createServer, type Server } from 'node:https';
import { constants, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeddleError } from '../kit/error.ts';
import type { AuditLog } from './access/audit.ts';
import type { Decision } from './access/attributes.ts';
import { clientOf, type Fairness } from './access/fairness.ts';
import { noRights } from './access/rights.ts';
import { anonymous, controllersGroup, mastersGroup, type User } from './access/user.ts';
import type { KeyPair } from './pki/certificate.ts';
import { verbOf, type Dispatch } from './dispatch.ts';
import { defaultLimits, linger, serveConnections, shareConnections, type ConnectionLimits } from './connections.ts';
import { errorAnswer, send, type Answer, type Exchange } from './exchange.ts';
import type { RequestLabels, RequestMetrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { routeOf, type ResourceRoute } from './route.ts';
import type { Scheme } from './scheme.ts';

/** What the server needs of a logger; pino's fits. */
export interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ListenerOptions {
  readonly scheme: Scheme;
  readonly identify: Identify;
  readonly dispatch: Dispatch;
  readonly fairness: Fairness;
  /** Left out: requests are not told to anybody. */
  readonly audit?: AuditLog;
  readonly metrics: RequestMetrics;
  readonly log: Log;
  readonly credentials: KeyPair;
  /** PEM of who signs client certificates. */
  readonly clientAuthority: string;
  /** Those that are not the default ones. */
  readonly limits?: Partial<ConnectionLimits>;
}

/** Who asks, and as whom; throws `Unauthorized`, or `Forbidden` for who may not act as somebody else. */
export type Identify = (request: IncomingMessage, path: string, asked: (user: User) => void) => Promise<User>;

export interface Listener {
  /** Starts to listen and answers the port taken; rejects with the error of the system (`EADDRINUSE`, `EADDRNOTAVAIL`). */
  listen(host: string, port: number): Promise<number>;
  /** Ends watches and idle connections, waits for requests under way. */
  close(): Promise<void>;
}

export const createListener = (options: ListenerOptions): Listener => {
  const closing = new AbortController();
  const limits = { ...defaultLimits, ...options.limits };
  const outbox = new Outbox();
  const server = createServer({
    cert: options.credentials.certificate,
    key: options.credentials.key,
    ca: options.clientAuthority,
    requestCert: true,
    // A bad certificate gets a 401 that says so, not a dropped connection.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // A resumed session would have to carry the client's certificate along.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.handshakeMilliseconds,
    keepAliveTimeout: limits.idleMilliseconds,
    headersTimeout: limits.headersMilliseconds,
    requestTimeout: limits.requestMilliseconds,
    connectionsCheckingInterval: limits.checkMilliseconds,
    maxHeaderSize: 32 * 1024,
  });
  shareConnections(server, limits.connections);
  serveConnections(server, (request, response) => {
    handle({ ...options, outbox, lingerMilliseconds: limits.lingerMilliseconds }, closing.signal, request, response).catch((thrown: unknown) => {
      options.log.error({ error: HeddleError.from(thrown).message }, 'request could not be handled');
      response.destroy();
    });
  });
  return {
    listen: (host, port) => listen(server, host, port),
    close: () => close(server, closing),
  };
};

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });

const close = (server: Server, closing: AbortController): Promise<void> =>
  new Promise((resolve) => {
    closing.abort();
    // Connections that become idle while their last answer is on its way.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const force = setTimeout(() => server.closeAllConnections(), 3000);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });

const handle = async (options: ListenerOptions & { readonly outbox: Outbox; readonly lingerMilliseconds: number }, closing: AbortSignal, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const started = Date.now();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // Somebody who is gone needs no answer, and no crash of ours.
  response.on('error', () => undefined);
  const url = targetOf(request);
  const exchange: Exchange = {
    request,
    response,
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'),
    path: url.pathname,
    query: url.searchParams,
    user: anonymous,
    asker: anonymous,
    rights: noRights,
    auditId: randomUUID(),
    warnings: new Set(),
    begun: () => undefined,
    countEvents: options.metrics.watchEvents,
    signal: AbortSignal.any([gone.signal, closing]),
  };
  const route = routeOf(options.scheme, url.pathname);
  const end = options.metrics.begin(measuredLabels(exchange, route));
  const course: Course = { asker: anonymous, user: anonymous, reason: '' };
  const answer = await answerOf(options, exchange, route, course);
  if (answer !== undefined) await send(exchange, answer, options.outbox).catch((thrown: unknown) => options.log.error({ error: HeddleError.from(thrown).message }, 'answer failed'));
  if (!request.complete && !request.destroyed) response.once('finish', () => linger(request, options.lingerMilliseconds));
  const status = response.headersSent ? response.statusCode : (answer?.status ?? response.statusCode);
  end(status);
  options.audit?.write(auditedRequest(exchange, route, course, started, status));
};

/** What became known of a request on its way. */
interface Course {
  /** Who has shown who it is. */
  asker: User;
  /** Whom it acts as, mostly itself. */
  user: User;
  reason: string;
}

const auditedRequest = (exchange: Exchange, route: ResourceRoute | undefined, { asker, user, reason }: Course, started: number, code: number) => ({
  id: exchange.auditId,
  user: asker,
  ...(user === asker ? {} : { impersonated: user }),
  verb: verbOf(exchange, route),
  uri: exchange.request.url ?? '',
  ...(route === undefined ? {} : { resource: { ...labelsOf(exchange, route), plural: route.served.kind.plural, namespace: route.namespace, name: route.name } }),
  source: exchange.request.socket.remoteAddress ?? '',
  userAgent: exchange.request.headers['user-agent'] ?? '',
  code,
  started,
  ended: Date.now(),
  reason,
});

/** The path may begin with two slashes, which as a relative URL would name another host. */
const targetOf = (request: IncomingMessage): URL => {
  const target = request.url ?? '/';
  const text = target.startsWith('/') ? `https://server${target}` : target;
  return URL.canParse(text) ? new URL(text) : new URL('https://server/invalid');
};

const labelsOf = (exchange: Exchange, route: ResourceRoute | undefined) => ({
  verb: verbOf(exchange, route),
  group: route?.served.kind.group ?? '',
  version: route?.served.kind.version ?? '',
  resource: route?.served.kind.plural ?? '',
  subresource: route?.subresource ?? '',
});

const scopeOf = (exchange: Exchange, route: ResourceRoute | undefined): RequestLabels['scope'] => {
  if (route === undefined) return '';
  if (route.name !== '' || exchange.method === 'POST') return 'resource';
  return route.namespace === '' ? 'cluster' : 'namespace';
};

const measuredLabels = (exchange: Exchange, route: ResourceRoute | undefined): RequestLabels => ({
  ...labelsOf(exchange, route),
  scope: scopeOf(exchange, route),
  isDryRun: exchange.query.has('dryRun'),
  isApply: exchange.method === 'PATCH' && (exchange.request.headers['content-type'] ?? '').startsWith('application/apply-patch'),
});

const answerOf = async (options: ListenerOptions, exchange: Exchange, route: ResourceRoute | undefined, course: Course): Promise<Answer | undefined> => {
  let leave: (() => void) | undefined;
  try {
    course.user = await options.identify(exchange.request, exchange.path, (asker) => (course.asker = asker));
    if (!isExempt(exchange, course.user)) leave = await options.fairness.enter(clientOf(course.user), exchange.signal);
    const allowed = (decision: Decision): void => void (course.reason = decision.reason);
    return await options.dispatch({ ...exchange, user: course.user, asker: course.asker, begun: () => leave?.() }, route, allowed);
  } catch (thrown) {
    const error = HeddleError.from(thrown);
    if (error.code === 'Internal' && !exchange.signal.aborted) {
      options.log.error({ method: exchange.method, path: exchange.path, error: error.message, stack: error.cause instanceof Error ? error.cause.stack : error.stack }, 'request failed');
    }
    return errorAnswer(error);
  } finally {
    leave?.();
  }
};

const health = /^\/(healthz|livez|readyz)(\/|$)/;

/** The server's own people and parts, and who asks whether it lives, do not queue behind others. */
const isExempt = ({ path }: Exchange, { groups }: User): boolean => groups.includes(mastersGroup) || groups.includes(controllersGroup) || health.test(path);
