/**
 * Decides who holds which id or address. Demands come from the compiler, claims from the store; what has changed is
 * reviewed, nothing else is looked at. Decisions are made here and carried out elsewhere: this file has no effects. A value
 * whose holder is gone is not free but quarantined; it becomes free when its Claim object is gone.
 */
import { answerTo, poolExhausted, type Demand, type HeldClaim } from '../compile/demand.ts';
import { error, type CompileFinding } from '../compile/finding.ts';
import type { ClaimSpec } from '../api/kinds/claim.ts';
import { apiVersion, refKey, type ObjectRef, type Resource } from '../api/object.ts';
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

interface Held extends HeldClaim {
  readonly name: string;
  readonly owner: ClaimSpec['owner'];
  readonly ownerKey: string;
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

export const claimRef = (name: string): ObjectRef => ({ kind: 'Claim', namespace: '', name });

export class Allocator {
  readonly #ownerOf: (key: string) => Owner | undefined;
  readonly #claims = new Map<string, Held>();
  readonly #claimsOf = new Map<string, Map<string, Held>>();
  readonly #demands = new Map<string, readonly Demand[]>();
  readonly #pools = new Map<string, Pool>();
  readonly #findings = new Map<string, readonly CompileFinding[]>();
  readonly #review = new Set<string>();
  readonly #released = new Set<string>();
  /** Objects that wait for a value of a pool, by pool. */
  readonly #starved = new Map<string, Set<string>>();

  /** @param ownerOf what is known of an object by its key; undefined when it does not exist */
  constructor(ownerOf: (key: string) => Owner | undefined) {
    this.#ownerOf = ownerOf;
  }

  /** A claim as the store has it now; undefined when it is gone, which is what frees its value. */
  observe(name: string, claim: Resource | undefined): void {
    const before = this.#claims.get(name);
    const after = claim === undefined ? undefined : heldOf(claim);
    if (after === undefined) this.#released.delete(name);
    if (before !== undefined) this.#forget(before);
    if (after !== undefined) this.#remember(after);
    else if (before !== undefined) this.#free(before);
  }

  /** All that an object wants now. */
  demand(ownerKey: string, demands: readonly Demand[]): void {
    if (demands.length === 0) this.#demands.delete(ownerKey);
    else this.#demands.set(ownerKey, demands);
    this.#review.add(ownerKey);
  }

  /** Something about an object changed that may matter: it came, went, or became acceptable. */
  review(ownerKey: string): void {
    if (this.#claimsOf.has(ownerKey) || this.#demands.has(ownerKey)) this.#review.add(ownerKey);
  }

  /** Keys of all objects that hold claims. */
  holders(): IterableIterator<string> {
    return this.#claimsOf.keys();
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
      const unmet = this.#unmet(key);
      for (const wish of unmet) {
        const own = this.#quarantinedAnswer(wish);
        if (own === undefined) wishes.push(wish);
        else rebind.push(this.#setPhase(own, false));
      }
      for (const held of this.#unwanted(key)) quarantine.push(this.#setPhase(held, true));
    }
    const { create, findings } = this.#grant(wishes);
    return { create, quarantine, rebind, findings: this.#news(reviewed, findings) };
  }

  #unmet(ownerKey: string): Wish[] {
    const uid = this.#ownerOf(ownerKey)?.uid;
    const demands = (this.#demands.get(ownerKey) ?? []).filter(({ owner }) => owner.uid === uid);
    const claims = this.#claimsOfUid(ownerKey, uid);
    return demands.filter((demand) => answerTo(demand, claims) === undefined).map((demand) => ({ ownerKey, demand }));
  }

  #claimsOfUid(ownerKey: string, uid: string | undefined): Held[] {
    return [...(this.#claimsOf.get(ownerKey)?.values() ?? [])].filter(({ owner }) => owner.uid === uid);
  }

  #quarantinedAnswer({ ownerKey, demand }: Wish): Held | undefined {
    const held = this.#claimsOfUid(ownerKey, demand.owner.uid).filter(({ name, quarantined }) => quarantined && !this.#released.has(name));
    const answer = answerTo(demand, held.map((claim) => ({ ...claim, quarantined: false })));
    return held.find(({ value, pool }) => value === answer?.value && pool === answer.pool);
  }

  #unwanted(ownerKey: string): Held[] {
    const owner = this.#ownerOf(ownerKey);
    const bound = [...(this.#claimsOf.get(ownerKey)?.values() ?? [])].filter(({ quarantined }) => !quarantined);
    const own = bound.filter((held) => held.owner.uid === owner?.uid);
    if (owner === undefined) return bound;
    const foreign = bound.filter((held) => held.owner.uid !== owner.uid);
    if (!owner.accepted) return foreign;
    const demands = this.#demands.get(ownerKey) ?? [];
    const wanted = new Set(demands.map((demand) => answerTo(demand, own)));
    return [...foreign, ...own.filter((held) => !wanted.has(held))];
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
        getOrMake(this.#starved, demand.pool, () => new Set<string>()).add(ownerKey);
        getOrMake(findings, ownerKey, () => []).push(demand.pin === undefined ? poolExhausted(demand) : valueTaken(demand));
        continue;
      }
      const claim = claimOf(demand, value);
      this.#remember(heldOf(claim));
      create.push(claim);
    }
    return { create, findings };
  }

  #takeValue(demand: Demand): string | undefined {
    const pool = getOrMake(this.#pools, demand.pool, () => new Pool());
    if (demand.pin === undefined) return pool.takeFirst(demand.candidates);
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
    this.#forget(held);
    this.#remember({ ...held, quarantined });
    return held.name;
  }

  #remember(held: Held): void {
    this.#claims.set(held.name, held);
    getOrMake(this.#claimsOf, held.ownerKey, () => new Map<string, Held>()).set(held.name, held);
    getOrMake(this.#pools, held.pool, () => new Pool()).take(held.value);
    this.#review.add(held.ownerKey);
  }

  #forget(held: Held): void {
    this.#claims.delete(held.name);
    const claims = this.#claimsOf.get(held.ownerKey);
    claims?.delete(held.name);
    if (claims?.size === 0) this.#claimsOf.delete(held.ownerKey);
    this.#review.add(held.ownerKey);
  }

  #free(held: Held): void {
    const pool = this.#pools.get(held.pool);
    pool?.giveBack(held.value);
    if (pool?.empty === true) this.#pools.delete(held.pool);
    for (const key of this.#starved.get(held.pool) ?? []) this.#review.add(key);
    this.#starved.delete(held.pool);
  }
}

/** Does not say who has the value: that may be another tenant's object. */
const valueTaken = ({ pool, pin, path }: Demand): CompileFinding =>
  error('ValueTaken', path, `"${pin}" of pool "${pool}" is in use or was so a moment ago; choose another value or leave it out`);

const claimOf = ({ pool, purpose, owner }: Demand, value: string): Resource<ClaimSpec> => ({
  apiVersion,
  kind: 'Claim',
  metadata: { name: claimName(pool, value) },
  spec: { pool, value, owner, purpose },
});

const heldOf = (claim: Resource): Held => {
  const { pool, value, owner, purpose } = claim.spec as ClaimSpec;
  const { name, creationTimestamp = '' } = claim.metadata;
  const phase = (claim.status as { phase?: string } | undefined)?.phase;
  return {
    name,
    pool,
    value,
    purpose,
    owner,
    ownerKey: refKey(owner),
    quarantined: phase === 'Quarantined',
    age: `${creationTimestamp} ${name}`,
  };
};
