/**
 * What an agent needs of a device, whatever its operating system. A driver is three steps: read what is there, plan the
 * difference (pure), apply it. `plan(actual, goal)` of a device that is right is empty; applying a plan twice does no harm;
 * every prefix of a plan keeps tenants apart.
 */
import type { Lease, LinkNeighbour, Observation, Session, UnderlaySession } from '../goal/observation.ts';
import type { RowId, TableName, Tables } from '../goal/rows.ts';
import type { Address } from '../net/brand.ts';

/** All rows a device must hold, over all its scopes, by table and key. */
export type GoalTables = { readonly [Table in TableName]: ReadonlyMap<string, Tables[Table]> };

/** One step of a plan; prints as the very command a person would type. */
export interface Op {
  /** What the step is about, unique in a plan, such as `link/vrf5001/br1001`. */
  readonly key: string;
  readonly argv: readonly [string, ...string[]];
  /** Text for the command's standard input. */
  readonly stdin?: string;
  /** Keys of steps that must have succeeded before this one; keys that are not in the plan count as done. */
  readonly after: readonly string[];
  /** Rows that are not true until this step succeeded. */
  readonly rows: readonly RowId[];
}

export type OpResult =
  | { readonly key: string; readonly ok: true }
  /** `Blocked`: a step it comes after failed. */
  | { readonly key: string; readonly ok: false; readonly code: string; readonly message: string };

/** A row that this device cannot realise, whatever is tried; found while planning. */
export interface Unrealisable {
  readonly row: RowId;
  readonly code: 'Unsupported' | 'Conflict';
  readonly message: string;
}

export interface Plan {
  readonly ops: readonly Op[];
  readonly unrealisable: readonly Unrealisable[];
}

export type { Lease, LinkNeighbour, Observation, Session, UnderlaySession };

export interface Driver<Actual> {
  readonly name: string;
  /** What this device can do, found out by trying; sorted words. Called once, before anything else. */
  probe(): Promise<readonly string[]>;
  /** Everything on the device that Heddle owns, and nothing foreign. */
  read(): Promise<Actual>;
  /**
   * Pure. `mark` answers a word that is equal for equal goals only, now and after a restart: a driver may remember by it what
   * it has found out about a large goal.
   */
  plan(actual: Actual, goal: GoalTables, mark?: () => string): Plan;
  /** Runs the steps in an order that respects `after`, batching where the tool allows; never throws for a step that failed. */
  apply(ops: readonly Op[]): Promise<readonly OpResult[]>;
  /**
   * From now on tells what the device sees: all at once, then whenever it changed. Neutral names of ports are those of
   * the goal that was planned last.
   */
  observe?(tell: (seen: Observation) => void): void;
  /**
   * From now on says when something changed on the device by itself that a plan may follow from, such as a link that lost its
   * carrier. What is planned then is no repair.
   */
  watch?(changed: () => void): void;
  /**
   * Which of these VTEPs answer an ICMP echo that comes from the device's own VTEP address, by address. Left out: the device
   * cannot tell. @throws HeddleError when it cannot now, such as without a VTEP of its own
   */
  reach?(targets: readonly Address[], milliseconds: number): Promise<ReadonlyMap<Address, boolean>>;
  /** Ends what the driver started for itself (long-lived tool processes); leaves the device forwarding. */
  close(): Promise<void>;
}
