/**
 * VPCPeering -> both halves of the leak, each in the shared scope of its VPC. All peerings of the same two VPCs hand in the
 * same rows, made of what they permit together. And membership: a device that has one of the two VPCs attached must hold
 * the other as well, for that is where the leak takes effect.
 */
import type { ObjectRef, Resource } from '../../api/object.ts';
import { deviceScope, type LeakRow } from '../../goal/rows.ts';
import type { Vni } from '../../net/brand.ts';
import { tenantKey, tenantRef } from '../intent.ts';
import { admittedPeering, leavesOfVpc, pairingsOfPair, pairKey, peersOfVpc } from '../resolve/admission.ts';
import type { Pairing } from '../resolve/peering.ts';
import type { Overlay } from '../resolve/vpc.ts';
import { pairTranslator, type ScopedRow, type Translator } from '../view.ts';

export const peeringTranslator: Translator = {
  name: 'peering',
  kind: 'VPCPeering',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(admittedPeering, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    const { leftOverlay, rightOverlay } = value;
    const [left, right] = [vpcEnd(leftOverlay), vpcEnd(rightOverlay)];
    const pairings = view.list(pairingsOfPair, pairKey(value));
    const mirrored = pairings.map((pairing) => ({ left: pairing.right, right: pairing.left }));
    const rows = [leakRow(left, right, pairings), leakRow(right, left, mirrored)];
    return { rows, findings, demands, facts: { vpcs: [leftOverlay, rightOverlay].map(({ vpc }) => nameIn(object, vpc)) } };
  },
};

const nameIn = ({ metadata }: Resource, { namespace, name }: ObjectRef): string => (namespace === metadata.namespace ? name : `${namespace}/${name}`);

/** One of the two networks that a leak joins. */
export interface LeakEnd {
  readonly vrf: string;
  readonly vni: Vni;
  readonly scope: string;
  readonly owner: ObjectRef;
}

export const vpcEnd = ({ vrf, vni, scope, vpc }: Overlay): LeakEnd => ({ vrf, vni, scope, owner: vpc });

/** The half that is kept with `local`; `left` of the pairings are its prefixes. */
export const leakRow = (local: LeakEnd, remote: LeakEnd, pairings: readonly Pairing[]): ScopedRow => {
  const value: LeakRow = {
    vrf: local.vrf,
    vni: local.vni,
    peerVrf: remote.vrf,
    peerVni: remote.vni,
    pairings: pairings.map(({ left, right }) => ({ local: left, remote: right })),
  };
  return { scope: local.scope, row: { table: 'leak', key: `${local.vrf}/${remote.vrf}`, value }, from: [local.owner, remote.owner] };
};

/** The peer's scope on every leaf where a VPC is attached. */
export const peeringMembers = pairTranslator('peering members', leavesOfVpc, peersOfVpc, (key, leaf, { vpc, scope, peering, age }) => ({
  owner: peering,
  age,
  scope: deviceScope(leaf),
  row: { table: 'member', key: scope, value: { scope } },
  from: [tenantRef('VPC', key), vpc],
}));
