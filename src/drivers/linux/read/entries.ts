/**
 * MAC addresses and neighbours out of what `bridge -json fdb show` and `ip -json neighbour show` print. They are taken out of
 * the text one by one, since a JSON value of hundreds of thousands of them would take ten times the room.
 */
import { addMember } from '../../../kit/maps.ts';
import type { Entries, FdbCarrier } from '../entries.ts';
import { fdbPrefix, fdbWord, neighbourPrefix, neighbourWord, tunnelPrefix, tunnelWord } from '../entries.ts';
import type { Address, Mac, Vni } from '../../../net/brand.ts';
import type { Place } from '../model.ts';

/** A permanent neighbour on a device of Heddle's: bridge or pair. */
export interface FoundNeighbour {
  readonly device: string;
  readonly address: string;
  readonly mac: string;
}

const neighbourPattern = /\{"dst":"([^"]+)","dev":"([^"]+)","lladdr":"([^"]+)"([^}]*)\}/g;

export function* neighboursIn(text: string): Generator<FoundNeighbour> {
  for (const [, address = '', device = '', mac = '', rest = ''] of text.matchAll(neighbourPattern)) {
    if (rest.includes('"PERMANENT"')) yield { device, address, mac };
  }
}

/** On a bridge: an entry. `told`: FRR tells other leaves of it. */
export const addNeighbour = (entries: Entries, place: Place, { device, address, mac }: FoundNeighbour, told: boolean): void =>
  entries.add(neighbourPrefix(place, device), address, neighbourWord({ mac: mac as Mac, advertised: told }));

const stationPattern = /\{"mac":"([^"]+)","ifname":"([^"]+)"([^}]*)\}/g;
const destination = /"dst":"([^"]+)"/;
const vniOf = /"vni":(\d+)/;
/** Entries of the flooding list, which zebra keeps. */
const everybody = '00:00:00:00:00:00';

/**
 * Static entries of one namespace: those at `ports`, subinterfaces or bonds (also those that were zebra's, behind a VTEP, until
 * they were written over: the kernel keeps that word), and those that Heddle put behind VTEPs, told from what zebra
 * learnt (extern_learn) and from flooding lists. Answers the MAC addresses at ports and bonds.
 */
export const addStations = (
  entries: Entries, place: Place, text: string, ports: ReadonlySet<string>, subinterfaces: ReadonlySet<string> = new Set(),
): ReadonlySet<string> => {
  const carrierOf = (device: string): FdbCarrier | undefined => {
    if (ports.has(device)) return 'port';
    return subinterfaces.has(device) ? 'subinterface' : device.startsWith('b-') ? 'bond' : undefined;
  };
  const local = new Set<string>();
  /** MAC addresses that the bridge sends to a VXLAN device; the other half of an entry says where that sends them. */
  const bridged = new Map<string, Set<string>>();
  const behind: (readonly [device: string, mac: string, rest: string])[] = [];
  for (const [, mac = '', device = '', rest = ''] of text.matchAll(stationPattern)) {
    if (!rest.includes('"state":"static"')) continue;
    const isBridged = rest.includes('"master":');
    if (device.startsWith('vx') && /^vx\d+$/.test(device)) {
      if (rest.includes('"extern_learn"')) continue;
      if (isBridged) addMember(bridged, device, mac);
      else if (mac !== everybody && rest.includes('"self"')) behind.push([device, mac, rest]);
      continue;
    }
    const carrier = isBridged ? carrierOf(device) : undefined;
    if (carrier === undefined) continue;
    entries.add(fdbPrefix(place, device), mac, fdbWord(carrier));
    local.add(mac);
  }
  for (const [device, mac, rest] of behind) {
    const vtep = destination.exec(rest)?.[1];
    if (vtep === undefined) continue;
    const vni = rest.includes('"vni"') ? vniOf.exec(rest)?.[1] : undefined;
    const state = { vtep: vtep as Address, bridged: bridged.get(device)?.has(mac) === true, ...(vni === undefined ? {} : { vni: Number(vni) as Vni }) };
    entries.add(tunnelPrefix(place, device), mac, tunnelWord(state));
  }
  return local;
};
