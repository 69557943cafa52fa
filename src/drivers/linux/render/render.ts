/** Goal rows as items: what this device must hold. One file a concern; findings are rows that can never come true. */
import type { RowId } from '../../../goal/rows.ts';
import type { GoalTables, Unrealisable } from '../../driver.ts';
import type { Item, Items, LinuxActual } from '../model.ts';
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
  refuse(row: RowId, code: Unrealisable['code'], message: string): void;
}

export interface Rendered {
  readonly items: Items;
  readonly unrealisable: readonly Unrealisable[];
}

export const render = (goal: GoalTables, actual: LinuxActual, site: Site): Rendered => {
  const items = new Map<string, Item>();
  const unrealisable: Unrealisable[] = [];
  const rendering: Rendering = {
    goal,
    actual,
    site,
    add: (item, ...rows) => {
      const before = items.get(item.key);
      items.set(item.key, { ...item, rows: [...new Set([...(before?.rows ?? []), ...rows])] });
    },
    refuse: (row, code, message) => unrealisable.push({ row, code, message }),
  };
  for (const part of [renderUnderlay, renderVrfs, renderSegments, renderPorts, renderHosts, renderMappings, renderLeaks]) part(rendering);
  return { items, unrealisable };
};
