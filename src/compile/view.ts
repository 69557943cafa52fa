/**
 * What translators, queries and relations see of the world. Every read is recorded: what was read is what can make the
 * reader run again, and nothing else can.
 */
import { refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { Row } from '../goal/rows.ts';
import type { Demand } from './demand.ts';
import type { CompileFinding } from './finding.ts';

export interface View {
  /** The object as it was given, or undefined when there is none. `namespace` is empty for cluster-scoped kinds. */
  get(kind: string, namespace: string, name: string): Resource | undefined;
  /** The same by `objectKey`. */
  at(kind: string, key: string): Resource | undefined;
  /** The distinct values that a relation holds under a key, in a fixed order. */
  list<Value>(relation: Relation<Value>, key: string): readonly Value[];
  /** How many values `list` would answer, in constant time: for readers who need no more than that. */
  count(relation: Relation<unknown>, key: string): number;
  /** The answer of a query, computed once for each key and again only when something it read has changed. */
  query<Value>(query: Query<Value>, key: string): Value;
}

/** `namespace/name`, or the name of a cluster-scoped object: what queries and relations know an object of one kind by. */
export const keyOf = ({ namespace, name }: ObjectRef): string => (namespace === '' ? name : `${namespace}/${name}`);

export const objectKey = (object: Resource): string => keyOf(refOf(object));

/** What `keyOf` made its key of. No name has a slash in it. */
export const refOfKey = (kind: string, key: string): ObjectRef => {
  const slash = key.indexOf('/');
  return { kind, namespace: slash < 0 ? '' : key.slice(0, slash), name: key.slice(slash + 1) };
};

/** A pure function of the view. */
export interface Query<Value> {
  readonly name: string;
  readonly answer: (view: View, key: string) => Value;
}

export const query = <Value>(name: string, answer: (view: View, key: string) => Value): Query<Value> => ({ name, answer });

export interface Entry<Value> {
  readonly key: string;
  /** JSON but not null; two entries of one key that are equal as JSON text are one. A text is the cheapest. */
  readonly value: Value;
}

/** A secondary index: every object of `kind` contributes entries, made of itself or of what a query answers about it. */
export interface Relation<Value> {
  readonly name: string;
  readonly kind: string;
  /** Asked for every object of the kind by its `objectKey`; where there is no object its answer must have no entries. */
  readonly of?: Query<unknown>;
  /** Of the object, or of the query's answer; `key` is the object's. */
  readonly entries: (subject: unknown, key: string) => readonly Entry<Value>[];
}

/** An index over what objects say themselves. */
export const index = <Value>(
  name: string,
  kind: string,
  entries: (object: Resource, key: string) => readonly Entry<Value>[],
): Relation<Value> => ({ name, kind, entries: (subject, key) => entries(subject as Resource, key) });

/** An index over what is found out about objects. */
export const derivedIndex = <Value, Answer>(
  name: string,
  kind: string,
  of: Query<Answer>,
  entries: (answer: Answer, key: string) => readonly Entry<Value>[],
): Relation<Value> => ({ name, kind, of, entries: (subject, key) => entries(subject as Answer, key) });

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

/** All that follows from the objects of one kind: a pure function from an object to rows. */
export interface Translator {
  readonly name: string;
  readonly kind: string;
  /**
   * @param before what it said of this object last. It must not matter for what is said now; a translator of very many rows
   *   may hand in the same row objects again, which spares everybody the comparison
   */
  readonly translate: (object: Resource, view: View, before: Translation) => Translation;
}

/** A row with the object that is said to have contributed it. */
export interface OwnedRow extends ScopedRow {
  readonly owner: ObjectRef;
  /** Of the owner (`ageOf`). */
  readonly age: string;
}

/**
 * One row for every pair of values that two relations hold under one key: for what a translator of either side could only
 * say by saying everything about the other side again whenever one value comes or goes.
 */
export interface PairTranslator {
  readonly name: string;
  readonly left: Relation<unknown>;
  readonly right: Relation<unknown>;
  readonly translate: (key: string, left: unknown, right: unknown) => OwnedRow;
}

export const pairTranslator = <Left, Right>(
  name: string,
  left: Relation<Left>,
  right: Relation<Right>,
  translate: (key: string, left: Left, right: Right) => OwnedRow,
): PairTranslator => ({ name, left, right, translate: (key, one, other) => translate(key, one as Left, other as Right) });
