/**
 * A resolution is an object as others may rely on it: checked against its surroundings, with its ids. Translators of other
 * kinds read the resolution and never the object, so that what is not accepted cannot be built upon.
 */
import { type ObjectRef, type Resource } from '../../api/object.ts';
import { ageOf } from '../age.ts';
import { answerTo, type Demand, type HeldClaim } from '../demand.ts';
import { error, hasErrors, noFindings, pending, type CompileFinding } from '../finding.ts';
import { ownerOf, specOf } from '../intent.ts';
import { claimsByOwner, holdersByValue, isQuarantined } from '../relations.ts';
import { objectKey, type Relation, type View } from '../view.ts';

export interface Resolution<Value> {
  readonly findings: readonly CompileFinding[];
  readonly demands: readonly Demand[];
  /** Absent when the object has faults or waits for ids that it cannot do without. */
  readonly value?: Value;
}

const noDemands: readonly Demand[] = [];

/** The resolution of an object that does not exist. */
export const absent: Resolution<never> = { findings: noFindings, demands: noDemands };

/** What others may know of a resolution. */
export const withoutDemands = <Value>({ findings, value }: Resolution<Value>): Resolution<Value> =>
  value === undefined ? { findings, demands: noDemands } : { findings, demands: noDemands, value };

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
  /** Keys of the objects that want it. */
  readonly relation: Relation<string>;
  readonly key: string;
  /** Pools whose values must differ from this one's too. */
  readonly otherPools?: readonly string[];
}

/** Key of the eldest of these objects; of several equally old, such as one that is named twice, the first. */
export const eldestOf = (view: View, kind: string, keys: readonly string[]): { readonly key: string; readonly age: string } | undefined =>
  keys.reduce<{ readonly key: string; readonly age: string } | undefined>((eldest, key) => {
    const object = view.at(kind, key);
    const age = object === undefined ? undefined : ageOf(object);
    return age === undefined || (eldest !== undefined && eldest.age <= age) ? eldest : { key, age };
  }, undefined);

/** Collects what a resolution consists of while an object is looked at. */
export class Examination {
  readonly findings: CompileFinding[] = [];
  readonly demands: Demand[] = [];
  readonly #object: Resource;
  readonly #view: View;
  #owner: Demand['owner'] | undefined;
  #claims: readonly HeldClaim[] | undefined;

  constructor(object: Resource, view: View) {
    this.#object = object;
    this.#view = view;
  }

  /** Another one of the same object, for a part of it whose faults are its own. */
  part(): Examination {
    const part = new Examination(this.#object, this.#view);
    part.#owner = this.owner;
    part.#claims = this.#claims;
    return part;
  }

  /** `owner` of what the object demands. */
  get owner(): Demand['owner'] {
    return (this.#owner ??= ownerOf(this.#object));
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
  claim(demand: Demand, rivalry?: Rivalry): string | undefined {
    if (demand.pin !== undefined && rivalry !== undefined && !this.#mayHave(demand, demand.pin, rivalry)) return undefined;
    this.demands.push(demand);
    this.#claims ??= this.#claimsOf(demand.owner.uid);
    const claim = answerTo(demand, this.#claims);
    if (claim === undefined) this.findings.push(pending(demand.path, `waits for a value of pool "${demand.pool}"`));
    return claim?.value;
  }

  /** Key of the eldest other object that a relation names beside this one, when it is older. */
  elder(relation: Relation<string>, key: string): string | undefined {
    if (this.#view.count(relation, key) < 2) return undefined;
    const own = objectKey(this.#object);
    const others = this.#view.list(relation, key).filter((other) => other !== own);
    const eldest = eldestOf(this.#view, relation.kind, others);
    return eldest !== undefined && eldest.age < ageOf(this.#object) ? eldest.key : undefined;
  }

  /**
   * @param value absent when the object cannot be relied upon; it also cannot when it has faults
   * @param more findings about parts of it, which do not take out the whole
   */
  done<Value>(value: Value | undefined, more: readonly CompileFinding[] = noFindings): Resolution<Value> {
    // Copies have no room to grow, which ten thousand lists of one demand would keep for ever.
    const findings = this.findings.length + more.length === 0 ? noFindings : [...this.findings, ...more];
    const demands = this.demands.length === 0 ? noDemands : [...this.demands];
    return value === undefined || this.failed ? { findings, demands } : { findings, demands, value };
  }

  #claimsOf(uid: string): readonly HeldClaim[] {
    return this.#view.list(claimsByOwner, uid).flatMap((name) => {
      const claim = this.#view.at('Claim', name);
      return claim === undefined ? [] : [heldOf(claim)];
    });
  }

  /** Who holds a value keeps it; among those who only ask for it, the eldest may have it. */
  #mayHave({ pool, path, owner: { uid } }: Demand, value: string, { code, relation, key, otherPools = [] }: Rivalry): boolean {
    const holders = [pool, ...otherPools].flatMap((each) => holdersOf(this.#view, each, value));
    if (holders.some((holder) => holder.uid === uid)) return true;
    const [holder] = holders;
    const elder = this.elder(relation, key);
    if (holder !== undefined) {
      const held = `"${value}" is allocated to ${holder.kind} "${holder.name}"`;
      this.error(code, path, `${held}; choose another value or delete that one first`);
    } else if (elder !== undefined) {
      this.error(code, path, `"${value}" is wanted by the older ${relation.kind} "${elder}" too; choose another`);
    }
    return holder === undefined && elder === undefined;
  }
}

const heldOf = (claim: Resource): HeldClaim => {
  const { pool, purpose, value } = specOf('Claim', claim);
  return { pool, purpose, value, quarantined: isQuarantined(claim), age: ageOf(claim) };
};

/** Who holds a value of a pool; those do not count who have given it back. */
export const holdersOf = (view: View, pool: string, value: string): Demand['owner'][] =>
  view.list(holdersByValue, `${pool}|${value}`).flatMap((name) => {
    const claim = view.at('Claim', name);
    return claim === undefined || isQuarantined(claim) ? [] : [specOf('Claim', claim).owner];
  });
