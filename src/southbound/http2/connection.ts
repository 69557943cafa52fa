/**
 * The server's side of one HTTP/2 connection (RFC 9113). Node's own costs a third more for each message and half as much memory
 * again for each connection (docs/performance.md), and it hides how much of what was written is still here, which is what a
 * server of thousands of slow readers must know.
 */
import type { Duplex } from 'node:stream';
import { type Header, HeaderDecoder } from './hpack.ts';
import { Payload } from './payload.ts';
import { ConnectionReader } from './reader.ts';
import { type BodyStream, ServerStream, type StreamHandlers } from './stream.ts';
import * as wire from './wire.ts';
import { errorCode, flag, frameType } from './wire.ts';

export type OnStream = (stream: BodyStream) => StreamHandlers;

const mostStreams = 16;
/** A connection that has opened so many is to be made anew: opening costs the server more than the client. */
const mostStreamNumber = 20_001;
/** Received bytes after which the client is told that it may send as much again. */
const creditBytes = 16_384;
/** A client that asks for answers and does not read them is cut off when so much waits for it. */
const mostUnreadBytes = 1024 * 1024;

const greeting = wire.settingsFrame([[wire.setting.maxConcurrentStreams, mostStreams], [wire.setting.maxHeaderListSize, 16 * 1024]]);
const settingsAck = wire.frameOf(frameType.settings, flag.ack, 0, Buffer.alloc(0));
const pingFrame = wire.frameOf(frameType.ping, 0, 0, Buffer.from('heddle\0\0'));

export class Http2Connection {
  readonly #socket: Duplex;
  readonly #onStream: OnStream;
  readonly #onFault: (error: unknown) => void;
  readonly #streams = new Map<number, ServerStream>();
  readonly #decoder = new HeaderDecoder();
  readonly #reader: ConnectionReader;
  #lastStream = 0;
  #over = false;
  /** What may still be sent, over all streams. */
  #window = wire.defaultWindow;
  #initialWindow = wire.defaultWindow;
  #received = 0;
  /** Whether anything was heard since the last `takeHeard`. */
  #heard = true;

  /** @param onFault told of what a handler of a stream throws: a fault of ours, for which this connection alone is closed; default throws it on */
  constructor(socket: Duplex, onStream: OnStream, onFault: (error: unknown) => void = throwOn) {
    this.#socket = socket;
    this.#onStream = onStream;
    this.#onFault = onFault;
    this.#reader = new ConnectionReader({
      onFrame: (type, flags, stream, content) => this.#frame(type, flags, stream, content),
      onHeaders: (stream, endStream, block) => this.#headers(stream, endStream, block),
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#attempt(() => this.#pump()));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.write(greeting);
  }

  get streams(): number {
    return this.#streams.size;
  }

  takeHeard(): boolean {
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  ping(): void {
    this.#answer(pingFrame);
  }

  /** Says that the connection ends, and ends it once what was written is out. */
  close(code: number = errorCode.noError): void {
    if (this.#over) return;
    this.#socket.end(wire.goawayFrame(this.#lastStream, code));
    this.#abandonStreams();
  }

  destroy(): void {
    this.#socket.destroy();
    if (!this.#over) this.#abandonStreams();
  }

  #abandonStreams(): void {
    this.#over = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) this.#attempt(() => stream.lost());
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof wire.ConnectionFault)) this.#onFault(error);
      this.close(error instanceof wire.ConnectionFault ? error.code : errorCode.internalError);
    }
  }

  #read(chunk: Buffer): void {
    this.#heard = true;
    this.#attempt(() => {
      if (!this.#over) this.#reader.read(chunk, () => this.#over);
    });
  }

  #frame(type: number, flags: number, stream: number, content: Buffer): void {
    switch (type) {
      case frameType.data:
        return this.#data(flags, stream, content);
      case frameType.windowUpdate:
        return this.#credit(stream, content);
      case frameType.ping:
        if ((flags & flag.ack) === 0) this.#answer(wire.frameOf(frameType.ping, flag.ack, 0, sized(content, 8)));
        return;
      case frameType.settings:
        if ((flags & flag.ack) === 0) this.#settings(content);
        return;
      case frameType.rstStream:
        if (stream > this.#lastStream) throw protocolFault('a stream that was not opened is reset');
        return this.#take(stream)?.lost();
      case frameType.goaway:
        return;
      case frameType.pushPromise:
        throw protocolFault('a client does not push');
      default:
    }
  }

  #headers(id: number, endStream: boolean, block: Buffer): void {
    const headers = new Map(this.#decode(block));
    const known = this.#streams.get(id);
    if (known !== undefined) return known.ended();
    if (id % 2 === 0) throw protocolFault('a client opens odd streams');
    // Trailers of a stream that has ended here.
    if (id <= this.#lastStream) return;
    this.#lastStream = id;
    if (id > mostStreamNumber) return this.close();
    if (this.#streams.size >= mostStreams) return this.#answer(wire.numberFrame(frameType.rstStream, id, errorCode.refusedStream));
    const stream = new ServerStream(id, headers, this.#initialWindow, (sender) => this.#flush(sender));
    this.#streams.set(id, stream);
    stream.open(this.#onStream(stream));
    if (endStream) stream.ended();
  }

  #decode(block: Buffer): readonly Header[] {
    try {
      return this.#decoder.decode(block);
    } catch (error) {
      throw new wire.ConnectionFault(errorCode.compressionError, error instanceof Error ? error.message : String(error));
    }
  }

  #data(flags: number, id: number, content: Buffer): void {
    if (id === 0 || id > this.#lastStream) throw protocolFault('DATA of a stream that was not opened');
    this.#received += content.length;
    if (this.#received >= creditBytes) {
      this.#answer(wire.numberFrame(frameType.windowUpdate, 0, this.#received));
      this.#received = 0;
    }
    const stream = this.#streams.get(id);
    // Said before the client knew that the stream has ended.
    if (stream === undefined) return;
    stream.received += content.length;
    if (stream.received >= creditBytes) {
      this.#answer(wire.numberFrame(frameType.windowUpdate, id, stream.received));
      stream.received = 0;
    }
    stream.data(wire.unpadded(content, flags));
    if ((flags & flag.endStream) !== 0) stream.ended();
  }

  #settings(content: Buffer): void {
    if (content.length % 6 !== 0) throw new wire.ConnectionFault(errorCode.frameSizeError, 'a SETTINGS frame has a wrong size');
    for (let at = 0; at < content.length; at += 6) this.#setting(content.readUInt16BE(at), content.readUInt32BE(at + 2));
    this.#answer(settingsAck);
    this.#pump();
  }

  #setting(id: number, value: number): void {
    if (id === wire.setting.maxFrameSize) {
      if (value < wire.defaultFrameBytes || value > 0xff_ffff) throw protocolFault('a frame size that is not allowed');
    } else if (id === wire.setting.initialWindowSize) {
      if (value > wire.largestWindow) throw new wire.ConnectionFault(errorCode.flowControlError, 'a window that is not allowed');
      for (const stream of this.#streams.values()) stream.window += value - this.#initialWindow;
      this.#initialWindow = value;
    }
  }

  #credit(id: number, content: Buffer): void {
    const more = sized(content, 4).readUInt32BE(0) & 0x7fff_ffff;
    if (id === 0) {
      this.#window += more;
      if (more === 0 || this.#window > wire.largestWindow) throw new wire.ConnectionFault(errorCode.flowControlError, 'a window that is not allowed');
      return this.#pump();
    }
    if (id > this.#lastStream) throw protocolFault('a window of a stream that was not opened');
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.window += more;
    if (stream.window > wire.largestWindow) throw new wire.ConnectionFault(errorCode.flowControlError, 'a window that is not allowed');
    this.#flush(stream);
  }

  #take(id: number): ServerStream | undefined {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    return stream;
  }

  #answer(frame: Buffer): void {
    if (this.#over) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > mostUnreadBytes) this.destroy();
  }

  #pump(): void {
    for (const stream of this.#streams.values()) this.#flush(stream);
  }

  /** Sends as much of a stream as windows and the socket take. */
  #flush(stream: ServerStream): void {
    if (this.#over) return;
    const { queue } = stream;
    const several = queue.length > 1;
    if (several) this.#socket.cork();
    for (let item = queue[0]; item !== undefined; item = queue[0]) {
      if (item instanceof Payload && !this.#send(stream, item)) break;
      if (!(item instanceof Payload)) this.#socket.write(item);
      queue.shift();
    }
    if (several) this.#socket.uncork();
    if (stream.ending && queue.length === 0) this.#streams.delete(stream.id);
    stream.flushed(this.#socket.writableNeedDrain);
  }

  /** False when windows or the socket did not take all of it. */
  #send(stream: ServerStream, payload: Payload): boolean {
    const { length } = payload;
    if (stream.offset === 0 && length <= Math.min(wire.defaultFrameBytes, this.#window, stream.window)) {
      this.#spend(stream, length);
      this.#socket.write(payload.frame(stream.id));
      return true;
    }
    while (stream.offset < length) {
      const size = Math.min(length - stream.offset, wire.defaultFrameBytes, this.#window, stream.window);
      if (size <= 0 || this.#socket.writableNeedDrain) return false;
      this.#spend(stream, size);
      this.#socket.cork();
      this.#socket.write(wire.frameHead(size, frameType.data, 0, stream.id));
      this.#socket.write(payload.bytes.subarray(stream.offset, stream.offset + size));
      this.#socket.uncork();
      stream.offset += size;
    }
    stream.offset = 0;
    return true;
  }

  #spend(stream: ServerStream, bytes: number): void {
    this.#window -= bytes;
    stream.window -= bytes;
  }
}

const throwOn = (error: unknown): never => {
  throw error;
};

const sized = (content: Buffer, size: number): Buffer => {
  if (content.length !== size) throw new wire.ConnectionFault(errorCode.frameSizeError, 'a frame has a wrong size');
  return content;
};

const protocolFault = (message: string): wire.ConnectionFault => new wire.ConnectionFault(errorCode.protocolError, message);
