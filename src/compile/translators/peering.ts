/**
 * VPCPeering -> both halves of the leak, each in the shared scope of its VPC. All peerings of the same two VPCs hand in the
 * same rows, made of what they permit together. And membership: a device that has one of the two VPCs attached must hold
 * the other as well, for that is where the leak takes effect.
 */
import { deviceScope, vpcScope, type LeakRow } from '../../goal/rows.ts';
import type { Vni } from '../../net/brand.ts';
import { tenantKey, tenantRef } from '../intent.ts';
import { leavesOfVpc } from '../resolve/attachment.ts';
import { pairingsOfPair, pairKey, peeringResolution, peersOfVpc, type Pairing } from '../resolve/peering.ts';
import { vrfName } from '../resolve/vpc.ts';
import { pairTranslator, type ScopedRow, type Translator } from '../view.ts';

export const peeringTranslator: Translator = {
  name: 'peering',
  kind: 'VPCPeering',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(peeringResolution, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    const { left, right, leftVni, rightVni } = value;
    const pairings = view.list(pairingsOfPair, pairKey(value));
    const mirrored = pairings.map((pairing) => ({ left: pairing.right, right: pairing.left }));
    const from = [left, right].map((key) => tenantRef('VPC', key));
    const rows = [leakRow(leftVni, rightVni, pairings), leakRow(rightVni, leftVni, mirrored)];
    return { rows: rows.map((row) => ({ ...row, from })), findings, demands, facts: { vpcs: from.map(({ name }) => name) } };
  },
};

const leakRow = (vni: Vni, peerVni: Vni, pairings: readonly Pairing[]): Omit<ScopedRow, 'from'> => {
  const [vrf, peerVrf] = [vrfName(vni), vrfName(peerVni)];
  const value: LeakRow = {
    vrf,
    vni,
    peerVrf,
    peerVni,
    pairings: pairings.map(({ left, right }) => ({ local: left, remote: right })),
  };
  return { scope: vpcScope(vni), row: { table: 'leak', key: `${vrf}/${peerVrf}`, value } };
};

/** The peer's scope on every leaf where a VPC is attached. */
export const peeringMembers = pairTranslator('peering members', leavesOfVpc, peersOfVpc, (vpc, leaf, peer) => {
  const held = vpcScope(peer.vni);
  return {
    owner: peer.peering,
    age: peer.age,
    scope: deviceScope(leaf),
    row: { table: 'member', key: held, value: { scope: held } },
    from: [tenantRef('VPC', vpc), tenantRef('VPC', peer.vpc)],
  };
});
