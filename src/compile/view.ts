/**
 * What translators, queries and relations see of the world. Every read is recorded: what was read is what can make the
 * reader run again, and nothing else can.
 */
import type { ObjectRef, Resource } from '../api/object.ts';
import type { Row } from '../goal/rows.ts';
import type { Demand } from './demand.ts';
import type { CompileFinding } from './finding.ts';

export interface View {
  /** The object as it was given, or undefined when there is none. `namespace` is empty for cluster-scoped kinds. */
  get(kind: string, namespace: string, name: string): Resource | undefined;
  /** The distinct values that a relation holds under a key, in a fixed order. */
  list<Value>(relation: Relation<Value>, key: string): readonly Value[];
  /** How many values `list` would answer, in constant time: for readers who need no more than that. */
  count<Value>(relation: Relation<Value>, key: string): number;
  /** The answer of a query, computed once for each key and again only when something it read has changed. */
  query<Value>(query: Query<Value>, key: string): Value;
}

export interface Entry<Value> {
  readonly key: string;
  /** JSON; two entries of one key that are equal as JSON text are one. */
  readonly value: Value;
}

/**
 * A secondary index: every object of `kind` contributes entries. With `derived` the entries may depend on other objects,
 * on queries and on the relations declared before this one; without it, they depend on the object alone and cost nothing
 * to keep.
 */
export interface Relation<Value> {
  readonly name: string;
  readonly kind: string;
  readonly derived: boolean;
  readonly entries: (object: Resource, view: View) => readonly Entry<Value>[];
}

export const index = <Value>(
  name: string,
  kind: string,
  entries: (object: Resource) => readonly Entry<Value>[],
): Relation<Value> => ({ name, kind, derived: false, entries });

export const derivedIndex = <Value>(
  name: string,
  kind: string,
  entries: (object: Resource, view: View) => readonly Entry<Value>[],
): Relation<Value> => ({ name, kind, derived: true, entries });

/** A pure function of the view; `name` is unique. */
export interface Query<Value> {
  readonly name: string;
  readonly answer: (view: View, key: string) => Value;
}

export const query = <Value>(name: string, answer: (view: View, key: string) => Value): Query<Value> => ({ name, answer });

export interface ScopedRow {
  readonly scope: string;
  readonly row: Row;
  /**
   * Objects beside the translated one that the row's content comes from: they count as its contributors, so that a change
   * of theirs is programmed only when this row is.
   */
  readonly from: readonly ObjectRef[];
}

/** What the status of an object shows of the outcome; the members are those of its kind's status. */
export type Facts = { readonly [member: string]: unknown };

export interface Translation {
  /** At most one of an id in a scope. */
  readonly rows: readonly ScopedRow[];
  readonly findings: readonly CompileFinding[];
  readonly facts?: Facts;
  /** Ids and addresses the object wants to hold, whether it has them already or not. */
  readonly demands?: readonly Demand[];
}

export const nothing: Translation = { rows: [], findings: [] };

/** One concern of one kind: a pure function from an object to rows. Several translators of a kind add up. */
export interface Translator {
  readonly name: string;
  readonly kind: string;
  /**
   * `before` is what it answered last time, of which a large result may hand on the parts that are as they were; what it
   * says must be the same without it.
   */
  readonly translate: (object: Resource, view: View, before: Translation) => Translation;
}
