/** What a part of the controller offers that makes something of what devices see. */
import type { Observation } from '../goal/observation.ts';

export interface Watcher {
  /**
   * Whole lists, each when it changed; all that the device has after each of its connections, so also after a start of the
   * controller. The device may not be declared, and objects may not be listed yet. Must not throw, and returns at once.
   */
  observed(device: string, seen: Observation): void;
}
