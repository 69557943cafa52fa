/** Numbers with a meaning: VNI, ASN, VLAN. From an unknown number or decimal text to the brand. */
import type { Asn, Parsed, Vlan, Vni } from './brand.ts';
import { parsed, unparsed } from './brand.ts';

interface Limits {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

const vniLimits: Limits = { what: 'VNI', from: 1, to: 16_777_215 };
const asnLimits: Limits = { what: 'ASN', from: 1, to: 4_294_967_294 };
const vlanLimits: Limits = { what: 'VLAN id', from: 1, to: 4094 };

function parseWithin(input: number | string, { what, from, to }: Limits): Parsed<number> {
  const value = typeof input === 'string' && /^\d{1,15}$/.test(input) ? Number(input) : input;
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return parsed(value);
  return unparsed(`"${input}" is not a ${what}; it is a whole number from ${from} to ${to}`, 'OutOfRange');
}

const branded = <Value extends number>(result: Parsed<number>): Parsed<Value> =>
  result.ok ? parsed(result.value as Value) : result;

/** 1 to 16,777,215 (RFC 7348 §5). Code: `OutOfRange`. */
export const parseVni = (input: number | string): Parsed<Vni> => branded<Vni>(parseWithin(input, vniLimits));

/** 1 to 4,294,967,294 (RFC 6793, RFC 7607, RFC 7300); dotted notation is not read. Code: `OutOfRange`. */
export const parseAsn = (input: number | string): Parsed<Asn> => branded<Asn>(parseWithin(input, asnLimits));

/** 1 to 4094 (IEEE 802.1Q). Code: `OutOfRange`. */
export const parseVlan = (input: number | string): Parsed<Vlan> => branded<Vlan>(parseWithin(input, vlanLimits));
