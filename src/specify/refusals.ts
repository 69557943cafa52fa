/**
 * What is not in force, as those say who judge objects. It is taken for given that a refused part promises nothing and permits
 * nothing: a wrong refusal can hide that something is missing, but never that something is there that must not be. Pure.
 */
import { memberPath } from '../api/findings.ts';
import type { SpecKind } from './objects.ts';

export interface Refusal {
  readonly severity: string;
  readonly path: string;
  readonly code: string;
}

/** Two objects want one row to say different things: the elder's stands, and the other is in force but for that. */
const rowConflict = 'Conflict';

export class RefusalBook {
  readonly #byObject = new Map<string, readonly Refusal[]>();

  put(refKey: string, refusals: readonly Refusal[]): void {
    const counting = refusals.filter(({ severity, code }) => (severity === 'error' || severity === 'pending') && code !== rowConflict);
    if (counting.length === 0) this.#byObject.delete(refKey);
    else this.#byObject.set(refKey, counting.map(({ severity, path, code }) => ({ severity, path, code })));
  }

  of(kind: SpecKind, key: string): readonly Refusal[] {
    return this.#byObject.get(`${kind}/${key}`) ?? none;
  }
}

const none: readonly Refusal[] = [];

export const isError = ({ severity }: Refusal): boolean => severity === 'error';

/** Path of a member below others, as findings write it. */
export const at = (...members: readonly (string | number)[]): string => members.reduce<string>((parent, member) => memberPath(parent, member), '');

/** Whether a finding is about the member at `path` or something inside it. */
export const isWithin = ({ path }: Refusal, outer: string): boolean =>
  path.startsWith(outer) && (path.length === outer.length || path[outer.length] === '.' || path[outer.length] === '[');
