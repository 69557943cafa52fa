/**
 * The server's side of gRPC streams over TLS, for one method. Protocol:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import type { AddressInfo, Socket } from 'node:net';
import { type Server, type TLSSocket, createServer } from 'node:tls';
import { HeddleError } from '../kit/error.ts';
import { FrameFault, FrameReader, frameOf } from '../kit/frames.ts';
import { Http2Connection } from './http2/connection.ts';
import type { Header } from './http2/hpack.ts';
import { Payload } from './http2/payload.ts';
import type { BodyStream, StreamHandlers } from './http2/stream.ts';

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, as far as they are used here. */
export const status = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface Call {
  /** Address of the client. */
  readonly peer: string;
  /** Of the request; names in lower case. */
  readonly metadata: ReadonlyMap<string, string>;
  /** False when not all of it went out: wait for `onDrain` before more is sent. Nothing is sent once the call has ended. */
  send(payload: Payload): boolean;
  /** Ends the call, with these headers beside the status; `onClosed` is called. */
  end(code: number, details: string, trailers?: readonly Header[]): void;
}

export interface CallHandlers {
  /** The bytes are a window on a larger chunk, to be used at once. */
  onMessage(bytes: Uint8Array): void;
  onDrain(): void;
  /** Called once, whoever ended the call. */
  onClosed(): void;
}

export interface GrpcServerOptions {
  /** `host:port` each; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** PEM. */
  readonly tls: { readonly key: string; readonly certificate: string };
  /** 48 bytes that session tickets are made with; a server with the same ones knows the tickets of the one before. */
  readonly ticketKeys?: Buffer;
  /** Of the method, such as `/package.Service/Method`. */
  readonly path: string;
  readonly accept: (call: Call) => CallHandlers;
  /** Told of what a handler throws; the connection of its client is then closed, and no other. */
  readonly onFault: (peer: string, error: unknown) => void;
  /** A client that says nothing for this long is asked, and cut off when it still says nothing. Default 10,000. */
  readonly keepaliveMilliseconds?: number;
}

export interface GrpcServer {
  /** What listens, as `host:port` with the port really taken. */
  readonly addresses: readonly string[];
  /** Connections whose TLS handshake is under way. */
  handshakes(): number;
  /** Cuts all connections, and goes on listening. */
  dismiss(): void;
  /** Ends all calls at once. */
  close(): Promise<void>;
}

/** Frames of one or more messages in a row, to be sent together. */
export const payloadOf = (...messages: readonly Uint8Array[]): Payload => {
  const [first] = messages;
  return new Payload(first !== undefined && messages.length === 1 ? frameOf(first) : Buffer.concat(messages.map(frameOf)));
};

/** @throws HeddleError `Unavailable` when an address cannot be listened on. */
export const startGrpcServer = async (options: GrpcServerOptions): Promise<GrpcServer> => {
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    for (const address of options.listen) {
      const listener = new Listener(options);
      listeners.push(listener);
      await listener.listen(address);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const handshakes = (): number => listeners.reduce((sum, listener) => sum + listener.handshakes, 0);
  const dismiss = (): void => listeners.forEach((listener) => listener.dismiss());
  return { addresses: listeners.map(({ address }) => address), handshakes, dismiss, close };
};

/** Thousands of devices dial at the same time; the system may allow fewer. */
const backlog = 8192;
const handshakeMilliseconds = 20_000;
/** How long a session may be resumed (TLS 1.3 allows no longer); the device proves who it is by its token every time. */
const sessionSeconds = 7 * 24 * 60 * 60;

class Listener {
  address = '';
  readonly #options: GrpcServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Guarded>();
  /** All there are, also those that have not greeted yet. */
  readonly #sockets = new Set<Socket>();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { tls, ticketKeys, keepaliveMilliseconds = 10_000 } = options;
    this.#server = createServer({
      key: tls.key,
      cert: tls.certificate,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      noDelay: true,
      handshakeTimeout: handshakeMilliseconds,
      sessionTimeout: sessionSeconds,
      ...(ticketKeys === undefined ? {} : { ticketKeys }),
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('secureConnection', (socket) => this.#connect(socket));
    this.#sweep = setInterval(() => this.#check(), keepaliveMilliseconds).unref();
  }

  get handshakes(): number {
    return this.#sockets.size - this.#connections.size;
  }

  listen(address: string): Promise<void> {
    const colon = address.lastIndexOf(':');
    const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void =>
        reject(new HeddleError('Unavailable', `cannot listen for devices on '${address}': ${error.message}`, { cause: error }));
      this.#server.once('error', refuse);
      this.#server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port, backlog }, () => {
        this.#server.removeListener('error', refuse);
        this.address = `${host}:${(this.#server.address() as AddressInfo).port}`;
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.dismiss();
    await closed;
  }

  dismiss(): void {
    for (const { connection } of this.#connections) connection.destroy();
    // Else one that is in the middle of its handshake would be served by a server that is no more.
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(socket: TLSSocket): void {
    const { path, accept, onFault } = this.#options;
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const connection = new Http2Connection(
      socket,
      (stream) => openCall(stream, path, peer, accept),
      (error) => onFault(peer, error),
    );
    const guarded = { connection, asked: false, idle: 0 };
    this.#connections.add(guarded);
    socket.once('close', () => this.#connections.delete(guarded));
  }

  /** Silence is broken by a ping, which a living client answers; a connection without a call serves nobody. */
  #check(): void {
    for (const guarded of this.#connections) {
      const { connection } = guarded;
      const heard = connection.takeHeard();
      guarded.idle = connection.streams === 0 ? guarded.idle + 1 : 0;
      if ((guarded.asked && !heard) || guarded.idle > 2) connection.destroy();
      else if (guarded.idle === 2) connection.close();
      else if (!heard) connection.ping();
      guarded.asked = !heard;
    }
  }
}

interface Guarded {
  readonly connection: Http2Connection;
  asked: boolean;
  /** How many times in a row the connection had no call. */
  idle: number;
}

const responseHeaders: readonly Header[] = [
  [':status', '200'],
  ['content-type', 'application/grpc+proto'],
];

const longestMessage = 4 * 1024 * 1024;

const openCall = (stream: BodyStream, path: string, peer: string, accept: (call: Call) => CallHandlers): StreamHandlers => {
  const { headers } = stream;
  if (headers.get('content-type')?.startsWith('application/grpc') !== true) {
    stream.end([[':status', '415']]);
    return deaf;
  }
  if (headers.get(':path') !== path) {
    stream.end([...responseHeaders, ...statusHeaders(status.unimplemented, `there is no method '${headers.get(':path')}'`)]);
    return deaf;
  }
  return new GrpcCall(stream, peer, accept);
};

class GrpcCall implements Call, StreamHandlers {
  readonly peer: string;
  readonly #stream: BodyStream;
  readonly #handlers: CallHandlers;
  readonly #frames: FrameReader;
  #responded = false;
  #over = false;

  constructor(stream: BodyStream, peer: string, accept: (call: Call) => CallHandlers) {
    this.#stream = stream;
    this.peer = peer;
    this.#frames = new FrameReader((bytes) => this.#handlers.onMessage(bytes), longestMessage);
    this.#handlers = accept(this);
    // Ended while it was accepted, when nobody could hear of it yet.
    if (this.#over) this.#handlers.onClosed();
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#stream.headers;
  }

  send(payload: Payload): boolean {
    if (this.#over) return true;
    if (!this.#responded) this.#stream.respond(responseHeaders);
    this.#responded = true;
    return this.#stream.write(payload);
  }

  end(code: number, details: string, trailers: readonly Header[] = []): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.end([...(this.#responded ? [] : responseHeaders), ...statusHeaders(code, details), ...trailers]);
    // Undefined while the call is being accepted.
    (this.#handlers as CallHandlers | undefined)?.onClosed();
  }

  onData(chunk: Buffer): void {
    try {
      this.#frames.read(chunk, () => this.#over);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.end(status.invalidArgument, error.message);
    }
  }

  onEnd(): void {
    this.end(status.ok, '');
  }

  onDrain(): void {
    if (!this.#over) this.#handlers.onDrain();
  }

  onClose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers.onClosed();
  }
}

const deaf: StreamHandlers = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };

/** `grpc-message` is UTF-8, percent-encoded but for printable ASCII. */
const statusHeaders = (code: number, details: string): readonly Header[] => {
  const status: Header = ['grpc-status', String(code)];
  if (details === '') return [status];
  const message = [...Buffer.from(details)].map((byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return [status, ['grpc-message', message.join('')]];
};
