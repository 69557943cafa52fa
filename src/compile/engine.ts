/**
 * The incremental build system that turns objects into rows. It knows no kind: relations, queries and translators are
 * given to it. Its result is a function of the set of objects alone, whatever the order in which they came and went; what
 * a change costs is a function of what the change affects.
 */
import { refKey, type ObjectMeta, type ObjectRef, type Resource } from '../api/object.ts';
import type { Row, RowId } from '../goal/rows.ts';
import { getOrMake } from '../kit/maps.ts';
import { ageOf } from './age.ts';
import type { Demand } from './demand.ts';
import { error, noFindings, type CompileFinding } from './finding.ts';
import { Graph, type NodeId, type NodeKind } from './graph.ts';
import { GoalTable, type Contributor, type ScopeDelta } from './merge.ts';
import { joinPairs } from './pairs.ts';
import { same } from './same.ts';
import { verdictOf, type Verdict } from './verdict.ts';
import { keyOf, nothing, refOfKey, type Facts, type PairTranslator, type Translation, type Translator } from './view.ts';
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
  /** Of rows that were deleted, by scope and id: the objects that contributed to them last. */
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
  counters(): Counters;
}

export interface Program {
  /** Queries and relations, each before those that read it. */
  readonly layers: readonly Layer[];
  readonly translators: readonly Translator[];
  readonly pairs: readonly PairTranslator[];
  /** What of an object can matter at all; must leave out what changes without consequence, such as most of status. */
  readonly project: (object: Resource) => Resource | undefined;
}

/** A translator with its run for each object. */
interface Pass {
  readonly translator: Translator;
  readonly nodeKind: NodeKind;
  readonly nodes: Map<string, NodeId>;
}

/** Below this many computations nobody would speak of a recompute. */
const smallProgram = 100;

/** Whether a batch went through most of what there is without need. */
const isFullRecompute = (unchanged: number, computations: number): boolean =>
  computations >= smallProgram && unchanged > computations / 2;

/** Rows are held by the ten thousand, and the age of who handed them in is asked for when two disagree: it is put together then. */
class ObjectContributor implements Contributor {
  readonly owner: ObjectRef;
  readonly translator: string;
  readonly #metadata: ObjectMeta | undefined;

  constructor(owner: ObjectRef, translator: string, object: Resource | undefined) {
    this.owner = owner;
    this.translator = translator;
    this.#metadata = object?.metadata;
  }

  get age(): string {
    return this.#metadata === undefined ? '' : ageOf({ kind: this.owner.kind, metadata: this.#metadata });
  }
}

export const createEngine = (program: Program): Compiler => new Engine(program);

class Engine implements Compiler {
  readonly #project: Program['project'];
  readonly #graph = new Graph();
  readonly #world: World;
  readonly #goal = new GoalTable();
  /** By kind of object. */
  readonly #passes = new Map<string, Pass[]>();
  /** Conflicts as they were told last, by object. */
  readonly #conflicts = new Map<string, readonly CompileFinding[]>();
  /** What was said of the objects that this batch concerns, before it. */
  readonly #before = new Map<string, Verdict>();
  /** Objects of this batch that took the place of others of the same name. */
  readonly #reborn: ObjectRef[] = [];
  #runs = 0;
  #fullRecomputes = 0;

  constructor({ layers, translators, pairs, project }: Program) {
    this.#project = project;
    this.#world = new World(this.#graph, layers);
    for (const translator of translators) this.#addPass(translator);
    for (const pair of pairs) joinPairs(pair, this.#world, this.#goal);
  }

  apply(changes: readonly ObjectChange[]): CompileResult {
    const { unchanged } = this.#graph;
    for (const { ref, object } of changes) this.#put(ref, object);
    this.#graph.sweep();
    for (const ref of this.#reborn.splice(0)) this.#reattribute(ref);
    if (isFullRecompute(this.#graph.unchanged - unchanged, this.#graph.computations)) this.#fullRecomputes++;
    const { conflicted, ...published } = this.#goal.publish();
    for (const key of conflicted) this.#remember(key, () => this.#verdict(key));
    return { ...published, ...this.#news() };
  }

  explain(scope: string, id: RowId): ObjectRef[] {
    return this.#goal.explain(scope, id);
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
    return this.#verdict(refKey(ref)).findings;
  }

  factsOf(ref: ObjectRef): Facts {
    return this.#verdict(refKey(ref)).facts;
  }

  demandsOf(ref: ObjectRef): readonly Demand[] {
    return this.#verdict(refKey(ref)).demands;
  }

  counters(): Counters {
    const { unchanged } = this.#graph;
    return { fullRecomputes: this.#fullRecomputes, translators: this.#runs, queries: this.#world.queryRuns, unchanged };
  }

  #addPass(translator: Translator): void {
    const nodeKind: NodeKind = {
      name: translator.name,
      level: this.#world.topLevel,
      compute: (key, before) => this.#translate(translator, key, translationOf(before)),
      onChange: (key, before, after) => this.#replace(pass, key, translationOf(before), translationOf(after)),
      onUnread: () => {},
    };
    const pass: Pass = { translator, nodeKind, nodes: new Map() };
    getOrMake(this.#passes, translator.kind, () => []).push(pass);
  }

  #passesOf(kind: string): readonly Pass[] {
    return this.#passes.get(kind) ?? [];
  }

  #put(ref: ObjectRef, given: Resource | undefined): void {
    const object = given === undefined ? undefined : this.#project(given);
    const key = keyOf(ref);
    const before = this.#world.peek(ref.kind, key);
    if (!this.#world.put(ref.kind, key, object)) return;
    if (before === undefined) for (const pass of this.#passesOf(ref.kind)) this.#begin(pass, key);
    else if (object === undefined) for (const pass of this.#passesOf(ref.kind)) this.#end(pass, key);
    else if (ageOf(before) !== ageOf(object)) this.#reborn.push(ref);
  }

  #begin({ nodeKind, nodes }: Pass, key: string): void {
    const node = this.#graph.add(nodeKind, key);
    nodes.set(key, node);
    this.#graph.keep(node);
  }

  #end({ nodes }: Pass, key: string): void {
    const node = nodes.get(key);
    nodes.delete(key);
    if (node !== undefined) this.#graph.drop(node);
  }

  /** A fault of a translator takes one object out of service, never the fabric. */
  #translate({ name, kind, translate }: Translator, key: string, before: Translation): Translation {
    this.#runs++;
    try {
      const object = this.#world.read(kind, key);
      return object === undefined ? nothing : translate(object, this.#world.view, before);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { rows: [], findings: [error('Internal', '', `${name} failed, which is a fault of Heddle: ${message}`)] };
    }
  }

  #replace(pass: Pass, key: string, before: Translation, after: Translation): void {
    const { kind } = pass.translator;
    this.#remember(`${kind}/${key}`, () => this.#verdictOf(kind, key, (each) => (each === pass ? before : this.#said(each, key))));
    this.#goal.replace(this.#contributor(pass, key), before.rows, after.rows);
  }

  /** Hands in again what stays as it is, but is of a younger object now. */
  #reattribute({ kind, ...ref }: ObjectRef): void {
    const key = keyOf({ kind, ...ref });
    for (const pass of this.#passesOf(kind)) {
      const { rows } = this.#said(pass, key);
      this.#goal.replace(this.#contributor(pass, key), rows, rows);
    }
  }

  #contributor({ translator: { kind, name } }: Pass, key: string): Contributor {
    return new ObjectContributor(refOfKey(kind, key), name, this.#world.peek(kind, key));
  }

  #said({ nodes }: Pass, key: string): Translation {
    const node = nodes.get(key);
    return translationOf(node === undefined ? undefined : this.#graph.peek(node));
  }

  /** What was said of an object last: by all translators together, and by the goal table. */
  #verdict(objectKey: string): Verdict {
    const slash = objectKey.indexOf('/');
    const key = objectKey.slice(slash + 1);
    return this.#verdictOf(objectKey.slice(0, slash), key, (pass) => this.#said(pass, key));
  }

  #verdictOf(kind: string, key: string, said: (pass: Pass) => Translation): Verdict {
    return verdictOf(this.#passesOf(kind).map(said), this.#conflicts.get(`${kind}/${key}`) ?? noFindings);
  }

  #remember(objectKey: string, verdict: () => Verdict): void {
    if (!this.#before.has(objectKey)) this.#before.set(objectKey, verdict());
  }

  /** What is said otherwise than before the batch. */
  #news(): Pick<CompileResult, 'findings' | 'facts' | 'demands'> {
    const findings = new Map<string, readonly CompileFinding[]>();
    const facts = new Map<string, Facts>();
    const demands = new Map<string, readonly Demand[]>();
    for (const [key, before] of this.#before) {
      const conflicts = this.#goal.conflictsOf(key);
      if (conflicts.length === 0) this.#conflicts.delete(key);
      else this.#conflicts.set(key, conflicts);
      const after = this.#verdict(key);
      if (!same(before.findings, after.findings)) findings.set(key, after.findings);
      if (!same(before.facts, after.facts)) facts.set(key, after.facts);
      if (!same(before.demands, after.demands)) demands.set(key, after.demands);
    }
    this.#before.clear();
    return { findings, facts, demands };
  }
}

const translationOf = (answer: unknown): Translation => (answer === undefined ? nothing : (answer as Translation));
