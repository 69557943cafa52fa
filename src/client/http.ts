/** The resource API over HTTPS: requests, their faults in the user's terms, and watch streams. Knows no kind. */
import { Agent, request as httpsRequest } from 'node:https';
import { Agent as PlainAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { isJsonObject, objectOr } from '../kit/json.ts';
import { HeddleError, isErrorCode, type Finding } from '../kit/error.ts';
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

/** `interrupt` ends every request that has no signal of its own. */
export const createApiClient = (access: Access, interrupt?: AbortSignal): ApiClient => {
  const secure = access.server.startsWith('https:');
  const agent = secure ? new Agent({ keepAlive: true, ...tlsOptions(access) }) : new PlainAgent({ keepAlive: true });
  const send = (call: Call): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
      const options: RequestOptions = { method: call.method ?? 'GET', agent, headers: headersOf(access, call, payload) };
      const signal = call.signal ?? interrupt;
      if (signal !== undefined) options.signal = signal;
      const outgoing = (secure ? httpsRequest : httpRequest)(`${access.server}${call.path}`, options, resolve);
      outgoing.on('error', (error) => reject(signal?.aborted === true ? signal.reason : unreachable(access, error)));
      outgoing.end(payload);
    });
  return {
    access,
    call: async (call) => {
      const message = await send(call);
      const body = decode(await text(message), message.headers['content-type']);
      if ((message.statusCode ?? 500) >= 400) throw refusal(message.statusCode ?? 500, body);
      return { body, warnings: warningsOf(message) };
    },
    stream: async function* (call) {
      const message = await send(call);
      if ((message.statusCode ?? 500) >= 400) throw refusal(message.statusCode ?? 500, decode(await text(message), 'application/json'));
      try {
        for await (const line of createInterface({ input: message })) {
          if (line !== '') yield JSON.parse(line);
        }
      } catch (error) {
        if (call.signal?.aborted !== true) throw unreachable(access, error);
      } finally {
        message.destroy();
      }
    },
    close: () => agent.destroy(),
  };
};

const tlsOptions = (access: Access) => ({
  ...(access.authority === undefined ? {} : { ca: access.authority }),
  ...(access.certificate === undefined ? {} : { cert: access.certificate }),
  ...(access.key === undefined ? {} : { key: access.key }),
  rejectUnauthorized: !access.insecure,
});

const headersOf = (access: Access, call: Call, payload: string | undefined): Record<string, string> => ({
  accept: call.accept ?? 'application/json',
  'user-agent': 'heddle',
  ...(payload === undefined
    ? {}
    : { 'content-type': call.contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
  ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
});

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

/** A Kubernetes `Status` as an error; its causes become findings. */
const refusal = (httpStatus: number, body: unknown): Refusal => {
  const status = objectOr(body);
  const details = objectOr(status['details']);
  const causes: unknown[] = Array.isArray(details['causes']) ? details['causes'] : [];
  const findings = causes.map(objectOr).map(
    (cause): Finding => ({ path: textOf(cause['field']), code: textOf(cause['reason']), message: textOf(cause['message']) }),
  );
  const reason = textOf(status['reason']);
  const message = textOf(status['message']) || (typeof body === 'string' && body.trim()) || `the server answered ${httpStatus}`;
  return new Refusal(isErrorCode(reason) ? reason : 'Internal', message, { findings });
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
