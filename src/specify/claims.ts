/** Which ids and addresses are whose: what `Claim` objects say that are in force. Pure. */
import type { ClaimSpec } from '../api/kinds/claim.ts';
import { refKey, type Resource } from '../api/object.ts';
import { byText } from '../kit/order.ts';

export interface Claimed {
  readonly pool: string;
  readonly value: string;
  readonly purpose: string;
  /** `refKey` and uid of the owner. */
  readonly owner: string;
  readonly uid: string;
  readonly age: string;
}

const ownedKey = (uid: string, pool: string, purpose: string): string => `${uid} ${pool} ${purpose}`;
const valueKey = (pool: string, value: string): string => `${pool} ${value}`;

const mostRemembered = 100_000;

export class Claims {
  readonly #byName = new Map<string, Claimed>();
  /** One nearly always; the eldest is used. */
  readonly #byOwner = new Map<string, Claimed | Claimed[]>();
  readonly #byValue = new Map<string, Claimed | Claimed[]>();
  /** Owners of VNIs, also of those that were given back: whose what is left over is. The eldest are forgotten. */
  readonly #vniOwners = new Map<string, string>();
  #loopbackChanges = 0;

  /** What the claim of a name says. */
  get(name: string): Claimed | undefined {
    return this.#byName.get(name);
  }

  /** A claim that was given back says nothing. */
  put(name: string, object: Resource | undefined): void {
    const before = this.#byName.get(name);
    const after = object === undefined || !isBound(object) ? undefined : claimedOf(object);
    if ([before?.pool, after?.pool].some((pool) => pool === 'vtep' || pool === 'routerid')) this.#loopbackChanges += 1;
    if (before !== undefined) {
      this.#byName.delete(name);
      drop(this.#byOwner, ownedKey(before.uid, before.pool, before.purpose), before);
      drop(this.#byValue, valueKey(before.pool, before.value), before);
    }
    if (after !== undefined) {
      this.#byName.set(name, after);
      add(this.#byOwner, ownedKey(after.uid, after.pool, after.purpose), after);
      add(this.#byValue, valueKey(after.pool, after.value), after);
      if (after.pool === 'vni') this.#remember(after);
    }
  }

  /** The value that an object uses for a purpose: of those that fit the one it has had longest. */
  value(uid: string, pool: string, purpose: string, fits: (value: string) => boolean = () => true): string | undefined {
    const claims = listOf(this.#byOwner.get(ownedKey(uid, pool, purpose))).filter(({ value }) => fits(value));
    return claims.toSorted((left, right) => byText(left.age, right.age) || byText(left.value, right.value))[0]?.value;
  }

  number(uid: string, pool: string, purpose: string): number | undefined {
    const value = this.value(uid, pool, purpose);
    return value === undefined ? undefined : Number(value);
  }

  /** Counts changes of who has which address of the underlay. */
  get loopbackChanges(): number {
    return this.#loopbackChanges;
  }

  /** `refKey` of who has a VNI, or had it last. */
  lastOwner(vni: number): string | undefined {
    return this.#vniOwners.get(`${vni}`);
  }

  #remember({ value, owner }: Claimed): void {
    this.#vniOwners.delete(value);
    this.#vniOwners.set(value, owner);
    if (this.#vniOwners.size <= mostRemembered) return;
    for (const eldest of this.#vniOwners.keys()) {
      this.#vniOwners.delete(eldest);
      return;
    }
  }

  /** Who has a value of a pool. */
  holders(pool: string, value: string | number): readonly Claimed[] {
    return listOf(this.#byValue.get(valueKey(pool, `${value}`)));
  }
}

const isBound = ({ metadata, status }: Resource): boolean =>
  metadata.deletionTimestamp === undefined && (status as { readonly phase?: string } | undefined)?.phase !== 'Quarantined';

export const claimedOf = ({ metadata, spec }: Resource): Claimed => {
  const { pool, value, purpose, owner } = spec as ClaimSpec;
  return { pool, value, purpose, owner: refKey(owner), uid: owner.uid, age: `${metadata.creationTimestamp ?? ''} ${metadata.name}` };
};

type Index = Map<string, Claimed | Claimed[]>;

const listOf = (found: Claimed | Claimed[] | undefined): readonly Claimed[] => (found === undefined ? [] : Array.isArray(found) ? found : [found]);

/** Tens of thousands of keys have one claim each: no list for those. */
const add = (index: Index, key: string, claim: Claimed): void => {
  const found = index.get(key);
  index.set(key, found === undefined ? claim : [...listOf(found), claim]);
};

const drop = (index: Index, key: string, claim: Claimed): void => {
  const rest = listOf(index.get(key)).filter((each) => each !== claim);
  const [only] = rest;
  if (only === undefined) index.delete(key);
  else index.set(key, rest.length === 1 ? only : rest);
};
