/**
 * One gRPC stream over one TLS connection, on Node's own HTTP/2. Devices have little memory, and grpc-js, with its balancers,
 * resolvers, retries and server, costs an agent 7 MB that a device with one stream to one server has no use for.
 *
 * Protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader, connect, constants } from 'node:http2';
import { type SecureContext, createSecureContext } from 'node:tls';
import { FrameReader, frameOf } from '../kit/frames.ts';
import { leaderHeader, triedHeader } from './service.ts';

export interface StreamOptions {
  /** `host:port`. */
  readonly server: string;
  /** PEM of the certificate authority. */
  readonly ca: string;
  /** Made of `ca` once, for a program with many streams: reading the certificate again costs more than the handshake. */
  readonly secureContext?: SecureContext;
  /** Name in the server's certificate when it is not the host of `server`. */
  readonly serverName?: string;
  /** Such as `/package.Service/Method`. */
  readonly path: string;
  readonly token: string;
  /** Servers that could not serve this agent just now, for this one to know where not to send it. */
  readonly tried?: readonly string[];
  readonly onMessage: (bytes: Uint8Array) => void;
  /** Called once, for whatever ends the stream but `close` and `abandon`; with the server to dial instead, if it named one. */
  readonly onEnd: (reason: string, leader?: string) => void;
  /** TLS session of a connection before, which makes this one cheaper for both sides; kept as long as the server takes it. */
  readonly session?: Buffer;
  /** What to give as `session` the next time. */
  readonly onSession?: (session: Buffer) => void;
  /** How long a connection may take to stand. Default 10,000. */
  readonly connectMilliseconds?: number;
  /** How often the server is asked whether it is still there, and half of how long it may take to answer. Default 10,000. */
  readonly keepaliveMilliseconds?: number;
}

export interface MessageStream {
  send(message: Uint8Array): void;
  /** Says that nothing more comes, and lets what was sent arrive. */
  close(): void;
  /** Ends the connection at once. */
  abandon(): void;
}

/** What the server may have on its way to here; HTTP/2's own 64 KiB make a large scope slow over a long line. */
const windowBytes = 1024 * 1024;

/**
 * Key exchange of a resumed session. Its secret comes from the first session, which had Node's default (a hybrid with ML-KEM),
 * so that a classical exchange takes nothing from it; and it costs both sides a quarter less.
 */
const resumptionGroups = 'X25519:P-256:P-384';

const contexts = new Map<string, SecureContext>();
const mostContexts = 8;

/** Made once: reading the certificate again costs more than the handshake. */
const contextOf = (ca: string, groups = ''): SecureContext => {
  const key = `${groups} ${ca}`;
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const made = createSecureContext({ ca, ...(groups === '' ? {} : { ecdhCurve: groups }) });
  if (contexts.size >= mostContexts) contexts.clear();
  contexts.set(key, made);
  return made;
};

/** Dials; what is sent before the connection stands is sent then. @throws TypeError when `server` is no address. */
export const openStream = (options: StreamOptions): MessageStream => new GrpcStream(options);

class GrpcStream implements MessageStream {
  readonly #onEnd: StreamOptions['onEnd'];
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #keepalive: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  /** From trailers, or from headers when the server refuses at once. */
  #status: string | undefined;
  #leader: string | undefined;
  #over = false;

  constructor(options: StreamOptions) {
    const { server, ca, secureContext, serverName, path, token, tried = [], session, onSession, onMessage, keepaliveMilliseconds = 10_000 } = options;
    this.#onEnd = options.onEnd;
    this.#session = connect(`https://${server}`, {
      secureContext: session === undefined ? (secureContext ?? contextOf(ca)) : contextOf(ca, resumptionGroups),
      // Said, so that no variable of the environment can take it back.
      rejectUnauthorized: true,
      settings: { enablePush: false, initialWindowSize: windowBytes },
      ...(session === undefined ? {} : { session }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    this.#session.socket.on('session', (ticket: Buffer) => onSession?.(ticket));
    this.#expect('the server did not answer', options.connectMilliseconds ?? 10_000);
    this.#session.once('connect', () => {
      clearTimeout(this.#patience);
      // Node says so also when the session was destroyed a moment ago.
      if (this.#session.destroyed) return;
      this.#session.setLocalWindowSize(windowBytes);
      this.#keepalive = setInterval(() => this.#ping(keepaliveMilliseconds / 2), keepaliveMilliseconds);
    });
    this.#session.on('error', (error) => this.#finish(error.message));
    this.#session.once('close', () => this.#finish('the connection was closed'));
    this.#stream = this.#session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
      [constants.HTTP2_HEADER_AUTHORIZATION]: `Bearer ${token}`,
      ...(tried.length === 0 ? {} : { [triedHeader]: tried.join(',') }),
    });
    const frames = new FrameReader(onMessage);
    this.#stream.on('response', (headers) => this.#head(headers));
    this.#stream.on('trailers', (headers) => this.#note(headers));
    this.#stream.on('data', (chunk: Buffer) => this.#read(frames, chunk));
    this.#stream.on('error', (error) => this.#finish(this.#status ?? error.message));
    this.#stream.once('end', () => this.#finish(this.#status ?? 'the server ended the stream'));
    this.#stream.once('close', () => this.#finish(this.#status ?? 'the stream was closed'));
  }

  send(message: Uint8Array): void {
    if (!this.#over) this.#stream.write(frameOf(message));
  }

  close(): void {
    this.#over = true;
    this.#stream.end();
    // Closes once the server has ended its side too.
    this.#session.close();
    this.#stream.once('close', () => this.abandon());
  }

  abandon(): void {
    this.#over = true;
    clearTimeout(this.#patience);
    clearInterval(this.#keepalive);
    this.#session.destroy();
  }

  #head(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#note(headers);
    const status = headers[':status'];
    if (status !== 200) this.#finish(`the server answered with HTTP status ${status}`);
  }

  #note(headers: IncomingHttpHeaders): void {
    const { 'grpc-status': status, 'grpc-message': message, [leaderHeader]: leader } = headers;
    if (typeof leader === 'string') this.#leader = leader;
    if (typeof status === 'string') this.#status = `status ${status}: ${textOf(message)}`;
  }

  /** Messages that follow in the same chunk are not for anyone once the stream was given up. */
  #read(frames: FrameReader, chunk: Buffer): void {
    try {
      if (!this.#over) frames.read(chunk, () => this.#over);
    } catch (error) {
      this.#finish(error instanceof Error ? error.message : String(error));
    }
  }

  #ping(patience: number): void {
    this.#expect('the server does not answer any more', patience);
    const sent = !this.#session.destroyed && this.#session.ping((error) => error === null && clearTimeout(this.#patience));
    if (!sent) clearTimeout(this.#patience);
  }

  #expect(otherwise: string, milliseconds: number): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => (this.#over ? this.abandon() : this.#finish(otherwise)), milliseconds);
  }

  #finish(reason: string): void {
    if (this.#over) return;
    this.abandon();
    this.#onEnd(reason, this.#leader);
  }
}

/** `grpc-message` is percent-encoded. */
const textOf = (message: string | string[] | undefined): string => {
  const text = String(message ?? 'no reason given');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
