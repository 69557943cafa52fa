/** A verifier for tests to which rows are wrong by what they say, and a compiler that makes such rows. */
import type { Compiler } from '../../compile/engine.ts';
import { rowId, type Row } from '../../goal/rows.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import type { Budget, RowRef, Verdict, Verifier, Violation } from '../../verify/verifier.ts';

/** What is wrong with a row; undefined: nothing. */
export type Judge = (scope: string, row: Row) => { readonly objects: readonly string[]; readonly rows?: readonly RowRef[] } | undefined;

export class JudgingVerifier implements Verifier {
  readonly #goal: GoalState;
  readonly #judge: Judge;
  /** Rows that a budget of one millisecond suffices for; none: any number. */
  rowsAMillisecond = Number.POSITIVE_INFINITY;
  checks: ScopeChange[][] = [];
  budgets: (Budget | undefined)[] = [];
  #open: readonly ScopeChange[] | undefined;
  observed = 0;
  /** Rows that a budget left over. */
  #due = 0;

  constructor(goal: GoalState, judge: Judge) {
    this.#goal = goal;
    this.#judge = judge;
  }

  observe(changes: readonly unknown[]): void {
    this.observed += changes.length;
  }

  check(proposal: readonly ScopeChange[], budget?: Budget): Verdict {
    if (this.#open !== undefined) throw new Error('the last proposal was neither accepted nor rejected');
    this.#open = proposal;
    this.checks.push([...proposal]);
    this.budgets.push(budget);
    const checkedRows = proposal.reduce((sum, { upserts, deletes }) => sum + upserts.length + deletes.length, 0);
    const due = Math.max(checkedRows, this.#due);
    this.#due = due > this.rowsAMillisecond * (budget?.milliseconds ?? Number.POSITIVE_INFINITY) ? due : 0;
    if (this.#due > 0) {
      return { violations: [], checkedRows, checkedClasses: 0, exhausted: 'time', unchecked: checkedRows };
    }
    return { violations: this.#violations(proposal), checkedRows, checkedClasses: 0, unchecked: 0 };
  }

  async checkInTurns(proposal: readonly ScopeChange[], budget: Budget, pause: () => Promise<void> | undefined): Promise<Verdict> {
    await pause();
    return this.check(proposal, budget);
  }

  accept(): void {
    if (this.#open === undefined) throw new Error('nothing was checked');
    this.#open = undefined;
  }

  reject(): void {
    this.#open = undefined;
  }

  checkAll(): Verdict {
    return { violations: this.#violations([]), checkedRows: 0, checkedClasses: 0, unchecked: 0 };
  }

  /** In goal state as it would be. */
  #violations(proposal: readonly ScopeChange[]): Violation[] {
    const before = new Map<string, { readonly scope: string; readonly row: Row }>();
    for (const scope of this.#goal.scopes()) for (const row of this.#goal.scope(scope).rows.values()) before.set(`${scope} ${rowId(row)}`, { scope, row });
    const after = new Map(before);
    for (const { scope, upserts, deletes } of proposal) {
      for (const id of deletes) after.delete(`${scope} ${id}`);
      for (const row of upserts) after.set(`${scope} ${rowId(row)}`, { scope, row });
    }
    return [...after].flatMap(([place, { scope, row }]) => {
      const wrong = this.#judge(scope, row);
      if (wrong === undefined) return [];
      const former = before.get(place);
      const isBefore = former !== undefined && this.#judge(scope, former.row) !== undefined;
      const packet = { source: '10.1.0.5', destination: '10.2.0.5', protocol: 'tcp', port: 443 } as const;
      const witness = { packet: packet as never, place: { device: 'leaf-1', port: 'E1/1' }, hops: [], outcome: 'delivered to secret' };
      const rows = [{ scope, row: rowId(row) }, ...(wrong.rows ?? [])];
      return [{ code: 'WrongRow' as const, message: `${rowId(row)} is wrong for secret`, witness, rows, objects: wrong.objects, before: isBefore }];
    });
  }
}

/** A compiler with a fault: of rows that it makes, `corrupt` answers what comes out. */
export const faulty = (compiler: Compiler, corrupt: (scope: string, row: Row) => Row): Compiler => {
  const apply: Compiler['apply'] = (changes) => {
    const result = compiler.apply(changes);
    const scopes = result.scopes.map((change) => ({ ...change, upserts: change.upserts.map((row) => corrupt(change.scope, row)) }));
    return { ...result, scopes };
  };
  return new Proxy(compiler, {
    get(target, name: keyof Compiler) {
      return name === 'apply' ? apply : target[name].bind(target);
    },
  });
};
