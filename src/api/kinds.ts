/** All kinds of `heddle.dev/v1alpha1`, in the order in which a newcomer declares them. */
import { addressSpace } from './kinds/addressspace.ts';
import { claim } from './kinds/claim.ts';
import { connection } from './kinds/connection.ts';
import { dhcpLease } from './kinds/dhcplease.ts';
import { external } from './kinds/external.ts';
import { externalPeering } from './kinds/externalpeering.ts';
import { fabric } from './kinds/fabric.ts';
import { gateway } from './kinds/gateway.ts';
import { mappingSlice } from './kinds/mappingslice.ts';
import { peeringConsent } from './kinds/peeringconsent.ts';
import { rollout } from './kinds/rollout.ts';
import { securityPolicy } from './kinds/securitypolicy.ts';
import { server } from './kinds/server.ts';
import { switchKind } from './kinds/switch.ts';
import { switchProfile } from './kinds/switchprofile.ts';
import { vpc } from './kinds/vpc.ts';
import { vpcAttachment } from './kinds/vpcattachment.ts';
import { vpcPeering } from './kinds/vpcpeering.ts';
import type { Kind } from './object.ts';

export const kinds: readonly Kind[] = [
  fabric,
  switchProfile,
  switchKind,
  gateway,
  server,
  connection,
  addressSpace,
  external,
  vpc,
  vpcAttachment,
  vpcPeering,
  externalPeering,
  peeringConsent,
  securityPolicy,
  mappingSlice,
  dhcpLease,
  claim,
  rollout,
];

const byName: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.kind, kind]));

/** The kind called `VPC`, `Switch` …; undefined for what is not ours. */
export const kindByName = (kind: string): Kind | undefined => byName.get(kind);
