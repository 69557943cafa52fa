/** Goal rows as items: what this device must hold. One file a concern; findings are rows that can never come true. */
import type { RowId } from '../../../goal/rows.ts';
import type { GoalTables, Unrealisable } from '../../driver.ts';
import { goneKeys } from '../difference.ts';
import { itemOf } from '../entries.ts';
import type { Entries } from '../entries.ts';
import type { Item, ItemKey, Items, LinuxActual } from '../model.ts';
import type { Site } from '../steps/step.ts';
import { renderHosts } from './hosts.ts';
import { renderLeaks } from './leaks.ts';
import { renderMappings } from './mappings.ts';
import { renderPorts } from './ports.ts';
import { renderSegments } from './segments.ts';
import { renderUnderlay } from './underlay.ts';
import { renderVrfs } from './vrfs.ts';

/** What a renderer is given, and where it puts what it makes. */
export interface Rendering {
  readonly goal: GoalTables;
  readonly actual: LinuxActual;
  readonly site: Site;
  add(item: Item, ...rows: readonly RowId[]): void;
  /**
   * Whether an entry is on the device just so, on a link and with daemons that stay; such an entry need not be added. Asked
   * once for each entry that is wanted.
   */
  isThere(key: ItemKey, word: string, needs: readonly ItemKey[]): boolean;
  refuse(row: RowId, code: Unrealisable['code'], message: string): void;
}

export interface Rendered {
  /** What is wanted; entries only where they are not there yet. */
  readonly items: Items;
  /** What is there; entries only where they are not wanted so. */
  readonly there: Items;
  readonly unrealisable: readonly Unrealisable[];
}

export const render = (goal: GoalTables, actual: LinuxActual, site: Site): Rendered => {
  const items = new Map<string, Item>();
  const unrealisable: Unrealisable[] = [];
  const entries: Entries = actual.entries ?? new Map();
  const settled = new Set<ItemKey>();
  let gone: ReadonlySet<ItemKey> = new Set();
  const rendering: Rendering = {
    goal,
    actual,
    site,
    add: (item, ...rows) => {
      const before = items.get(item.key);
      items.set(item.key, { ...item, rows: before?.rows === undefined ? rows : [...new Set([...before.rows, ...rows])] });
    },
    isThere: (key, word, needs) => {
      if (entries.get(key) !== word || needs.some((need) => gone.has(need))) return false;
      settled.add(key);
      return true;
    },
    refuse: (row, code, message) => unrealisable.push({ row, code, message }),
  };
  for (const part of [renderUnderlay, renderVrfs, renderSegments, renderPorts, renderLeaks]) part(rendering);
  gone = goneKeys(actual.items, items, site);
  for (const part of [renderHosts, renderMappings]) part(rendering);
  return { items, there: withOthers(actual.items, entries, settled), unrealisable };
};

const withOthers = (items: Items, entries: Entries, settled: ReadonlySet<ItemKey>): Items => {
  if (settled.size === entries.size) return items;
  const all = new Map(items);
  for (const [key, word] of entries) if (!settled.has(key)) all.set(key, itemOf(key, word));
  return all;
};
