/**
 * Forwarding entries that a device may hold by the hundred thousand: MAC addresses and neighbours. Read, they are a key and a
 * word; nearly always they are as wanted, and only those that differ become items. Pure.
 */
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { fdb, linkKey, neighbour, portKey, tunnel } from './model.ts';
import type { FdbState, Item, ItemKey, NeighbourState, Place, TunnelState } from './model.ts';

/** What is on the device: by item key, the rest of the item's state as a word. */
export type Entries = ReadonlyMap<ItemKey, string>;

/** Keys of entries of one device begin alike, so they are made of two parts. */
export const fdbPrefix = (place: Place, port: string): string => `fdb/${place}/${port}/`;
export const tunnelPrefix = (place: Place, device: string): string => `tunnel/${place}/${device}/`;
export const neighbourPrefix = (place: Place, device: string): string => `neighbour/${place}/${device}/`;

/** An entry stands on a port, or on the bond of a bundle. */
export const fdbWord = (on: 'port' | 'bond'): string => on;
export const tunnelWord = ({ vtep, vni, bridged }: Pick<TunnelState, 'vtep' | 'vni' | 'bridged'>): string =>
  `${vtep} ${vni ?? ''}${bridged ? '' : ' half'}`;
export const neighbourWord = ({ mac, advertised }: Pick<NeighbourState, 'mac' | 'advertised'>): string => (advertised ? `${mac} told` : mac);

/** The item of an entry that was read. */
export const itemOf = (key: ItemKey, word: string): Item => {
  const [kind, place = '', device = '', name = ''] = key.split('/');
  const [first = '', second = '', third] = word.split(' ');
  if (kind === 'fdb') return fdbOn({ place, port: device, mac: name as Mac }, word === 'bond' ? 'bond' : 'port');
  if (kind === 'neighbour') return neighbour({ place, device, address: name, mac: first as Mac, advertised: second === 'told' });
  const state = { place, device, mac: name as Mac, vtep: first as Address, bridged: third !== 'half' };
  return tunnel(second === '' ? state : { ...state, vni: Number(second) as Vni });
};

export const fdbOn = (state: FdbState, on: 'port' | 'bond'): Item<'fdb'> =>
  fdb(state, on === 'port' ? portKey(state.port) : linkKey(state.place, state.port));
