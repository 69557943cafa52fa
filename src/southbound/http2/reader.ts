/** Takes a client's bytes apart: the preface, then frames; header blocks that go over several frames come as one. */
import { ConnectionFault, defaultFrameBytes, errorCode, flag, frameHeadBytes, frameType, preface, unpadded } from './wire.ts';

export interface FrameHandlers {
  onFrame(type: number, flags: number, stream: number, content: Buffer): void;
  onHeaders(stream: number, endStream: boolean, block: Buffer): void;
}

const nothing: Buffer = Buffer.alloc(0);
const mostHeaderBytes = 16 * 1024;

interface HeaderBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly parts: Buffer[];
  length: number;
}

export class ConnectionReader {
  readonly #handlers: FrameHandlers;
  #rest: Buffer = nothing;
  #greeted = false;
  #block: HeaderBlock | undefined;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** Stops after a frame when `isOver`. @throws ConnectionFault */
  read(chunk: Buffer, isOver: () => boolean): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    if (!this.#greeted) {
      if (!preface.subarray(0, data.length).equals(data.subarray(0, preface.length))) throw protocolFault('no HTTP/2 preface');
      this.#greeted = data.length >= preface.length;
      at = this.#greeted ? preface.length : 0;
    }
    while (this.#greeted && data.length - at >= frameHeadBytes && !isOver()) {
      const length = data.readUIntBE(at, 3);
      if (length > defaultFrameBytes) throw new ConnectionFault(errorCode.frameSizeError, `a frame of ${length} bytes`);
      const end = at + frameHeadBytes + length;
      if (end > data.length) break;
      this.#frame(data.readUInt8(at + 3), data.readUInt8(at + 4), data.readUInt32BE(at + 5) & 0x7fff_ffff, data.subarray(at + frameHeadBytes, end));
      at = end;
    }
    this.#rest = at === data.length ? nothing : data.subarray(at);
  }

  #frame(type: number, flags: number, stream: number, content: Buffer): void {
    if (this.#block !== undefined && (type !== frameType.continuation || stream !== this.#block.stream)) {
      throw protocolFault('a header block was interrupted');
    }
    if (type === frameType.headers) this.#headers(flags, stream, content);
    else if (type === frameType.continuation) this.#continue(flags, content);
    else this.#handlers.onFrame(type, flags, stream, content);
  }

  #headers(flags: number, stream: number, content: Buffer): void {
    const padless = unpadded(content, flags);
    const priorityBytes = (flags & flag.priority) === 0 ? 0 : 5;
    if (padless.length < priorityBytes) throw protocolFault('a HEADERS frame is too short');
    this.#block = { stream, endStream: (flags & flag.endStream) !== 0, parts: [], length: 0 };
    this.#continue(flags, padless.subarray(priorityBytes));
  }

  #continue(flags: number, content: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw protocolFault('a CONTINUATION of nothing');
    block.parts.push(content);
    block.length += content.length;
    if (block.length > mostHeaderBytes || block.parts.length > 64) throw new ConnectionFault(errorCode.enhanceYourCalm, 'too many headers');
    if ((flags & flag.endHeaders) === 0) return;
    this.#block = undefined;
    this.#handlers.onHeaders(block.stream, block.endStream, block.parts.length === 1 ? content : Buffer.concat(block.parts));
  }
}

const protocolFault = (message: string): ConnectionFault => new ConnectionFault(errorCode.protocolError, message);
