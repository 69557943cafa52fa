/** One request of a client and the answer to it, which may go on for ever: what waits to be sent, and who hears of the rest. */
import { type Header, encodeHeaders } from './hpack.ts';
import type { Payload } from './payload.ts';
import { flag, frameOf, frameType } from './wire.ts';

export interface StreamHandlers {
  /** A chunk of the request's body, to be used at once. */
  onData(chunk: Buffer): void;
  /** The client says that nothing more comes from it. */
  onEnd(): void;
  /** Everything that was written is on its way, after `write` had answered false. */
  onDrain(): void;
  /** The client reset the stream or the connection is gone: nothing can be written any more. Not called after `end`. */
  onClose(): void;
}

export interface BodyStream {
  /** Of the request. */
  readonly headers: ReadonlyMap<string, string>;
  /** Goes out with the first `write`. */
  respond(headers: readonly Header[]): void;
  /** False when it did not all go out: wait for `onDrain` before more is written. */
  write(payload: Payload): boolean;
  /** Ends with trailers, or with these headers alone when nothing was responded. What was written before still goes. */
  end(headers: readonly Header[]): void;
}

export class ServerStream implements BodyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  /** What waits to be sent: bodies, and frames as they are. `offset` bytes of the first are sent. */
  readonly queue: (Payload | Buffer)[] = [];
  offset = 0;
  /** What the client takes yet. */
  window: number;
  /** Bytes heard that the client was not told of. */
  received = 0;
  readonly #flush: (stream: ServerStream) => void;
  #handlers: StreamHandlers | undefined;
  #ending = false;
  #lost = false;
  #full = false;
  #heardAll = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, window: number, flush: (stream: ServerStream) => void) {
    this.id = id;
    this.headers = headers;
    this.window = window;
    this.#flush = flush;
  }

  /** Whether the last frame is in the queue or out. */
  get ending(): boolean {
    return this.#ending;
  }

  open(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  respond(headers: readonly Header[]): void {
    if (!this.#lost && !this.#ending) this.queue.push(this.#headerFrame(headers, 0));
  }

  write(payload: Payload): boolean {
    if (this.#lost || this.#ending) return true;
    this.queue.push(payload);
    this.#flush(this);
    return !this.#full;
  }

  end(headers: readonly Header[]): void {
    if (this.#lost || this.#ending) return;
    this.#ending = true;
    this.queue.push(this.#headerFrame(headers, flag.endStream));
    this.#flush(this);
  }

  data(chunk: Buffer): void {
    if (!this.#ending) this.#handlers?.onData(chunk);
  }

  ended(): void {
    if (this.#heardAll) return;
    this.#heardAll = true;
    if (!this.#ending) this.#handlers?.onEnd();
  }

  lost(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.queue.length = 0;
    if (!this.#ending) this.#handlers?.onClose();
  }

  /** After an attempt to send: whether the socket has enough for now. */
  flushed(needsDrain: boolean): void {
    const wasFull = this.#full;
    this.#full = this.queue.length > 0 || needsDrain;
    if (wasFull && !this.#full && !this.#ending && !this.#lost) this.#handlers?.onDrain();
  }

  #headerFrame(headers: readonly Header[], flags: number): Buffer {
    return frameOf(frameType.headers, flags | flag.endHeaders, this.id, encodeHeaders(headers));
  }
}
