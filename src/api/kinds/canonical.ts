/** Canonical text of what a user wrote, where it parses; what does not is left for the rules to explain. */
import { parseAddress } from '../../net/address.ts';
import type { Parsed } from '../../net/brand.ts';
import { parseInterfaceAddress } from '../../net/interfaceaddress.ts';
import { parseMac } from '../../net/mac.ts';
import { parsePrefix } from '../../net/prefix.ts';

const canonical = (parse: (text: string) => Parsed<string>) => (text: string): string => {
  const result = parse(text);
  return result.ok ? result.value : text;
};

export const canonicalPrefix = canonical(parsePrefix);
export const canonicalAddress = canonical(parseAddress);
export const canonicalInterfaceAddress = canonical(parseInterfaceAddress);
export const canonicalMac = canonical(parseMac);

/** A copy of a record with every value mapped; the order of the names stays. */
export const mapValues = <From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
