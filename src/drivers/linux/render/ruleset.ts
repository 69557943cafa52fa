/**
 * The rules of one VRF, put together from what several renderers contribute. Each hooks in with a base chain of its own: a
 * packet passes all base chains of a hook, so `accept` in one says nothing for the others and only `drop` is final. Names of
 * chains and sets begin with a word of their contributor.
 */
import { byText } from '../../../kit/order.ts';
import { getOrMake } from '../../../kit/maps.ts';
import type { Address, Prefix } from '../../../net/brand.ts';
import { comparePrefixes, contains } from '../../../net/prefix.ts';
import type { RowId } from '../../../goal/rows.ts';
import { ruleset } from '../model.ts';
import type { Item, Place } from '../model.ts';
import { nftFamilies } from '../nft.ts';
import type { NftFamily, NftSet, NftTables } from '../nft.ts';

/** What one renderer contributes to the table of one family. */
export interface RulesetPart {
  /** Left out: `inet`. */
  readonly family?: NftFamily;
  readonly sets?: Readonly<Record<string, NftSet>>;
  readonly chains?: Readonly<Record<string, readonly string[]>>;
}

/** First line of a base chain. `offset`: its place among the others of the hook, each contributor's own. */
export const hook = (name: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting', offset = 0): string => {
  const sign = offset < 0 ? '-' : '+';
  return `type filter hook ${name} priority filter${offset === 0 ? '' : ` ${sign} ${Math.abs(offset)}`}; policy accept;`;
};

/** Keyword of the header that an address or prefix is in. */
export const headerOf = (prefix: string): 'ip' | 'ip6' => (prefix.includes(':') ? 'ip6' : 'ip');

/** nft prints a prefix of full length without its length. */
export const bare = (prefix: string): string => prefix.replace(/(\.\d+)\/32$/, '$1').replace(/(:.*)\/128$/, '$1');

/** Those of a family, without what is inside another: the kernel refuses a set whose elements overlap. */
export const prefixSet = (header: 'ip' | 'ip6', prefixes: readonly Prefix[]): NftSet => ({
  lines: [`type ${header === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}`, 'flags interval'],
  elements: withoutInner(prefixes.filter((prefix) => headerOf(prefix) === header)).map(bare).toSorted(byText),
});

/** In order, a prefix comes right before those inside it. */
const withoutInner = (prefixes: readonly Prefix[]): Prefix[] => {
  const kept: Prefix[] = [];
  for (const prefix of prefixes.toSorted(comparePrefixes)) {
    const last = kept.at(-1);
    if (last === undefined || !contains(last, prefix)) kept.push(prefix);
  }
  return kept;
};

/** Of one or two families, those that some of the prefixes are of. */
export const headersOf = (prefixes: readonly (Prefix | Address)[]): readonly ('ip' | 'ip6')[] =>
  (['ip', 'ip6'] as const).filter((header) => prefixes.some((prefix) => headerOf(prefix) === header));

/** What was contributed so far, by place. */
export class Rulesets {
  readonly #parts = new Map<Place, { readonly parts: RulesetPart[]; readonly rows: Set<RowId> }>();

  add(place: Place, part: RulesetPart, rows: readonly RowId[]): void {
    const found = getOrMake(this.#parts, place, () => ({ parts: [], rows: new Set<RowId>() }));
    found.parts.push(part);
    for (const row of rows) found.rows.add(row);
  }

  *items(): Generator<readonly [item: Item, rows: readonly RowId[]]> {
    for (const [place, { parts, rows }] of this.#parts) yield [ruleset({ place, tables: tablesOf(parts) }), [...rows]];
  }
}

const tablesOf = (parts: readonly RulesetPart[]): NftTables =>
  Object.fromEntries(
    nftFamilies.flatMap((family) => {
      const own = parts.filter((part) => (part.family ?? 'inet') === family);
      if (own.length === 0) return [];
      const sets = Object.assign({}, ...own.map((part) => part.sets ?? {}));
      return [[family, { sets, chains: Object.assign({}, ...own.map((part) => part.chains ?? {})) }]];
    }),
  );
