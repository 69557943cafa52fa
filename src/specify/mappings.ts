/**
 * Where hosts are that Heddle does not manage: what slices say of an address of a VPC. A million addresses are an index into
 * the slices and nothing more. Pure.
 */
import { getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import type { Held, Specs } from './objects.ts';
import { isWithin, type Refusal } from './refusals.ts';

export type Mapping = Specs['MappingSlice']['mappings'][number];

export interface Said {
  /** `namespace/name` of the slice. */
  readonly slice: string;
  readonly age: string;
  /** The one subnet that the slice names, if it does. */
  readonly subnet: string | undefined;
  readonly mapping: Mapping;
  /** Of the mapping in its slice. */
  readonly index: number;
}

/** A slice holds fewer. */
const slots = 1024;

export class Mappings {
  /** By VPC and address: number of the slice and place in it, as one number. */
  readonly #vpcs = new Map<string, Map<string, number>>();
  /** Addresses that several slices speak of. */
  readonly #others = new Map<string, number[]>();
  readonly #slices: (Held<Specs['MappingSlice']> | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #free: number[] = [];

  /** Answers the addresses whose mappings in the slice are not as they were, by VPC. */
  put(key: string, after: Held<Specs['MappingSlice']> | undefined): ReadonlyMap<string, readonly string[]> {
    const number = this.#numbers.get(key) ?? this.#free.pop() ?? this.#slices.length;
    const before = this.#numbers.has(key) ? this.#slices[number] : undefined;
    const inPlace = before === undefined || after === undefined ? undefined : changedInPlace(before, after);
    this.#slices[number] = after;
    if (inPlace !== undefined && after !== undefined) return new Map([[vpcOf(after), inPlace]]);
    const changed = changedAddresses(before, after);
    if (before !== undefined) this.#remove(before, number);
    if (after === undefined) {
      this.#numbers.delete(key);
      this.#free.push(number);
      return changed;
    }
    this.#numbers.set(key, number);
    const addresses = getOrMake(this.#vpcs, vpcOf(after), () => new Map<string, number>());
    for (const [index, { address }] of after.spec.mappings.entries()) this.#add(addresses, vpcOf(after), address, number * slots + index);
    return changed;
  }

  /** All that slices say of an address of a VPC (`namespace/name`), the eldest first. */
  said(vpc: string, address: string): readonly Said[] {
    const first = this.#vpcs.get(vpc)?.get(address);
    if (first === undefined) return [];
    const others = this.#others.size === 0 ? undefined : this.#others.get(`${vpc} ${address}`);
    const all = [first, ...(others ?? [])].flatMap((code): Said[] => {
      const slice = this.#slices[Math.floor(code / slots)];
      const mapping = slice?.spec.mappings[code % slots];
      return slice === undefined || mapping === undefined ? [] : [{ slice: slice.key, age: slice.age, subnet: slice.spec.subnet, mapping, index: code % slots }];
    });
    return all.length < 2 ? all : all.toSorted((left, right) => byText(left.age, right.age));
  }

  /** Whether no other slice speaks of an address that one does. */
  isAlone(vpc: string, address: string): boolean {
    return this.#others.size === 0 || !this.#others.has(`${vpc} ${address}`);
  }

  #add(addresses: Map<string, number>, vpc: string, address: string, code: number): void {
    if (addresses.has(address)) getOrMake(this.#others, `${vpc} ${address}`, () => []).push(code);
    else addresses.set(address, code);
  }

  #remove(slice: Held<Specs['MappingSlice']>, number: number): void {
    const vpc = vpcOf(slice);
    const addresses = this.#vpcs.get(vpc);
    for (const [index, { address }] of slice.spec.mappings.entries()) {
      const code = number * slots + index;
      const key = this.#others.size === 0 ? '' : `${vpc} ${address}`;
      const others = this.#others.get(key)?.filter((each) => each !== code) ?? [];
      if (addresses?.get(address) === code) {
        const next = others.shift();
        if (next === undefined) addresses.delete(address);
        else addresses.set(address, next);
      }
      if (others.length > 0) this.#others.set(key, others);
      else if (key !== '') this.#others.delete(key);
    }
    if (addresses?.size === 0) this.#vpcs.delete(vpc);
  }
}

const vpcOf = ({ namespace, spec: { vpc } }: Held<Specs['MappingSlice']>): string => `${namespace}/${vpc}`;

/** Where every address has its place still: the addresses that are mapped otherwise. */
const changedInPlace = (before: Held<Specs['MappingSlice']>, after: Held<Specs['MappingSlice']>): readonly string[] | undefined => {
  const [was, is] = [before.spec.mappings, after.spec.mappings];
  if (was.length !== is.length || vpcOf(before) !== vpcOf(after) || before.spec.subnet !== after.spec.subnet || before.age !== after.age) return undefined;
  const changed: string[] = [];
  for (const [index, mapping] of is.entries()) {
    const former = was[index];
    if (former?.address !== mapping.address) return undefined;
    if (!saysTheSame(former, mapping)) changed.push(mapping.address);
  }
  return changed;
};

const changedAddresses = (before: Held<Specs['MappingSlice']> | undefined, after: Held<Specs['MappingSlice']> | undefined): ReadonlyMap<string, readonly string[]> => {
  const isAlike = before !== undefined && after !== undefined && vpcOf(before) === vpcOf(after) && before.spec.subnet === after.spec.subnet && before.age === after.age;
  const was = new Map((isAlike ? before.spec.mappings : []).map((mapping) => [mapping.address, mapping]));
  const changed = new Map<string, string[]>();
  const note = (vpc: string, address: string): unknown => getOrMake(changed, vpc, () => []).push(address);
  for (const mapping of after?.spec.mappings ?? []) {
    const former = was.get(mapping.address);
    was.delete(mapping.address);
    if (after !== undefined && (former === undefined || !saysTheSame(former, mapping))) note(vpcOf(after), mapping.address);
  }
  for (const address of isAlike ? was.keys() : (before?.spec.mappings ?? []).map((each) => each.address)) if (before !== undefined) note(vpcOf(before), address);
  return changed;
};

const saysTheSame = (one: Mapping, other: Mapping): boolean =>
  one === other || (one.mac === other.mac && one.vtep === other.vtep && one.vni === other.vni && one.address === other.address);

const refusedPlaces = new WeakMap<readonly Refusal[], ReadonlySet<number> | 'all'>();

/** Places of a slice whose mappings are refused; all when the slice is. */
export const refusedMappings = (said: readonly Refusal[]): ReadonlySet<number> | 'all' => {
  const known = refusedPlaces.get(said);
  if (known !== undefined) return known;
  const places = said.map((refusal) => (isWithin(refusal, 'spec.mappings') ? Number(/^spec\.mappings\[(\d+)\]/.exec(refusal.path)?.[1] ?? -1) : -1));
  const found = places.includes(-1) ? ('all' as const) : new Set(places);
  refusedPlaces.set(said, found);
  return found;
};
