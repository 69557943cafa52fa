/** Faults of VRFs and segments, of ports that are put into them, and of what shared scopes a device holds. */
import type { Edits } from './testing-edits.ts';
import { address, type Fault, interfaceAddress, less, mac, vlan } from './testing-fault.ts';

const [shop, twin, bank] = ['default/shop', 'default/twin', 'partner/bank'];
const [front, back, deep] = ['default/shop/front', 'default/shop/back', 'default/shop/deep'];
const group = 'group/default/rack';
const key = (goal: Edits, subnet: string): string => `${goal.segment(subnet)}`;
const hostKey = (goal: Edits, subnet: string, of: string): string => `${goal.segment(subnet)}/${of}`;
const ofShop = ['VPC/default/shop'];

export const segmentFaults: readonly Fault[] = [
  {
    name: 'the VNIs of two subnets are swapped on one leaf',
    make: (goal) => {
      const [one, other] = [goal.get('device/leaf-3', 'segment', key(goal, front)), goal.get('device/leaf-3', 'segment', key(goal, deep))];
      goal.put('device/leaf-3', { ...one, value: { ...other.value, vni: one.value.vni } }, { ...other, value: { ...one.value, vni: other.value.vni } });
    },
    blames: ofShop,
  },
  {
    name: 'a VRF has the VNI of another VPC',
    make: (goal) => goal.edit(goal.vpc(shop), 'vrf', goal.vrf(shop).name, (row) => ({ ...row, vni: goal.vrf(twin).vni })),
    blames: ofShop,
  },
  {
    name: 'the VNIs of two VRFs are swapped',
    make: (goal) => {
      const [one, other] = [goal.vrf(shop), goal.vrf(bank)];
      const scopes = [goal.vpc(shop), goal.vpc(bank)] as const;
      goal.edit(scopes[0], 'vrf', one.name, (row) => ({ ...row, vni: other.vni }));
      goal.edit(scopes[1], 'vrf', other.name, (row) => ({ ...row, vni: one.vni }));
    },
    blames: [...ofShop, 'VPC/partner/bank'],
  },
  {
    name: 'a segment is in the VRF of another VPC on one leaf',
    make: (goal) => goal.edit('device/leaf-3', 'segment', key(goal, 'default/services/default'), (row) => ({ ...row, vrf: goal.vrf(shop).name })),
    blames: ['VPC/default/services'],
  },
  {
    name: 'a segment has the gateway of another subnet (IPv4)',
    make: (goal) => goal.edit('device/leaf-1', 'segment', key(goal, back), (row) => ({ ...row, gateways: row.gateways.map((each) => (each.includes(':') ? each : interfaceAddress('10.1.1.1/24'))) })),
    blames: ofShop,
  },
  {
    name: 'a segment has the gateway of another subnet (IPv6)',
    make: (goal) => goal.edit('device/leaf-1', 'segment', key(goal, back), (row) => ({ ...row, gateways: row.gateways.map((each) => (each.includes(':') ? interfaceAddress('fd00:1:1::1/64') : each)) })),
    blames: ofShop,
  },
  {
    name: 'a gateway has a prefix of another length',
    make: (goal) => goal.edit('device/leaf-1', 'segment', key(goal, back), (row) => ({ ...row, gateways: row.gateways.map((each) => (each === '10.1.2.1/24' ? interfaceAddress('10.1.2.1/23') : each)) })),
    blames: ofShop,
  },
  {
    name: 'a segment has no IPv6 gateway on one leaf',
    make: (goal) => goal.edit('device/leaf-3', 'segment', key(goal, front), (row) => ({ ...row, gateways: row.gateways.filter((each) => !each.includes(':')) })),
    blames: ofShop,
  },
  {
    name: 'a segment is missing on one leaf',
    make: (goal) => goal.drop('device/leaf-3', 'segment', key(goal, front)),
    blames: ofShop,
  },
  {
    name: 'a segment is missing on the leaves of a group',
    make: (goal) => goal.drop(group, 'segment', key(goal, front)),
    blames: [...ofShop, 'VPCAttachment/default/m1'],
  },
  {
    name: 'a subnet that is not stretched is stretched on one leaf',
    make: (goal) => goal.edit('device/leaf-3', 'segment', key(goal, 'default/routed/default'), (row) => less(row, 'mode')),
    blames: ['VPC/default/routed'],
  },
  {
    name: 'a segment has a larger MTU on one leaf',
    make: (goal) => goal.edit('device/leaf-3', 'segment', key(goal, front), (row) => ({ ...row, mtu: 9100 })),
    blames: ofShop,
  },
  {
    name: 'a VRF is missing',
    make: (goal) => goal.drop(goal.vpc(twin), 'vrf', goal.vrf(twin).name),
    blames: ['VPC/default/twin'],
  },
  {
    name: 'a leaf does not hold the scope of a VPC of its servers',
    make: (goal) => goal.drop('device/leaf-3', 'member', goal.vpc(shop)),
    blames: [...ofShop, 'VPCAttachment/default/a3'],
  },
  {
    name: 'a leaf does not hold the scope of a peer of its VPC',
    make: (goal) => goal.drop('device/leaf-2', 'member', goal.vpc(bank)),
    blames: ['VPCPeering/default/shop--bank', 'VPC/partner/bank', 'VPC/default/shop'],
  },
  {
    name: 'a leaf holds the scope of a VPC that it has no part in',
    make: (goal) => goal.put('device/leaf-1', { table: 'member', key: goal.vpc('default/routed'), value: { scope: goal.vpc('default/routed') } }),
    blames: ['VPC/default/routed', 'Switch/leaf-1'],
  },
  {
    name: 'one member of a redundancy group does not hold what they share',
    make: (goal) => goal.drop('device/leaf-2', 'member', group),
    blames: ['Switch/leaf-2', 'VPCAttachment/default/m1', 'Connection/m1'],
  },
];

export const attachmentFaults: readonly Fault[] = [
  {
    name: 'a port is in the segment of another tenant',
    make: (goal) => goal.edit('device/leaf-3', 'attachment', 'bond-e1-3', (row) => ({ ...row, segment: goal.segment(front) })),
    blames: ['VPCAttachment/partner/c3'],
  },
  {
    name: 'a port, and its host with it, is in the segment of another tenant',
    make: (goal) => {
      goal.edit('device/leaf-3', 'attachment', 'bond-e1-3', (row) => ({ ...row, segment: goal.segment(front) }));
      const old = goal.get('device/leaf-3', 'host', hostKey(goal, 'partner/bank/desk', '10.4.1.2'));
      goal.drop('device/leaf-3', 'host', old.key);
      goal.put('device/leaf-3', { ...old, key: hostKey(goal, front, '10.1.1.9'), value: { ...old.value, segment: goal.segment(front), address: address('10.1.1.9') } });
    },
    blames: ['VPCAttachment/partner/c3'],
  },
  {
    name: 'a port is in another segment of its own VPC',
    make: (goal) => goal.edit('device/leaf-1', 'attachment', 'E1/2', (row) => ({ ...row, segment: goal.segment(front) })),
    blames: ['VPCAttachment/default/a1'],
  },
  {
    name: 'an attachment has another VLAN',
    make: (goal) => {
      goal.rename('device/leaf-3', 'attachment', 'E1/1.20', 'E1/1.21');
      goal.edit('device/leaf-3', 'attachment', 'E1/1.21', (row) => ({ ...row, vlan: vlan(21) }));
    },
    blames: ['VPCAttachment/default/a3-deep'],
  },
  {
    name: 'the VLANs of two tenants are swapped',
    make: (goal) => {
      const [one, other] = [goal.get('device/leaf-1', 'attachment', 'E1/2.40'), goal.get('device/leaf-1', 'attachment', 'E1/2.60')];
      goal.put('device/leaf-1', { ...one, value: { ...one.value, segment: other.value.segment } }, { ...other, value: { ...other.value, segment: one.value.segment } });
    },
    blames: ['VPCAttachment/default/a1-services', 'VPCAttachment/partner/a1-vault'],
  },
  {
    name: 'an attachment is missing',
    make: (goal) => goal.drop('device/leaf-3', 'attachment', 'E1/1'),
    blames: ['VPCAttachment/default/a3'],
  },
  {
    name: 'an attachment of a redundancy group is missing',
    make: (goal) => goal.drop(group, 'attachment', 'es-1'),
    blames: ['VPCAttachment/default/m1'],
  },
  {
    name: 'a port is attached that nobody attached',
    make: (goal) => goal.put('device/leaf-3', { table: 'attachment', key: 'E1/5.99', value: { port: 'E1/5', segment: goal.segment(front), vlan: vlan(99) } }),
    blames: [...ofShop, 'Connection/d3'],
  },
  {
    name: 'a port towards a spine is attached',
    make: (goal) => goal.put('device/leaf-3', { table: 'attachment', key: 'E1/49', value: { port: 'E1/49', segment: goal.segment(front) } }),
    blames: [...ofShop, 'Connection/spine-1--leaf-3', 'Switch/leaf-3'],
  },
  {
    name: 'one member of a redundancy group puts the port into another segment',
    make: (goal) => goal.put('device/leaf-2', { table: 'attachment', key: 'es-1', value: { port: 'es-1', segment: goal.segment('default/twin/default') } }),
    blames: ['VPCAttachment/default/m1', 'VPC/default/twin', 'Switch/leaf-2'],
  },
  {
    name: 'the port of one member of a redundancy group is in no bundle',
    make: (goal) => goal.edit('device/leaf-2', 'port', 'E1/1', (row) => less(row, 'bundle', 'esi')),
    blames: ['Connection/m1', 'VPCAttachment/default/m1'],
  },
  {
    name: 'the members of a redundancy group name different Ethernet segments',
    make: (goal) => goal.edit('device/leaf-2', 'port', 'E1/1', (row) => ({ ...row, esi: '00:48:44:4c:00:00:00:00:00:02' })),
    blames: ['Connection/m1'],
  },
  {
    name: 'a host is at another port',
    make: (goal) => goal.edit('device/leaf-3', 'host', hostKey(goal, front, '10.1.1.2'), (row) => ({ ...row, port: 'E1/2' })),
    blames: ['VPCAttachment/default/a3'],
  },
  {
    name: 'a host has an address of another subnet',
    make: (goal) => {
      const old = goal.get('device/leaf-1', 'host', hostKey(goal, back, '10.1.2.2'));
      goal.drop('device/leaf-1', 'host', old.key);
      goal.put('device/leaf-1', { ...old, key: hostKey(goal, back, '10.1.1.77'), value: { ...old.value, address: address('10.1.1.77') } });
    },
    blames: ['VPCAttachment/default/a1'],
  },
  {
    name: 'a host has the address of another host',
    make: (goal) => {
      const old = goal.get('device/leaf-3', 'host', hostKey(goal, front, '10.1.1.2'));
      goal.drop('device/leaf-3', 'host', old.key);
      goal.put('device/leaf-3', { ...old, key: hostKey(goal, front, '10.1.1.50'), value: { ...old.value, address: address('10.1.1.50') } });
    },
    blames: ['VPCAttachment/default/a3', 'VPCAttachment/default/m1'],
  },
  {
    name: 'a host has the MAC address of another server',
    make: (goal) => goal.edit('device/leaf-3', 'host', hostKey(goal, front, '10.1.1.2'), (row) => ({ ...row, mac: mac('02:00:00:00:00:61') })),
    blames: ['VPCAttachment/default/a3'],
  },
  {
    name: 'a host is missing (IPv4)',
    make: (goal) => goal.drop('device/leaf-3', 'host', hostKey(goal, front, '10.1.1.2')),
    blames: ['VPCAttachment/default/a3'],
  },
  {
    name: 'a host is missing (IPv6)',
    make: (goal) => goal.drop('device/leaf-3', 'host', hostKey(goal, front, 'fd00:1:1::2')),
    blames: ['VPCAttachment/default/a3'],
  },
  {
    name: 'a host is missing on the leaves of a group',
    make: (goal) => goal.drop(group, 'host', hostKey(goal, front, '10.1.1.50')),
    blames: ['VPCAttachment/default/m1'],
  },
];
