/**
 * Thousands of devices in one process get the same bytes: they are decoded once. The cost of decoding is a device's own and no
 * part of what a simulation is to show; without sharing, a thousand copies of a VPC's rows would fill the memory.
 */
import { crc32 } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { type DecodedRow, rowOfMessage } from '../goal/codec.ts';
import { rowDigest } from '../goal/digest.ts';
import { type FromServer, FromServerSchema, type Row as RowMessage, RowSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

interface Known {
  readonly bytes: Uint8Array;
  readonly message: FromServer;
}

/** Enough for what is on its way to many devices at once; messages take ten times the room of their bytes. */
const defaultLimitBytes = 4 * 1024 * 1024;

export class SharedDecoder {
  readonly #limitBytes: number;
  /** By length and checksum; oldest first. Two messages of one checksum push each other out, which only costs time. */
  readonly #known = new Map<string, Known>();
  readonly #rows = new WeakMap<RowMessage, DecodedRow>();
  #bytes = 0;
  #decoded = 0;

  constructor(limitBytes = defaultLimitBytes) {
    this.#limitBytes = limitBytes;
  }

  /** Messages that were really decoded. */
  get decoded(): number {
    return this.#decoded;
  }

  /** Equal bytes give one and the same message. */
  readonly message = (bytes: Uint8Array): FromServer => {
    const key = `${bytes.length} ${crc32(bytes)}`;
    const known = this.#known.get(key);
    if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known.message;
    // A copy, since the bytes are a window on a chunk of the socket that would stay in memory with them.
    const own = Uint8Array.from(bytes);
    const message = fromBinary(FromServerSchema, own);
    this.#decoded += 1;
    this.#keep(key, { bytes: own, message });
    return message;
  };

  /** One and the same message gives one and the same row. */
  readonly row = (message: RowMessage): DecodedRow => {
    const known = this.#rows.get(message);
    if (known !== undefined) return known;
    const decoded = rowOfMessage(message);
    const row = { ...decoded, digest: rowDigest(decoded.bytes) };
    this.#rows.set(message, row);
    return row;
  };

  /** A message that gives this row again. */
  readonly messageOf = (row: DecodedRow): RowMessage => {
    const message = fromBinary(RowSchema, row.bytes);
    this.#rows.set(message, row);
    return message;
  };

  #keep(key: string, known: Known): void {
    this.#bytes += known.bytes.length - (this.#known.get(key)?.bytes.length ?? 0);
    this.#known.delete(key);
    this.#known.set(key, known);
    for (const [oldest, { bytes }] of this.#known) {
      if (this.#bytes <= this.#limitBytes || this.#known.size === 1) break;
      this.#known.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}
