/** What a check of one unit found, and what the checks have in common. Pure. */
import type { Specification } from '../specify/specification.ts';
import type { Address } from '../net/brand.ts';
import { rowId, type RowId, type TableName } from '../goal/rows.ts';
import type { Place, Protocol } from './packet.ts';
import type { State } from './state.ts';
import type { RowRef, ViolationCode } from './verifier.ts';

/** A packet that shows the fault; where it comes in, if that is not where its source is attached. */
export interface Probe {
  readonly source: Address;
  /** `VPC/…` whose address the source is, when no place is given. */
  readonly network?: string;
  readonly destination: Address;
  readonly place?: Place;
  readonly protocol?: Protocol;
  readonly port?: number;
}

export interface Fault {
  readonly code: ViolationCode;
  readonly message: string;
  readonly rows: readonly RowRef[];
  readonly objects: readonly string[];
  readonly probe?: Probe;
}

/** What is compared: rows with what is specified. */
export interface Scene {
  readonly state: State;
  readonly spec: Specification;
}

export const ref = (scope: string, table: TableName, key: string): RowRef => ({ scope, row: rowId({ table, key }) });
export const rowRef = (scope: string, row: RowId): RowRef => ({ scope, row });

/** Whether two values of JSON shape say the same; a member that is undefined is as good as none. */
export const isAlike = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isAlike((left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]));
};

/** Members of what was expected that are something else in a row, in words. */
export const differences = (expected: object, found: object): string =>
  [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .flatMap((name) => {
      const [wanted, is] = [(expected as Record<string, unknown>)[name], (found as Record<string, unknown>)[name]];
      return isAlike(wanted, is) ? [] : [`${name} is ${told(is)} and must be ${told(wanted)}`];
    })
    .join(', ');

const told = (value: unknown): string => (value === undefined ? 'not there' : typeof value === 'object' ? JSON.stringify(value) : `"${String(value)}"`);
