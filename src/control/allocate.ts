/**
 * Decides who holds which id or address. Demands come from the compiler, claims from the store; what has changed is
 * reviewed, nothing else is looked at. Decisions are made here and carried out elsewhere: this file has no effects. A value
 * whose holder is gone is not free but quarantined; it becomes free when its Claim object is gone.
 */
import { answerTo, poolExhausted, type Demand, type HeldClaim } from '../compile/demand.ts';
import { error, type CompileFinding } from '../compile/finding.ts';
import type { ClaimSpec, ClaimStatus } from '../api/kinds/claim.ts';
import { apiVersion, refKey, type ObjectRef, type Resource } from '../api/object.ts';
import type { RowId } from '../goal/rows.ts';
import { getOrMake } from '../kit/maps.ts';
import { Pool } from './pool.ts';

/** What the allocator must know of an object that may hold claims. */
export interface Owner {
  readonly uid: string;
  /** Whether its demands can be believed: an object with faults asks for nothing, and must not lose what it holds for that. */
  readonly accepted: boolean;
}

export interface Decisions {
  readonly create: readonly Resource[];
  /** Names of claims whose holder is gone, or that nobody asks for any more. */
  readonly quarantine: readonly string[];
  /** Names of quarantined claims whose holder asks for them again. */
  readonly rebind: readonly string[];
  /** By object key; only those that changed, empty when all demands are met. */
  readonly findings: ReadonlyMap<string, readonly CompileFinding[]>;
}

/** One object that holds claims or asks for some. */
interface Holder {
  /** As `refKey` makes it: one string for all its claims. */
  readonly key: string;
  readonly claims: Held[];
  demands: readonly Demand[];
}

/** There is one for every id in use, so what its Claim object says is not copied. */
class Held implements HeldClaim {
  readonly name: string;
  readonly spec: ClaimSpec;
  readonly holder: Holder;
  quarantined: boolean;
  readonly #created: string;

  constructor({ metadata, spec, status }: Resource, holder: Holder) {
    this.name = metadata.name;
    this.spec = spec as ClaimSpec;
    this.holder = holder;
    this.quarantined = (status as ClaimStatus | undefined)?.phase === 'Quarantined';
    this.#created = metadata.creationTimestamp ?? '';
  }

  get pool(): string {
    return this.spec.pool;
  }

  get purpose(): string {
    return this.spec.purpose;
  }

  get value(): string {
    return this.spec.value;
  }

  get age(): string {
    return `${this.#created} ${this.name}`;
  }

  get ownerKey(): string {
    return this.holder.key;
  }
}

interface Wish {
  readonly ownerKey: string;
  readonly demand: Demand;
}

/** RFC 1123 subdomain for any number, address or prefix; different values of a pool have different names. */
export const claimName = (pool: string, value: string): string => {
  const text = `${pool}-${value.replaceAll(':', '-').replaceAll('/', 'x')}`.toLowerCase();
  return text.endsWith('-') ? `${text}x` : text;
};

const mappingPrefix = 'mapping/';

export const claimRef = (name: string): ObjectRef => ({ kind: 'Claim', namespace: '', name });

/** Whether a scope has a `mapping` row for an address: such a one belongs to a host that Heddle does not manage. */
export type IsMapped = (scope: string, address: string) => boolean;

export class Allocator {
  readonly #ownerOf: (key: string) => Owner | undefined;
  readonly #isMapped: IsMapped;
  readonly #claims = new Map<string, Held>();
  readonly #holders = new Map<string, Holder>();
  readonly #pools = new Map<string, Pool>();
  readonly #findings = new Map<string, readonly CompileFinding[]>();
  readonly #review = new Set<string>();
  readonly #released = new Set<string>();
  /** Objects that wait for a value, by pool, and by the scope whose mappings keep values from them. */
  readonly #starved = new Map<string, Set<string>>();
  /** While it is rehearsed: what takes back what was done, in order. */
  #undo: (() => void)[] | undefined;

  /** @param ownerOf what is known of an object by its key; undefined when it does not exist */
  constructor(ownerOf: (key: string) => Owner | undefined, isMapped: IsMapped = () => false) {
    this.#ownerOf = ownerOf;
    this.#isMapped = isMapped;
  }

  /** A claim as the store has it now; undefined when it is gone, which is what frees its value. */
  observe(name: string, claim: Resource | undefined): void {
    const before = this.#claims.get(name);
    if (claim === undefined) this.#released.delete(name);
    if (before !== undefined) this.#forget(before);
    if (claim !== undefined) this.#remember(claim);
    else if (before !== undefined) this.#free(before);
  }

  /** All that an object wants now. */
  demand(ownerKey: string, demands: readonly Demand[]): void {
    const holder = demands.length > 0 ? this.#holder(ownerKey) : this.#holders.get(ownerKey);
    if (holder === undefined) return;
    const before = holder.demands;
    this.#undo?.push(() => this.#setDemands(ownerKey, before));
    holder.demands = demands;
    this.#review.add(holder.key);
  }

  /** What is demanded and decided from now on is taken back by the answer. No claim may be observed until then. */
  rehearse(): () => void {
    const [review, findings] = [new Set(this.#review), new Map(this.#findings)];
    const starved = [...this.#starved].map(([where, keys]) => [where, new Set(keys)] as const);
    const undo: (() => void)[] = [];
    this.#undo = undo;
    return () => {
      this.#undo = undefined;
      for (const step of undo.toReversed()) step();
      refill(this.#review, review);
      refillMap(this.#findings, findings);
      refillMap(this.#starved, starved);
    };
  }

  /** Something about an object changed that may matter: it came, went, or became acceptable. */
  review(ownerKey: string): void {
    if (this.#holders.has(ownerKey)) this.#review.add(ownerKey);
  }

  /** Rows of a scope that others share were deleted: addresses may be free that mappings named. */
  unmapped(scope: string, deletes: readonly RowId[]): void {
    if (this.#starved.has(scope) && deletes.some((id) => id.startsWith(mappingPrefix))) this.#feed(scope);
  }

  claim(name: string): { readonly ownerKey: string; readonly quarantined: boolean } | undefined {
    return this.#claims.get(name);
  }

  /** The claim is about to be deleted: its holder cannot have it back. */
  release(name: string): void {
    this.#released.add(name);
  }

  /** Whether it was released and is not gone yet. */
  isReleased(name: string): boolean {
    return this.#released.has(name);
  }

  /** Names of all quarantined claims. */
  quarantined(): string[] {
    return [...this.#claims.values()].filter(({ quarantined }) => quarantined).map(({ name }) => name);
  }

  /** Findings of an object's unmet demands. */
  findingsOf(ownerKey: string): readonly CompileFinding[] {
    return this.#findings.get(ownerKey) ?? [];
  }

  /**
   * Reviews what changed since the last call. What is decided counts as done from now on; when it could not be carried
   * out, `observe` the claim as it really is.
   */
  decide(): Decisions {
    const reviewed = [...this.#review].sort();
    this.#review.clear();
    const quarantine: string[] = [];
    const rebind: string[] = [];
    const wishes: Wish[] = [];
    for (const key of reviewed) {
      const holder = this.#holders.get(key);
      if (holder === undefined) continue;
      const owner = this.#ownerOf(key);
      const review = reviewOf(holder, owner);
      for (const demand of review.unmet) {
        const own = this.#quarantinedAnswer(holder, demand);
        if (own === undefined) wishes.push({ ownerKey: key, demand });
        else rebind.push(this.#setPhase(own, false));
      }
      for (const held of review.unwanted) quarantine.push(this.#setPhase(held, true));
      this.#dropIfEmpty(holder);
    }
    const { create, findings } = this.#grant(wishes);
    return { create, quarantine, rebind, findings: this.#news(reviewed, findings) };
  }

  #quarantinedAnswer({ claims }: Holder, demand: Demand): Held | undefined {
    const held = ownClaims(claims, demand.owner.uid).filter(({ name, quarantined }) => quarantined && !this.#released.has(name));
    if (held.length === 0) return undefined;
    const answer = answerTo(demand, held.map(({ pool, purpose, value, age }) => ({ pool, purpose, value, age, quarantined: false })));
    return held.find(({ value, pool }) => value === answer?.value && pool === answer.pool);
  }

  /** Pinned values first, so that no unpinned demand of the same batch is given one of them. */
  #grant(wishes: readonly Wish[]): { create: Resource[]; findings: Map<string, CompileFinding[]> } {
    const create: Resource[] = [];
    const findings = new Map<string, CompileFinding[]>();
    const pinned = wishes.filter(({ demand }) => demand.pin !== undefined);
    const unpinned = wishes.filter(({ demand }) => demand.pin === undefined);
    for (const { ownerKey, demand } of [...pinned, ...unpinned]) {
      const value = this.#takeValue(demand);
      if (value === undefined) {
        for (const where of [demand.pool, demand.unlessMapped]) {
          if (where !== undefined) getOrMake(this.#starved, where, () => new Set<string>()).add(ownerKey);
        }
        getOrMake(findings, ownerKey, () => []).push(demand.pin === undefined ? poolExhausted(demand) : valueTaken(demand));
        continue;
      }
      const claim = claimOf(demand, value);
      this.#remember(claim);
      this.#undo?.push(() => this.#takeBack(claim.metadata.name));
      // What it was reviewed for is done.
      this.#review.delete(ownerKey);
      create.push(claim);
    }
    return { create, findings };
  }

  #takeValue(demand: Demand): string | undefined {
    const pool = getOrMake(this.#pools, demand.pool, () => new Pool());
    const { unlessMapped } = demand;
    const isRefused = unlessMapped === undefined ? undefined : (value: string) => this.#isMapped(unlessMapped, value);
    if (demand.pin === undefined) return pool.takeFirst(demand.candidates, isRefused);
    if (pool.has(demand.pin)) return undefined;
    pool.take(demand.pin);
    return demand.pin;
  }

  #news(reviewed: readonly string[], found: ReadonlyMap<string, readonly CompileFinding[]>): Map<string, readonly CompileFinding[]> {
    const news = new Map<string, readonly CompileFinding[]>();
    for (const key of reviewed) {
      const after = found.get(key) ?? [];
      if (after.length === 0 && !this.#findings.has(key)) continue;
      news.set(key, after);
      if (after.length === 0) this.#findings.delete(key);
      else this.#findings.set(key, after);
    }
    return news;
  }

  #setPhase(held: Held, quarantined: boolean): string {
    const before = held.quarantined;
    this.#undo?.push(() => (held.quarantined = before));
    held.quarantined = quarantined;
    this.#review.add(held.ownerKey);
    return held.name;
  }

  #setDemands(key: string, demands: readonly Demand[]): void {
    const holder = this.#holder(key);
    holder.demands = demands;
    this.#dropIfEmpty(holder);
  }

  /** A claim that never was: nobody hears that its value is free again. */
  #takeBack(name: string): void {
    const held = this.#claims.get(name);
    if (held === undefined) return;
    this.#forget(held);
    this.#dropIfEmpty(held.holder);
    const pool = this.#pools.get(held.pool);
    pool?.giveBack(held.value);
    if (pool?.empty === true) this.#pools.delete(held.pool);
  }

  #remember(claim: Resource): void {
    const holder = this.#holder(refKey((claim.spec as ClaimSpec).owner));
    const held = new Held(claim, holder);
    this.#claims.set(held.name, held);
    holder.claims.push(held);
    getOrMake(this.#pools, held.pool, () => new Pool()).take(held.value);
    this.#review.add(holder.key);
  }

  #forget({ name, holder }: Held): void {
    this.#claims.delete(name);
    holder.claims.splice(holder.claims.findIndex((held) => held.name === name), 1);
    // Reviewed, and dropped if there is nothing left of it.
    this.#review.add(holder.key);
  }

  #holder(key: string): Holder {
    return getOrMake(this.#holders, key, () => ({ key, claims: [], demands: [] }));
  }

  #dropIfEmpty({ key, claims, demands }: Holder): void {
    if (claims.length + demands.length === 0) this.#holders.delete(key);
  }

  #free(held: Held): void {
    const pool = this.#pools.get(held.pool);
    pool?.giveBack(held.value);
    if (pool?.empty === true) this.#pools.delete(held.pool);
    this.#feed(held.pool);
  }

  /** Looks again at those who wait for something that may be free now. */
  #feed(where: string): void {
    for (const key of this.#starved.get(where) ?? []) this.review(key);
    this.#starved.delete(where);
  }
}

const refill = (keys: Set<string>, former: Iterable<string>): void => {
  keys.clear();
  for (const key of former) keys.add(key);
};

const refillMap = <Value>(map: Map<string, Value>, former: Iterable<readonly [string, Value]>): void => {
  map.clear();
  for (const [key, value] of former) map.set(key, value);
};

/** Does not say who has the value: that may be another tenant's object. */
const valueTaken = ({ pool, pin, path }: Demand): CompileFinding =>
  error('ValueTaken', path, `"${pin}" of pool "${pool}" is in use or was so a moment ago; choose another value or leave it out`);

const claimOf = ({ pool, purpose, owner }: Demand, value: string): Resource<ClaimSpec> => ({
  apiVersion,
  kind: 'Claim',
  metadata: { name: claimName(pool, value) },
  spec: { pool, value, owner, purpose },
});

const ownClaims = (claims: readonly Held[], uid: string | undefined): readonly Held[] => {
  const isOwn = ({ spec }: Held): boolean => spec.owner.uid === uid;
  // Nearly always all are: the same name was rarely that of another object a moment ago.
  return claims.every(isOwn) ? claims : claims.filter(isOwn);
};

interface Review {
  readonly unmet: readonly Demand[];
  /** Bound claims that answer no demand. A quarantined one is never among them, also when it is given back now. */
  readonly unwanted: readonly Held[];
}

const reviewOf = ({ claims, demands }: Holder, owner: Owner | undefined): Review => {
  const own = ownClaims(claims, owner?.uid);
  // Which claim answers a demand costs most of a review, so it is asked once.
  const answers = demands.map((demand) => answerTo(demand, own));
  const unmet = demands.filter(({ owner: { uid } }, index) => uid === owner?.uid && answers[index] === undefined);
  const bound = claims.filter(({ quarantined }) => !quarantined);
  if (owner === undefined || bound.length === 0) return { unmet, unwanted: bound };
  const isUnwanted = (held: Held): boolean => (held.spec.owner.uid === owner.uid ? owner.accepted && !answers.includes(held) : true);
  return { unmet, unwanted: bound.filter(isUnwanted) };
};
