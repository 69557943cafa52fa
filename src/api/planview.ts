/** What a `Plan` answers: what would follow from writing and deleting objects, and what keeps it from being done. */
import type { CapacityTable } from './capacity.ts';
import type { ServicesView, ViolationView } from './matrixview.ts';
import type { ObjectRef, Resource } from './object.ts';

/** `spec` of a Plan. */
export interface PlanSpec {
  /** Objects as they shall be, whole. */
  readonly apply?: readonly Resource[];
  readonly delete?: readonly (ObjectRef & { readonly apiVersion?: string })[];
}

export interface PlannedFinding {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface PlannedObject {
  /** `Kind/namespace/name`, or `Kind/name`. */
  readonly object: string;
  readonly action: 'create' | 'change' | 'delete' | 'none';
  /** Why it is refused. */
  readonly findings: readonly PlannedFinding[];
  /** What it waits for, and nobody has to act on; and what is said of it beside. */
  readonly notes: readonly PlannedFinding[];
}

export interface PlannedRow {
  readonly scope: string;
  readonly row: string;
  readonly change: 'add' | 'change' | 'remove';
  readonly before?: unknown;
  readonly after?: unknown;
  /** Objects that it comes from, as far as they are for the asker to see. */
  readonly objects: readonly string[];
}

export interface PlannedReset {
  /** The neighbour: its port, or its address. */
  readonly neighbour: string;
  readonly what: 'reset' | 'ends';
  readonly why: string;
}

export interface PlannedDevice {
  readonly device: string;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly resets: readonly PlannedReset[];
  /** Of tables whose size is known. */
  readonly capacity: { readonly [Table in CapacityTable]?: { readonly before: number; readonly after: number; readonly of: number } };
  /** As one would type them; left out where the driver of the device is not known here, or there are too many devices. */
  readonly commands?: readonly string[];
}

export interface PlannedHold {
  readonly device: string;
  readonly reason: string;
  /** Rows that would go, of how many, and how many may. */
  readonly rows: number;
  readonly of: number;
  readonly limit: number;
}

export interface PlannedPassage {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  readonly services: ServicesView;
  /** Not between all hosts. */
  readonly isPartial: boolean;
}

export interface PlanStatus {
  readonly result: 'NoChange' | 'Change' | 'Refused';
  readonly objects: readonly PlannedObject[];
  /** Objects beside those that would be refused because of it; of those that are not for the asker to see, how many. */
  readonly others: readonly PlannedObject[];
  readonly hiddenOthers: number;
  /** Whether goal state is verified at all, and whether the budget sufficed for this. */
  readonly verified: 'Proven' | 'Violated' | 'BudgetExhausted' | 'Off';
  readonly violations: readonly ViolationView[];
  /** Deletions that would wait until somebody allows them; of devices that are not for the asker to see, how many. */
  readonly holds: readonly PlannedHold[];
  readonly hiddenHolds: number;
  /** Waves in which devices get it, where the Fabric wants that; empty: all at once. */
  readonly rollout: readonly { readonly fabric: string; readonly waves: readonly (readonly string[])[] }[];
  readonly blast: { readonly devices: number; readonly added: number; readonly changed: number; readonly removed: number; readonly sessions: number };
  /** Those that are for the asker to see. */
  readonly devices: readonly PlannedDevice[];
  readonly rows: readonly PlannedRow[];
  /** Rows beyond those that are listed, and devices beyond those whose commands are. */
  readonly rowsLeftOut: number;
  readonly commandsLeftOut: number;
  readonly allows: readonly PlannedPassage[];
  readonly denies: readonly PlannedPassage[];
  /** VPCs that were not looked at for that. */
  readonly vpcsLeftOut: number;
}
