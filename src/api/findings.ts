/**
 * Where a check writes down what it found. Checks never stop at the first fault: they hand every value through `parsed`,
 * go on with what did parse, and the caller answers with the whole list.
 */
import type { Finding } from '../kit/error.ts';
import type { Parsed } from '../net/brand.ts';

export class Findings {
  readonly list: Finding[] = [];

  add(path: string, code: string, message: string): void {
    this.list.push({ path, code, message });
  }

  /** The value of a parse; when there is none, its finding is written down and the answer is undefined. */
  parsed<Value>(path: string, result: Parsed<Value>): Value | undefined {
    if (result.ok) return result.value;
    this.add(path, result.code, result.message);
    return undefined;
  }
}

const plainMember = /^[A-Za-z_][\w-]*$/;

/**
 * Path of a member: `spec.subnets` and `front` give `spec.subnets.front`; a name that holds a dot or a slash is quoted,
 * `spec.ports["E1/1"]`; an index gives `spec.links[0]`.
 */
export function memberPath(parent: string, member: string | number): string {
  if (typeof member === 'number') return `${parent}[${member}]`;
  if (!plainMember.test(member)) return `${parent}[${JSON.stringify(member)}]`;
  return parent === '' ? member : `${parent}.${member}`;
}
