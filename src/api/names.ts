/**
 * Names of objects and of the things inside them (RFC 1123, as Kubernetes has it). A label is what may become a host
 * name or one part of one; a subdomain is labels with dots between.
 */
import type { Parsed } from '../net/brand.ts';
import { parsed, unparsed } from '../net/brand.ts';

const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** At most 63 of `a-z 0-9 -`, letter or digit at both ends. Code: `InvalidName`. */
export function parseLabel(text: string): Parsed<string> {
  if (text.length > 63) return tooLong(text, 63);
  if (label.test(text)) return parsed(text);
  return unparsed(`"${text}" is not a name; use lower-case letters, digits and "-", a letter or digit at both ends`, 'InvalidName');
}

/** Labels joined by dots, at most 253 characters. Code: `InvalidName`. */
export function parseSubdomain(text: string): Parsed<string> {
  if (text.length > 253) return tooLong(text, 253);
  if (subdomain.test(text)) return parsed(text);
  return unparsed(
    `"${text}" is not a name; use lower-case letters, digits, "-" and ".", a letter or digit at both ends`,
    'InvalidName',
  );
}

const tooLong = (text: string, longest: number) =>
  unparsed(`"${text.slice(0, 24)}…" is a name of ${text.length} characters; at most ${longest} are allowed`, 'InvalidName');
