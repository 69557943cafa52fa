/** Just enough of the protobuf wire format (proto3 encoding guide) to write and read messages by field number. */
import { HeddleError } from '../../kit/error.ts';

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/** Builds one message; every method appends a field and answers the writer. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.byteLength);
    return this.#push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, build: (message: MessageWriter) => void): this {
    const message = new MessageWriter();
    build(message);
    return this.bytes(field, message.finish());
  }

  boolean(field: number, value: boolean): this {
    return this.integer(field, value ? 1 : 0);
  }

  integer(field: number, value: number): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  double(field: number, value: number): this {
    this.#varint(field * 8 + 1);
    const encoded = new Uint8Array(8);
    new DataView(encoded.buffer).setFloat64(0, value, true);
    return this.#push(encoded);
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.byteLength;
    }
    return whole;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.byteLength;
    return this;
  }

  /** Non-negative integers below 2^53. */
  #varint(value: number): void {
    const encoded: number[] = [];
    let rest = value;
    while (rest >= 0x80) {
      encoded.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    encoded.push(rest);
    this.#push(Uint8Array.from(encoded));
  }
}

/** A field as it stands on the wire: a number for varints, bytes for everything with a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

export const malformed = (): HeddleError => new HeddleError('BadRequest', 'the protobuf body is malformed');

/** The fields of a message in wire order; throws `BadRequest`. */
export const readMessage = (bytes: Uint8Array): WireField[] => {
  const fields: WireField[] = [];
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 0x80) {
      const byte = bytes[offset];
      if (byte === undefined) throw malformed();
      offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return largeVarint(value);
  };
  /** Of more than 49 bits; negative numbers have all 64. */
  const largeVarint = (low: number): number => {
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = bytes[offset];
      if (byte === undefined) throw malformed();
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw malformed();
  };
  const take = (length: number): Uint8Array => {
    if (length < 0 || offset + length > bytes.byteLength) throw malformed();
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  while (offset < bytes.byteLength) {
    const tag = varint();
    const wireType = tag % 8;
    const number = Math.floor(tag / 8);
    if (wireType === 0) fields.push({ number, value: varint() });
    else if (wireType === 2) fields.push({ number, value: take(varint()) });
    else if (wireType === 1 || wireType === 5) take(wireType === 1 ? 8 : 4);
    else throw malformed();
  }
  return fields;
};

export const readText = (value: number | Uint8Array): string => {
  if (typeof value === 'number') throw malformed();
  try {
    return text.decode(value);
  } catch {
    throw malformed();
  }
};
