/**
 * The incremental build system that turns objects into rows. It knows no kind: relations, queries and translators are
 * given to it. Its result is a function of the set of objects alone, whatever the order in which they came and went; what
 * a change costs is a function of what the change affects.
 */
import { refKey, type ObjectRef, type Resource } from '../api/object.ts';
import type { Row, RowId } from '../goal/rows.ts';
import { ageOf } from './age.ts';
import type { Demand } from './demand.ts';
import { noFindings, type CompileFinding } from './finding.ts';
import { Graph } from './graph.ts';
import { GoalTable, type ScopeDelta } from './merge.ts';
import { joinPairs } from './pairs.ts';
import { Pass } from './pass.ts';
import { News, verdictOf, type Verdict } from './verdict.ts';
import { keyOf, nothing, type Facts, type PairTranslator, type Translation, type Translator } from './view.ts';
import { World, type Layer } from './world.ts';

export interface ObjectChange {
  readonly ref: ObjectRef;
  /** The object as it is now; undefined when it is gone. */
  readonly object: Resource | undefined;
}

/** What a batch of changes did. Maps are by object key (`refKey`) and hold only what is different now. */
export interface CompileResult {
  readonly scopes: readonly ScopeDelta[];
  /**
   * Objects and the scopes where a row that they contribute to changed, or where they began or ceased to contribute. Of a
   * deleted object: the scopes that must acknowledge before what it held is free.
   */
  readonly contributions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of rows that changed or were deleted, by scope and id: the objects that contributed to them and do not, or not the same, any more. */
  readonly departed: ReadonlyMap<string, ReadonlyMap<RowId, readonly ObjectRef[]>>;
  /** All findings of the object, errors first; empty when there are none left. */
  readonly findings: ReadonlyMap<string, readonly CompileFinding[]>;
  readonly facts: ReadonlyMap<string, Facts>;
  readonly demands: ReadonlyMap<string, readonly Demand[]>;
}

export interface Counters {
  /**
   * Batches that ran most of all computations again only to hear what was known (`isFullRecompute`). A change that is
   * handled as it should be never does that, however much really changes by it.
   */
  readonly fullRecomputes: number;
  /** Runs so far. */
  readonly translators: number;
  readonly queries: number;
  /** Runs of both that answered what they had answered before. */
  readonly unchanged: number;
}

export interface Compiler {
  /** Takes a batch of changes and answers what is different after it. Changes that leave the spec equal cost nothing. */
  apply(changes: readonly ObjectChange[]): CompileResult;
  /** Objects that a row comes from; empty when there is no such row. */
  explain(scope: string, id: RowId): ObjectRef[];
  /** Of those, the objects of which the row is part of what they are translated to, the oldest first; the others it only reads. */
  owners(scope: string, id: RowId): ObjectRef[];
  /** Names of all scopes that hold rows. */
  scopes(): string[];
  /** Rows of a scope, ordered by row id. */
  rows(scope: string): Row[];
  rowsOf(ref: ObjectRef): { readonly scope: string; readonly row: Row }[];
  /** Scopes that hold a row the object contributes to. */
  scopesOf(ref: ObjectRef): string[];
  findingsOf(ref: ObjectRef): readonly CompileFinding[];
  factsOf(ref: ObjectRef): Facts;
  demandsOf(ref: ObjectRef): readonly Demand[];
  /** The object as it was handed in last, with defaults and without what cannot matter: handed in again it changes nothing. */
  objectOf(ref: ObjectRef): Resource | undefined;
  counters(): Counters;
}

export interface Program {
  /** Queries and relations, each before those that read it. */
  readonly layers: readonly Layer[];
  /** At most one of a kind. */
  readonly translators: readonly Translator[];
  readonly pairs: readonly PairTranslator[];
  /** What of an object can matter at all; must leave out what changes without consequence, such as most of status. */
  readonly project: (object: Resource) => Resource | undefined;
}

/** Below this many computations nobody would speak of a recompute. */
const smallProgram = 100;

/** Whether a batch went through most of what there is without need. */
const isFullRecompute = (unchanged: number, computations: number): boolean =>
  computations >= smallProgram && unchanged > computations / 2;

export const createEngine = (program: Program): Compiler => new Engine(program);

class Engine implements Compiler {
  readonly #project: Program['project'];
  readonly #graph = new Graph();
  readonly #world: World;
  readonly #goal = new GoalTable();
  /** By kind of object. */
  readonly #passes = new Map<string, Pass>();
  /** Conflicts as they were told last, by object. */
  readonly #conflicts = new Map<string, readonly CompileFinding[]>();
  /** Objects of this batch that took the place of others of the same name. */
  readonly #reborn: ObjectRef[] = [];
  #fullRecomputes = 0;

  constructor({ layers, translators, pairs, project }: Program) {
    this.#project = project;
    this.#world = new World(this.#graph, layers);
    for (const translator of translators) {
      if (this.#passes.has(translator.kind)) throw new Error(`there are two translators of ${translator.kind}`);
      this.#passes.set(translator.kind, new Pass(translator, this.#graph, this.#world, this.#goal));
    }
    for (const pair of pairs) joinPairs(pair, this.#world, this.#goal);
  }

  apply(changes: readonly ObjectChange[]): CompileResult {
    const { unchanged } = this.#graph;
    for (const { ref, object } of changes) this.#put(ref, object);
    this.#graph.sweep();
    for (const ref of this.#reborn.splice(0)) this.#passes.get(ref.kind)?.reattribute(keyOf(ref));
    if (isFullRecompute(this.#graph.unchanged - unchanged, this.#graph.computations)) this.#fullRecomputes++;
    const { conflicted, ...published } = this.#goal.publish();
    return { ...published, ...this.#news(conflicted) };
  }

  explain(scope: string, id: RowId): ObjectRef[] {
    return this.#goal.explain(scope, id);
  }

  owners(scope: string, id: RowId): ObjectRef[] {
    return this.#goal.owners(scope, id);
  }

  scopes(): string[] {
    return this.#goal.scopes();
  }

  rows(scope: string): Row[] {
    return this.#goal.rows(scope);
  }

  rowsOf(ref: ObjectRef): { readonly scope: string; readonly row: Row }[] {
    return this.#goal.rowsOf(ref);
  }

  scopesOf(ref: ObjectRef): string[] {
    return this.#goal.scopesOf(ref);
  }

  findingsOf(ref: ObjectRef): readonly CompileFinding[] {
    return this.#verdict(ref).findings;
  }

  factsOf(ref: ObjectRef): Facts {
    return this.#verdict(ref).facts;
  }

  demandsOf(ref: ObjectRef): readonly Demand[] {
    return this.#verdict(ref).demands;
  }

  objectOf(ref: ObjectRef): Resource | undefined {
    return this.#world.peek(ref.kind, keyOf(ref));
  }

  counters(): Counters {
    const { unchanged } = this.#graph;
    const translators = [...this.#passes.values()].reduce((sum, { runs }) => sum + runs, 0);
    return { fullRecomputes: this.#fullRecomputes, translators, queries: this.#world.queryRuns, unchanged };
  }

  #put(ref: ObjectRef, given: Resource | undefined): void {
    const object = given === undefined ? undefined : this.#project(given);
    const key = keyOf(ref);
    const put = this.#world.put(ref.kind, key, object);
    if (put === undefined) return;
    const { before } = put;
    const pass = this.#passes.get(ref.kind);
    if (before === undefined) pass?.begin(key);
    else if (object === undefined) pass?.end(key);
    else if (ageOf(before) !== ageOf(object)) this.#reborn.push(ref);
  }

  /** What was said of an object last. */
  #verdict(ref: ObjectRef): Verdict {
    const said = this.#passes.get(ref.kind)?.said(keyOf(ref));
    return verdictOf(said ?? nothing, this.#conflicts.get(refKey(ref)) ?? noFindings);
  }

  /** What is said otherwise than before the batch. */
  #news(conflicted: ReadonlySet<string>): News {
    const news = new News();
    for (const [kind, pass] of this.#passes) {
      for (const [key, before] of pass.former) {
        const objectKey = `${kind}/${key}`;
        if (!conflicted.has(objectKey)) this.#compare(objectKey, before, pass.said(key), news);
      }
    }
    for (const objectKey of conflicted) {
      const slash = objectKey.indexOf('/');
      const [pass, key] = [this.#passes.get(objectKey.slice(0, slash)), objectKey.slice(slash + 1)];
      const after = pass?.said(key) ?? nothing;
      this.#compare(objectKey, pass?.former.get(key) ?? after, after, news, this.#goal.conflictsOf(objectKey));
    }
    for (const pass of this.#passes.values()) pass.settle();
    return news;
  }

  /** `conflicts` are those that the object is in now, when they are others than were told. */
  #compare(objectKey: string, before: Translation, after: Translation, news: News, conflicts?: readonly CompileFinding[]): void {
    const told = this.#conflicts.size === 0 ? noFindings : (this.#conflicts.get(objectKey) ?? noFindings);
    news.add(objectKey, verdictOf(before, told), verdictOf(after, conflicts ?? told));
    if (conflicts === undefined) return;
    if (conflicts.length === 0) this.#conflicts.delete(objectKey);
    else this.#conflicts.set(objectKey, conflicts);
  }
}
