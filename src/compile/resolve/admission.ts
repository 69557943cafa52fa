/**
 * What is left of attachments and peerings when every device has said what it cannot take: from here rows are made.
 */
import { limitsOf } from '../../api/kinds/vpc.ts';
import type { CompileFinding } from '../finding.ts';
import { specOf } from '../intent.ts';
import { derivedIndex, query, type Query, type View } from '../view.ts';
import { placement, type ResolvedAttachment } from './attachment.ts';
import { deviceLimits, refusalsOf } from './capacity.ts';
import type { Consumer } from './consumers.ts';
import { externalPeeringResolution } from './externalpeering.ts';
import { devicesOf } from './connection.ts';
import type { ExternalNetwork } from './external.ts';
import { peeringResolution } from './peering.ts';
import { missing } from './profile.ts';
import type { Resolution } from './resolution.ts';

/** Key: `namespace/name`. */
export const attachmentResolution = query('attachment', (view, key): Resolution<ResolvedAttachment> => {
  const placed = view.query(placement, key);
  const { value, findings, demands } = placed;
  if (value === undefined) return placed;
  const faults = attachmentFaults(view, key, value);
  return faults.length === 0 ? placed : { demands, findings: [...findings, ...faults] };
});

const attachmentFaults = (view: View, key: string, value: ResolvedAttachment): readonly CompileFinding[] => {
  const { group, legs } = value.connection;
  const limits = legs.map(({ leaf }) => view.query(deviceLimits, leaf.name));
  // What is multihomed is held by all switches of the group, also by those that it is not cabled to.
  const full = group !== undefined || limits.some(({ refusals }) => refusals.length > 0) ? refusalsOf(view, 'VPCAttachment', key, 'spec.connection') : [];
  const lacking = legs.flatMap(({ leaf }, index) => (limits[index]?.lacks === undefined ? [] : missing(view, leaf, wantedBy(view, value))));
  return [...full, ...lacking];
};

/** What a leaf must be able to do for an attachment. */
const wantedBy = (view: View, { place: { vpc, name, overlay, subnet }, vlan }: ResolvedAttachment): Parameters<typeof missing>[2] => {
  const at = 'spec.subnet';
  const object = view.at('VPC', vpc);
  const spec = object && specOf('VPC', object);
  const declared = spec?.subnets[name];
  const isFiltered = subnet.restricted === true || (spec !== undefined && declared !== undefined && limitsOf(spec, declared).isolated);
  return [
    ['l3vni', at],
    ...(vlan === undefined ? [] : [['subinterfaces', 'spec.vlan'] as const]),
    ...(overlay.mode === 'l2' ? [['l2vni', at] as const] : []),
    ...(subnet.ipv6 === undefined ? [] : [['ipv6', at] as const]),
    ...(subnet.announceable === undefined ? [] : [['hostBGP', at] as const]),
    ...(isFiltered ? [['acls', at] as const] : []),
  ];
};

/** Key: `namespace/vpc`. Leaves where the VPC has an attachment. */
export const leavesOfVpc = derivedIndex('leavesOfVpc', 'VPCAttachment', attachmentResolution, ({ value }) =>
  value === undefined ? [] : devicesOf(value.connection).map(({ name }) => ({ key: value.place.vpc, value: name })),
);

const admitted = <Value>(name: string, kind: Consumer['kind'], of: Query<Resolution<Value>>, path: string): Query<Resolution<Value>> =>
  query(name, (view, key) => {
    const resolution = view.query(of, key);
    const faults = resolution.value === undefined ? [] : refusalsOf(view, kind, key, path);
    return faults.length === 0 ? resolution : { findings: [...resolution.findings, ...faults], demands: resolution.demands };
  });

/** Key: `namespace/name`. */
export const admittedPeering = admitted('admittedPeering', 'VPCPeering', peeringResolution, 'spec.permit');

export const pairKey = ({ left, right }: { readonly left: string; readonly right: string }): string => `${left} ${right}`;

/** Key: `pairKey`. What all peerings of two VPCs permit together. */
export const pairingsOfPair = derivedIndex('pairingsOfPair', 'VPCPeering', admittedPeering, ({ value }) =>
  value === undefined ? [] : value.pairings.map((pairing) => ({ key: pairKey(value), value: pairing })),
);

/** Key: `namespace/vpc`. The VPCs it is peered with, and by which peering. */
export const peersOfVpc = derivedIndex('peersOfVpc', 'VPCPeering', admittedPeering, ({ value }) => {
  if (value === undefined) return [];
  const { left, right, leftOverlay, rightOverlay, peering, age } = value;
  return [
    { key: left, value: { vpc: rightOverlay.vpc, scope: rightOverlay.scope, peering, age } },
    { key: right, value: { vpc: leftOverlay.vpc, scope: leftOverlay.scope, peering, age } },
  ];
});

/** Key: `namespace/name`. */
export const admittedExternalPeering = admitted('admittedExternalPeering', 'ExternalPeering', externalPeeringResolution, 'spec');

export const externalPairKey = ({ vpc, network }: { readonly vpc: string; readonly network: ExternalNetwork }): string => `${vpc} ${network.external.name}`;

/** Key: `externalPairKey`. What all peerings of a VPC and an External permit together. */
export const externalPairings = derivedIndex('externalPairings', 'ExternalPeering', admittedExternalPeering, ({ value }) =>
  value === undefined ? [] : [{ key: externalPairKey(value), value: value.pairing }],
);

/** Key: `namespace/vpc`. The Externals it is peered with, and by which peering. */
export const externalsOfVpc = derivedIndex('externalsOfVpc', 'ExternalPeering', admittedExternalPeering, ({ value }) => {
  if (value === undefined) return [];
  const { vpc, network: { external, scope }, peering, age } = value;
  return [{ key: vpc, value: { external, scope, peering, age } }];
});

/** Key: External. The VPCs it is peered with, and by which peering. */
export const vpcsOfExternal = derivedIndex('vpcsOfExternal', 'ExternalPeering', admittedExternalPeering, ({ value }) => {
  if (value === undefined) return [];
  const { overlay: { vpc, scope }, network: { external }, peering, age } = value;
  return [{ key: external.name, value: { vpc, scope, peering, age } }];
});

export const admissionLayers = [
  attachmentResolution,
  leavesOfVpc,
  admittedPeering,
  pairingsOfPair,
  peersOfVpc,
  admittedExternalPeering,
  externalPairings,
  externalsOfVpc,
  vpcsOfExternal,
];
