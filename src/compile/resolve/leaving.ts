/**
 * Cables that were taken out of a Connection and are still there until traffic is led around them. They yield to everybody:
 * one whose port something else names by now, or whose device is gone, is gone at once.
 */
import { leavingOf } from '../../api/drain.ts';
import type { Resource } from '../../api/object.ts';
import { withoutFirstLane } from '../../api/ports.ts';
import { specOf } from '../intent.ts';
import { connectionsByPort } from '../relations.ts';
import type { View } from '../view.ts';
import { chassisAt, switchPort } from './cableports.ts';
import { shapeOf, type Cable } from './cabling.ts';
import { Examination } from './resolution.ts';
import type { Chassis } from './switch.ts';

export interface LeavingCable {
  readonly cable: Cable;
  readonly chassis: readonly [Chassis, Chassis];
}

const joined: ReadonlySet<unknown> = new Set(['fabric', 'mesh', 'gateway']);

export const leavingCables = (object: Resource, view: View): readonly LeavingCable[] =>
  leavingOf(object).flatMap((link): LeavingCable[] => {
    if (link.ends.some((end) => view.count(connectionsByPort, withoutFirstLane(end)) > 0)) return [];
    // Its faults are nobody's any more.
    const seen = new Examination(object, view);
    const shape = shapeOf({ ...specOf('Connection', object), links: [link] }, seen, view);
    const [cable] = shape?.cables ?? [];
    if (cable === undefined || !joined.has(shape?.type)) return [];
    const [upper, lower] = [chassisAt(cable.upper, seen, view), chassisAt(cable.lower, seen, view)];
    if (upper === undefined || lower === undefined || upper.fabric !== lower.fabric) return [];
    const ports = [switchPort(cable.upper, upper, seen, view), switchPort(cable.lower, lower, seen, view)];
    return ports.includes(undefined) ? [] : [{ cable, chassis: [upper, lower] }];
  });
