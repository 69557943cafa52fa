/** Faults of peerings, and of what keeps subnets of one VPC apart. */
import type { LeakRow } from '../../goal/rows.ts';
import type { Edits } from './testing-edits.ts';
import { type Fault, less, prefix, replaced, vni, without } from './testing-fault.ts';

type Pairing = LeakRow['pairings'][number];

const editPairings = (goal: Edits, from: string, to: string, change: (pairing: Pairing) => Pairing): void =>
  goal.edit(goal.vpc(from), 'leak', goal.leak(from, to), (leak) => ({ ...leak, pairings: leak.pairings.map(change) }));

/** Both halves of a peering, the first as seen from `from`. */
const editHalves = (goal: Edits, from: string, to: string, change: (prefixes: Pairing['local']) => Pairing['local']): void => {
  editPairings(goal, from, to, ({ local, remote }) => ({ local: change(local), remote }));
  editPairings(goal, to, from, ({ local, remote }) => ({ local, remote: change(remote) }));
};

const leakBetween = (goal: Edits, from: string, to: string, local: readonly string[], remote: readonly string[]): void => {
  const [own, peer] = [goal.vrf(from), goal.vrf(to)];
  const value: LeakRow = {
    vrf: own.name, vni: own.vni, peerVrf: peer.name, peerVni: peer.vni,
    pairings: [{ local: local.map(prefix), remote: remote.map(prefix) }],
  };
  goal.put(goal.vpc(from), { table: 'leak', key: `${own.name}/${peer.name}`, value });
};

const [shop, bank, services, routed] = ['default/shop', 'partner/bank', 'default/services', 'default/routed'];
const withBank = ['VPCPeering/default/shop--bank'];
const withServices = ['VPCPeering/default/shop--services'];

export const peeringFaults: readonly Fault[] = [
  {
    name: 'one half of a peering is missing',
    make: (goal) => goal.drop(goal.vpc(shop), 'leak', goal.leak(shop, bank)),
    blames: withBank,
  },
  {
    name: 'both halves of a peering are missing',
    make: (goal) => {
      goal.drop(goal.vpc(shop), 'leak', goal.leak(shop, bank));
      goal.drop(goal.vpc(bank), 'leak', goal.leak(bank, shop));
    },
    blames: withBank,
  },
  {
    name: 'both halves of a peering are one bit too wide (IPv4)',
    make: (goal) => editHalves(goal, shop, services, (prefixes) => replaced(prefixes, '10.1.2.0/24', '10.1.2.0/23')),
    blames: withServices,
  },
  {
    name: 'both halves of a peering reach into the next subnet (IPv6)',
    make: (goal) => editHalves(goal, shop, services, (prefixes) => replaced(prefixes, 'fd00:1:2::/64', 'fd00:1:2::/47')),
    blames: withServices,
  },
  {
    name: 'one half of a peering is one bit too wide at its own end',
    make: (goal) => editPairings(goal, shop, services, ({ local, remote }) => ({ local: replaced(local, '10.1.2.0/24', '10.1.2.0/23'), remote })),
    blames: withServices,
  },
  {
    name: 'one half of a peering leads to a subnet that the other tenant did not consent to',
    make: (goal) => editPairings(goal, shop, bank, ({ local, remote }) => ({ local, remote: [...remote, prefix('10.4.2.0/24')] })),
    blames: withBank,
  },
  {
    name: 'a peering lets everything through',
    make: (goal) => {
      for (const [from, to] of [[shop, bank], [bank, shop]] as const) {
        editPairings(goal, from, to, () => ({ local: [prefix('0.0.0.0/0')], remote: [prefix('0.0.0.0/0')] }));
      }
    },
    blames: withBank,
  },
  {
    name: 'a default route leads into a peer',
    make: (goal) => editPairings(goal, bank, shop, ({ local, remote }) => ({ local, remote: [...remote, prefix('0.0.0.0/0')] })),
    blames: withBank,
  },
  {
    name: 'a peering lets one subnet too few through (IPv4)',
    make: (goal) => editHalves(goal, shop, services, (prefixes) => without(prefixes, '10.1.2.0/24')),
    blames: withServices,
  },
  {
    name: 'a peering lets one subnet too few through (IPv6)',
    make: (goal) => editHalves(goal, shop, services, (prefixes) => without(prefixes, 'fd00:1:2::/64')),
    blames: withServices,
  },
  {
    name: 'a peering is one bit too narrow',
    make: (goal) => editHalves(goal, shop, services, (prefixes) => replaced(prefixes, '10.1.2.0/24', '10.1.2.0/25')),
    blames: withServices,
  },
  {
    name: 'two VPCs are joined that no peering joins',
    make: (goal) => {
      leakBetween(goal, shop, routed, ['10.1.1.0/24'], ['10.2.1.0/24']);
      leakBetween(goal, routed, shop, ['10.2.1.0/24'], ['10.1.1.0/24']);
    },
    blames: ['VPC/default/shop', 'VPC/default/routed'],
  },
  {
    name: 'two VPCs are joined over IPv6 that no peering joins',
    make: (goal) => {
      leakBetween(goal, shop, routed, ['fd00:1:1::/64'], ['fd00:2:1::/64']);
      leakBetween(goal, routed, shop, ['fd00:2:1::/64'], ['fd00:1:1::/64']);
    },
    blames: ['VPC/default/shop', 'VPC/default/routed'],
  },
  {
    name: 'a leak leads into the VRF of another VPC than its own peer',
    make: (goal) =>
      goal.edit(goal.vpc(shop), 'leak', goal.leak(shop, bank), (leak) => ({ ...leak, peerVrf: goal.vrf(services).name, peerVni: goal.vrf(services).vni })),
    blames: withBank,
  },
  {
    name: 'a leak names another VNI of its peer',
    make: (goal) => goal.edit(goal.vpc(shop), 'leak', goal.leak(shop, bank), (leak) => ({ ...leak, peerVni: vni(leak.peerVni + 1) })),
    blames: withBank,
  },
  {
    name: 'subnets that are isolated from each other are not',
    make: (goal) => goal.drop(goal.vpc(shop), 'isolation', `${goal.segment('default/shop/deep')}`),
    blames: ['VPC/default/shop'],
  },
  {
    name: 'isolation is missing for IPv6 on one side',
    make: (goal) =>
      goal.edit(goal.vpc(shop), 'isolation', `${goal.segment('default/shop/deep')}`, (row) => ({ ...row, denied: without(row.denied, 'fd00:1:1::/64') })),
    blames: ['VPC/default/shop'],
  },
  {
    name: 'isolation of a subnet speaks of one bit less of its prefix',
    make: (goal) =>
      goal.edit(goal.vpc(shop), 'isolation', `${goal.segment('default/shop/deep')}`, (row) => ({ ...row, prefixes: replaced(row.prefixes, '10.1.3.0/24', '10.1.3.0/25') })),
    blames: ['VPC/default/shop'],
  },
  {
    name: 'subnets that are permitted to meet are isolated',
    make: (goal) =>
      goal.edit(goal.vpc(shop), 'isolation', `${goal.segment('default/shop/back')}`, (row) => ({ ...row, denied: [...row.denied, prefix('10.1.1.0/24')] })),
    blames: ['VPC/default/shop'],
  },
  {
    name: 'a subnet whose servers are routes is isolated from itself',
    make: (goal) => {
      const segment = goal.segment('default/routed/default');
      const own = [prefix('10.2.1.0/24')];
      goal.put(goal.vpc(routed), { table: 'isolation', key: `${segment}`, value: { segment, vrf: goal.vrf(routed).name, prefixes: own, denied: own } });
    },
    blames: ['VPC/default/routed'],
  },
  {
    name: 'a restricted subnet is not restricted on one leaf',
    make: (goal) =>
      goal.edit('device/leaf-3', 'segment', `${goal.segment('default/shop/closed')}`, (row) => less(row, 'restricted')),
    blames: ['VPC/default/shop'],
  },
  {
    name: 'a restricted subnet is not restricted on any leaf',
    make: (goal) => {
      for (const leaf of ['leaf-2', 'leaf-3']) goal.edit(`device/${leaf}`, 'segment', `${goal.segment('default/shop/closed')}`, (row) => less(row, 'restricted'));
    },
    blames: ['VPC/default/shop'],
  },
  {
    name: 'a subnet is restricted that nobody restricted',
    make: (goal) => goal.edit('device/leaf-3', 'segment', `${goal.segment('default/shop/front')}`, (row) => ({ ...row, restricted: true })),
    blames: ['VPC/default/shop'],
  },
];
