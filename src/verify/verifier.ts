/**
 * What a verifier is asked and what it answers. It is handed the objects that people declared and the rows that are to be
 * published, and compares what the rows would do with what the objects promise. It never learns how rows are made. Pure.
 */
import type { ObjectRef, Resource } from '../api/object.ts';
import type { Row, RowId, TableName } from '../goal/rows.ts';
import type { ScopeChange } from '../goal/state.ts';
import type { Hop, Packet, Place } from './packet.ts';

/** An object as it is now; `undefined`: it is gone. */
export interface ObjectChange {
  readonly ref: ObjectRef;
  readonly object: Resource | undefined;
}

/**
 * Why an object, or the part of it at `path`, is not in force: it is refused, or waits for an id. What is not in force promises
 * nothing and permits nothing. Findings of the compiler and of the allocator are of this shape; other severities are ignored.
 */
export interface Refusal {
  readonly severity: string;
  readonly path: string;
  readonly code: string;
}

/** All that is said of the objects whose findings changed, by `refKey`; an empty list: nothing any more. */
export type Refusals = ReadonlyMap<string, readonly Refusal[]>;

/** The rows that are published, looked up and never copied. `GoalState` is one by way of `lookupIn`. */
export interface GoalLookup {
  row(scope: string, table: TableName, key: string): Row | undefined;
  rows(scope: string, table: TableName): Iterable<Row>;
  count(scope: string, table: TableName): number;
  scopes(): Iterable<string>;
  /** Devices that hold a scope by a `member` row, or because it is their own. */
  devicesOf(scope: string): readonly string[];
}

/** How much one check may cost. What is left out has no limit. */
export interface Budget {
  /** Needs a `clock`. */
  readonly milliseconds?: number;
  /** Equivalence classes that are looked at. */
  readonly classes?: number;
  /** Violations after which a check ends: what is that wrong need not be known to the last. */
  readonly violations?: number;
}

export interface VerifierOptions {
  readonly goal: GoalLookup;
  /** Milliseconds of any epoch. */
  readonly clock?: () => number;
}

/** A packet that goes where it must not, or does not arrive where it must, and the way it takes by the rows. */
export interface Witness {
  readonly packet: Packet;
  /** Where it comes in. */
  readonly place: Place;
  readonly hops: readonly Hop[];
  /** What becomes of it, in words: "delivered to …", "dropped at …". */
  readonly outcome: string;
}

export interface RowRef {
  readonly scope: string;
  readonly row: RowId;
}

export interface Violation {
  /** Stable, in CamelCase; `violationCodes` says what each means. */
  readonly code: ViolationCode;
  /** One sentence for the user. Names objects of several tenants: for operators, not for tenants. */
  readonly message: string;
  readonly witness?: Witness;
  /** The rows that are wrong or missing first, then those on the way of the witness. */
  readonly rows: readonly RowRef[];
  /** `refKey` of the objects that promise or that own what is hurt, as far as intent knows them; never empty. */
  readonly objects: readonly string[];
  /** The goal state has the fault already, whatever becomes of the proposal. */
  readonly before: boolean;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Rows of the proposal. */
  readonly checkedRows: number;
  /** Equivalence classes that were looked at. */
  readonly checkedClasses: number;
  /**
   * The budget ran out: the verdict says nothing about `unchecked` classes. They stay due and are the first of the next check,
   * whether the proposal is accepted or rejected.
   */
  readonly exhausted?: 'time' | 'classes' | 'violations';
  readonly unchecked: number;
}

export interface Verifier {
  /** Keeps the specification. What changes by it is looked at in the next check, with or without rows. */
  observe(changes: readonly ObjectChange[], refusals?: Refusals): void;
  /** Compares the goal state, as it would be after the proposal, with the specification: what either touches. Keeps nothing. */
  check(proposal: readonly ScopeChange[], budget?: Budget): Verdict;
  /**
   * The same bit by bit, since everything takes seconds: `pause` is asked every few units for what to wait for. Until it is through,
   * nothing else may be asked, nothing observed, and goal state must stay as it is.
   */
  checkInTurns(proposal: readonly ScopeChange[], budget: Budget, pause: () => Promise<void> | undefined): Promise<Verdict>;
  /** The proposal of the last check is, or is about to be, committed to the goal state. */
  accept(): void;
  /** It is not. What objects touched stays due. */
  reject(): void;
  /** Everything, whatever was checked before: after a start, and to compare with. */
  checkAll(budget?: Budget): Verdict;
}

/** What can be wrong. */
export const violationCodes = {
  Leak: 'a packet gets out of its VPC to somewhere that no peering, External or policy permits',
  Unreachable: 'a packet that intent promises to deliver is not delivered',
  WrongSegment: 'a port is in another segment than its attachment says',
  UnknownAttachment: 'a port is in a segment although nothing attaches it there',
  MissingAttachment: 'a port is not in the segment that its attachment says',
  WrongIdentity: 'a segment or VRF carries another id, prefix or gateway than what it stands for',
  MissingRow: 'a device lacks what it needs to deliver',
  StaleRow: 'a row speaks of what intent does not, or no longer, know',
  WrongRow: 'a row says something else than intent',
  PeeringWider: 'a leak lets more through than its peerings permit',
  PeeringNarrower: 'a leak, or one half of it, lets less through than its peerings permit',
  IsolationWider: 'subnets exchange packets although one of them is isolated',
  IsolationNarrower: 'subnets do not exchange packets although they may',
  PolicyWider: 'a filter lets through what no policy permits',
  PolicyNarrower: 'a filter stops what policies permit',
  Spoofable: 'a server may send under an address that is not its own',
  WrongMapping: 'a mapping leads to another place than its slice says',
  Loop: 'routes lead in a circle',
  BlackHole: 'a route leads nowhere',
  Unequal: 'devices that must be alike are not',
  Duplicate: 'two devices have what only one may have',
  Overlap: 'two VPCs of one AddressSpace have the same addresses',
  HalfLink: 'the two ends of a link do not agree',
  OverCapacity: 'a device is given more than its profile says it holds',
  WrongLease: 'a device leases addresses that it must not',
} as const;
export type ViolationCode = keyof typeof violationCodes;
