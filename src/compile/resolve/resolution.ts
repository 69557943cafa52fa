/**
 * A resolution is an object as others may rely on it: checked against its surroundings, with its ids. Translators of other
 * kinds read the resolution and never the object, so that what is not accepted cannot be built upon.
 */
import { type ObjectRef, type Resource } from '../../api/object.ts';
import { ageOf } from '../age.ts';
import { answerTo, type Demand } from '../demand.ts';
import { error, hasErrors, pending, type CompileFinding } from '../finding.ts';
import { ownerOf } from '../intent.ts';
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

/** Who else may want a pinned value, and what to call it when they do. */
export interface Rivalry {
  readonly code: string;
  readonly relation: Relation<Contender>;
  readonly key: string;
  /** Pools whose values must differ from this one's too. */
  readonly otherPools?: readonly string[];
}

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

  /**
   * Notes the demand and answers the value that is held for it; says that it is pending when there is none. A pinned value
   * that is somebody else's is a fault, and then it is not demanded.
   */
  claim(demand: Omit<Demand, 'owner'>, rivalry?: Rivalry): string | undefined {
    if (demand.pin !== undefined && rivalry !== undefined && !this.#mayHave(demand, demand.pin, rivalry)) return undefined;
    const owner = ownerOf(this.#object);
    const full = { ...demand, owner };
    this.demands.push(full);
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

  done<Value>(value: Value | undefined): Resolution<Value> {
    const { findings, demands } = this;
    return value === undefined || this.failed ? { findings, demands } : { findings, demands, value };
  }

  /** Who holds a value keeps it; among those who only ask for it, the eldest may have it. */
  #mayHave({ pool, path }: Omit<Demand, 'owner'>, value: string, { code, relation, key, otherPools = [] }: Rivalry): boolean {
    const { uid } = ownerOf(this.#object);
    const holders = [pool, ...otherPools].flatMap((each) => this.#view.list(holdersByValue, `${each}|${value}`));
    const active = holders.filter(({ quarantined }) => !quarantined);
    if (active.some((holder) => holder.uid === uid)) return true;
    const [holder] = active;
    const elder = this.elder(relation, key);
    if (holder !== undefined) {
      this.error(code, path, `"${value}" is allocated to ${holder.holder}; choose another value or delete that one first`);
    } else if (elder !== undefined) {
      this.error(code, path, `"${value}" is wanted by the older ${relation.kind} "${elder.name}" too; choose another`);
    }
    return holder === undefined && elder === undefined;
  }
}
