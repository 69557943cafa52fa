/** MAC addresses (EUI-48): every usual spelling in, one out. */
import type { Mac, Parsed } from './brand.ts';
import { parsed, unparsed } from './brand.ts';

const spellings = [
  /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/i,
  /^[0-9a-f]{12}$/i,
];

const canonical = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** Reads `02:00:5E:..`, `02-00-..`, `0200.5e00.0101` or `02005e000101`. Code: `InvalidMAC`. */
export function parseMac(text: string): Parsed<Mac> {
  if (canonical.test(text)) return parsed(text as Mac);
  if (!spellings.some((spelling) => spelling.test(text))) {
    return unparsed(`"${text}" is not a MAC address; write it like 02:00:5e:00:01:01`, 'InvalidMAC');
  }
  const digits = text.toLowerCase().replaceAll(/[^0-9a-f]/g, '');
  return parsed(digits.replaceAll(/(..)(?!$)/g, '$1:') as Mac);
}

/** Whether one station can have it: the group bit is clear and it is not all zeros (IEEE 802 §8.2.2). */
export const isUnicast = (mac: Mac): boolean =>
  (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== '00:00:00:00:00:00';
