/** What `GET …/vpcs/<name>/matrix` answers: what passes between the subnets of a VPC, its peers and networks outside. */

/** Name of the subresource. */
export const matrixView = 'matrix';

export interface ServicesView {
  readonly icmp: boolean;
  /** Ranges of destination ports. */
  readonly tcp: readonly { readonly from: number; readonly to: number }[];
  readonly udp: readonly { readonly from: number; readonly to: number }[];
}

export interface CellView {
  /** `<namespace>/<vpc>/<subnet>`, or `<External> <prefix>`. */
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  /** What passes between all hosts, and between some at least. */
  readonly all: ServicesView;
  readonly some: ServicesView;
}

export interface MatrixView {
  readonly apiVersion: string;
  readonly kind: 'ReachabilityMatrix';
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly cells: readonly CellView[];
}

/** Name of the subresource of a Fabric. */
export const verifyView = 'verify';

export interface ViolationView {
  readonly code: string;
  readonly message: string;
  /** The packet, where it comes in, what is done with it and what becomes of it. */
  readonly witness?: { readonly packet: string; readonly at: string; readonly steps: readonly string[]; readonly outcome: string };
  readonly rows: readonly { readonly scope: string; readonly row: string }[];
  readonly objects: readonly string[];
}

export interface VerifyView {
  readonly apiVersion: string;
  readonly kind: 'Verification';
  readonly metadata: { readonly name: string };
  /** Version of goal state that was checked. */
  readonly version: number;
  readonly checkedClasses: number;
  readonly violations: readonly ViolationView[];
}
