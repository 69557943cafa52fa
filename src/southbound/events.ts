/** What the controller hears of its devices. Calls come in the order in which the device spoke; they must not throw. */
import type { Observation } from '../goal/observation.ts';
import type { Version } from '../goal/state.ts';
import type { Contest } from './contest.ts';

export type { Contest, Observation };

export interface DeviceHello {
  readonly device: string;
  readonly bootEpoch: string;
  readonly agentVersion: string;
  readonly driver: string;
  readonly capabilities: readonly string[];
  /** How many rows it holds, of which this server has no record: it got them from another one, or from this one in a former life. */
  readonly foreignRows?: number;
}

/** A phase implies the ones before it, which may be left out; but `received` is always told. `received`: in the journal. `programmed`: applied, but for `failed`. `verified`: read back and equal. `refused`: not taken. */
export type Phase = 'received' | 'programmed' | 'verified' | 'refused';

export interface RowFailure {
  /** Table and key are empty when the device as a whole failed. */
  readonly table: string;
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

export interface ScopeResult {
  readonly scope: string;
  readonly version: Version;
  readonly phase: Phase;
  readonly failed: readonly RowFailure[];
  /** For `refused`: why. */
  readonly reason: string;
}

export interface DeviceReport {
  /** Since the agent started: rows rewritten because the device had drifted from them. */
  readonly driftRepaired: number;
  /** Since the agent started: rows written because goal state asked for it. */
  readonly rowsWritten: number;
  /** The rows that drifted last, as `<table>/<key>`, the newest at the end. */
  readonly drifted: readonly string[];
}

export interface SouthboundEvents {
  /** Also when a newer connection takes over from one whose end was not told: it did not end yet, or just a moment ago. */
  onConnected?(device: string, hello: DeviceHello): void;
  onDisconnected?(device: string): void;
  onResult?(device: string, result: ScopeResult): void;
  onReport?(device: string, report: DeviceReport): void;
  /** What the device sees: lists that changed, whole; all that it has once after every connection. Agents may never tell any. */
  onObservation?(device: string, seen: Observation): void;
  /** Two agents take turns under the name of one device. Told at most once a minute. */
  onContested?(device: string, contest: Contest): void;
}
