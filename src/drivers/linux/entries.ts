/**
 * Forwarding entries that a device may hold by the hundred thousand: MAC addresses and neighbours. Read, they are a key and a
 * word; nearly always they are as wanted, and only those that differ become items. Pure.
 */
import { getOrMake } from '../../kit/maps.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { fdb, linkKey, neighbour, portKey, subinterfaceKey, tunnel } from './model.ts';
import type { FdbState, Item, ItemKey, NeighbourState, Place, TunnelState } from './model.ts';

/** What is on the device: by item key, the rest of the item's state as a word. Keys are kept as prefix and name. */
export class Entries {
  readonly #names = new Map<string, Map<string, number>>();
  readonly #words: string[] = [];
  /** Few words are different, and equal strings that are one compare at once. */
  readonly #common = new Map<string, string>();

  get size(): number {
    return this.#words.length;
  }

  add(prefix: string, name: string, word: string): void {
    const names = getOrMake(this.#names, prefix, () => new Map<string, number>());
    if (names.has(name)) return;
    names.set(name, this.#words.length);
    this.#words.push(this.#common.get(word) ?? this.#intern(word));
  }

  /** Number of the entry, from 0 to `size`; undefined when there is none with that word. */
  find(prefix: string, name: string, word: string): number | undefined {
    const number = this.#names.get(prefix)?.get(name);
    return number !== undefined && this.#words[number] === word ? number : undefined;
  }

  *all(): Generator<readonly [key: ItemKey, word: string, number: number]> {
    for (const [prefix, names] of this.#names) {
      for (const [name, number] of names) yield [prefix + name, this.#words[number] ?? '', number];
    }
  }

  #intern(word: string): string {
    if (this.#common.size < mostCommon) this.#common.set(word, word);
    return word;
  }
}

const mostCommon = 10_000;

/** Keys of entries of one device begin alike, so they are made of two parts. */
export const fdbPrefix = (place: Place, port: string): string => `fdb/${place}/${port}/`;
export const tunnelPrefix = (place: Place, device: string): string => `tunnel/${place}/${device}/`;
export const neighbourPrefix = (place: Place, device: string): string => `neighbour/${place}/${device}/`;

/** An entry stands on a port, on the bond of a bundle, or on a subinterface. */
export type FdbCarrier = 'port' | 'bond' | 'subinterface';
export const fdbWord = (on: FdbCarrier): string => on;
export const tunnelWord = ({ vtep, vni, bridged }: Pick<TunnelState, 'vtep' | 'vni' | 'bridged'>): string =>
  `${vtep} ${vni ?? ''}${bridged ? '' : ' half'}`;
export const neighbourWord = ({ mac, advertised }: Pick<NeighbourState, 'mac' | 'advertised'>): string => (advertised ? `${mac} told` : mac);

/** The item of an entry that was read. */
export const itemOf = (key: ItemKey, word: string): Item => {
  const [kind, place = '', device = '', name = ''] = key.split('/');
  const [first = '', second = '', third] = word.split(' ');
  if (kind === 'fdb') return fdbOn({ place, port: device, mac: name as Mac }, word === 'bond' || word === 'subinterface' ? word : 'port');
  if (kind === 'neighbour') return neighbour({ place, device, address: name, mac: first as Mac, advertised: second === 'told' });
  const state = { place, device, mac: name as Mac, vtep: first as Address, bridged: third !== 'half' };
  return tunnel(second === '' ? state : { ...state, vni: Number(second) as Vni });
};

export const fdbOn = (state: FdbState, on: FdbCarrier): Item<'fdb'> => {
  if (on === 'bond') return fdb(state, linkKey(state.place, state.port));
  return fdb(state, on === 'port' ? portKey(state.port) : subinterfaceKey(state.port));
};
