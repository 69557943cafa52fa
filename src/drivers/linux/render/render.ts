/** Goal rows as items: what this device must hold. One file a concern; findings are rows that can never come true. */
import type { RowId } from '../../../goal/rows.ts';
import type { GoalTables, Unrealisable } from '../../driver.ts';
import { goneKeys } from '../difference.ts';
import { Entries, itemOf } from '../entries.ts';
import type { Item, ItemKey, Items, LinuxActual, Place } from '../model.ts';
import type { Site } from '../steps/step.ts';
import { renderDhcp } from './dhcp.ts';
import { renderExternals } from './externals.ts';
import { renderHostPeerings } from './hostpeerings.ts';
import { renderHosts } from './hosts.ts';
import { renderIsolation } from './isolation.ts';
import { renderLeaks } from './leaks.ts';
import { renderMappings } from './mappings.ts';
import { renderPolicies } from './policies.ts';
import { renderPorts } from './ports.ts';
import { Contexts } from './contexts.ts';
import { Rulesets } from './ruleset.ts';
import type { RulesetPart } from './ruleset.ts';
import { renderSegments } from './segments.ts';
import { renderShared } from './shared.ts';
import { renderSources } from './sources.ts';
import { renderUnderlay } from './underlay.ts';
import { renderVrfRoutes } from './vrfroutes.ts';
import { renderVrfs } from './vrfs.ts';

/** What a renderer is given, and where it puts what it makes. */
export interface Rendering {
  readonly goal: GoalTables;
  readonly actual: LinuxActual;
  readonly site: Site;
  /** What was added so far. */
  readonly items: Items;
  add(item: Item, ...rows: readonly (RowId | readonly RowId[])[]): void;
  /**
   * Whether an entry (its key in two parts) is on the device just so, on a link and with daemons that stay; it need not be
   * added then. Asked for every entry that is wanted.
   */
  isThere(prefix: string, name: string, word: string, needs: readonly ItemKey[]): boolean;
  /** Contributes to the rules of a VRF, which become one item when all renderers are through. */
  filter(place: Place, part: RulesetPart, ...rows: readonly (RowId | readonly RowId[])[]): void;
  /** Contributes lines to a context of FRR, which becomes one item when all renderers are through. */
  configure(path: readonly string[], lines: readonly string[], after: readonly ItemKey[], ...rows: readonly (RowId | readonly RowId[])[]): void;
  refuse(row: RowId, code: Unrealisable['code'], message: string): void;
}

export interface Rendered {
  /** What is wanted; entries only where they are not there yet. */
  readonly items: Items;
  /** What is there; entries only where they are not wanted so. */
  readonly there: Items;
  readonly unrealisable: readonly Unrealisable[];
}

/** Unless `withEntries`, forwarding entries are left alone on both sides. */
export const render = (goal: GoalTables, actual: LinuxActual, site: Site, withEntries = true): Rendered => {
  const items = new Map<string, Item>();
  const unrealisable: Unrealisable[] = [];
  const entries = withEntries && actual.entries !== undefined ? actual.entries() : new Entries();
  const wanted = new Uint8Array(entries.size);
  const rulesets = new Rulesets();
  const contexts = new Contexts();
  let gone: ReadonlySet<ItemKey> = new Set();
  const rendering: Rendering = {
    goal,
    actual,
    site,
    items,
    add: (item, ...given) => {
      const before = items.get(item.key);
      const rows = given.flat();
      items.set(item.key, { ...item, rows: before?.rows === undefined ? rows : [...new Set([...before.rows, ...rows])] });
    },
    isThere: (prefix, name, word, needs) => {
      const number = entries.find(prefix, name, word);
      if (number === undefined || (gone.size > 0 && needs.some((need) => gone.has(need)))) return false;
      wanted[number] = 1;
      return true;
    },
    filter: (place, part, ...rows) => rulesets.add(place, part, rows.flat()),
    configure: (path, lines, after, ...rows) => contexts.add(path, lines, after, rows.flat()),
    refuse: (row, code, message) => unrealisable.push({ row, code, message }),
  };
  for (const part of [renderUnderlay, renderVrfs, renderSegments, renderDhcp, renderPorts, renderShared, renderLeaks, renderIsolation, renderSources, renderPolicies, renderExternals, renderVrfRoutes, renderHostPeerings]) part(rendering);
  for (const [item, rows] of [...rulesets.items(), ...contexts.items()]) rendering.add(item, rows);
  if (!withEntries) return { items, there: actual.items, unrealisable };
  gone = goneKeys(actual.items, items, site);
  for (const part of [renderHosts, renderMappings]) part(rendering);
  return { items, there: withOthers(actual.items, entries, wanted), unrealisable };
};

/** With those entries that are not wanted, or not so. */
const withOthers = (items: Items, entries: Entries, wanted: Uint8Array): Items => {
  if (!wanted.includes(0)) return items;
  const all = new Map(items);
  for (const [key, word, number] of entries.all()) if (wanted[number] === 0) all.set(key, itemOf(key, word));
  return all;
};
