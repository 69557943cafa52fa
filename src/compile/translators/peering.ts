/**
 * VPCPeering -> both halves of the leak, each in the shared scope of its VPC. All peerings of the same two VPCs hand in the
 * same rows, made of what they permit together. And membership: a device that has one of the two VPCs attached must hold
 * the other as well, for that is where the leak takes effect.
 */
import { deviceScope, type LeakRow } from '../../goal/rows.ts';
import { tenantKey, tenantRef } from '../intent.ts';
import { leavesOfVpc } from '../resolve/attachment.ts';
import { pairingsOfPair, pairKey, peeringResolution, peersOfVpc, type Pairing } from '../resolve/peering.ts';
import type { Overlay } from '../resolve/vpc.ts';
import { pairTranslator, type ScopedRow, type Translator } from '../view.ts';

export const peeringTranslator: Translator = {
  name: 'peering',
  kind: 'VPCPeering',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(peeringResolution, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    const { leftOverlay, rightOverlay } = value;
    const pairings = view.list(pairingsOfPair, pairKey(value));
    const mirrored = pairings.map((pairing) => ({ left: pairing.right, right: pairing.left }));
    const rows = [leakRow(leftOverlay, rightOverlay, pairings), leakRow(rightOverlay, leftOverlay, mirrored)];
    return { rows, findings, demands, facts: { vpcs: [leftOverlay.vpc.name, rightOverlay.vpc.name] } };
  },
};

const leakRow = (local: Overlay, remote: Overlay, pairings: readonly Pairing[]): ScopedRow => {
  const value: LeakRow = {
    vrf: local.vrf,
    vni: local.vni,
    peerVrf: remote.vrf,
    peerVni: remote.vni,
    pairings: pairings.map(({ left, right }) => ({ local: left, remote: right })),
  };
  return { scope: local.scope, row: { table: 'leak', key: `${local.vrf}/${remote.vrf}`, value }, from: [local.vpc, remote.vpc] };
};

/** The peer's scope on every leaf where a VPC is attached. */
export const peeringMembers = pairTranslator('peering members', leavesOfVpc, peersOfVpc, (key, leaf, { vpc, scope, peering, age }) => ({
  owner: peering,
  age,
  scope: deviceScope(leaf),
  row: { table: 'member', key: scope, value: { scope } },
  from: [tenantRef('VPC', key), vpc],
}));
