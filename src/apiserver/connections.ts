/**
 * What a connection may do, so that a client that is slow, greedy or broken costs little and nobody else anything: one request
 * at a time, a bounded time to send it and to read its answer, and an answer in words where it made no sense.
 */
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ConnectionLimits {
  /** For the TLS handshake. */
  readonly handshakeMilliseconds: number;
  /** From the first byte of a request, or from the handshake, to the end of its headers. */
  readonly headersMilliseconds: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestMilliseconds: number;
  /** How often the two are looked at. */
  readonly checkMilliseconds: number;
  /** Longer than clients keep idle connections, so that they close first and no request is lost in between. */
  readonly idleMilliseconds: number;
  /** For what is left of a request after its answer. */
  readonly lingerMilliseconds: number;
  /** Beyond, the address that has most loses one; see shareConnections. */
  readonly connections: number;
}

export const defaultLimits: ConnectionLimits = {
  handshakeMilliseconds: 10_000,
  headersMilliseconds: 15_000,
  requestMilliseconds: 60_000,
  checkMilliseconds: 5000,
  idleMilliseconds: 120_000,
  lingerMilliseconds: 2000,
  connections: 12_000,
};

/** Requests that may wait on one connection for the answer to the one before. */
const mostWaiting = 100;

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

interface Busy {
  answering: ServerResponse;
  readonly queue: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
}

/** Hands requests to `handle`: of one connection one after the other, as HTTP answers them anyway. */
export const serveConnections = (server: Server, handle: Handle): void => {
  const busy = new WeakMap<Duplex, Busy>();
  server.on('request', (request, response) => {
    const { socket } = request;
    const known = busy.get(socket);
    if (known === undefined) {
      busy.set(socket, { answering: response, queue: [] });
      start(request, response);
      return;
    }
    // Each waits with all that was read of it, and nothing but this stops the reading.
    if (known.queue.length >= mostWaiting) socket.destroy();
    else known.queue.push({ request, response });
  });
  const start: Handle = (request, response) => {
    const { socket } = request;
    response.once('close', () => {
      const known = busy.get(socket);
      const next = socket.destroyed ? undefined : known?.queue.shift();
      if (known === undefined || next === undefined) {
        busy.delete(socket);
        return;
      }
      known.answering = next.response;
      start(next.request, next.response);
    });
    handle(request, response);
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer there is no room for another one.
    if (socket.writable && busy.get(socket)?.answering.headersSent !== true) socket.end(refusal(error.code ?? ''));
    else socket.destroy();
  });
};

/**
 * Where all connections are taken, a newcomer gets the place of the latest one of the address that has most, and is closed
 * itself when no address has more than its own: who opens thousands keeps nobody else out.
 */
export const shareConnections = (server: Server, most: number): void => {
  const addresses = new Map<string, Set<Socket>>();
  let total = 0;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    const own = addresses.get(remoteAddress) ?? new Set();
    if (total >= most) {
      const greediest = [...addresses.values()].reduce((one, other) => (other.size > one.size ? other : one), own);
      // Closing takes a moment; until then there is one more.
      (greediest.size > own.size + 1 ? [...greediest].findLast(({ destroyed }) => !destroyed) : socket)?.destroy();
    }
    addresses.set(remoteAddress, own.add(socket));
    total += 1;
    socket.once('close', () => {
      own.delete(socket);
      total -= 1;
      if (own.size === 0) addresses.delete(remoteAddress);
    });
  });
};

/**
 * After an answer that came before the end of its request, Node reads the rest and throws it away; who does not come to the end
 * of it is cut off. To close at once would reset the connection, and the client would never see the answer.
 */
export const linger = (request: IncomingMessage, milliseconds: number): void => {
  const timer = setTimeout(() => request.socket.destroy(), milliseconds);
  request.once('close', () => clearTimeout(timer));
};

interface Refusal {
  readonly line: string;
  readonly reason: string;
  readonly message: string;
}

/** By the codes of Node's parser. */
const refusals: { readonly [code: string]: Refusal } = {
  HPE_HEADER_OVERFLOW: { line: '431 Request Header Fields Too Large', reason: 'RequestHeaderFieldsTooLarge', message: 'the headers of the request are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { line: '413 Payload Too Large', reason: 'RequestEntityTooLarge', message: 'the chunks of the request have too large extensions' },
  ERR_HTTP_REQUEST_TIMEOUT: { line: '408 Request Timeout', reason: 'Timeout', message: 'the request did not arrive in time' },
};

const malformed: Refusal = { line: '400 Bad Request', reason: 'BadRequest', message: 'the request is not HTTP/1.1' };

const refusal = (code: string): string => {
  const { line, reason, message } = refusals[code] ?? malformed;
  const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: Number(line.slice(0, 3)) });
  return `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
};
