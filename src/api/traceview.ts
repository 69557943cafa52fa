/** What `GET …/trace` answers of a server, an attachment, a VPC or an External: the way of a packet, step by step. */
import type { ContributorView } from './goalview.ts';
import type { ObjectRef } from './object.ts';

/** Name of the subresource. */
export const traceView = 'trace';

export interface TraceEndView {
  /** As it was asked for. */
  readonly text: string;
  readonly address: string;
  readonly object?: ObjectRef;
}

export interface WaysView {
  readonly count: number;
  /** Cables of each way, as `<device>/<port>` from end to end; some of the ways. */
  readonly ways: readonly (readonly { readonly from: string; readonly to: string }[])[];
}

export interface TunnelView {
  readonly vni: number;
  readonly source?: string;
  readonly to: readonly { readonly device?: string; readonly vtep?: string; readonly ways?: WaysView }[];
}

/** Whether the device runs what it is to run. `unknown`: it did not say. */
export interface ActualStepView {
  readonly state: 'same' | 'differs' | 'unknown';
  /** Why it is unknown, or what the device would do to put it right. */
  readonly message?: string;
}

export interface StepView {
  /** Left out: a device that the asker may not see. */
  readonly device?: string;
  /** `enters permitted routed via leaked encapsulated arrives leaves delivered dropped`. */
  readonly doing: string;
  readonly text: string;
  /** `<table>/<key>`. */
  readonly row?: string;
  readonly scope?: string;
  readonly objects?: readonly ContributorView[];
  readonly tunnel?: TunnelView;
  readonly actual?: ActualStepView;
}

export interface WayView {
  /** Port where the packet comes in. */
  readonly at?: string;
  readonly outcome: 'delivered' | 'elsewhere' | 'dropped';
  readonly reason?: string;
  readonly steps: readonly StepView[];
}

/** What a device says that it runs, and what of it is not as it is to be. */
export interface ActualDeviceView {
  readonly device: string;
  readonly state: 'same' | 'differs' | 'unknown';
  readonly message?: string;
  /** Rows that are not, or not quite, on the device. */
  readonly rows: readonly { readonly row: string; readonly why: string }[];
  /** Steps that would take away what is not wanted. */
  readonly surplus: readonly string[];
}

export interface ActualView {
  /** What becomes of the packet without the rows that are missing; `unknown` when a device on the way did not say. */
  readonly result: 'delivered' | 'oneway' | 'elsewhere' | 'dropped' | 'unknown';
  /** The first step where what is run is not what is to be run. */
  readonly differsAt?: { readonly direction: 'there' | 'back'; readonly device?: string; readonly row?: string; readonly why: string };
  readonly devices: readonly ActualDeviceView[];
}

export interface TraceView {
  readonly apiVersion: string;
  readonly kind: 'Trace';
  readonly metadata: { readonly name: string };
  readonly result: 'delivered' | 'oneway' | 'elsewhere' | 'dropped';
  readonly from: TraceEndView;
  readonly to: TraceEndView;
  readonly packet: { readonly source: string; readonly destination: string; readonly protocol: string; readonly port?: number };
  readonly there: readonly WayView[];
  readonly back: readonly WayView[];
  /** What no row says and the answer stands on. */
  readonly assumptions: readonly string[];
  readonly actual?: ActualView;
}
