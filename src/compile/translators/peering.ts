/**
 * VPCPeering -> both halves of the leak, each in the shared scope of its VPC, and membership: a device that has one of the
 * two VPCs attached must hold the other as well, for that is where the leak takes effect. All peerings of the same two VPCs
 * hand in the same rows, made of what they permit together.
 */
import { deviceScope, vpcScope, type LeakRow } from '../../goal/rows.ts';
import type { Vni } from '../../net/brand.ts';
import { tenantKey, tenantRef } from '../intent.ts';
import { leavesOfVpc } from '../resolve/attachment.ts';
import { pairingsOfPair, pairKey, peeringResolution, type Pairing } from '../resolve/peering.ts';
import { vpcResolution, vrfName } from '../resolve/vpc.ts';
import { query, type ScopedRow, type Translator, type View } from '../view.ts';

export const peeringTranslator: Translator = {
  name: 'peering',
  kind: 'VPCPeering',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(peeringResolution, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    const { left, right } = value;
    const [leftVni, rightVni] = [view.query(vniOfVpc, left), view.query(vniOfVpc, right)];
    if (leftVni === undefined || rightVni === undefined) return { rows: [], findings, demands };
    const from = [tenantRef('VPC', left), tenantRef('VPC', right)];
    const pairings = view.list(pairingsOfPair, pairKey(value));
    const mirrored = pairings.map((pairing) => ({ left: pairing.right, right: pairing.left }));
    const rows = [
      leakRow(leftVni, rightVni, pairings),
      leakRow(rightVni, leftVni, mirrored),
      ...memberRows(view, left, rightVni),
      ...memberRows(view, right, leftVni),
    ];
    const vpcs = [left, right].map((key) => tenantRef('VPC', key).name);
    return { rows: rows.map(({ scope, row }) => ({ scope, row, from })), findings, demands, facts: { vpcs } };
  },
};

/** Key: `namespace/name`. */
const vniOfVpc = query('vniOfVpc', (view, key) => view.query(vpcResolution, key).value?.vni);

type Placed = Omit<ScopedRow, 'from'>;

const leakRow = (vni: Vni, peerVni: Vni, pairings: readonly Pairing[]): Placed => {
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

/** The peer's scope on every leaf where the VPC is attached. */
const memberRows = (view: View, vpc: string, peerVni: Vni): Placed[] => {
  const held = vpcScope(peerVni);
  return view
    .list(leavesOfVpc, vpc)
    .map((leaf) => ({ scope: deviceScope(leaf), row: { table: 'member', key: held, value: { scope: held } } }));
};
