/** A verifier before a fault: what it says of it, and whether what it says is true. */
import { refOf, type Resource } from '../../api/object.ts';
import { GoalState } from '../../goal/state.ts';
import { createVerifier } from '../checker.ts';
import { lookupIn } from '../state.ts';
import type { Verdict, Verifier, Violation } from '../verifier.ts';
import { everythingIn, Workshop, type Made, type Said } from './testing-faults.ts';
import type { Fault } from './testing-fault.ts';
import type { World } from './testing-worlds.ts';

export interface Trial {
  readonly fault: Fault;
  readonly made: Made;
  readonly verdict: Verdict;
  /** What is said of the proposal of a compiler without faults. */
  readonly rightly: Verdict;
}

const put = (object: Resource) => ({ ref: refOf(object), object });

/** Knows all objects of a world, with its goal state published. */
export const verifierOf = ({ objects, findings, scopes }: World): { readonly verifier: Verifier; readonly goal: GoalState } => {
  const goal = new GoalState();
  goal.commit(everythingIn(scopes));
  const verifier = createVerifier({ goal: lookupIn(goal) });
  verifier.observe(objects.map(put), findings);
  return { verifier, goal };
};

/** Tries faults, each on its own, over a goal state that is right. */
export class Trials {
  readonly #workshop = new Workshop();
  readonly #known = new Map<World, Verifier>();
  readonly #trials = new Map<Fault, Trial>();

  world(links: 'unnumbered' | 'numbered'): World {
    return this.#workshop.world(links);
  }

  of(fault: Fault): Trial {
    const found = this.#trials.get(fault) ?? this.#try(fault);
    this.#trials.set(fault, found);
    return found;
  }

  #try(fault: Fault): Trial {
    const made = this.#workshop.make(fault);
    return { fault, made, verdict: this.#ask(made, made.wrongly), rightly: this.#ask(made, made.rightly) };
  }

  /** A verifier that dropped what it was asked before is as good as a new one, as long as objects stay as they are. */
  #ask({ published, changes }: Made, { proposal, findings }: Said): Verdict {
    const verifier = changes.length > 0 ? checkedVerifierOf(published) : (this.#known.get(published) ?? checkedVerifierOf(published));
    if (changes.length > 0) verifier.observe(changes, findings);
    else this.#known.set(published, verifier);
    const verdict = verifier.check(proposal);
    verifier.reject();
    return verdict;
  }
}

/** One that proved its goal state, so that nothing of it is due. */
export const checkedVerifierOf = (world: World): Verifier => {
  const { verifier } = verifierOf(world);
  verifier.checkAll();
  verifier.accept();
  return verifier;
};

/** Whether some violation names an object that has to do with the fault. */
export const isNamed = ({ fault, verdict }: Trial): boolean =>
  verdict.violations.some(({ objects }) => objects.some((object) => fault.blames.includes(object)));

export const witnessOf = ({ verdict }: Trial): NonNullable<Violation['witness']> | undefined =>
  verdict.violations.find(({ witness }) => witness !== undefined)?.witness;
