/**
 * Goal state as it would be after a change: read as goal state is, with the changed scopes copied when they are first looked at. Pure.
 */
import { deviceScope, type Row } from '../../goal/rows.ts';
import { RowSet, tableAndKey } from '../../goal/rowset.ts';
import type { GoalState, ScopeChange, ScopeView } from '../../goal/state.ts';
import { merge, type GoalTables } from '../../goal/tables.ts';
import { byText } from '../../kit/order.ts';

/** What of goal state is read here. */
export type Sources = Pick<GoalState, 'scope' | 'subscriptions' | 'devicesOf' | 'scopes'>;

const devicePrefix = deviceScope('');

export class Outlook implements Sources {
  readonly #goal: Sources;
  readonly #changes = new Map<string, ScopeChange>();
  readonly #scopes = new Map<string, ScopeView>();
  /** Devices of which `member` rows change. */
  readonly #moved = new Set<string>();

  /** @param changes each scope once, each row once */
  constructor(goal: Sources, changes: readonly ScopeChange[]) {
    this.#goal = goal;
    for (const change of changes) {
      this.#changes.set(change.scope, change);
      if (change.scope.startsWith(devicePrefix) && isMoving(change)) this.#moved.add(change.scope.slice(devicePrefix.length));
    }
  }

  scope(name: string): ScopeView {
    const change = this.#changes.get(name);
    const known = this.#scopes.get(name);
    if (known !== undefined || change === undefined) return known ?? this.#goal.scope(name);
    const { version, digest, rows: former } = this.#goal.scope(name);
    const rows = new RowSet<Row>();
    for (const row of former.values()) rows.put(row);
    for (const id of change.deletes) rows.remove(...tableAndKey(id));
    for (const row of change.upserts) rows.put(row);
    const view = { version, digest, rows };
    this.#scopes.set(name, view);
    return view;
  }

  subscriptions(device: string): readonly string[] {
    if (!this.#moved.has(device)) return this.#goal.subscriptions(device);
    const own = deviceScope(device);
    const shared = [...this.scope(own).rows.in('member')].flatMap((row) => (row.table === 'member' ? [row.value.scope] : []));
    return [...shared.sort(byText), own];
  }

  devicesOf(scope: string): readonly string[] {
    const before = this.#goal.devicesOf(scope);
    if (this.#moved.size === 0 || scope.startsWith(devicePrefix)) return before;
    const holds = (device: string): boolean => this.subscriptions(device).includes(scope);
    return [...new Set([...before.filter((device) => !this.#moved.has(device)), ...[...this.#moved].filter(holds)])].sort(byText);
  }

  *scopes(): IterableIterator<string> {
    const seen = new Set<string>();
    for (const name of this.#goal.scopes()) {
      seen.add(name);
      yield name;
    }
    for (const name of this.#changes.keys()) if (!seen.has(name)) yield name;
  }

  /** All rows that a device would hold. */
  tables(device: string): GoalTables {
    return merge(this.subscriptions(device).map((name) => this.scope(name).rows.values()));
  }
}

const isMoving = ({ upserts, deletes }: ScopeChange): boolean =>
  upserts.some(({ table }) => table === 'member') || deletes.some((id) => id.startsWith('member/'));
