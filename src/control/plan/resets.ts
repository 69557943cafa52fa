/** Routing sessions that a change of rows begins anew or ends. One that is new to a device interrupts nothing. Pure. */
import type { PlannedReset } from '../../api/planview.ts';
import { same } from '../../compile/same.ts';
import type { Row } from '../../goal/rows.ts';
import type { RowChange } from './rehearsal.ts';

/** The port at the other end of a port, as rows of the device say before the change. */
export type PeerOf = (port: string) => string | undefined;

/** @param changes rows of one device */
export const resetsIn = (changes: readonly RowChange[], peerOf: PeerOf): readonly PlannedReset[] => {
  const device = changes.flatMap(({ before, after }) => deviceReset(before, after));
  const [whole] = device;
  // All of a device's at once need no list.
  if (whole !== undefined) return [whole];
  return changes.flatMap(({ before, after }) => sessionReset(before, after, peerOf));
};

const deviceReset = (before: Row | undefined, after: Row | undefined): PlannedReset[] => {
  if (before?.table !== 'bgp') return [];
  if (after?.table !== 'bgp') return [{ neighbour: 'every neighbour', what: 'ends', why: 'the device speaks BGP no more' }];
  if (before.value.asn !== after.value.asn) return [reset('every neighbour', `AS ${before.value.asn} becomes ${after.value.asn}`)];
  if (before.value.routerId !== after.value.routerId) return [reset('every neighbour', `router id ${before.value.routerId} becomes ${after.value.routerId}`)];
  return [];
};

const sessionReset = (before: Row | undefined, after: Row | undefined, peerOf: PeerOf): PlannedReset[] => {
  switch (before?.table) {
    case 'bgpPeer': {
      const neighbour = peerOf(before.value.port) ?? before.value.address ?? before.value.port;
      if (after?.table !== 'bgpPeer') return [ended(neighbour, 'the link is no longer a neighbour')];
      return changed(neighbour, [['address', before.value.address, after.value.address], ['port', before.value.port, after.value.port]]);
    }
    case 'port': {
      if (before.value.role !== 'fabric' || after?.table !== 'port') return [];
      return changed(before.value.peer, [['interface', before.value.interface, after.value.interface], ['address', before.value.address, after.value.address]]);
    }
    case 'vrfPeer': {
      const neighbour = `${before.value.address} (AS ${before.value.asn})`;
      if (after?.table !== 'vrfPeer') return [ended(neighbour, 'the External is left')];
      return changed(neighbour, [
        ['AS', before.value.asn, after.value.asn], ['address', before.value.address, after.value.address],
        ['port', before.value.port, after.value.port], ['VRF', before.value.vrf, after.value.vrf],
      ]);
    }
    case 'hostPeering': {
      const neighbour = `hosts of segment ${before.value.segment}`;
      if (after?.table !== 'hostPeering') return [ended(neighbour, 'hosts may speak BGP no more')];
      return changed(neighbour, [['VRF', before.value.vrf, after.value.vrf], ['range', before.value.range, after.value.range]]);
    }
    default:
      return [];
  }
};

const reset = (neighbour: string, why: string): PlannedReset => ({ neighbour, what: 'reset', why });
const ended = (neighbour: string, why: string): PlannedReset => ({ neighbour, what: 'ends', why });

const changed = (neighbour: string, members: readonly (readonly [name: string, before: unknown, after: unknown])[]): PlannedReset[] => {
  const different = members.filter(([, before, after]) => !same(before, after));
  const [first] = different;
  return first === undefined ? [] : [reset(neighbour, different.map(([name, before, after]) => `${name} ${textOf(before)} becomes ${textOf(after)}`).join(', '))];
};

const textOf = (value: unknown): string => (value === undefined ? 'none' : Array.isArray(value) ? value.join(' ') : String(value));
