/** One request and its answer: body limits, compression, warnings, and the headers that every answer has. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { HeddleError } from '../kit/error.ts';
import type { Rights } from './access/rights.ts';
import type { User } from './access/user.ts';
import type { Outbox } from './outbox.ts';
import { statusOf } from './status.ts';

const gzip = promisify(gzipCallback);
const gzipThreshold = 128 * 1024;
/** What the stock server takes; anything larger is a mistake or an attack. */
export const maxBodyBytes = 3 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: { readonly [name: string]: string };
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** HEAD counts as GET. */
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly user: User;
  /** Who has shown who it is: the user, or whoever acts as it. */
  readonly asker: User;
  readonly rights: Rights;
  /** Of this request in the audit log, and in the header Audit-Id of its answer. */
  readonly auditId: string;
  /** Sent as `Warning` headers, one each. */
  readonly warnings: Set<string>;
  /** What lasts has begun: from now on it takes no place of others who wait for their turn. */
  readonly begun: () => void;
  /** Events of a watch of that kind were sent. */
  readonly countEvents: (group: string, version: string, kind: string, count: number) => void;
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal;
}

export const jsonAnswer = (value: unknown, status = 200, headers: { readonly [name: string]: string } = {}): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
  headers,
});

export const textAnswer = (body: string, status = 200, type = 'text/plain; charset=utf-8'): Answer => ({ status, type, body });

/** `Internal` errors tell clients only that they happened; the cause is for the log. */
export const errorAnswer = (error: HeddleError): Answer => {
  const shown = error.code === 'Internal' ? new HeddleError('Internal', 'an internal error occurred; the server log has the cause') : error;
  const retry = error.code === 'TooManyRequests' || error.code === 'Unavailable' ? { 'retry-after': '1' } : {};
  return jsonAnswer(statusOf(shown), error.status, retry);
};

/** The three-digit code, the agent and the text of RFC 7234 §5.5, quoted so that no header can be smuggled in. */
const warningHeader = (text: string): string =>
  `299 - "${text.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, (quoted) => `\\${quoted}`)}"`;

/** Headers have no room for more; Kubernetes leaves off there too. */
const warningCharacters = 4096;

const shownWarnings = (warnings: ReadonlySet<string>): string[] => {
  let room = warningCharacters;
  return [...warnings].flatMap((text) => {
    const shown = text.slice(0, Math.max(0, room));
    room -= text.length;
    return shown === '' ? [] : [shown];
  });
};

export const startHeaders = (exchange: Exchange): void => {
  const { response } = exchange;
  response.setHeader('Audit-Id', exchange.auditId);
  if (exchange.warnings.size > 0) response.setHeader('Warning', shownWarnings(exchange.warnings).map(warningHeader));
};

export const send = async (exchange: Exchange, answer: Answer, outbox: Outbox): Promise<void> => {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) return;
  startHeaders(exchange);
  response.statusCode = answer.status;
  response.setHeader('Cache-Control', 'no-cache, private');
  response.setHeader('Content-Type', answer.type);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  let body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  if (body.byteLength >= gzipThreshold) {
    response.appendHeader('Vary', 'Accept-Encoding');
    if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      body = await gzip(body, { level: 1 });
      response.setHeader('Content-Encoding', 'gzip');
    }
  }
  try {
    outbox.take(response, body.byteLength);
  } catch (thrown) {
    response.removeHeader('Content-Encoding');
    return send(exchange, errorAnswer(HeddleError.from(thrown)), outbox);
  }
  response.setHeader('Content-Length', body.byteLength);
  response.end(request.method === 'HEAD' ? undefined : body);
};

const mostParts = 1024;

/** The whole body; `TooLarge` beyond the limit, and the rest of it is not read. */
export const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new HeddleError('UnsupportedMediaType', `the body is encoded as "${encoding}"; send it as it is`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not end the connection, on which the answer is to go.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.byteLength;
    if (bytes > maxBodyBytes) throw tooLarge();
    parts.push(part);
    // Who sends byte by byte makes a part of each.
    if (parts.length === mostParts) parts.splice(0, mostParts, Buffer.concat(parts));
  }
  return Buffer.concat(parts);
};

const tooLarge = (): HeddleError => new HeddleError('TooLarge', `the request body is larger than ${maxBodyBytes} bytes`);
