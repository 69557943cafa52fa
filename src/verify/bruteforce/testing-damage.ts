/** Rows damaged by chance, as no bug in particular would: dropped, changed in one place, put elsewhere, given another's value. */
import * as fc from 'fast-check';
import { rowId, type Row } from '../../goal/rows.ts';
import type { ScopeChange } from '../../goal/state.ts';
import { isJsonObject } from '../../kit/json.ts';
import { parseAddress, plus } from '../../net/address.ts';
import type { Address, InterfaceAddress } from '../../net/brand.ts';
import { networkOf } from '../../net/interfaceaddress.ts';
import { parsePrefix } from '../../net/prefix.ts';

export type Scopes = readonly (readonly [string, readonly Row[]])[];

/** Numbers that choose rows and places in them, whatever there is. */
export interface Damage {
  readonly how: 'drop' | 'change' | 'copy' | 'value';
  readonly row: number;
  readonly other: number;
  readonly field: number;
}

export const damage: fc.Arbitrary<Damage> = fc.record({
  how: fc.constantFrom('drop', 'change', 'change', 'copy', 'value'),
  row: fc.nat(100_000),
  other: fc.nat(100_000),
  field: fc.nat(1000),
});

interface Placed {
  readonly scope: string;
  readonly row: Row;
}

/** What the damage does; undefined when it changes nothing. */
export const damaging = (scopes: Scopes, { how, row: chosen, other, field }: Damage): ScopeChange | undefined => {
  const rows = scopes.flatMap(([scope, own]) => own.map((row): Placed => ({ scope, row })));
  const found = rows[chosen % Math.max(1, rows.length)];
  if (found === undefined) return undefined;
  const { scope, row } = found;
  if (how === 'drop') return { scope, upserts: [], deletes: [rowId(row)] };
  const alike = rows.filter((each) => each.row.table === row.table && each !== found);
  const second = alike[other % Math.max(1, alike.length)];
  if (how === 'copy') return copied(scopes, found, other);
  if (how === 'value') return second === undefined ? undefined : changed(found, second.row.value);
  const leaves = leavesOf(row.value);
  const leaf = leaves[field % Math.max(1, leaves.length)];
  if (leaf === undefined) return undefined;
  return changed(found, leaf.change(second?.row.value, other));
};

const changed = ({ scope, row }: Placed, value: unknown): ScopeChange | undefined =>
  JSON.stringify(value) === JSON.stringify(row.value) ? undefined : { scope, upserts: [Object.assign({ ...row }, { value })], deletes: [] };

/** Into another scope of the same sort that has another row there, or none. */
const copied = (scopes: Scopes, { scope, row }: Placed, other: number): ScopeChange | undefined => {
  const sort = scope.split('/')[0];
  const targets = scopes.filter(([name, rows]) =>
    name !== scope && name.split('/')[0] === sort && JSON.stringify(rows.find((each) => rowId(each) === rowId(row))) !== JSON.stringify(row));
  const target = targets[other % Math.max(1, targets.length)];
  return target === undefined ? undefined : { scope: target[0], upserts: [row], deletes: [] };
};

/** One place in a value. */
interface Leaf {
  /** Names of members, such as `pairings.local`; what is done to the list itself ends in `[]`. */
  readonly path: string;
  /** The value anew with this place changed; is handed the value of another row of the table. */
  readonly change: (model: unknown, chance: number) => unknown;
}

const within = (name: string, path: string): string => [name, path].filter((each) => each !== '').join('.');

const leavesOf = (value: unknown): Leaf[] => {
  if (Array.isArray(value)) {
    const each = value.flatMap((item, place) =>
      leavesOf(item).map(({ path, change }): Leaf => ({ path, change: (model, chance) => value.with(place, change(listOf(model)[place], chance)) })));
    const less = value.map((_, place): Leaf => ({ path: '[]', change: () => value.toSpliced(place, 1) }));
    return [...each, ...less, { path: '[]', change: (model) => [...value, ...listOf(model).slice(0, 1)] }];
  }
  if (isJsonObject(value)) {
    const names = Object.keys(value);
    const each = names.flatMap((name) => leavesOf(value[name]).map(({ path, change }): Leaf =>
      ({ path: within(name, path), change: (model, chance) => ({ ...value, [name]: change(memberOf(model, name), chance) }) })));
    const optional = names.filter(isOptional).map((name): Leaf => ({ path: name, change: () => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)) }));
    return [...each, ...optional];
  }
  return [{ path: '', change: (model, chance) => scalar(value, model, chance) }];
};

export interface FieldChange {
  /** Such as `leak.pairings.local`. */
  readonly field: string;
  readonly change: ScopeChange;
}

/** Every field of every row changed once by itself and once to what another row says, and every row dropped. */
export const everyFieldChanged = (scopes: Scopes): FieldChange[] => {
  const rows = scopes.flatMap(([scope, own]) => own.map((row): Placed => ({ scope, row })));
  const models = Map.groupBy(rows, ({ row }) => row.table);
  return rows.flatMap((placed): FieldChange[] => {
    const { scope, row } = placed;
    const alike = models.get(row.table) ?? [];
    const model = alike[(alike.indexOf(placed) + 1) % alike.length]?.row.value;
    const changes = leavesOf(row.value).flatMap(({ path, change }) =>
      [change(undefined, 0), change(undefined, 1), change(model, 0)].flatMap((value): FieldChange[] => {
        const made = changed(placed, value);
        return made === undefined ? [] : [{ field: within(row.table, path), change: made }];
      }));
    return [...changes, { field: row.table, change: { scope, upserts: [], deletes: [rowId(row)] } }];
  });
};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const memberOf = (value: unknown, name: string): unknown => (isJsonObject(value) ? value[name] : undefined);
/** Members of rows that may be left out, in any table. */
const isOptional = (name: string): boolean => ['vlan', 'ipv6Address', 'restricted', 'mode', 'external', 'protocol', 'bundle', 'esi', 'inboundCommunity', 'bfd'].includes(name);

const scalar = (value: unknown, model: unknown, chance: number): unknown => {
  if (typeof model === typeof value && model !== value && chance % 2 === 0) return model;
  if (typeof value === 'number') return chance % 3 === 0 ? value - 1 : value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value !== 'string') return value;
  if (/^([0-9a-f]{2}:){5,}[0-9a-f]{2}$/.test(value)) return value.endsWith('1') ? `${value.slice(0, -1)}2` : `${value.slice(0, -1)}1`;
  const [part = '', length] = value.split('/');
  const address = parseAddress(part);
  if (!address.ok) return typeof model === 'string' ? model : value;
  return length === undefined ? (plus(address.value, 1) ?? value) : resized(value, address.value, Number(length), chance);
};

/** One bit shorter or longer; a prefix stays one, an address of an interface keeps its host. */
const resized = (value: string, address: Address, length: number, chance: number): string => {
  const most = address.includes(':') ? 128 : 32;
  const wanted = length === most || (chance % 3 !== 0 && length > 0) ? length - 1 : length + 1;
  const resizedTo = `${address}/${wanted}` as InterfaceAddress;
  const prefix = parsePrefix(value);
  return prefix.ok && prefix.value === value ? networkOf(resizedTo) : resizedTo;
};

/** Rows after a change. */
export const after = (scopes: Scopes, { scope, upserts, deletes }: ScopeChange): Scopes => {
  const put = new Map(upserts.map((row) => [rowId(row), row]));
  const of = (rows: readonly Row[]): Row[] => [...rows.filter((row) => !deletes.includes(rowId(row)) && !put.has(rowId(row))), ...put.values()];
  return scopes.some(([name]) => name === scope) ? scopes.map(([name, rows]) => [name, name === scope ? of(rows) : rows]) : [...scopes, [scope, of([])]];
};
