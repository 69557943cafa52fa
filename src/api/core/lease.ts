/** Lease (coordination.k8s.io/v1): who holds an office, for how long, and since when. Controllers elect a leader by one. */
import { Type } from 'typebox';
import type { Kind } from '../object.ts';

const time = (description: string) => Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description }));
const text = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Null()], { description }));
const count = (description: string, least: number) =>
  Type.Optional(Type.Union([Type.Integer({ minimum: least, maximum: 2_147_483_647 }), Type.Null()], { description }));

const spec = Type.Object(
  {
    holderIdentity: text('Who holds it; empty when it was given back.'),
    leaseDurationSeconds: count('How long others wait, since they last saw it change, before they take it.', 1),
    acquireTime: time('When the holder took it.'),
    renewTime: time('When the holder last said that it still holds it.'),
    leaseTransitions: count('How often it went from one holder to another.', 0),
    strategy: text('How the next holder is chosen by a coordinator; kept, without meaning here.'),
    preferredHolder: text('Whom a coordinator prefers; kept, without meaning here.'),
  },
  { description: 'The term of office.' },
);

export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

export const leaseKind: Kind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  description: 'Who holds an office and until when. The leading control plane renews heddle-controller in kube-system.',
  properties: { spec: Type.Optional(spec) },
  required: [],
  defaults: (object) => object,
  validate: () => [],
  columns: [
    { name: 'Holder', type: 'string', jsonPath: '.spec.holderIdentity', description: 'Who holds it', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 },
  ],
  hasStatus: false,
};
