/**
 * Addresses as numbers, and the text of both families. Everything else in this folder computes on `Bits` and hands out
 * canonical text; one representation for both families keeps every algorithm free of a branch a family.
 */

export type Family = 4 | 6;

/** An address as an unsigned integer of 32 (family 4) or 128 (family 6) bits. */
export interface Bits {
  readonly family: Family;
  readonly value: bigint;
}

/** Bits of an address: 32 or 128. */
export const width = (family: Family): number => (family === 4 ? 32 : 128);

const decimalOctet = /^(?:0|[1-9]\d{0,2})$/;
const hexGroup = /^[0-9a-f]{1,4}$/i;

/**
 * Reads dotted decimal or RFC 4291 text. Strict: four octets, no leading zeros (some systems read them as octal), no
 * zone. Undefined when the text is no address.
 */
export function bitsOfText(text: string): Bits | undefined {
  const family: Family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? valueOfText6(text) : valueOfText4(text);
  return value === undefined ? undefined : { family, value };
}

function valueOfText4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!decimalOctet.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return BigInt(value);
}

function valueOfText6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = '', tail] = halves;
  const before = groupsOf(head, tail === undefined);
  const after = tail === undefined ? [] : groupsOf(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  // `::` stands for at least one group (RFC 4291 §2.2), its absence for none.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => 0), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Groups between colons; only the last may be dotted decimal, and only at the end of the address. */
function groupsOf(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (hexGroup.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const dotted = atEnd && index === parts.length - 1 ? valueOfText4(part) : undefined;
    if (dotted === undefined) return undefined;
    groups.push(Number(dotted >> 16n), Number(dotted & 0xffffn));
  }
  return groups;
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function textOfBits(bits: Bits): string {
  return bits.family === 4 ? textOfValue4(Number(bits.value)) : textOfValue6(bits.value);
}

function textOfValue4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

const mappedPrefix = 0xffffn;

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups shortened, the first of equals. */
function textOfValue6(value: bigint): string {
  // RFC 5952 §5: an IPv4-mapped address keeps its dotted end.
  if (value >> 32n === mappedPrefix) return `::ffff:${textOfValue4(Number(value & 0xffffffffn))}`;
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
