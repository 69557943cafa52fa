/** Faults of what a VPC says of single addresses: leases, mappings, static routes, and what hosts may announce. */
import type { RouteRow } from '../../goal/rows.ts';
import type { Edits } from './testing-edits.ts';
import { address, mac, prefix, vni, type Fault } from './testing-fault.ts';

const [shop, services] = ['default/shop', 'default/services'];
const [front, back] = ['default/shop/front', 'default/shop/back'];
const ofShop = ['VPC/default/shop'];
const slice = ['MappingSlice/default/storage'];

const putRoute = (goal: Edits, to: string, ...nextHops: string[]): void => {
  const value: RouteRow = { vrf: goal.vrf(shop).name, prefix: prefix(to), nextHops: nextHops.map(address) };
  goal.put(goal.vpc(shop), { table: 'route', key: `${value.vrf}/${to}`, value });
};

export const addressFaults: readonly Fault[] = [
  {
    name: 'two leaves lease the same addresses',
    make: (goal) => {
      const taken = goal.get('device/leaf-1', 'dhcpRange', `${goal.segment(front)}/10.1.1.128`);
      goal.put('device/leaf-2', taken);
    },
    blames: ofShop,
  },
  {
    name: 'a leaf leases one address of another leaf',
    make: (goal) => goal.edit('device/leaf-1', 'dhcpRange', `${goal.segment(front)}/10.1.1.128`, (row) => ({ ...row, to: address('10.1.1.136') })),
    blames: ofShop,
  },
  {
    name: 'a leaf leases addresses outside the range of the subnet',
    make: (goal) => goal.edit('device/leaf-3', 'dhcpRange', `${goal.segment(front)}/10.1.1.144`, (row) => ({ ...row, to: address('10.1.2.3') })),
    blames: ofShop,
  },
  {
    name: 'a leaf leases the address of a server',
    make: (goal) => goal.put('device/leaf-3', { table: 'dhcpRange', key: `${goal.segment(front)}/10.1.1.48`, value: { segment: goal.segment(front), from: address('10.1.1.48'), to: address('10.1.1.55') } }),
    blames: [...ofShop, 'VPCAttachment/default/m1'],
  },
  {
    name: 'a reserved address is given to another MAC address',
    make: (goal) => goal.edit(goal.vpc(shop), 'reservation', `${goal.segment(front)}/02:00:00:00:0b:01`, (row) => ({ ...row, mac: mac('02:00:00:00:0b:02') })),
    blames: ofShop,
  },
  {
    name: 'a reservation gives another address',
    make: (goal) => goal.edit(goal.vpc(shop), 'reservation', `${goal.segment(front)}/02:00:00:00:0b:01`, (row) => ({ ...row, address: address('10.1.1.201') })),
    blames: ofShop,
  },
  {
    name: 'a reservation is missing',
    make: (goal) => goal.drop(goal.vpc(shop), 'reservation', `${goal.segment(front)}/02:00:00:00:0b:01`),
    blames: ofShop,
  },
  {
    name: 'a mapping leads to another VTEP',
    make: (goal) => goal.edit(goal.vpc(shop), 'mapping', '10.1.1.100', (row) => ({ ...row, vtep: address('198.18.0.9') })),
    blames: slice,
  },
  {
    name: 'a mapping leads to another VNI',
    make: (goal) => goal.edit(goal.vpc(shop), 'mapping', '10.1.2.100', (row) => ({ ...row, vni: vni(78) })),
    blames: slice,
  },
  {
    name: 'a mapping leads to the VNI of another VPC',
    make: (goal) => goal.edit(goal.vpc(shop), 'mapping', '10.1.1.100', (row) => ({ ...row, vni: goal.segment('partner/bank/desk') })),
    blames: slice,
  },
  {
    name: 'a mapping has another MAC address',
    make: (goal) => goal.edit(goal.vpc(shop), 'mapping', '10.1.1.100', (row) => ({ ...row, mac: mac('02:00:00:00:0a:0f') })),
    blames: slice,
  },
  {
    name: 'a mapping is in another segment than its address',
    make: (goal) => goal.edit(goal.vpc(shop), 'mapping', '10.1.1.100', (row) => ({ ...row, segment: goal.segment(back) })),
    blames: slice,
  },
  {
    name: 'a mapping is missing',
    make: (goal) => goal.drop(goal.vpc(shop), 'mapping', '10.1.2.100'),
    blames: slice,
  },
  {
    name: 'an address is mapped that nobody mapped',
    make: (goal) => goal.put(goal.vpc(shop), { table: 'mapping', key: '10.1.1.2', value: { segment: goal.segment(front), address: address('10.1.1.2'), mac: mac('02:00:00:00:0a:07'), vtep: address('198.18.0.3') } }),
    blames: [...ofShop, 'VPCAttachment/default/a3'],
  },
  {
    name: 'mappings of a VPC are in the scope of another',
    make: (goal) => {
      const row = goal.get(goal.vpc(shop), 'mapping', '10.1.1.100');
      goal.drop(goal.vpc(shop), 'mapping', '10.1.1.100');
      goal.put(goal.vpc(services), row);
    },
    blames: slice,
  },
  {
    name: 'static routes lead in a circle (IPv4)',
    make: (goal) => {
      putRoute(goal, '10.96.0.0/24', '10.97.0.1');
      putRoute(goal, '10.97.0.0/24', '10.96.0.1');
    },
    blames: ofShop,
  },
  {
    name: 'static routes lead in a circle (IPv6)',
    make: (goal) => {
      putRoute(goal, 'fd00:96::/64', 'fd00:97::1');
      putRoute(goal, 'fd00:97::/64', 'fd00:96::1');
    },
    blames: ofShop,
  },
  {
    name: 'a static route leads into itself',
    make: (goal) => putRoute(goal, '10.99.0.0/24', '10.99.0.1'),
    blames: ofShop,
  },
  {
    name: 'a static route leads to nobody',
    make: (goal) => putRoute(goal, '10.99.0.0/24', '10.1.1.51'),
    blames: ofShop,
  },
  {
    name: 'a static route leads out of the VPC',
    make: (goal) => putRoute(goal, '10.99.0.0/24', '10.3.1.2'),
    blames: ofShop,
  },
  {
    name: 'a static route is missing (IPv6)',
    make: (goal) => goal.drop(goal.vpc(shop), 'route', `${goal.vrf(shop).name}/fd00:99::/64`),
    blames: ofShop,
  },
  {
    name: 'a static route takes one bit too much',
    make: (goal) => {
      goal.drop(goal.vpc(shop), 'route', `${goal.vrf(shop).name}/10.99.0.0/24`);
      putRoute(goal, '10.98.0.0/23', '10.1.1.50');
    },
    blames: ofShop,
  },
  {
    name: 'a static route takes the addresses of a server',
    make: (goal) => putRoute(goal, '10.1.2.0/25', '10.1.1.50'),
    blames: ofShop,
  },
  {
    name: 'hosts may announce more than their subnet says',
    make: (goal) =>
      goal.edit('device/leaf-3', 'hostPeering', `${goal.segment('default/services/default')}`, (row) => ({ ...row, accept: row.accept.map((each) => (each.prefix === '10.98.0.0/24' ? { ...each, minLength: 24 } : each)) })),
    blames: ['VPC/default/services'],
  },
  {
    name: 'hosts may announce the addresses of another VPC',
    make: (goal) =>
      goal.edit('device/leaf-3', 'hostPeering', `${goal.segment('default/services/default')}`, (row) => ({ ...row, accept: [...row.accept, { prefix: prefix('10.1.1.0/24'), minLength: 32, maxLength: 32 }] })),
    blames: ['VPC/default/services'],
  },
  {
    name: 'hosts of anywhere may open a session',
    make: (goal) => goal.edit('device/leaf-3', 'hostPeering', `${goal.segment('default/services/default')}`, (row) => ({ ...row, range: [prefix('0.0.0.0/0')] })),
    blames: ['VPC/default/services'],
  },
  {
    name: 'hosts of a subnet may announce although it does not let them',
    make: (goal) => {
      const peering = goal.get('device/leaf-3', 'hostPeering', `${goal.segment('default/services/default')}`);
      const value = { segment: goal.segment(front), vrf: goal.vrf(shop).name, range: [prefix('10.1.1.0/24')], accept: [{ prefix: prefix('10.1.1.0/24'), minLength: 32, maxLength: 32 }] };
      goal.put('device/leaf-3', { ...peering, key: `${goal.segment(front)}`, value });
    },
    blames: ofShop,
  },
  {
    name: 'hosts of a subnet may not announce on one leaf',
    make: (goal) => goal.drop('device/leaf-3', 'hostPeering', `${goal.segment('default/services/default')}`),
    blames: ['VPC/default/services'],
  },
];
