/**
 * Rows and operations of OVSDB as they go over the wire (RFC 7047 §5), with the few constructors that keep the tagged
 * arrays out of sight.
 */
import { isJsonObject } from '../../../src/kit/json.ts';

export type Atom = string | number | boolean | Reference;
export type Reference = readonly ['uuid' | 'named-uuid', string];
export type Value = Atom | readonly ['set', readonly Atom[]] | readonly ['map', readonly (readonly [Atom, Atom])[]];
export interface Row {
  readonly [column: string]: Value;
}

export type Condition = readonly [column: string, relation: '==' | 'includes', value: Value];

export type Operation =
  | { readonly op: 'insert'; readonly table: string; readonly row: Row; readonly 'uuid-name'?: string }
  | { readonly op: 'update'; readonly table: string; readonly where: readonly Condition[]; readonly row: Row }
  | { readonly op: 'mutate'; readonly table: string; readonly where: readonly Condition[]; readonly mutations: readonly Mutation[] }
  | { readonly op: 'select'; readonly table: string; readonly where: readonly Condition[]; readonly columns: readonly string[] };

export type Mutation = readonly [column: string, mutator: '+=' | 'insert' | 'delete', value: Value];

export const set = (atoms: readonly Atom[]): Value => ['set', atoms];
export const map = (entries: Readonly<Record<string, string>>): Value => ['map', Object.entries(entries)];
export const uuid = (text: string): Reference => ['uuid', text];
/** A row that the same transaction inserts under this name: letters, digits and underscores. */
export const named = (name: string): Reference => ['named-uuid', name];

export const insert = (table: string, row: Row, name?: string): Operation =>
  name === undefined ? { op: 'insert', table, row } : { op: 'insert', table, row, 'uuid-name': name };

/** Adds references to a set of one row, or takes them out of it. The server finds a row by nothing but `_uuid` without a scan. */
export const mutateSet = (table: string, row: string, mutation: 'insert' | 'delete', column: string, members: readonly Atom[]): Operation => ({
  op: 'mutate',
  table,
  where: [['_uuid', '==', uuid(row)]],
  mutations: [[column, mutation, set(members)]],
});

/** What one operation answered: `uuid` of an insert, `rows` of a select, `count` of the rest. */
export interface Result {
  readonly uuid?: unknown;
  readonly rows?: unknown;
  readonly count?: unknown;
}

/**
 * The results of a transaction, one an operation. A failed constraint is one more element after all results, and operations
 * after a failed one are null: so an error anywhere in the answer fails the whole.
 */
export const resultsOf = (answer: unknown, operations: number): Result[] => {
  const elements: unknown[] = Array.isArray(answer) ? answer : [];
  for (const element of elements) {
    if (isJsonObject(element) && typeof element.error === 'string') {
      throw new Error(`the database refused a transaction: ${element.error}: ${String(element.details ?? '')}`);
    }
  }
  const results = elements.filter(isJsonObject);
  if (results.length !== operations) throw new Error(`the database answered ${results.length} of ${operations} operations`);
  return results;
};

/** The text of `["uuid", text]`. */
export const uuidOf = (value: unknown): string => {
  const text: unknown = Array.isArray(value) && value[0] === 'uuid' ? value[1] : undefined;
  if (typeof text !== 'string') throw new Error(`not the id of a row: ${JSON.stringify(value)}`);
  return text;
};
