/** Commands of a plan, by the drivers that there are. */
import type { CommandsOf } from '../../control/plan/plan.ts';
import { foreseeLinux } from '../../drivers/linux/foresee.ts';

export const foreseenCommands: CommandsOf = (device, { driver, capabilities }, before, after) =>
  driver === 'linux' ? foreseeLinux(before, after, device, capabilities) : undefined;
