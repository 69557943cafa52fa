/** Rules on prefixes of networks outside: unlike a subnet, such a prefix may be everything there is. */
import type { Prefix } from '../../net/brand.ts';
import { contains, parsePrefix } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';

/** Blocks that are of one host or link and never outside (RFC 6890). */
const local: readonly (readonly [Prefix, string])[] = [
  ['127.0.0.0/8' as Prefix, 'loopback'],
  ['169.254.0.0/16' as Prefix, 'link-local'],
  ['224.0.0.0/4' as Prefix, 'multicast'],
  ['240.0.0.0/4' as Prefix, 'reserved for future use'],
  ['::1/128' as Prefix, 'loopback'],
  ['fe80::/10' as Prefix, 'link-local'],
  ['ff00::/8' as Prefix, 'multicast'],
];

/** The prefix in `text`, of either family and any length. Codes: those of parsePrefix, `SpecialUse`. */
export function outsidePrefix(path: string, text: string, found: Findings): Prefix | undefined {
  const prefix = found.parsed(path, parsePrefix(text));
  const hit = prefix === undefined ? undefined : local.find(([block]) => contains(block, prefix));
  if (prefix === undefined || hit === undefined) return prefix;
  found.add(path, 'SpecialUse', `"${prefix}" lies in ${hit[0]} (${hit[1]}), which is never outside`);
  return undefined;
}

/** Parsed prefixes of a list; one that is written twice is a fault. Codes: as `outsidePrefix`, `Duplicate`. */
export function outsidePrefixes(path: string, texts: readonly string[], found: Findings): Prefix[] {
  return texts.flatMap((text, index) => {
    const at = `${path}[${index}]`;
    const prefix = outsidePrefix(at, text, found);
    const first = texts.indexOf(text);
    if (prefix === undefined || first === index) return prefix ?? [];
    found.add(at, 'Duplicate', `"${prefix}" is ${path}[${first}] already; remove one`);
    return [];
  });
}
