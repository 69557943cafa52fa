/** MAC addresses that Heddle put behind VTEPs, told from those that zebra learnt (extern_learn) and from flooding lists. */
import type { Address, Mac, Vni } from '../../../net/brand.ts';
import { linkKey, tunnel } from '../model.ts';
import type { Item, Place } from '../model.ts';

/** Of `bridge -json fdb show`, what is used here. */
export interface BridgeEntry {
  readonly mac: string;
  readonly ifname: string;
  readonly master?: string;
  readonly state: string;
  readonly flags: readonly string[];
  readonly dst?: string;
  readonly vni?: number;
}

/** Entries of the flooding list, which zebra keeps. */
const everybody = '00:00:00:00:00:00';

export const readTunnels = (place: Place, entries: readonly BridgeEntry[]): readonly Item[] => {
  const own = entries.filter(({ ifname, state, flags }) => /^vx\d+$/.test(ifname) && state === 'static' && !flags.includes('extern_learn'));
  const bridged = new Set(own.filter(({ master }) => master !== undefined).map(({ ifname, mac }) => `${ifname} ${mac}`));
  return own.flatMap(({ ifname: device, mac, dst, vni, flags }) => {
    if (dst === undefined || !flags.includes('self') || mac === everybody) return [];
    const state = { place, device, mac: mac as Mac, vtep: dst as Address, bridged: bridged.has(`${device} ${mac}`) };
    return [tunnel(vni === undefined ? state : { ...state, vni: vni as Vni }, linkKey(place, device))];
  });
};
