/**
 * What an object wants to hold: ids and addresses that are handed out once and then stay. The allocator turns a demand that
 * no claim answers into a Claim; translators read the claims and wait until they are there.
 */
import type { ClaimSpec } from '../api/kinds/claim.ts';
import { parseAddress } from '../net/address.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { contains, isHost, parsePrefix, prefixLength } from '../net/prefix.ts';
import { byText } from '../kit/order.ts';
import { error, type CompileFinding } from './finding.ts';

/** Where an unpinned value may come from; the allocator takes the first free one. */
export type Candidates =
  | { readonly type: 'numbers'; readonly from: number; readonly to: number }
  /**
   * Every host address of the prefix but the excepted ones; /31 and /32 prefixes are hosts throughout. Those of `spare` (from,
   * to; IPv4) are only for who asks for one of them by pin.
   */
  | { readonly type: 'addresses'; readonly prefix: Prefix; readonly except: readonly Address[]; readonly spare?: readonly [Address, Address] }
  | { readonly type: 'prefixes'; readonly prefix: Prefix; readonly length: number };

export interface Demand {
  /** `vni`, `asn`, `routerid`, `vtep`, `link`, `es` (Ethernet segments), or `host.<vpc uid>`. */
  readonly pool: string;
  /** Tells the demands of one owner in one pool apart; equal to the claim's. */
  readonly purpose: string;
  readonly owner: ClaimSpec['owner'];
  readonly candidates: Candidates;
  /** The one value that will do, chosen by the user; it need not be among the candidates. */
  readonly pin?: string;
  /**
   * Whether a value that is held must still be among the candidates, as an address must lie in its subnet. Otherwise what
   * is held stays, so that a pool can be changed without renumbering what runs.
   */
  readonly mustFit?: true;
  /** Scope whose `mapping` rows name addresses that hosts have which Heddle does not manage: those are not handed out. */
  readonly unlessMapped?: string;
  /** Field that says so or would, for findings. */
  readonly path: string;
}

/** A claim as the compiler and the allocator look at it. */
export interface HeldClaim {
  readonly pool: string;
  readonly purpose: string;
  readonly value: string;
  /** Given back, but some device may still use it: answers no demand. */
  readonly quarantined: boolean;
  /** Creation time and name: the older of two is used. */
  readonly age: string;
}

/** The claim that answers a demand, of all claims of the same owner; undefined when there is none yet. */
export const answerTo = (demand: Demand, claims: readonly HeldClaim[]): HeldClaim | undefined =>
  claims
    .filter(({ pool, purpose, quarantined }) => pool === demand.pool && purpose === demand.purpose && !quarantined)
    .filter(({ value }) => fits(demand, value))
    .sort((left, right) => byText(left.age, right.age) || byText(left.value, right.value))[0];

const fits = ({ pin, mustFit, candidates }: Demand, value: string): boolean =>
  pin === undefined ? mustFit !== true || isCandidate(candidates, value) : value === pin;

/** Whether a value may be handed out for candidates. */
export const isCandidate = (candidates: Candidates, value: string): boolean => {
  if (candidates.type === 'numbers') {
    return /^\d+$/.test(value) && Number(value) >= candidates.from && Number(value) <= candidates.to;
  }
  if (candidates.type === 'addresses') {
    const address = parseAddress(value);
    return address.ok && isHost(candidates.prefix, address.value) && !candidates.except.includes(address.value);
  }
  const prefix = parsePrefix(value);
  return prefix.ok && prefixLength(prefix.value) === candidates.length && contains(candidates.prefix, prefix.value);
};

/** The finding for a demand that cannot be met because the pool is used up; the allocator knows, the compiler cannot. */
export const poolExhausted = (demand: Demand): CompileFinding =>
  error(
    'PoolExhausted',
    demand.path,
    `pool "${demand.pool}" has no free value left in ${rangeText(demand.candidates)}; widen it or delete what is not needed`,
  );

const rangeText = (candidates: Candidates): string =>
  candidates.type === 'numbers' ? `"${candidates.from}-${candidates.to}"` : `"${candidates.prefix}"`;
