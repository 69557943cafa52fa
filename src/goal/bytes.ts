/**
 * A buffer that protobuf is written into and that is used again for the next message. Rows are encoded by the million when a
 * control plane starts, mostly only to be hashed: a writer that makes new arrays for each would cost several times as much.
 */

const utf8 = new TextEncoder();

/** Most bytes that a code unit of UTF-16 becomes in UTF-8. */
const bytesPerUnit = 3;
const bytesPerVarint = 5;

export class ByteBuffer {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, up to `length`; good until the next write. */
  get view(): DataView {
    return this.#view;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  equals(other: ByteBuffer): boolean {
    if (this.#length !== other.#length) return false;
    for (let index = 0; index < this.#length; index++) if (this.#bytes[index] !== other.#bytes[index]) return false;
    return true;
  }

  /** Base 128 varint of an unsigned number of 32 bits. */
  varint(value: number): void {
    this.#reserve(bytesPerVarint);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Length and UTF-8 text. */
  text(text: string): void {
    this.#reserve(bytesPerVarint + text.length * bytesPerUnit);
    const start = this.fork();
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 127) {
        this.#length = start + utf8.encodeInto(text, this.#bytes.subarray(start)).written;
        break;
      }
      this.#bytes[this.#length++] = unit;
    }
    this.join(start);
  }

  /** Begins something that its length goes before; `join` ends it. Answers where it begins. */
  fork(): number {
    this.#reserve(1);
    this.#length += 1;
    return this.#length;
  }

  join(start: number): void {
    const length = this.#length - start;
    if (length <= 127) {
      this.#bytes[start - 1] = length;
      return;
    }
    // Only one byte was kept for the length: make room for the others.
    const more = Math.floor(Math.log2(length) / 7);
    this.#reserve(more);
    this.#bytes.copyWithin(start + more, start, start + length);
    this.#length = start - 1;
    this.varint(length);
    this.#length = start + more + length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
