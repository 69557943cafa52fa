/**
 * Proves as much of a candidate as can be proven. The candidate is checked as a whole; for what is wrong the smallest part that may
 * be guilty is taken out and the rest is checked again, a bounded number of times, then everything is. Deletions among what was
 * taken out go all the same when goal state is less wrong with them: what is deleted in intent closes what it opened. Pure.
 */
import type { ScopeChange } from '../../goal/state.ts';
import type { Verdict, Verifier, Violation } from '../../verify/verifier.ts';
import type { Stays } from '../withheld.ts';
import { culpritsOf, Suspects, type SuspectsOptions } from './blame.ts';

export interface ProofOptions extends SuspectsOptions {
  readonly verifier: Pick<Verifier, 'reject'>;
  readonly check: (proposal: readonly ScopeChange[]) => Promise<Verdict>;
  /** Nothing is taken out: what is wrong is only told. */
  readonly warns: boolean;
  /** What the budget did not suffice for is taken out. */
  readonly blocksExhausted: boolean;
  /** Goal state had the fault before this candidate. */
  readonly isStanding: (violation: Violation) => boolean;
  /** It follows from what is withheld: nobody else is to blame. */
  readonly isExplained: (violation: Violation, suspects: Suspects) => boolean;
}

/** What is wrong, and the objects to blame. */
export interface Fault {
  readonly violation: Violation;
  readonly owners: ReadonlySet<string>;
}

export interface Proof {
  readonly stays: Stays;
  /** For which rows were taken out. */
  readonly faults: readonly Fault[];
  /** What goal state has that is wrong when the rest of the candidate is committed. */
  readonly present: readonly Fault[];
  /** The budget did not suffice; its owners when the rows were taken out for that. */
  readonly exhausted?: { readonly owners: ReadonlySet<string> };
  /** Something of the candidate is left, and was checked last: the verifier is to accept it. */
  readonly isOpen: boolean;
  readonly checks: number;
}

/** Beyond this the rest is not looked into any more. */
const mostRounds = 12;

export const prove = (options: ProofOptions): Promise<Proof> => new Prover(options).prove();

class Prover {
  readonly #options: ProofOptions;
  readonly #suspects: Suspects;
  readonly #faults: Fault[] = [];
  /** By violation: how often rows were taken out for it. */
  readonly #attempts = new Map<string, number>();
  #checks = 0;

  constructor(options: ProofOptions) {
    this.#options = options;
    this.#suspects = new Suspects(options);
  }

  async prove(): Promise<Proof> {
    const { warns, blocksExhausted, verifier } = this.#options;
    for (let going = this.#options.candidate, round = 0; ; round++) {
      const verdict = await this.#check(going);
      const fresh = this.#fresh(verdict);
      const isExhausted = verdict.exhausted !== undefined;
      if (warns) return this.#answer(verdict.violations, true, isExhausted ? { owners: new Set() } : undefined);
      if (fresh.length > 0 && this.#takeOut(fresh)) {
        verifier.reject();
        if (round === mostRounds) return this.#giveUp();
        going = this.#suspects.going();
        continue;
      }
      if (!isExhausted) return await this.#closeHoles(going, verdict);
      if (!blocksExhausted) return this.#answer(verdict.violations, true, { owners: new Set() });
      verifier.reject();
      return this.#answer([], false, { owners: this.#suspects.withholdAll() });
    }
  }

  #check(proposal: readonly ScopeChange[]): Promise<Verdict> {
    this.#checks += 1;
    return this.#options.check(proposal);
  }

  #fresh({ violations }: Verdict): readonly Violation[] {
    const { isStanding, isExplained } = this.#options;
    return violations.filter((violation) => !isStanding(violation) && !isExplained(violation, this.#suspects));
  }

  /** Whether anything of the candidate was to blame. */
  #takeOut(fresh: readonly Violation[]): boolean {
    let isTaken = false;
    for (const violation of fresh) {
      const key = identityOf(violation);
      const attempts = this.#attempts.get(key) ?? 0;
      const rows = culpritsOf(violation, this.#suspects).slice(0, 2 ** attempts).filter(this.#options.mayStay);
      if (rows.length === 0) continue;
      this.#attempts.set(key, attempts + 1);
      this.#faults.push({ violation, owners: this.#suspects.withhold(rows) });
      isTaken = true;
    }
    return isTaken;
  }

  #likeliest(violation: Violation): readonly string[] {
    const [row] = culpritsOf(violation, this.#suspects);
    return row === undefined ? [] : this.#suspects.ownersOf(row);
  }

  #giveUp(): Proof {
    const [violation] = this.#faults.map((fault) => fault.violation).slice(-1);
    const owners = this.#suspects.withholdAll();
    if (violation !== undefined) this.#faults.push({ violation, owners });
    return this.#answer([], false);
  }

  /** What was taken out may be what would make an end of something that is wrong now. */
  async #closeHoles(going: readonly ScopeChange[], verdict: Verdict): Promise<Proof> {
    const { verifier } = this.#options;
    if (verdict.violations.length === 0 || !this.#suspects.keepsDeletes) return this.#answer(verdict.violations, true);
    verifier.reject();
    const known = new Set(verdict.violations.map(identityOf));
    const better = await this.#check(this.#suspects.going(true));
    if (better.exhausted === undefined && better.violations.length < known.size && better.violations.every((violation) => known.has(identityOf(violation)))) {
      this.#suspects.letDeletesGo();
      return this.#answer(better.violations, true);
    }
    verifier.reject();
    return this.#answer((await this.#check(going)).violations, true);
  }

  #answer(found: readonly Violation[], isOpen: boolean, exhausted?: { readonly owners: ReadonlySet<string> }): Proof {
    const present = found
      .filter((violation) => !this.#options.isExplained(violation, this.#suspects))
      .map((violation): Fault => ({ violation, owners: new Set([...violation.objects, ...this.#likeliest(violation)]) }));
    return { stays: this.#suspects.stays, faults: this.#faults, present, isOpen, checks: this.#checks, ...(exhausted === undefined ? {} : { exhausted }) };
  }
}

/** Of two violations that are one and the same, whichever packet shows them. */
export const identityOf = ({ code, rows, objects }: Violation): string => {
  const [first] = rows;
  return [code, first === undefined ? '' : `${first.scope} ${first.row}`, ...objects].join(' ');
};
