/**
 * Verification before publishing: keeps a verifier informed of what objects promise, has every candidate proven, and remembers
 * what is wrong with which object. What goal state has that is wrong already is told and blocks nothing; only what a candidate
 * makes worse is withheld. After a start nothing is remembered but what objects' statuses say, so that what ran before goes on.
 */
import type { ResourceClient } from '../../api/client.ts';
import { refKey, refOf, type Condition, type ObjectRef } from '../../api/object.ts';
import { rowId, type RowId } from '../../goal/rows.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import type { Clock } from '../../kit/clock.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Logger } from '../../kit/log.ts';
import { addMember, removeMember } from '../../kit/maps.ts';
import type { Budget, ObjectChange, Refusal, Refusals, Verdict, Verifier, Violation } from '../../verify/verifier.ts';
import { refOfKey } from '../explain.ts';
import type { Holds } from '../holds.ts';
import type { Metrics } from '../metrics.ts';
import type { Objects } from '../objects.ts';
import { fabricKey } from '../safeguard.ts';
import type { PartiesOf, Stays, Withheld } from '../withheld.ts';
import type { Suspects } from './blame.ts';
import { policyOf, standardPolicy, type Policy } from './policy.ts';
import { keptRows, remembered, type Kept } from './kept.ts';
import { identityOf, prove, type Fault, type Proof } from './proof.ts';
import type { Mark } from './statement.ts';

/** A verifier of this goal state; the clock is in milliseconds of any epoch. */
export type CreateVerifier = (goal: GoalState, clock: () => number) => Verifier;

export interface VerificationOptions {
  readonly goal: GoalState;
  readonly withheld: Withheld;
  readonly holds: Pick<Holds, 'causesOf'>;
  readonly objects: Objects;
  readonly client: Pick<ResourceClient, 'list'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: () => Pick<Metrics, 'verifySeconds' | 'verifyExhausted'>;
  readonly createVerifier: CreateVerifier;
  /** Why objects are not in force, by what compiler and allocator say of them now. */
  readonly refusalsOf: (ref: ObjectRef) => readonly Refusal[];
  /** The status of the object may be another one. */
  readonly mark: (key: string) => void;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (milliseconds: number, action: () => void) => void;
  /** Asks for a publication although nothing changed. */
  readonly onDue: () => void;
  /** What is wrong only as long as a rollout has not reached all devices. */
  readonly isPassing?: (violation: Violation) => boolean;
  /** After how long what is not proven is proven again for the first time. */
  readonly retryMilliseconds: number;
  /** Ends what takes time. */
  readonly signal: AbortSignal;
}

interface ToldStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly kept?: readonly Kept[];
}

/** What is known of one candidate. */
export interface Trial {
  readonly partiesOf: PartiesOf;
  /** Scopes where rows of the object changed. */
  readonly scopesOf: (object: string) => Iterable<string>;
}

/** What a verifier is told of for the time of a rehearsal, and after it. */
export interface Rehearsal {
  readonly told: Told;
  readonly after: Told;
}

export interface Told {
  readonly changes: readonly ObjectChange[];
  readonly refusals: Refusals;
}

const turnMilliseconds = 20;
const observedAtOnce = 200;
/** The first check of a controller is of everything. */
const firstFactor = 10;
const mostFactor = 16;
const longestRetryMilliseconds = 60_000;
/** So many faults are looked at in one check. */
const mostViolations = 1000;

export class Verification {
  readonly #options: VerificationOptions;
  #policy: Policy = standardPolicy;
  #verifier: Verifier | undefined;
  /** Whether a candidate was committed since the start. */
  #isOpened = false;
  /** What was wrong with whose rows, by owner, for as long as rows of him are withheld. */
  readonly #faults = new Map<string, Violation>();
  /** What is wrong with what devices have, by identity and by object. */
  readonly #standing = new Map<string, Fault>();
  readonly #standingOf = new Map<string, Set<Fault>>();
  /** Objects of changes that reached devices without being checked to the end. */
  #unchecked = new Set<string>();
  /** Rows that are put back as they were before the start: what is wrong with them is why what is wanted instead is withheld. */
  readonly #kept = new Set<string>();
  /** What statuses say of rows that were withheld before the start. */
  #remembered: ReadonlyMap<string, Kept> | undefined;
  #proof: Proof | undefined;
  /** Nothing of what there is was checked yet. */
  #isFresh = true;
  #retries = 0;
  #isWaiting = false;
  #isRetrying = false;
  #turnBegan = 0;
  /** Why objects could not be taken in. */
  #failure: HeddleError | undefined;
  /** Whether the last check failed. */
  #isFailing = false;

  constructor(options: VerificationOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#verifier !== undefined;
  }

  /** How many violations there are, by code. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const standing = [...this.#standing.values()].map(({ violation }) => violation);
    for (const { code } of [...new Set(this.#faults.values()), ...standing]) counts.set(code, (counts.get(code) ?? 0) + 1);
    return counts;
  }

  /** Objects were heard of: what they say of verification counts from the next publication on. */
  async adopt(): Promise<void> {
    const { objects, withheld, mark } = this.#options;
    const { mode } = this.#policy;
    this.#policy = policyOf(objects.ofKind('Fabric'));
    if (this.#policy.mode === 'off') this.#end();
    else if (this.#verifier === undefined) await this.#begin();
    if (!this.#isOpened || mode === this.#policy.mode) return;
    for (const kind of objects.kinds()) for (const object of objects.ofKind(kind)) mark(refKey(refOf(object)));
    withheld.release(({ reason }) => reason === 'Unproven');
  }

  /** What the compiler was handed, after it was compiled; and keys of objects of which something else is said than before. */
  async observe(changes: readonly ObjectChange[], judged: Iterable<string>): Promise<void> {
    await this.#observe(changes, [...judged].map(refOfKey));
  }

  /** Rows of a candidate that are not proven. `accept` when the rest was committed; it may be called again before that. */
  async stays(candidate: readonly ScopeChange[], trial: Trial): Promise<Stays> {
    const { clock, metrics } = this.#options;
    const verifier = this.#verifier;
    if (verifier === undefined) return noStays;
    if (this.#proof?.isOpen === true) verifier.reject();
    const began = clock.monotonic();
    const former = this.#proof;
    const proof = await this.#prove(verifier, candidate, trial);
    metrics().verifySeconds.observe((clock.monotonic() - began) / 1000);
    if (proof.exhausted !== undefined) metrics().verifyExhausted.inc();
    this.#proof = former === undefined ? proof : { ...proof, faults: [...former.faults, ...proof.faults] };
    return proof.stays;
  }

  /** Before the first publication: what devices have, as far as statuses remember it, of rows that stay. */
  kept(): readonly ScopeChange[] {
    const { withheld } = this.#options;
    if (this.#isOpened || this.#verifier === undefined || withheld.size === 0) return [];
    const changes = keptRows(this.#remember().values(), withheld);
    for (const { scope, upserts } of changes) for (const row of upserts) this.#kept.add(`${scope} ${rowId(row)}`);
    return changes;
  }

  /** What was left of the candidate is committed. `concerned`: keys of objects of which something changed. */
  accept(concerned: Iterable<string>): void {
    const proof = this.#proof;
    this.#isOpened = true;
    this.#kept.clear();
    this.#remembered = undefined;
    if (proof === undefined) return;
    this.#proof = undefined;
    this.#isFresh = false;
    if (proof.isOpen) this.#verifier?.accept();
    for (const { violation, owners } of proof.faults) for (const owner of owners) this.#blame(owner, violation);
    for (const owner of proof.exhausted?.owners ?? []) {
      this.#faults.delete(owner);
      this.#options.mark(owner);
    }
    this.#keepStanding(proof);
    this.#keepUnchecked(proof, concerned);
    this.#forgive();
    this.#retryLater();
  }

  /**
   * What would be said of a candidate, of which nothing is kept. The verifier is told of the objects that it comes from, and then of
   * them as they are. Not while another candidate is open. Undefined: nothing is verified.
   */
  async rehearse(candidate: readonly ScopeChange[], trial: Trial, { told, after }: Rehearsal): Promise<Proof | undefined> {
    const verifier = this.#verifier;
    if (verifier === undefined) return undefined;
    verifier.observe(told.changes, told.refusals);
    try {
      const proof = await this.#prove(verifier, candidate, trial);
      if (proof.isOpen) verifier.reject();
      return { ...proof, present: proof.present.filter(({ violation }) => !this.#standing.has(identityOf(violation))) };
    } finally {
      verifier.observe(after.changes, after.refusals);
    }
  }

  /** What is known of an object. */
  of(key: string): Mark {
    if (!this.isOn) return { type: 'off' };
    const rows = this.#withheldOf(key);
    const fault = this.#faults.get(key);
    if (rows > 0) return fault === undefined ? { type: 'exhausted', rows, failed: this.#isFailing } : { type: 'fault', violation: fault, rows };
    const [standing] = this.#standingOf.get(key) ?? [];
    if (standing !== undefined) return { type: 'fault', violation: standing.violation, rows: 0 };
    return this.#unchecked.has(key) ? { type: 'exhausted', rows: 0, failed: this.#isFailing } : { type: 'proven' };
  }

  /** What a Fabric says of all. */
  ofAll(): Mark {
    if (!this.isOn) return { type: 'off' };
    const rows = this.#options.withheld.count('Unproven');
    const [standing] = this.#standing.values();
    const [violation = standing?.violation] = this.#faults.values();
    if (violation !== undefined) return { type: 'fault', violation, rows };
    return rows > 0 || this.#unchecked.size > 0 ? { type: 'exhausted', rows, failed: this.#isFailing } : { type: 'proven' };
  }

  async #begin(): Promise<void> {
    const { goal, clock, client, objects, createVerifier } = this.#options;
    this.#verifier = createVerifier(goal, () => clock.monotonic());
    this.#isFresh = true;
    // All that there is, is about to be observed.
    if (!this.#isOpened) return;
    // Claims are many, and nobody else keeps them.
    const { items } = await client.list('Claim');
    const known = [...items, ...objects.kinds().flatMap((kind) => [...objects.ofKind(kind)])].map((object) => ({ ref: refOf(object), object }));
    await this.#observe(known, known.map(({ ref }) => ref));
  }

  /** Bit by bit: after a start they are very many. */
  async #observe(changes: readonly ObjectChange[], judged: readonly ObjectRef[]): Promise<void> {
    const verifier = this.#verifier;
    for (let at = 0; at < changes.length; at += observedAtOnce) {
      await this.#pause();
      this.#tell(verifier, changes.slice(at, at + observedAtOnce), new Map());
    }
    if (judged.length > 0) this.#tell(verifier, [], this.#refusals(judged));
  }

  /** What it failed to take in it knows nothing of: from then on nothing is proven until verification is switched off and on. */
  #tell(verifier: Verifier | undefined, changes: readonly ObjectChange[], refusals: Refusals): void {
    try {
      verifier?.observe(changes, refusals);
    } catch (thrown) {
      this.#failure ??= HeddleError.from(thrown);
    }
  }

  /** A while for others, now and then: sessions and the Lease do not wait for seconds. */
  #pause(): Promise<void> | undefined {
    const { clock, signal } = this.#options;
    signal.throwIfAborted();
    if (clock.monotonic() - this.#turnBegan < turnMilliseconds) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnBegan = clock.monotonic();
        resolve();
      });
    });
  }

  #end(): void {
    this.#verifier = undefined;
    this.#failure = undefined;
    this.#isFailing = false;
    this.#proof = undefined;
    this.#faults.clear();
    this.#standing.clear();
    this.#standingOf.clear();
    this.#unchecked.clear();
  }

  #refusals(refs: Iterable<ObjectRef>): Refusals {
    return new Map([...refs].map((ref) => [refKey(ref), this.#options.refusalsOf(ref)]));
  }

  #prove(verifier: Verifier, candidate: readonly ScopeChange[], { partiesOf, scopesOf }: Trial): Promise<Proof> {
    const { mode, whenExhausted } = this.#policy;
    const budget = this.#budget();
    this.#turnBegan = this.#options.clock.monotonic();
    return prove({
      candidate,
      partiesOf,
      scopesOf: (object) => [...scopesOf(object), ...[...this.#options.withheld.of(object)].map(({ scope }) => scope)],
      verifier,
      check: (proposal) => this.#check(verifier, proposal, budget),
      warns: mode === 'warn',
      blocksExhausted: whenExhausted === 'block',
      isStanding: (violation) => this.#standing.has(identityOf(violation)),
      isExplained: (violation, suspects) => this.#isExplained(violation, suspects),
      mayStay: ({ scope, row }) => this.#isOpened || this.#mayStay(scope, row, partiesOf(scope, row).objects),
    });
  }

  /** A verifier that fails proves nothing; it is as if its budget had not sufficed. */
  async #check(verifier: Verifier, proposal: readonly ScopeChange[], budget: Budget): Promise<Verdict> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const verdict = await verifier.checkInTurns(proposal, budget, () => this.#pause());
      this.#isFailing = false;
      return verdict;
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      this.#options.log.error({ error: HeddleError.from(thrown).message }, 'the verifier failed, which is a fault of Heddle');
      this.#isFailing = true;
      return { violations: [], checkedRows: 0, checkedClasses: 0, exhausted: 'time', unchecked: 1 };
    }
  }

  #budget(): Budget {
    const { milliseconds, classes } = this.#policy.budget;
    const factor = this.#isFresh ? firstFactor : Math.min(mostFactor, this.#isRetrying ? 2 ** this.#retries : 1);
    return { milliseconds: milliseconds * factor, violations: mostViolations, ...(classes === undefined ? {} : { classes: classes * factor }) };
  }

  /** It is about a row that is withheld or held, or about what is not there because of one. */
  #isExplained(violation: Violation, suspects: Suspects): boolean {
    const { rows: [first], objects, before } = violation;
    const { withheld, holds, isPassing } = this.#options;
    if (isPassing?.(violation) === true) return true;
    if (first !== undefined) {
      const { scope, row } = first;
      if (this.#kept.has(`${scope} ${row}`)) return true;
      const isWithheld = suspects.stays.get(scope)?.has(row) === true || (withheld.get(scope, row) !== undefined && !suspects.has(first));
      if (isWithheld || holds.causesOf(scope, row) !== undefined) return true;
    }
    const lacks = (object: string): boolean =>
      [...withheld.of(object)].some(({ scope, id, owners }) => owners.includes(object) && !suspects.has({ scope, row: id }));
    return before && objects.some((object) => suspects.guilty.has(object) || lacks(object));
  }

  /**
   * After a start: what all objects that the row comes from said when their statuses were written, was published or withheld then,
   * and what was withheld is remembered.
   */
  #mayStay(scope: string, id: RowId, objects: readonly string[]): boolean {
    return objects.some((object) => !this.#isTold(object)) || this.#remember().has(`${scope} ${id}`);
  }

  /** Whether the status is about the object as it is now. */
  #isTold(key: string): boolean {
    const object = this.#options.objects.get(key);
    const { observedGeneration, conditions = [], kept } = (object?.status ?? {}) as ToldStatus;
    const reasonOf = (type: string): string | undefined => conditions.find((condition) => condition.type === type)?.reason;
    const isAccepted = conditions.some(({ type, status }) => type === 'Accepted' && status === 'True');
    // Of very much that was withheld nothing is remembered.
    const isForgotten = kept === undefined && reasonOf('Programmed') === 'Unproven';
    return isAccepted && observedGeneration === object?.metadata.generation && !isForgotten;
  }

  #remember(): ReadonlyMap<string, Kept> {
    const { objects } = this.#options;
    this.#remembered ??= remembered(objects.kinds().flatMap((kind) => [...objects.ofKind(kind)]));
    return this.#remembered;
  }

  #blame(owner: string, violation: Violation): void {
    if (this.#withheldOf(owner) === 0) return;
    this.#faults.set(owner, violation);
    this.#options.mark(owner);
    this.#options.mark(fabricKey('default'));
    this.#options.log.warn({ object: owner, code: violation.code, message: violation.message }, 'not proven, withheld');
  }

  /** Rows of the object's own that are withheld for want of a proof. */
  #withheldOf(key: string): number {
    let count = 0;
    for (const { reason, owners } of this.#options.withheld.of(key)) if (reason === 'Unproven' && owners.includes(key)) count += 1;
    return count;
  }

  /** A verifier looks again and again at what is wrong: what a check to the end does not find any more is right now. */
  #keepStanding({ present, exhausted }: Proof): void {
    const found = new Map(present.map((fault) => [identityOf(fault.violation), fault]));
    if (exhausted === undefined) for (const identity of this.#standing.keys()) if (!found.has(identity)) this.#stand(identity, undefined);
    for (const [identity, fault] of found) this.#stand(identity, fault);
  }

  #stand(identity: string, found: Fault | undefined): void {
    const { mark } = this.#options;
    const before = this.#standing.get(identity);
    this.#standing.delete(identity);
    for (const owner of before?.owners ?? []) {
      if (before !== undefined) removeMember(this.#standingOf, owner, before);
      mark(owner);
    }
    mark(fabricKey('default'));
    if (found === undefined) return;
    // Who was to blame when it came about is not to be seen from what changes later.
    if (before === undefined) this.#options.log.warn({ code: found.violation.code, message: found.violation.message }, 'goal state is not as promised');
    const fault: Fault = { violation: found.violation, owners: new Set([...found.owners, ...(before?.owners ?? [])]) };
    this.#standing.set(identity, fault);
    for (const owner of fault.owners) {
      addMember(this.#standingOf, owner, fault);
      mark(owner);
    }
  }

  /** A check that came to its end looked at all that others left over. */
  #keepUnchecked({ exhausted }: Proof, concerned: Iterable<string>): void {
    const { mark } = this.#options;
    if (exhausted === undefined) {
      for (const key of this.#unchecked) mark(key);
      if (this.#unchecked.size > 0) mark(fabricKey('default'));
      this.#unchecked = new Set();
    } else if (exhausted.owners.size === 0) {
      for (const key of concerned) this.#unchecked.add(key);
      for (const key of this.#unchecked) mark(key);
      mark(fabricKey('default'));
    } else mark(fabricKey('default'));
  }

  /** Faults of objects that have nothing withheld any more. */
  #forgive(): void {
    for (const owner of this.#faults.keys()) {
      if (this.#withheldOf(owner) > 0) continue;
      this.#faults.delete(owner);
      this.#options.mark(owner);
      this.#options.mark(fabricKey('default'));
    }
  }

  /** What is withheld is proven again after a while: something that it depends on may have changed, or the budget suffice. */
  #retryLater(): void {
    const { withheld, later, onDue, retryMilliseconds } = this.#options;
    this.#isRetrying = false;
    if (withheld.count('Unproven') === 0) this.#retries = 0;
    else if (!this.#isWaiting) {
      this.#isWaiting = true;
      later(Math.min(longestRetryMilliseconds, retryMilliseconds * 2 ** this.#retries), () => {
        this.#isWaiting = false;
        this.#isRetrying = true;
        this.#retries += 1;
        withheld.release(({ reason }) => reason === 'Unproven');
        onDue();
      });
    }
  }
}

const noStays: Stays = new Map();
