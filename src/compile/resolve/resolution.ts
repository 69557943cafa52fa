/**
 * A resolution is an object as others may rely on it: checked against its surroundings, with its ids. Translators of other
 * kinds read the resolution and never the object, so that what is not accepted cannot be built upon.
 */
import { type ObjectRef, type Resource } from '../../api/object.ts';
import { answerTo, type Demand } from '../demand.ts';
import { error, hasErrors, pending, type CompileFinding } from '../finding.ts';
import { ageOf, ownerOf } from '../intent.ts';
import { claimsByOwner, holdersByValue, type Contender } from '../relations.ts';
import type { Relation, View } from '../view.ts';

export interface Resolution<Value> {
  readonly findings: readonly CompileFinding[];
  readonly demands: readonly Demand[];
  /** Absent when the object has faults or waits for ids that it cannot do without. */
  readonly value?: Value;
}

/** The resolution of an object that does not exist. */
export const absent: Resolution<never> = { findings: [], demands: [] };

/** Says to somebody who refers to an object why it cannot be relied upon yet. */
export const unready = (ref: ObjectRef, path: string, resolution: Resolution<unknown>): CompileFinding => {
  const { kind, name } = ref;
  return hasErrors(resolution.findings)
    ? error(`${kind}NotAccepted`, path, `${kind} "${name}" is not accepted; see its conditions and correct it first`)
    : pending(path, `waits for ${kind} "${name}", which waits for its ids`);
};

/** Collects what a resolution consists of while an object is looked at. */
export class Examination {
  readonly findings: CompileFinding[] = [];
  readonly demands: Demand[] = [];
  readonly #object: Resource;
  readonly #view: View;

  constructor(object: Resource, view: View) {
    this.#object = object;
    this.#view = view;
  }

  error(code: string, path: string, message: string): void {
    this.findings.push(error(code, path, message));
  }

  get failed(): boolean {
    return hasErrors(this.findings);
  }

  /** Notes the demand and answers the value that is held for it; says that it is pending when there is none. */
  claim(demand: Omit<Demand, 'owner'>): string | undefined {
    const owner = ownerOf(this.#object);
    const full = { ...demand, owner };
    this.demands.push(full);
    if (demand.pin !== undefined) this.checkHolder(demand.pool, demand.pin, demand.path);
    const claim = answerTo(full, this.#view.list(claimsByOwner, owner.uid));
    if (claim === undefined) this.findings.push(pending(demand.path, `waits for a value of pool "${demand.pool}"`));
    return claim?.value;
  }

  /** The eldest of the other contenders for `key`, when it is older than this object. */
  elder(relation: Relation<Contender>, key: string): Contender | undefined {
    const age = ageOf(this.#object);
    return this.#view
      .list(relation, key)
      .filter((contender) => contender.age < age)
      .reduce<Contender | undefined>((eldest, each) => (eldest === undefined || each.age < eldest.age ? each : eldest), undefined);
  }

  /** A value that somebody else holds is not taken from them; one in quarantine becomes free by itself. */
  checkHolder(pool: string, value: string, path: string): void {
    const { uid } = ownerOf(this.#object);
    for (const holder of this.#view.list(holdersByValue, `${pool}|${value}`)) {
      if (holder.uid === uid || holder.quarantined) continue;
      this.error('ValueInUse', path, `"${value}" is allocated to ${holder.holder}; choose another value or delete that one first`);
    }
  }

  done<Value>(value: Value | undefined): Resolution<Value> {
    const { findings, demands } = this;
    return value === undefined || this.failed ? { findings, demands } : { findings, demands, value };
  }
}
