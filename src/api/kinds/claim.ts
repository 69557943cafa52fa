/**
 * Claim: one id or address taken from a pool, held by one object. The name is `<pool>-<value>`, so that the store's rule
 * "one object a name" is the proof that nothing is handed out twice. A claim outlives its owner until every device has
 * acknowledged that it no longer uses the value (quarantine). Written by the controller only.
 */
import { type Static, Type } from 'typebox';
import { isJsonObject } from '../../kit/json.ts';
import type { Kind } from '../object.ts';
import { column, defineKind } from './define.ts';
import { claimRules } from '../rules/claim.ts';

export const claimSpec = Type.Object(
  {
    pool: Type.String({ description: 'vni, asn, routerid, vtep, link, es, or host.<vpc uid>.' }),
    value: Type.String({ description: 'The number or address.' }),
    owner: Type.Object(
      { kind: Type.String(), namespace: Type.String(), name: Type.String(), uid: Type.String() },
      { additionalProperties: false },
    ),
    /** What the owner uses it for: `l3`, `subnet/front`, `self`, or the link. */
    purpose: Type.String(),
  },
  { additionalProperties: false },
);
export type ClaimSpec = Static<typeof claimSpec>;

export const claimStatus = Type.Object({
  phase: Type.Optional(
    Type.Union([Type.Literal('Bound'), Type.Literal('Quarantined')], {
      description: 'Bound, or Quarantined while the owner is gone and devices have not acknowledged that yet. Default Bound.',
    }),
  ),
});
export type ClaimStatus = Static<typeof claimStatus>;

export const defaultClaimSpec = (spec: ClaimSpec) => ({ ...spec });
export type DefaultedClaimSpec = ReturnType<typeof defaultClaimSpec>;

const plain = defineKind({
  kind: 'Claim',
  plural: 'claims',
  scope: 'Cluster',
  description:
    'One id or address taken from a pool and the object that holds it. Written by the controller; a claim whose owner is gone stays until no device uses the value any more.',
  spec: claimSpec,
  status: claimStatus,
  defaults: defaultClaimSpec,
  rules: claimRules,
  judged: false,
  columns: [
    column('Pool', '.spec.pool', 'Pool the value is of.'),
    column('Value', '.spec.value', 'The number or address.'),
    column('Owner', '.spec.owner.kind', 'Kind of the holder.'),
    column('Namespace', '.spec.owner.namespace', 'Namespace of the holder.'),
    column('Name', '.spec.owner.name', 'Name of the holder.'),
    column('Purpose', '.spec.purpose', 'What the holder uses it for.'),
    column('Phase', '.status.phase', 'Bound or Quarantined.'),
  ],
});

/** A claim is bound from the moment it is made, without a second write that says so. */
export const claim: Kind = {
  ...plain,
  defaults: (object) => {
    const { status = {} } = object;
    const full = plain.defaults(object);
    return full === object || !isJsonObject(status) ? full : { ...full, status: { phase: 'Bound', ...status } };
  },
};
