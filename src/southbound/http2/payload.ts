/**
 * Bytes for a stream's body, together with the DATA frame around them. Most connections have one stream, with number 1, so that
 * one frame made once goes as it is to thousands of connections.
 */
import { frameHeadBytes, frameType, writeFrameHead } from './wire.ts';

export class Payload {
  readonly bytes: Buffer;
  #frame: Buffer | undefined;
  #stream = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** All the bytes in one DATA frame; only for what is no longer than a frame may be. */
  frame(stream: number): Buffer {
    if (this.#frame !== undefined && this.#stream === stream) return this.#frame;
    const frame = Buffer.allocUnsafe(frameHeadBytes + this.bytes.length);
    writeFrameHead(frame, this.bytes.length, frameType.data, 0, stream);
    frame.set(this.bytes, frameHeadBytes);
    this.#frame = frame;
    this.#stream = stream;
    return frame;
  }
}
