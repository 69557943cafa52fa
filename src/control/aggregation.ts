/**
 * What people should know of a connection with several cables to one switch: whether that can use them all at a time. It is a
 * fact of the device (capability `bond`), not of its profile, so it is told when the agent has told it. Pure.
 */
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { Resource } from '../api/object.ts';
import { parsePortRef } from '../api/port.ts';

/** @param aggregates undefined while the device has not said what it can */
export const aggregationNotes = ({ spec }: Resource, aggregates: (device: string) => boolean | undefined): readonly string[] => {
  const ends = (spec as ConnectionSpec).links.flatMap(({ ends: both }) => both).flatMap((end) => {
    const ref = parsePortRef(end);
    return ref.ok ? [ref.value.device] : [];
  });
  const several = [...new Set(ends)].filter((device) => ends.indexOf(device) !== ends.lastIndexOf(device));
  return several
    .filter((device) => aggregates(device) === false)
    .map((device) => `"${device}" uses one of the cables at a time, since its kernel has no bonding (LACP): a fault of one moves traffic to the next`);
};
