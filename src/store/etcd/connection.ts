/**
 * One HTTP/2 connection to one member of etcd, and gRPC calls over it. A client of our own, because what matters here is what
 * became of a call that failed: whether it was ever sent decides whether a write may be sent again.
 *
 * Protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect, constants } from 'node:http2';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { FrameReader, frameOf } from '../../kit/frames.ts';
import { GrpcFault, statusCodes } from './fault.ts';

/** Longer silence of a member ends the connection. Pings more often than every 5 s are abuse to etcd. */
const keepaliveMilliseconds = 6_000;
const keepalivePatience = 3_000;
const connectMilliseconds = 2_000;
/** What may be on its way to here: a page of a list is megabytes. */
const streamWindow = 4 * 1024 * 1024;
const sessionWindow = 16 * 1024 * 1024;
const sessionMegabytes = 512;

export type Metadata = Readonly<Record<string, string>>;

export interface StreamHandlers {
  readonly onMessage: (bytes: Uint8Array) => void;
  /** Called once, for whatever ends the stream but `close`. */
  readonly onEnd: (fault: GrpcFault) => void;
}

export interface EtcdStream {
  send(message: Uint8Array): void;
  close(): void;
}

export class Connection {
  /** `https://host:port`. */
  readonly endpoint: string;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #onEnd: (reason: string) => void;
  #isOver = false;
  #keepalive: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  /** Why the connection ended. */
  #reason: string | undefined;

  /** Dials at once. `onEnd` is called when the connection ended or could not be made. */
  constructor(endpoint: string, secureContext: SecureContext | undefined, onEnd: (reason: string) => void) {
    this.endpoint = endpoint;
    this.#onEnd = onEnd;
    this.#socket = dial(new URL(endpoint), secureContext);
    this.#session = connect(endpoint, {
      createConnection: () => this.#socket,
      settings: { enablePush: false, initialWindowSize: streamWindow },
      maxSessionMemory: sessionMegabytes,
    });
    this.#session.on('error', (error) => this.#end(error.message));
    this.#session.on('goaway', () => this.retire());
    this.#session.once('close', () => this.#end('the connection was closed'));
    this.#expect('it does not answer', connectMilliseconds);
  }

  /** Resolves when calls can be made; rejects with the reason in words. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#session.once('connect', () => {
        clearTimeout(this.#patience);
        if (this.#session.destroyed) return;
        this.#session.setLocalWindowSize(sessionWindow);
        this.#keepalive = setInterval(() => this.#ping(), keepaliveMilliseconds);
        resolve();
      });
      this.#socket.once('close', () => reject(new Error(this.#reason ?? 'the connection was closed')));
    });
  }

  get isUsable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** One question, one answer. @throws GrpcFault */
  unary(path: string, message: Uint8Array, metadata: Metadata, milliseconds: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const stream = this.#request(path, { ...metadata, 'grpc-timeout': `${milliseconds}m` });
      if (stream instanceof GrpcFault) return reject(stream);
      const late = setTimeout(() => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(new GrpcFault(statusCodes.deadlineExceeded, `${this.endpoint} did not answer within ${milliseconds} ms`, 'sent'));
      }, milliseconds);
      let answer: Uint8Array | undefined;
      receive(stream, (bytes) => (answer = bytes), (fault) => {
        clearTimeout(late);
        if (answer !== undefined && fault.status === statusCodes.ok) resolve(answer);
        else reject(this.#explained(fault));
      });
      stream.end(frameOf(message));
      return undefined;
    });
  }

  /** A call in which both sides may say many things. */
  stream(path: string, metadata: Metadata, { onMessage, onEnd }: StreamHandlers): EtcdStream {
    const stream = this.#request(path, metadata);
    if (stream instanceof GrpcFault) {
      setImmediate(onEnd, stream);
      return { send: () => undefined, close: () => undefined };
    }
    let over = false;
    receive(stream, (bytes) => !over && onMessage(bytes), (fault) => !over && onEnd(this.#explained(fault)));
    return {
      send: (message) => void (over || stream.write(frameOf(message))),
      close: () => {
        over = true;
        stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  }

  /** No more calls; those under way may end, streams that never do are for their owners to end. */
  retire(): void {
    if (!this.#session.closed) this.#session.close();
  }

  destroy(reason: string): void {
    this.#reason ??= reason;
    this.#session.destroy();
    this.#end(reason);
  }

  /** A session whose socket got an alert of TLS is destroyed by Node without a word, and its socket stays. */
  #end(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
    clearInterval(this.#keepalive);
    clearTimeout(this.#patience);
    if (!this.#isOver) this.#onEnd(this.#reason);
    this.#isOver = true;
  }

  #request(path: string, metadata: Metadata): ClientHttp2Stream | GrpcFault {
    try {
      return this.#session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
        ...metadata,
      });
    } catch (thrown) {
      return new GrpcFault(statusCodes.unavailable, thrown instanceof Error ? thrown.message : String(thrown), 'not sent');
    }
  }

  /** A stream knows only that it was cut off; the connection may know why. Or a stream hears first, and alone, of an alert of TLS. */
  #explained(fault: GrpcFault): GrpcFault {
    if (this.#session.destroyed) this.#end(fault.message);
    const reason = this.#reason;
    return reason === undefined || fault.isAnswer ? fault : new GrpcFault(fault.status, reason, fault.reach);
  }

  #ping(): void {
    this.#expect('it does not answer any more', keepalivePatience);
    const sent = !this.#session.destroyed && this.#session.ping((error) => error === null && clearTimeout(this.#patience));
    if (!sent) clearTimeout(this.#patience);
  }

  #expect(otherwise: string, milliseconds: number): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.destroy(otherwise), milliseconds);
  }
}

const dial = ({ protocol, hostname, port }: URL, secureContext: SecureContext | undefined): Socket => {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return connectPlain({ host, port: Number(port || '80') }).setNoDelay();
  return connectTls({
    host,
    port: Number(port || '443'),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2'],
    // Said, so that no variable of the environment can take it back.
    rejectUnauthorized: true,
    ...(secureContext === undefined ? {} : { secureContext }),
  }).setNoDelay();
};

/** Hands on messages, and once how the call ended: status 0 when it ended well. */
const receive = (stream: ClientHttp2Stream, onMessage: (bytes: Uint8Array) => void, onEnd: (fault: GrpcFault) => void): void => {
  const frames = new FrameReader(onMessage);
  let status: GrpcFault | undefined;
  let reason = 'the connection was lost';
  const note = (headers: IncomingHttpHeaders): void => {
    const { 'grpc-status': code, 'grpc-message': message } = headers;
    if (code !== undefined) status = new GrpcFault(Number(code), textOf(message), 'answered');
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => {
    try {
      frames.read(chunk, () => false);
    } catch (thrown) {
      reason = thrown instanceof Error ? thrown.message : String(thrown);
      stream.close(constants.NGHTTP2_CANCEL);
    }
  });
  stream.on('error', (error) => (reason = error.message));
  stream.once('close', () => {
    const reach = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'not sent' : 'sent';
    onEnd(status ?? new GrpcFault(statusCodes.unavailable, reason, reach));
  });
};

/** `grpc-message` is percent-encoded. */
const textOf = (message: string | string[] | undefined): string => {
  const text = String(message ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
