/**
 * Claim: one id or address taken from a pool, held by one object. The name is `<pool>-<value>`, so that the store's rule
 * "one object a name" is the proof that nothing is handed out twice. A claim outlives its owner until every device has
 * acknowledged that it no longer uses the value (quarantine). Written by the controller only.
 */
import Type, { type Static } from 'typebox';

export const claimSpec = Type.Object(
  {
    pool: Type.String({ description: 'vni, asn, routerid, vtep, link, or host.<vpc uid>.' }),
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
    Type.Union([Type.Literal('Bound'), Type.Literal('Quarantined')], { description: 'Quarantined: owner gone, devices not yet.' }),
  ),
});
export type ClaimStatus = Static<typeof claimStatus>;
