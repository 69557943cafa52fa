/**
 * HPACK (RFC 7541): reads header blocks of any encoder. What is written is literal and leaves no trace in the other side's
 * table, as a server of long streams writes few headers.
 */
import { decodeHuffman } from './huffman.ts';

export type Header = readonly [name: string, value: string];

const namesWithoutValue = `accept-language accept-ranges accept access-control-allow-origin age allow authorization
  cache-control content-disposition content-encoding content-language content-length content-location content-range
  content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range
  if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh
  retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`;

/** Appendix A. Index 1 is the first. */
const staticTable: readonly Header[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): Header => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...namesWithoutValue.split(/\s+/).map((name): Header => [name, '']),
];

/** SETTINGS_HEADER_TABLE_SIZE when nothing else was said. */
const tableBytes = 4096;
const mostHeaderBytes = 16 * 1024;

/** Keeps the dynamic table of one connection; blocks must be given in the order in which they came. */
export class HeaderDecoder {
  /** The newest entry first. */
  readonly #table: Header[] = [];
  #size = 0;
  #most = tableBytes;

  /** @throws Error when the block is malformed or says more than a client has reason to; the connection is then lost. */
  decode(block: Uint8Array): Header[] {
    const reader = new BlockReader(block);
    const headers: Header[] = [];
    let bytes = 0;
    while (!reader.done) {
      const header = this.#next(reader);
      if (header === undefined) continue;
      bytes += sizeOf(header);
      if (bytes > mostHeaderBytes) throw new Error('too many headers');
      headers.push(header);
    }
    return headers;
  }

  /** A header, or undefined for a change of the table's size. */
  #next(reader: BlockReader): Header | undefined {
    const first = reader.peek();
    if (first >= 0x80) return this.#entry(reader.integer(7));
    if (first >= 0x40) return this.#insert(this.#literal(reader, 6));
    if (first >= 0x20) return this.#resize(reader.integer(5));
    return this.#literal(reader, 4);
  }

  #literal(reader: BlockReader, prefix: number): Header {
    const index = reader.integer(prefix);
    return [index === 0 ? reader.string() : this.#entry(index)[0], reader.string()];
  }

  #entry(index: number): Header {
    const header = index <= staticTable.length ? staticTable[index - 1] : this.#table[index - staticTable.length - 1];
    if (header === undefined) throw new Error(`there is no header ${index}`);
    return header;
  }

  #insert(header: Header): Header {
    this.#table.unshift(header);
    this.#size += sizeOf(header);
    this.#evict();
    return header;
  }

  #resize(size: number): undefined {
    if (size > tableBytes) throw new Error(`a header table of ${size} bytes was not offered`);
    this.#most = size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#most) {
      const header = this.#table.pop();
      if (header === undefined) return;
      this.#size -= sizeOf(header);
    }
  }
}

/** Section 4.1. */
const sizeOf = ([name, value]: Header): number => name.length + value.length + 32;

class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new Error('the header block ends too early');
    return byte;
  }

  /** Section 5.1; the upper bits of the first octet, which say what it is about, are skipped. */
  integer(prefix: number): number {
    const full = 2 ** prefix - 1;
    let value = this.#byte() & full;
    if (value < full) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new Error('an integer of the header block is too large');
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  string(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const end = this.#at + length;
    if (end > this.#block.length) throw new Error('the header block ends too early');
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    return (isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes)).toString('latin1');
  }

  #byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}

/** Literal fields that are never indexed, without Huffman. */
export const encodeHeaders = (headers: readonly Header[]): Buffer =>
  Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), encodeString(name), encodeString(value)]));

const encodeString = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeLength(bytes.length), bytes]);
};

const encodeLength = (length: number): Buffer => {
  if (length < 0x7f) return Buffer.of(length);
  const bytes = [0x7f];
  let rest = length - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
};
