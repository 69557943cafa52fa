/** FRR contexts to which several renderers contribute lines, such as the BGP instance of a VRF: one item each, made at the end. */
import { getOrMake } from '../../../kit/maps.ts';
import type { RowId } from '../../../goal/rows.ts';
import { frrContext } from '../frr/context.ts';
import { frrKey } from '../model.ts';
import type { Item, ItemKey } from '../model.ts';

interface Contribution {
  readonly path: readonly string[];
  readonly lines: Set<string>;
  readonly after: Set<ItemKey>;
  readonly rows: Set<RowId>;
}

export class Contexts {
  readonly #found = new Map<ItemKey, Contribution>();

  /** `lines` in an order in which FRR takes them; `after`: what must be there before them. */
  add(path: readonly string[], lines: readonly string[], after: readonly ItemKey[], rows: readonly RowId[]): void {
    const found = getOrMake(this.#found, frrKey(path), () => ({ path, lines: new Set<string>(), after: new Set<string>(), rows: new Set<string>() }));
    for (const line of lines) found.lines.add(line);
    for (const key of after) found.after.add(key);
    for (const row of rows) found.rows.add(row);
  }

  *items(): Generator<readonly [item: Item, rows: readonly RowId[]]> {
    for (const { path, lines, after, rows } of this.#found.values()) {
      const item = frrContext(path, [...lines]);
      yield [{ ...item, after: [...(item.after ?? []), ...after] }, [...rows]];
    }
  }
}
