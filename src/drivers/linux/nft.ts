/**
 * Tables of nftables as values, and as the text that `nft` reads and prints (nft 1.0.6). A table is compared as a value, since
 * the kernel lists chains and sets in the order in which they were made and elements in one of its own.
 */
import { byText } from '../../kit/order.ts';

/** `inet`: what is routed. `bridge`: every frame of a bridge port, also what is routed afterwards or was before. */
export type NftFamily = 'inet' | 'bridge';
export const nftFamilies = ['inet', 'bridge'] as const satisfies readonly NftFamily[];

export interface NftSet {
  /** As printed, such as `type ipv4_addr` and `flags interval`. */
  readonly lines: readonly string[];
  /** Sorted, none contained in another; empty of a set that packets fill. */
  readonly elements: readonly string[];
}

export interface NftTable {
  readonly sets: Readonly<Record<string, NftSet>>;
  /** Rules as printed; of a chain at a hook the first line says where it is. */
  readonly chains: Readonly<Record<string, readonly string[]>>;
}

/** The tables called `heddle` of one namespace; others are not ours. */
export type NftTables = { readonly [Family in NftFamily]?: NftTable };

export const tableName = 'heddle';

const isDynamic = ({ lines }: NftSet): boolean => lines.some((line) => line.startsWith('flags') && line.includes('dynamic'));

/** As `nft list table` prints it, but for the order of its parts and the folding of elements. */
export const tableText = (family: NftFamily, { sets, chains }: NftTable): string => {
  const blocks = [
    ...sorted(sets).map(([name, { lines, elements }]) =>
      block(`set ${name}`, [...lines, ...(elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`])])),
    ...sorted(chains).map(([name, lines]) => block(`chain ${name}`, lines)),
  ];
  return `table ${family} ${tableName} {\n${blocks.join('\n')}}\n`;
};

const block = (head: string, lines: readonly string[]): string => `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;

const sorted = <Value>(record: Readonly<Record<string, Value>>): (readonly [string, Value])[] =>
  Object.entries(record).toSorted(([left], [right]) => byText(left, right));

/** Of what `nft -t list ruleset` prints: elements are not in it. Tables of others are passed over. */
export const parseTables = (text: string): NftTables => {
  const tables: { -readonly [Family in NftFamily]?: { sets: Record<string, NftSet>; chains: Record<string, string[]> } } = {};
  let table: { sets: Record<string, NftSet>; chains: Record<string, string[]> } | undefined;
  let lines: string[] | undefined;
  for (const line of text.split('\n')) {
    const [, family, name] = /^table (\w+) (\S+) \{$/.exec(line) ?? [];
    if (family !== undefined) {
      const known = name === tableName ? nftFamilies.find((each) => each === family) : undefined;
      table = known === undefined ? undefined : (tables[known] = { sets: {}, chains: {} });
    }
    const [, kind, part = ''] = /^\t(set|chain) (\S+) \{$/.exec(line) ?? [];
    if (kind !== undefined) lines = [];
    else if (line.startsWith('\t\t')) lines?.push(line.slice(2));
    if (kind === 'set' && table !== undefined && lines !== undefined) table.sets[part] = { lines, elements: [] };
    if (kind === 'chain' && table !== undefined && lines !== undefined) table.chains[part] = lines;
  }
  return tables;
};

/** Commands that list the elements of those sets that Heddle fills. */
export const listElements = (tables: NftTables): string =>
  nftFamilies.flatMap((family) =>
    Object.entries(tables[family]?.sets ?? {}).flatMap(([name, set]) => (isDynamic(set) ? [] : [`list set ${family} ${tableName} ${name}\n`])),
  ).join('');

/** The same tables with the elements that were listed. */
export const withElements = (tables: NftTables, text: string): NftTables => {
  const found = new Map<string, readonly string[]>();
  for (const listed of text.split(/^(?=table )/m)) {
    const [, family = '', name = ''] = /^table (\w+) \S+ \{\n\tset (\S+) \{/.exec(listed) ?? [];
    const [, elements] = /elements = \{([^}]*)\}/.exec(listed) ?? [];
    if (elements !== undefined) found.set(`${family} ${name}`, elements.split(',').map((element) => element.trim()).toSorted(byText));
  }
  return Object.fromEntries(
    nftFamilies.flatMap((family) => {
      const table = tables[family];
      if (table === undefined) return [];
      const sets = Object.entries(table.sets).map(([name, set]) => [name, { ...set, elements: found.get(`${family} ${name}`) ?? [] }]);
      return [[family, { ...table, sets: Object.fromEntries(sets) }]];
    }),
  );
};

/** One transaction that makes the tables, whatever there was. The first line of each lets the deletion succeed. */
export const makeTables = (tables: NftTables): string => nftFamilies.map((family) => remake(family, tables[family])).join('');

const remake = (family: NftFamily, table: NftTable | undefined): string =>
  table === undefined ? '' : `${emptyTable(family)}delete table ${family} ${tableName}\n${tableText(family, table)}`;

const emptyTable = (family: NftFamily): string => `table ${family} ${tableName}\n`;

/** One transaction that leads from some tables to others. What packets have put into sets stays; elements come and go by themselves. */
export const changeTables = (from: NftTables, to: NftTables): string => nftFamilies.map((family) => changeTable(family, from[family], to[family])).join('');

const changeTable = (family: NftFamily, from: NftTable | undefined, to: NftTable | undefined): string => {
  if (to === undefined) return from === undefined ? '' : dropTable(family);
  if (from === undefined) return remake(family, to);
  const named = (what: string, name: string): string => `${what} ${family} ${tableName} ${name}`;
  if (sameRules(from, to)) return elementChanges(named, from, to);
  const lines = [
    `flush table ${family} ${tableName}`,
    ...Object.entries(from.chains).flatMap(([name, rules]) => (keepsChain(rules, to.chains[name]) ? [] : [named('delete chain', name)])),
    ...Object.entries(from.sets).flatMap(([name, set]) => (keepsSet(set, to.sets[name]) ? [] : [named('delete set', name)])),
    ...Object.entries(from.sets).flatMap(([name, set]) => (keepsSet(set, to.sets[name]) && !isDynamic(set) ? [named('flush set', name)] : [])),
  ];
  return `${lines.join('\n')}\n${tableText(family, to)}`;
};

const dropTable = (family: NftFamily): string => `delete table ${family} ${tableName}\n`;

/** Removes them. */
export const dropTables = (tables: NftTables): string =>
  nftFamilies.map((family) => (tables[family] === undefined ? '' : dropTable(family))).join('');

const sameRules = (from: NftTable, to: NftTable): boolean => ruleMark(from) === ruleMark(to);

const ruleMark = ({ sets, chains }: NftTable): string =>
  JSON.stringify([sorted(sets).map(([name, { lines }]) => [name, lines]), sorted(chains)]);

const keepsSet = (from: NftSet, to: NftSet | undefined): boolean => to !== undefined && from.lines.join() === to.lines.join();

/** A chain stays where it is: at another hook it is another chain. */
const keepsChain = (from: readonly string[], to: readonly string[] | undefined): boolean =>
  to !== undefined && hookOf(from) === hookOf(to);

const hookOf = ([first = '']: readonly string[]): string => (first.startsWith('type ') ? first : '');

/** What goes is taken out before what comes, since the two may overlap. */
const elementChanges = (named: (what: string, name: string) => string, from: NftTable, to: NftTable): string => {
  const changes = Object.entries(to.sets).map(([name, { elements }]) => {
    const before = new Set(from.sets[name]?.elements);
    const after = new Set(elements);
    return [
      command(named('delete element', name), [...before].filter((element) => !after.has(element))),
      command(named('add element', name), elements.filter((element) => !before.has(element))),
    ];
  });
  return changes.flat().join('');
};

const command = (words: string, elements: readonly string[]): string =>
  elements.length === 0 ? '' : `${words} { ${elements.join(', ')} }\n`;
