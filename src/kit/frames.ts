/**
 * gRPC's framing of messages in a stream of bytes: compressed flag (1 byte), length (4 bytes, big endian), message. For both
 * sides (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
 */

const headBytes = 5;

/** What came is no sequence of messages, or one that is too long. */
export class FrameFault extends Error {}

/** One message in its frame. */
export const frameOf = (message: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, headBytes);
  return frame;
};

/** Puts messages together from chunks of any size; bytes are copied at most once, however long a message is. */
export class FrameReader {
  readonly #onMessage: (bytes: Uint8Array) => void;
  readonly #longest: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** What is handed to `onMessage` is a window on a chunk. */
  constructor(onMessage: (bytes: Uint8Array) => void, longest = Number.POSITIVE_INFINITY) {
    this.#onMessage = onMessage;
    this.#longest = longest;
  }

  /** Stops after a message when `isOver`. @throws FrameFault for a compressed or too long message. */
  read(chunk: Buffer, isOver: () => boolean): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= headBytes && !isOver()) {
      const first = this.#front(headBytes);
      if (first[0] !== 0) throw new FrameFault('messages are compressed, which was not asked for');
      const end = headBytes + first.readUInt32BE(1);
      if (end - headBytes > this.#longest) throw new FrameFault(`a message of ${end - headBytes} bytes is more than ${this.#longest}`);
      if (this.#length < end) return;
      const bytes = this.#front(end);
      this.#length -= end;
      this.#chunks = this.#length === 0 ? [] : [bytes.subarray(end), ...this.#chunks.slice(1)];
      this.#onMessage(bytes.subarray(headBytes, end));
    }
  }

  /** The first chunk, once it has at least this many bytes. */
  #front(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    const whole = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [whole];
    return whole;
  }
}
