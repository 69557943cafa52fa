/**
 * The verifier: what objects promise is kept up to date, and every proposal of rows is compared with it, unit by unit: those
 * that its rows or changed objects have a say in, and no others. Pure.
 */
import { rowId, tableNames } from '../goal/rows.ts';
import { tableAndKey } from '../goal/rowset.ts';
import type { ScopeChange } from '../goal/state.ts';
import type { Unit } from '../specify/affected.ts';
import { Specification } from '../specify/specification.ts';
import type { Fault, Probe, Scene } from './fault.ts';
import { probeFor } from './probes.ts';
import { State } from './state.ts';
import { checkUnit, unitsOfPlacement, unitsOfPromise, unitsOfRow, unitsOfStanding } from './units.ts';
import type { Budget, GoalLookup, ObjectChange, Refusals, Verdict, Verifier, VerifierOptions, Violation } from './verifier.ts';
import { witnessOf } from './witness.ts';

export const createVerifier = (options: VerifierOptions): Verifier & { readonly specification: Specification } => new Checker(options);

/** Units, or rows, between two moments in which somebody else may have a turn. */
const unitsAStep = 32;

/** Rows between two such moments while it is put together what there is to look at. */
const rowsAStep = 512;

/** As many objects at once as come at a start. */
const manyChanges = 20_000;

/** Witnesses of one verdict: enough to see what is wrong. */
const mostWitnesses = 64;

class Checker implements Verifier {
  readonly specification = new Specification();
  readonly #goal: GoalLookup;
  readonly #clock: () => number;
  /** What objects touched since the last accepted proposal, and what a budget left over. */
  #due = new Set<Unit>();
  /** After a start: nothing has been looked at yet. */
  #isAllDue = false;
  /** What remains due once the proposal of the last check is accepted, or rejected. */
  #left: { readonly accepted: Set<Unit>; readonly rejected: Set<Unit> } | undefined;

  constructor({ goal, clock = () => 0 }: VerifierOptions) {
    this.#goal = goal;
    this.#clock = clock;
  }

  observe(changes: readonly ObjectChange[], refusals: Refusals = new Map()): void {
    const scene: Scene = { state: new State(this.#goal), spec: this.specification };
    if (changes.length >= manyChanges) {
      // To say of each what it reaches would cost more than to look at everything.
      this.#isAllDue = true;
      this.specification.observe(changes, refusals);
      return;
    }
    this.specification.observe(changes, refusals, {
      unit: (unit) => this.#due.add(unit),
      placed: (before, after) => {
        for (const placement of [before, after]) if (placement !== undefined) for (const unit of unitsOfPlacement(placement, scene)) this.#due.add(unit);
      },
    });
  }

  check(proposal: readonly ScopeChange[], budget: Budget = {}): Verdict {
    return finish(this.#steps(proposal, budget));
  }

  async checkInTurns(proposal: readonly ScopeChange[], budget: Budget, pause: () => Promise<void> | undefined): Promise<Verdict> {
    const steps = this.#steps(proposal, budget);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      const pausing = pause();
      if (pausing !== undefined) await pausing;
    }
  }

  *#steps(proposal: readonly ScopeChange[], budget: Budget): Generator<undefined, Verdict> {
    const scene: Scene = { state: new State(this.#goal, proposal), spec: this.specification };
    const before: Scene = { state: scene.state.before, spec: this.specification };
    const touched = this.#isAllDue ? yield* this.#everything(scene) : new Set<Unit>(this.#due);
    let rows = 0;
    for (const { scope, upserts, deletes } of proposal) {
      for (const row of upserts) {
        this.#touch(scope, rowId(row), scene, before, touched);
        if (++rows % unitsAStep === 0) yield;
      }
      for (const id of deletes) {
        this.#touch(scope, id, scene, before, touched);
        if (++rows % unitsAStep === 0) yield;
      }
    }
    return yield* this.#run(touched, rows, scene, before, budget);
  }

  accept(): void {
    if (this.#left !== undefined) {
      this.#due = this.#left.accepted;
      this.#isAllDue = false;
    }
    this.#left = undefined;
  }

  reject(): void {
    if (this.#left !== undefined) this.#due = this.#left.rejected;
    this.#left = undefined;
  }

  checkAll(budget: Budget = {}): Verdict {
    const scene: Scene = { state: new State(this.#goal), spec: this.specification };
    return finish(this.#allSteps(scene, budget));
  }

  *#allSteps(scene: Scene, budget: Budget): Generator<undefined, Verdict> {
    return yield* this.#run(yield* this.#everything(scene), 0, scene, scene, budget);
  }

  /** Of a row that is replaced, what was there counts as well. */
  #touch(scope: string, id: string, scene: Scene, before: Scene, touched: Set<Unit>): void {
    const [table, key] = tableAndKey(id);
    const name = tableNames.find((each) => each === table);
    if (name === undefined) return;
    const [was, is] = [before.state.row(scope, name, key), scene.state.row(scope, name, key)];
    for (const unit of unitsOfRow(scope, id, is, scene)) touched.add(unit);
    if (was !== undefined && was !== is) for (const unit of unitsOfRow(scope, id, was, before)) touched.add(unit);
  }

  *#run(units: Iterable<Unit>, checkedRows: number, scene: Scene, before: Scene, { milliseconds, classes, violations: most }: Budget): Generator<undefined, Verdict> {
    const started = this.#clock();
    const found: Violation[] = [];
    /** Places in `found`. */
    const told = new Map<string, number>();
    const unchecked = new Set<Unit>();
    const faulty = new Set<Unit>();
    let exhausted: Verdict['exhausted'];
    let checked = 0;
    for (const unit of units) {
      if (exhausted === undefined && classes !== undefined && checked >= classes) exhausted = 'classes';
      if (exhausted === undefined && milliseconds !== undefined && this.#clock() - started > milliseconds) exhausted = 'time';
      if (exhausted === undefined && most !== undefined && found.length >= most) exhausted = 'violations';
      if (exhausted !== undefined) {
        unchecked.add(unit);
        continue;
      }
      checked += 1;
      if (checked % unitsAStep === 0) yield;
      const faults = checkUnit(unit, scene);
      if (faults.length === 0) continue;
      faulty.add(unit);
      const former = scene === before ? faults : checkUnit(unit, before);
      for (const fault of faults) {
        const known = told.get(identityOf(fault)) ?? -1;
        const same = found[known];
        if (same !== undefined) found[known] = { ...same, objects: [...new Set([...same.objects, ...fault.objects])] };
        if (same !== undefined) continue;
        told.set(identityOf(fault), found.length);
        found.push(violationOf(fault, former, scene, found.length < mostWitnesses ? (fault.probe ?? probeFor(unit, fault.code, scene)) : undefined));
      }
    }
    this.#left = { accepted: new Set([...unchecked, ...faulty]), rejected: new Set([...this.#due, ...unchecked]) };
    return { violations: found, checkedRows, checkedClasses: checked, unchecked: unchecked.size, ...(exhausted !== undefined && { exhausted }) };
  }

  /** There may be a million mappings: those of a VPC are one unit here. */
  *#everything(scene: Scene): Generator<undefined, Set<Unit>> {
    const units = new Set<Unit>(this.#due);
    let turns = 0;
    for (const unit of this.specification.units()) {
      units.add(unit);
      if (++turns % rowsAStep === 0) yield;
    }
    for (const placement of this.specification.placements()) {
      for (const unit of unitsOfPromise(placement, scene)) units.add(unit);
      if (++turns % rowsAStep === 0) yield;
    }
    for (const scope of scene.state.scopes()) {
      for (const table of tableNames) {
        if (table === 'mapping' && scope.startsWith('vpc/')) continue;
        for (const row of scene.state.rows(scope, table)) {
          for (const unit of unitsOfStanding(scope, row, scene)) units.add(unit);
          if (++turns % rowsAStep === 0) yield;
        }
      }
    }
    for (const scope of scene.state.scopes()) if (scope.startsWith('vpc/') && scene.state.count(scope, 'mapping') > 0) units.add(`mappings ${scope.slice('vpc/'.length)}`);
    for (const { key } of this.specification.objects.all('VPC')) {
      const vni = this.specification.vpc(key)?.vni;
      if (vni !== undefined && this.specification.slicesByVpc.of(key).size > 0) units.add(`mappings ${vni}`);
    }
    return units;
  }
}

/** All steps at once. */
const finish = (steps: Generator<undefined, Verdict>): Verdict => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

const identityOf = ({ code, rows, message }: Fault): string => `${code} ${rows.map(({ scope, row }) => `${scope} ${row}`).join()} ${rows.length === 0 ? message : ''}`;

const violationOf = (fault: Fault, former: readonly Fault[], scene: Scene, probe: Probe | undefined): Violation => {
  const { code, message, rows, objects } = fault;
  const shown = probe === undefined ? undefined : witnessOf(probe, scene, code);
  const way = (shown?.rows ?? []).filter((each) => !rows.some((own) => own.scope === each.scope && own.row === each.row));
  return {
    code, message, rows: [...rows, ...way], objects,
    before: former.some((each) => identityOf(each) === identityOf(fault)),
    ...(shown !== undefined && { witness: shown.witness }),
  };
};
