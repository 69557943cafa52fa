/**
 * HPACK's Huffman code (RFC 7541, section 5.2 and appendix B). The code is canonical, so the lengths say it all: codes ascend
 * with length, and within a length with the octet.
 */

/** Bits of the code of every octet. */
const lengths: readonly number[] = [
  [13, 23, ...times(7, 28), 24, 30, 28, 28, 30, ...times(8, 28), 30, ...times(9, 28)],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, ...times(7, 6), 7, 8, 15, 6, 12, 10],
  [13, 6, ...times(22, 7), 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
].flat();

const longest = 30;

/** Of one length: its smallest code, and the octets in the order of their codes. */
interface Level {
  readonly first: number;
  readonly octets: readonly number[];
}

const levels: readonly Level[] = describeLevels();

function times(count: number, value: number): number[] {
  return Array.from({ length: count }, () => value);
}

function describeLevels(): Level[] {
  const made: Level[] = [];
  let code = 0;
  for (let bits = 0; bits <= longest; bits += 1) {
    const octets = lengths.flatMap((length, octet) => (length === bits ? [octet] : []));
    made.push({ first: code, octets });
    code = (code + octets.length) * 2;
  }
  return made;
}

/** @throws Error for what no encoder writes: the code of the end, or padding that is not its beginning (at most 7 ones). */
export const decodeHuffman = (bytes: Uint8Array): Buffer => {
  const octets: number[] = [];
  let [code, bits] = [0, 0];
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift -= 1) {
      code = code * 2 + ((byte >> shift) & 1);
      bits += 1;
      const level = levels[bits];
      const octet = level?.octets[code - level.first];
      if (octet !== undefined) {
        octets.push(octet);
        [code, bits] = [0, 0];
      } else if (bits >= longest) {
        throw new Error('Huffman code of no octet');
      }
    }
  }
  if (bits > 7 || code !== 2 ** bits - 1) throw new Error('Huffman padding is not ones');
  return Buffer.from(octets);
};
