/**
 * What people should know of a connection with several cables to one switch: whether that can use them all at a time. It is a
 * fact of the device (capability `bond`), not of its profile, so it is told when the agent has told it. Pure.
 */
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { Resource } from '../api/object.ts';
import { parsePortRef } from '../api/port.ts';

/**
 * @param type of the Connection; between switches all cables are used, each with a session of its own
 * @param aggregates undefined while the device has not said what it can
 */
export const aggregationNotes = ({ spec }: Resource, type: unknown, aggregates: (device: string) => boolean | undefined): readonly string[] => {
  if (type !== 'bundle' && type !== 'multihomed') return [];
  const ends = (spec as ConnectionSpec).links.flatMap(({ ends: both }) => both).flatMap((end) => {
    const ref = parsePortRef(end);
    return ref.ok ? [ref.value.device] : [];
  });
  const several = [...new Set(ends)].filter((device) => ends.indexOf(device) !== ends.lastIndexOf(device));
  const apart = type === 'multihomed' ? [...new Set(ends)].filter((device) => aggregates(device) === false) : [];
  const shared = apart.length === 0 ? [] : [`${apart.map((device) => `"${device}"`).join(' and ')} carry the server side by side, with one count of moves instead of an Ethernet segment (LACP): its addresses are announced by each, and it may send by any of its cables`];
  return [...shared, ...several
    .filter((device) => aggregates(device) === false)
    .map((device) => `"${device}" uses one of the cables at a time, since its kernel has no bonding (LACP): a fault of one moves traffic to the next`)];
};
