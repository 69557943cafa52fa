/**
 * What is said while documents of another system become objects of ours: everything that was not taken over as it stood, so
 * that nobody finds out later.
 */
import type { Resource } from '../api/object.ts';
import { memberPath } from '../api/findings.ts';

export type Outcome =
  /** Cannot be taken over; nothing is. */
  | 'error'
  /** There is nothing like it here; the rest is taken over. */
  | 'lost'
  /** Taken over in another way than it was written. */
  | 'changed';

export interface Note {
  readonly outcome: Outcome;
  /** `file:line:column`. */
  readonly place: string;
  /** `Kind/name` of the document. */
  readonly subject: string;
  /** Field of the document; empty for the whole of it. */
  readonly path: string;
  readonly message: string;
}

/** One document of the other system. `locate` answers `file:line:column` of a field. */
export interface Foreign {
  readonly object: Resource;
  readonly locate: (path: string) => string;
}

/** Notes about one document. */
export class Notes {
  readonly list: Note[];
  readonly #foreign: Foreign;

  constructor(foreign: Foreign, list: Note[]) {
    this.#foreign = foreign;
    this.list = list;
  }

  add(outcome: Outcome, path: string, message: string): void {
    const { object, locate } = this.#foreign;
    this.list.push({ outcome, place: locate(path), subject: `${object.kind}/${object.metadata.name}`, path, message });
  }

  error(path: string, message: string): void {
    this.add('error', path, message);
  }

  lost(path: string, message: string): void {
    this.add('lost', path, message);
  }

  changed(path: string, message: string): void {
    this.add('changed', path, message);
  }

  /** Says of each member that is there that nothing is like it. */
  lose(spec: object, members: readonly string[], why: string): void {
    for (const member of members) {
      const value: unknown = Reflect.get(spec, member);
      if (value !== undefined && !isEmpty(value)) this.lost(memberPath('spec', member), why);
    }
  }
}

const isEmpty = (value: unknown): boolean =>
  value === false || value === 0 || value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

export interface Converted {
  /** In the order in which others refer to them. */
  readonly objects: readonly Resource[];
  readonly notes: readonly Note[];
}
