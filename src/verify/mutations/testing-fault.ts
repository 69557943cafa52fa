/** What a fault of this folder is. */
import type { ShortObject } from '../../scenarios/scenario.ts';
import type { Address, InterfaceAddress, Mac, Prefix, Vlan, Vni } from '../../net/brand.ts';
import type { Edits } from './testing-edits.ts';

export interface Fault {
  /** What a bug of the compiler would have done. */
  readonly name: string;
  /** Left out: the world without addresses on fabric links. */
  readonly world?: 'unnumbered' | 'numbered';
  /** What is declared between what is published and what is proposed. */
  readonly step?: Step;
  readonly make: (goal: Edits) => void;
  /** Objects of which a violation names at least one. */
  readonly blames: readonly string[];
}

export interface Step {
  readonly declare?: readonly ShortObject[];
  /** As `<kind>/<namespace>/<name>`. */
  readonly remove?: readonly string[];
  /** The faulty compiler refuses nothing that it did not refuse before. */
  readonly acceptsAll?: true;
}

export const prefix = (text: string): Prefix => text as Prefix;
export const address = (text: string): Address => text as Address;
export const interfaceAddress = (text: string): InterfaceAddress => text as InterfaceAddress;
export const mac = (text: string): Mac => text as Mac;
export const vlan = (number: number): Vlan => number as Vlan;
export const vni = (number: number): Vni => number as Vni;

/** The list with one text in the place of another, which must be there. */
export const replaced = <Text extends string>(list: readonly Text[], from: string, to: string): Text[] => {
  if (!list.some((each) => each === from)) throw new Error(`there is no "${from}" in ${list.join(' ')}`);
  return list.map((each) => (each === from ? (to as Text) : each));
};

/** The list without a text, which must be there. */
export const without = <Text extends string>(list: readonly Text[], text: string): Text[] => {
  if (!list.some((each) => each === text)) throw new Error(`there is no "${text}" in ${list.join(' ')}`);
  return list.filter((each) => each !== text);
};

/** The value without a member that may be left out. */
export const less = <Value extends object>(value: Value, ...names: readonly (keyof Value)[]): Value => {
  const copy: Partial<Value> = { ...value };
  for (const name of names) delete copy[name];
  return copy as Value;
};
