/** Goal state for people: what a device is to hold, why, and whether it does. Reads only. */
import type { ContributorView, GoalView, RowView } from '../api/goalview.ts';
import { apiVersion, refKey, type ObjectRef } from '../api/object.ts';
import { editDistance } from '../api/spelling.ts';
import type { Compiler } from '../compile/engine.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import type { GoalState, Version } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';
import { byText } from '../kit/order.ts';
import type { Barrier } from './barrier.ts';
import type { Failure } from './failures.ts';
import type { Objects } from './objects.ts';
import type { Reason } from './withheld.ts';

export interface ExplainSources {
  readonly goal: GoalState;
  readonly compiler: Compiler;
  readonly barrier: Barrier;
  readonly objects: Objects;
  /** Keys of the objects that a row came from whose deletion is held; undefined when it is not. */
  readonly heldCauses: (scope: string, row: RowId) => Iterable<string> | undefined;
  /** Why a row is not as it is wanted; undefined: it is. */
  readonly withheldFor?: (scope: string, row: RowId) => Reason | undefined;
}

export interface ExplainQuery {
  /** `<table>/<key>`: one row, with its value. */
  readonly row?: string;
  /** Only rows whose id begins so. */
  readonly prefix?: string;
  /** At most so many rows. Default 1,000. */
  readonly limit?: number;
}

/** The last two are what clients put on every request. */
const parameters: ReadonlySet<string> = new Set(['row', 'prefix', 'limit', 'timeout', 'pretty']);

/** @throws HeddleError `BadRequest` for a limit that is none, and for what is none of the above: a slip would answer everything */
export const readExplainQuery = (query: URLSearchParams): ExplainQuery => {
  const unknown = [...query.keys()].find((name) => !parameters.has(name));
  if (unknown !== undefined) throw new HeddleError('BadRequest', `"${unknown}" is no parameter here; use row, prefix or limit`);
  const [row, prefix, limit] = [query.get('row'), query.get('prefix'), query.get('limit')];
  if (limit !== null && !/^\d{1,9}$/.test(limit)) throw new HeddleError('BadRequest', `limit "${limit}" is not a number`);
  return { ...(row === null ? {} : { row }), ...(prefix === null ? {} : { prefix }), ...(limit === null ? {} : { limit: Number(limit) }) };
};

const shownNeighbours = 3;
/** Of how many keys the nearest are looked for. */
const mostCandidates = 5000;

/** @throws HeddleError `NotFound` when the device has no such row; the message names the nearest */
export const explainDevice = (device: string, query: ExplainQuery, sources: ExplainSources): GoalView => {
  const { goal, barrier } = sources;
  const scopes = goal.subscriptions(device).map((scope) => {
    const { version, rows } = goal.scope(scope);
    return { scope, version, ...acknowledgedOf(barrier, device, scope), rows: rows.size };
  });
  const { rows, remaining } = query.row === undefined ? listRows(device, query, sources) : oneRow(device, query.row, sources);
  return { apiVersion, kind: 'GoalState', metadata: { name: device }, scopes, rows, remaining };
};

type Rows = Pick<GoalView, 'rows' | 'remaining'>;

const oneRow = (device: string, id: RowId, sources: ExplainSources): Rows => {
  const { goal } = sources;
  for (const scope of goal.subscriptions(device)) {
    const row = goal.scope(scope).rows.get(id);
    if (row !== undefined) return { rows: [{ ...new Device(device, sources).view(scope, row), value: row.value }], remaining: 0 };
  }
  const near = neighbours(device, id, goal);
  const hint = near.length === 0 ? 'it has no rows at all' : `near it: ${near.map((each) => `"${each}"`).join(', ')}`;
  throw new HeddleError('NotFound', `"${device}" has no row "${id}"; ${hint}`);
};

const listRows = (device: string, { prefix = '', limit = 1000 }: ExplainQuery, sources: ExplainSources): Rows => {
  const view = new Device(device, sources);
  const rows: RowView[] = [];
  let remaining = 0;
  for (const scope of sources.goal.subscriptions(device)) {
    for (const row of sources.goal.scope(scope).rows.values()) {
      if (prefix !== '' && !rowId(row).startsWith(prefix)) continue;
      if (rows.length < limit) rows.push(view.view(scope, row));
      else remaining += 1;
    }
  }
  rows.sort((left, right) => byText(left.table, right.table) || byText(left.key, right.key));
  return { rows, remaining };
};

/** Ids that were probably meant: of the same table if that has any, the least different first. */
const neighbours = (device: string, id: RowId, goal: GoalState): RowId[] => {
  const table = id.slice(0, id.indexOf('/') + 1);
  const all = goal.subscriptions(device).flatMap((scope) => [...goal.scope(scope).rows.keys()]);
  const same = all.filter((each) => table !== '' && each.startsWith(table));
  const candidates = (same.length > 0 ? same : all).slice(0, mostCandidates);
  const distances = candidates.map((each) => ({ each, distance: editDistance(each, id.slice(0, 200)) }));
  distances.sort((left, right) => left.distance - right.distance || byText(left.each, right.each));
  return distances.slice(0, shownNeighbours).map(({ each }) => each);
};

/** What one device has said of its scopes, asked once a scope. */
class Device {
  readonly #device: string;
  readonly #sources: ExplainSources;
  readonly #scopes = new Map<string, { readonly acknowledged: Version | undefined; readonly newer: ReadonlySet<RowId>; readonly failed: ReadonlyMap<RowId, Failure> }>();

  constructor(device: string, sources: ExplainSources) {
    this.#device = device;
    this.#sources = sources;
  }

  view(scope: string, row: Row): RowView {
    const id = rowId(row);
    const { acknowledged, newer, failed } = this.#said(scope);
    const failure = failed.get(id);
    const held = this.#sources.heldCauses(scope, id);
    const refs = held === undefined ? this.#sources.compiler.explain(scope, id) : [...held].map(refOfKey);
    return {
      table: row.table,
      key: row.key,
      scope,
      version: this.#sources.goal.scope(scope).version,
      acknowledged: acknowledged !== undefined && !newer.has(id) && failure === undefined,
      ...(acknowledged === undefined ? {} : { acknowledgedVersion: acknowledged }),
      ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }),
      ...(held === undefined ? {} : { held: true }),
      ...optional('withheld', this.#sources.withheldFor?.(scope, id)),
      objects: refs.map((ref) => this.#contributor(ref)),
    };
  }

  #said(scope: string) {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const { goal, barrier } = this.#sources;
    const { acknowledgedVersion: acknowledged } = acknowledgedOf(barrier, this.#device, scope);
    // Rows written since then; all of them when nobody remembers that far back.
    const newer = new Set(acknowledged === undefined ? [] : goal.delta(scope, acknowledged).upserts.map(rowId));
    const failed = new Map(barrier.failedRows(this.#device, scope).map((failure) => [failure.row, failure]));
    const said = { acknowledged, newer, failed };
    this.#scopes.set(scope, said);
    return said;
  }

  #contributor(ref: ObjectRef): ContributorView {
    const generation = this.#sources.objects.get(refKey(ref))?.metadata.generation;
    return generation === undefined ? ref : { ...ref, generation };
  }
}

const acknowledgedOf = (barrier: Barrier, device: string, scope: string): { readonly acknowledgedVersion?: Version } => {
  const version = barrier.acknowledged(device, scope);
  return version === undefined || version < 0 ? {} : { acknowledgedVersion: version };
};

/** The inverse of `refKey`. */
export const refOfKey = (key: string): ObjectRef => {
  const [kind = '', second = '', third] = key.split('/');
  return third === undefined ? { kind, namespace: '', name: second } : { kind, namespace: second, name: third };
};
