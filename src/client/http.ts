/** The resource API over HTTPS: requests, their faults in the user's terms, and watch streams. Knows no kind. */
import { Agent, request as httpsRequest } from 'node:https';
import { Agent as PlainAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { systemClock, type Clock } from '../kit/clock.ts';
import { isJsonObject, objectOr, optional } from '../kit/json.ts';
import { HeddleError, isErrorCode, type ErrorCode, type Finding } from '../kit/error.ts';
import { createCredentials, type Credential, type Credentials } from './credentials.ts';
import type { Access } from './kubeconfig.ts';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly body: unknown;
  /** Texts of `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface ApiClient {
  readonly access: Access;
  /** The decoded answer; a HeddleError with every cause when the server refuses. */
  call(call: Call): Promise<Answer>;
  /** One decoded value a line, until the server ends the stream or the signal aborts. */
  stream(call: Call): AsyncIterable<unknown>;
  close(): void;
}

/** The server understood and said no. */
export class Refusal extends HeddleError {}

export const mergePatchType = 'application/merge-patch+json';
export const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export interface ApiClientOptions {
  /** Ends every request that has no signal of its own. */
  readonly interrupt?: AbortSignal;
  /** How long one answer may take, a stream aside, before it is `Timeout`. Default: for ever. */
  readonly timeoutMilliseconds?: number;
  /** How long a stream may be silent before it counts as broken. Default: for ever. */
  readonly silenceMilliseconds?: number;
  /** How many requests are under way at once, streams aside; others wait their turn. Default: any number. */
  readonly mostSockets?: number;
  /** How often a request is sent again that the server was too busy for (429, or 503 with Retry-After). Default 0. */
  readonly retries?: number;
  readonly clock?: Pick<Clock, 'sleep'>;
}

/** The server says when it wants to be asked again; never believed for longer than this. */
const longestWaitMilliseconds = 30_000;

export const createApiClient = (access: Access, options: ApiClientOptions = {}): ApiClient => new HttpClient(access, options);

class HttpClient implements ApiClient {
  readonly access: Access;
  readonly #options: ApiClientOptions;
  readonly #credentials: Credentials;
  readonly #secure: boolean;
  readonly #agent: PlainAgent;
  /** Streams stay, and must not take the places of requests. */
  readonly #streamAgent: PlainAgent;
  readonly #closed = new AbortController();

  constructor(access: Access, options: ApiClientOptions) {
    this.access = access;
    this.#options = options;
    this.#credentials = createCredentials(credentialOf(access), access.login, access.file);
    this.#secure = access.server.startsWith('https:');
    const settings = { keepAlive: true, ...optional('proxyEnv', proxyOf(access)) };
    const make = (more: object): PlainAgent => (this.#secure ? new Agent({ ...settings, ...tlsOptions(access), ...more }) : new PlainAgent({ ...settings, ...more }));
    this.#agent = make(optional('maxSockets', options.mostSockets));
    this.#streamAgent = make({});
  }

  async call(call: Call): Promise<Answer> {
    const { retries = 0, clock = systemClock } = this.#options;
    for (let left = retries; ; left -= 1) {
      const { message, body } = await this.#answer(call);
      const status = message.statusCode ?? 500;
      if (status < 400) return { body, warnings: warningsOf(message) };
      const wait = waitOf(message);
      if (wait === undefined || left <= 0) throw refusal(status, body);
      await clock.sleep(wait, this.#signalOf(call)).catch((thrown: unknown) => { throw this.#failure(call, thrown); });
    }
  }

  async *stream(call: Call): AsyncGenerator<unknown> {
    const signal = this.#signalOf(call);
    const message = await this.#send(call, this.#streamAgent, this.#options.timeoutMilliseconds);
    if ((message.statusCode ?? 500) >= 400) throw refusal(message.statusCode ?? 500, decode(await text(message), message.headers['content-type']));
    const { silenceMilliseconds } = this.#options;
    if (silenceMilliseconds !== undefined) {
      message.setTimeout(silenceMilliseconds, () => message.destroy(new Error(`nothing came for ${silenceMilliseconds} ms`)));
    }
    try {
      for await (const line of linesOf(message)) if (line !== '') yield parseLine(line);
    } catch (error) {
      if (!signal.aborted) throw HeddleError.from(error).code === 'Internal' ? unreachable(this.access, error) : error;
    } finally {
      message.destroy();
    }
  }

  close(): void {
    this.#closed.abort(new HeddleError('Unavailable', 'the client is closed'));
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }

  async #answer(call: Call): Promise<{ readonly message: IncomingMessage; readonly body: unknown }> {
    const { timeoutMilliseconds } = this.#options;
    const message = await this.#send(call, this.#agent, timeoutMilliseconds);
    const late = timeoutMilliseconds === undefined ? undefined : setTimeout(() => message.destroy(tooLate(this.access, timeoutMilliseconds)), timeoutMilliseconds);
    try {
      return { message, body: decode(await text(message), message.headers['content-type']) };
    } catch (error) {
      throw error instanceof HeddleError ? error : this.#failure(call, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** The head of the answer. Asks again where the server does not know a credential that may be renewed, or a kept connection was closed. */
  async #send(call: Call, agent: PlainAgent, timeoutMilliseconds: number | undefined): Promise<IncomingMessage> {
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    for (let attempt = 1; ; attempt += 1) {
      const credential = await this.#credentials.current();
      const sent = await this.#sendOnce(call, payload, credential, agent, timeoutMilliseconds);
      if (sent === 'stale') continue;
      if (sent.statusCode !== 401 || attempt > 1 || !this.#credentials.refuse()) return sent;
      sent.resume();
    }
  }

  /** `stale`: a connection that was kept open was closed at the other end before it took the request. */
  #sendOnce(call: Call, payload: string | undefined, credential: Credential, agent: PlainAgent, timeoutMilliseconds: number | undefined): Promise<IncomingMessage | 'stale'> {
    return new Promise((resolve, reject) => {
      const { token, certificate: cert, key } = credential;
      const signal = this.#signalOf(call);
      const method = call.method ?? 'GET';
      const headers = headersOf(call, payload, token);
      const options: RequestOptions = { method, agent, headers, signal, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
      const outgoing = (this.#secure ? httpsRequest : httpRequest)(`${this.access.server}${call.path}`, options);
      const late = timeoutMilliseconds === undefined ? undefined : setTimeout(() => outgoing.destroy(tooLate(this.access, timeoutMilliseconds)), timeoutMilliseconds);
      outgoing.once('response', (message) => {
        clearTimeout(late);
        resolve(message);
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(late);
        // What was sent by such a connection may have been carried out; only what does no harm twice is sent again.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET' && method === 'GET' && !signal.aborted) resolve('stale');
        else reject(this.#failure(call, error));
      });
      outgoing.end(payload);
    });
  }

  #signalOf(call: Call): AbortSignal {
    return call.signal ?? this.#options.interrupt ?? this.#closed.signal;
  }

  #failure(call: Call, error: unknown): unknown {
    const signal = this.#signalOf(call);
    if (signal.aborted) return signal.reason;
    return error instanceof HeddleError ? error : unreachable(this.access, error);
  }
}

const credentialOf = ({ token, certificate, key }: Access): Credential => ({ ...optional('token', token), ...optional('certificate', certificate), ...optional('key', key) });

const tlsOptions = ({ authority, insecure, serverName }: Access) => ({
  ...(authority === undefined ? {} : { ca: authority }),
  ...(serverName === undefined ? {} : { servername: serverName }),
  rejectUnauthorized: !insecure,
});

/** That of the kubeconfig, else that of the environment; what is on this machine is never asked by way of another. */
const proxyOf = ({ proxy, server }: Access): NodeJS.ProcessEnv | undefined => {
  if (proxy !== undefined) return { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const { hostname } = new URL(server);
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname) ? undefined : process.env;
};

const headersOf = (call: Call, payload: string | undefined, token: string | undefined): Record<string, string> => ({
  accept: call.accept ?? 'application/json',
  'user-agent': 'heddle',
  ...(payload === undefined
    ? {}
    : { 'content-type': call.contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

const tooLate = (access: Access, milliseconds: number): HeddleError =>
  new HeddleError('Timeout', `the API server ${access.server} did not answer within ${milliseconds} ms`);

/** How long to wait before asking again, when the server asks for that; milliseconds. */
const waitOf = ({ statusCode, headers }: IncomingMessage): number | undefined => {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  if (Number.isFinite(seconds) && (statusCode === 429 || statusCode === 503)) return Math.min(longestWaitMilliseconds, Math.max(0, seconds) * 1000);
  return statusCode === 429 ? 1000 : undefined;
};

const linesOf = async function* (message: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of message.setEncoding('utf8')) {
    const lines = (rest + String(part)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  // A server that is cut off leaves a part of a line; one that ends its stream does not.
  if (rest !== '') throw new Error('the stream ended in the middle of a line');
};

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new HeddleError('Unavailable', 'the server sent a line that is not JSON', { cause: error });
  }
};

const decode = (body: string, contentType: string | undefined): unknown => {
  if (contentType?.includes('json') !== true) return body;
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new HeddleError('Internal', 'the server sent an answer that is not JSON', { cause: error });
  }
};

const warningsOf = (message: IncomingMessage): string[] =>
  [message.headers['warning'] ?? []].flat().flatMap((header) => /^\d+ \S+ "(.*)"$/.exec(header)?.[1] ?? []);

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused; is it running?',
  ENOTFOUND: 'no such host',
  ECONNRESET: 'the connection broke',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by the authority of the kubeconfig',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by the authority of the kubeconfig',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by the authority of the kubeconfig',
};

const unreachable = (access: Access, error: unknown): HeddleError => {
  const code = isJsonObject(error) && typeof error['code'] === 'string' ? error['code'] : '';
  const why = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new HeddleError('Unavailable', `cannot reach the API server ${access.server} (of "${access.file}"): ${why}`, { cause: error });
};

/** For reasons that are not ours: `Gone`, `ServerTimeout`, and what proxies answer. */
const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [405, 'MethodNotAllowed'],
  [406, 'NotAcceptable'],
  [409, 'Conflict'],
  [410, 'Expired'],
  [413, 'TooLarge'],
  [415, 'UnsupportedMediaType'],
  [422, 'Invalid'],
  [429, 'TooManyRequests'],
  [502, 'Unavailable'],
  [503, 'Unavailable'],
  [504, 'Timeout'],
]);

/** A Kubernetes `Status` as an error; its causes become findings. */
export const refusal = (httpStatus: number, body: unknown): Refusal => {
  const status = objectOr(body);
  const details = objectOr(status['details']);
  const causes: unknown[] = Array.isArray(details['causes']) ? details['causes'] : [];
  const findings = causes.map(objectOr).map(
    (cause): Finding => ({ path: textOf(cause['field']), code: textOf(cause['reason']), message: textOf(cause['message']) }),
  );
  const reason = textOf(status['reason']);
  const message = textOf(status['message']) || (typeof body === 'string' && body.trim()) || `the server answered ${httpStatus}`;
  return new Refusal(isErrorCode(reason) ? reason : (codes.get(httpStatus) ?? 'Internal'), message, { findings });
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
