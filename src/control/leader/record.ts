/** A Lease object as election reads and writes it. */
import type { Resource } from '../../api/object.ts';
import { objectOr } from '../../kit/json.ts';

/** Where a Lease is. */
export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** What counts in an election; what others wrote there in another form counts as left out. */
export interface LeaseRecord {
  /** Empty when nobody holds it. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
}

/** Term of the leader that holds it, taken in the very write that took the Lease. */
export const termAnnotation = 'heddle.dev/term';
/** Where agents reach the leader, `host:port`. */
export const southboundAnnotation = 'heddle.dev/southbound';

export const recordOf = (lease: Resource): LeaseRecord => {
  const spec = objectOr(lease.spec);
  const text = (member: string): string => (typeof spec[member] === 'string' ? spec[member] : '');
  const number = (member: string): number => (Number.isFinite(spec[member]) ? Number(spec[member]) : 0);
  return {
    holder: text('holderIdentity'),
    durationSeconds: number('leaseDurationSeconds'),
    acquireTime: text('acquireTime'),
    renewTime: text('renewTime'),
    transitions: number('leaseTransitions'),
  };
};

export const termOf = ({ metadata }: Resource): number => Number(metadata.annotations?.[termAnnotation] ?? 0) || 0;

/** The object that says so, in place of `former` or for the first time. */
export const leaseObject = (at: LeaseName, record: LeaseRecord, annotations: Readonly<Record<string, string>>, former?: Resource): Resource => {
  const metadata = former?.metadata ?? { name: at.name, namespace: at.namespace };
  const { holder, durationSeconds, acquireTime, renewTime, transitions } = record;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
    spec: { holderIdentity: holder, leaseDurationSeconds: durationSeconds, acquireTime, renewTime, leaseTransitions: transitions },
  };
};

/** Microseconds, as Kubernetes writes the times of a Lease. `milliseconds` since 1970. */
export const microTime = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, -1)}000Z`;
