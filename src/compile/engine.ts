/**
 * The incremental build system that turns objects into rows. It knows no kind: relations, queries and translators are
 * given to it. Its result is a function of the set of objects alone, whatever the order in which they came and went; what
 * a change costs is a function of what the change affects.
 */
import { refKey, type ObjectRef, type Resource } from '../api/object.ts';
import type { Row, RowId } from '../goal/rows.ts';
import { ageOf } from './age.ts';
import type { Demand } from './demand.ts';
import { error, sortFindings, type CompileFinding } from './finding.ts';
import { Computation } from './graph.ts';
import { GoalTable, type ScopeDelta } from './merge.ts';
import { same } from './same.ts';
import { nothing, type Facts, type Relation, type Translation, type Translator } from './view.ts';
import { World } from './world.ts';

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
  /** How often the whole result was thrown away and computed anew. There is no code path that does so. */
  readonly fullRecomputes: number;
  /** Runs so far. */
  readonly translators: number;
  readonly queries: number;
  readonly relations: number;
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
  /** Derived relations may read only those before them. */
  readonly relations: readonly Relation<unknown>[];
  readonly translators: readonly Translator[];
  /** What of an object can matter at all; must leave out what changes without consequence, such as most of status. */
  readonly project: (object: Resource) => Resource | undefined;
}

interface Job {
  readonly contributor: { readonly owner: ObjectRef; readonly translator: string };
  readonly computation: Computation;
  /** Age of the object (`ageOf`), and what the translator said, as handed to the goal table. */
  age: string;
  translation: Translation;
}

interface Verdict {
  readonly findings: readonly CompileFinding[];
  readonly facts: Facts;
  readonly demands: readonly Demand[];
}

const silence: Verdict = { findings: [], facts: {}, demands: [] };

export const createEngine = (program: Program): Compiler => new Engine(program);

class Engine implements Compiler {
  readonly #program: Program;
  readonly #world: World;
  readonly #goal = new GoalTable();
  readonly #jobs = new Map<string, Job[]>();
  readonly #due = new Set<Job>();
  readonly #verdicts = new Map<string, Verdict>();
  #runs = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#world = new World(program.relations);
  }

  apply(changes: readonly ObjectChange[]): CompileResult {
    const looked = new Set<string>();
    for (const { ref, object } of changes) this.#put(ref, object, looked);
    this.#world.flush();
    for (const job of this.#due) this.#settle(job, looked);
    this.#due.clear();
    const { scopes, contributions, departed, conflicted } = this.#goal.publish();
    return { scopes, contributions, departed, ...this.#judge(new Set([...looked, ...conflicted])) };
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
    return { fullRecomputes: 0, translators: this.#runs, ...this.#world.runs };
  }

  #put(ref: ObjectRef, given: Resource | undefined, looked: Set<string>): void {
    const key = refKey(ref);
    const object = given === undefined ? undefined : this.#program.project(given);
    if (!this.#world.put(ref, object)) return;
    looked.add(key);
    if (object === undefined) this.#removeJobs(key);
    else if (!this.#jobs.has(key)) this.#addJobs(ref, key);
  }

  #addJobs(ref: ObjectRef, key: string): void {
    const translators = this.#program.translators.filter(({ kind }) => kind === ref.kind);
    const jobs = translators.map((translator): Job => {
      const job: Job = {
        contributor: { owner: ref, translator: translator.name },
        age: '',
        translation: nothing,
        computation: new Computation(this.#world.tracker, {
          name: `${translator.name} of ${key}`,
          compute: () => this.#translate(translator, ref, job.translation),
          schedule: () => this.#due.add(job),
          onRun: () => this.#runs++,
        }),
      };
      return job;
    });
    this.#jobs.set(key, jobs);
    for (const job of jobs) this.#due.add(job);
  }

  #removeJobs(key: string): void {
    for (const job of this.#jobs.get(key) ?? []) {
      job.computation.dispose();
      this.#due.delete(job);
      this.#goal.replace({ ...job.contributor, age: job.age }, job.translation.rows, []);
    }
    this.#jobs.delete(key);
  }

  /** A fault of a translator takes one object out of service, never the fabric. */
  #translate(translator: Translator, { kind, namespace, name }: ObjectRef, before: Translation): Translation {
    const object = this.#world.view.get(kind, namespace, name);
    if (object === undefined) return nothing;
    try {
      return translator.translate(object, this.#world.view, before);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { rows: [], findings: [error('Internal', '', `${translator.name} failed, which is a fault of Heddle: ${message}`)] };
    }
  }

  #settle(job: Job, looked: Set<string>): void {
    const { owner } = job.contributor;
    const translation = job.computation.value() as Translation;
    const object = this.#world.object(owner);
    const age = object === undefined ? '' : ageOf(object);
    if (translation === job.translation && age === job.age) return;
    this.#goal.replace({ ...job.contributor, age }, job.translation.rows, translation.rows);
    job.translation = translation;
    job.age = age;
    looked.add(refKey(owner));
  }

  #verdict(key: string): Verdict {
    return this.#verdicts.get(key) ?? silence;
  }

  /** Puts together what all translators and the goal table say of each object, and keeps what is news. */
  #judge(looked: ReadonlySet<string>): Pick<CompileResult, 'findings' | 'facts' | 'demands'> {
    const findings = new Map<string, readonly CompileFinding[]>();
    const facts = new Map<string, Facts>();
    const demands = new Map<string, readonly Demand[]>();
    for (const key of looked) {
      const before = this.#verdict(key);
      const after = verdictOf(this.#jobs.get(key) ?? [], this.#goal.conflictsOf(key));
      if (!same(before.findings, after.findings)) findings.set(key, after.findings);
      if (!same(before.facts, after.facts)) facts.set(key, after.facts);
      if (!same(before.demands, after.demands)) demands.set(key, after.demands);
      if (same(after, silence)) this.#verdicts.delete(key);
      else this.#verdicts.set(key, after);
    }
    return { findings, facts, demands };
  }
}

const verdictOf = (jobs: readonly Job[], conflicts: readonly CompileFinding[]): Verdict => ({
  findings: sortFindings([...jobs.flatMap(({ translation }) => translation.findings), ...conflicts]),
  facts: Object.assign({}, ...jobs.map(({ translation }) => translation.facts ?? {})),
  demands: jobs.flatMap(({ translation }) => translation.demands ?? []),
});
