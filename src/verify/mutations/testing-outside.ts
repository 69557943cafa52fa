/** Faults at the way out of the fabric. */
import type { VrfPeerRow } from '../../goal/rows.ts';
import type { Edits } from './testing-edits.ts';
import { address, type Fault, interfaceAddress, less, prefix, replaced } from './testing-fault.ts';

const [shop, routed, internet, warehouse] = ['default/shop', 'default/routed', 'internet', 'warehouse'];
const internetObjects = ['External/internet'];
const shopOut = ['ExternalPeering/default/shop--internet'];

const editPeer = (goal: Edits, device: string, neighbor: string, change: (row: VrfPeerRow) => VrfPeerRow): void =>
  goal.edit(`device/${device}`, 'vrfPeer', `${goal.vrf(internet).name}/${neighbor}`, change);

const editInside = (goal: Edits, text: string): void =>
  goal.edit(goal.vpc(internet), 'vrf', goal.vrf(internet).name, (row) => ({
    ...row,
    external: { inside: (row.external?.inside ?? []).filter((each) => each !== text) },
  }));

export const outsideFaults: readonly Fault[] = [
  {
    name: 'the list of what may come in is missing at one border',
    make: (goal) => goal.edit('device/border-2', 'vrfPort', 'E1/1', (row) => ({ ...row, inbound: [] })),
    blames: internetObjects,
  },
  {
    name: 'the list of what may come in is missing for IPv6',
    make: (goal) => goal.edit('device/border-1', 'vrfPort', 'E1/1.20', (row) => ({ ...row, inbound: [] })),
    blames: internetObjects,
  },
  {
    name: 'the list of what may come in has another order',
    make: (goal) => goal.edit('device/border-1', 'vrfPort', 'E1/1', (row) => ({ ...row, inbound: row.inbound.toReversed() })),
    blames: internetObjects,
  },
  {
    name: 'the list of what may come in denies one port beside the one that it should',
    make: (goal) =>
      goal.edit('device/border-1', 'vrfPort', 'E1/1', (row) => ({
        ...row,
        inbound: row.inbound.map((each) => (each.ports === undefined ? each : { ...each, ports: { from: 23, to: 23 } })),
      })),
    blames: internetObjects,
  },
  { name: 'what belongs inside is believed to be outside (IPv4)', make: (goal) => editInside(goal, '10.0.0.0/8'), blames: internetObjects },
  { name: 'what belongs inside is believed to be outside (IPv6)', make: (goal) => editInside(goal, 'fd00::/16'), blames: internetObjects },
  {
    name: 'the VRF of an External is like that of a VPC',
    make: (goal) => goal.edit(goal.vpc(internet), 'vrf', goal.vrf(internet).name, (row) => less(row, 'external')),
    blames: internetObjects,
  },
  {
    name: 'more is believed of a neighbour than the External says (IPv6)',
    make: (goal) => editPeer(goal, 'border-1', '2001:db8::', (row) => ({ ...row, accept: row.accept.map((each) => (each.prefix.includes(':') ? { ...each, prefix: prefix('::/0'), minLength: 0 } : each)) })),
    blames: internetObjects,
  },
  {
    name: 'everything is believed of a neighbour',
    make: (goal) => editPeer(goal, 'border-2', '192.0.2.2', (row) => ({ ...row, accept: [] })),
    blames: internetObjects,
  },
  {
    name: 'routes are believed without the community that they must have',
    make: (goal) => editPeer(goal, 'border-2', '192.0.2.2', (row) => less(row, 'inboundCommunity')),
    blames: internetObjects,
  },
  {
    name: 'a neighbour outside is in the VRF of another External',
    make: (goal) => editPeer(goal, 'border-2', '192.0.2.2', (row) => ({ ...row, vrf: goal.vrf(warehouse).name })),
    blames: internetObjects,
  },
  {
    name: 'a neighbour outside has another ASN',
    make: (goal) => editPeer(goal, 'border-2', '192.0.2.2', (row) => ({ ...row, asn: 65011 as typeof row.asn })),
    blames: internetObjects,
  },
  {
    name: 'the session to a neighbour outside is missing',
    make: (goal) => goal.drop('device/border-2', 'vrfPeer', `${goal.vrf(internet).name}/192.0.2.2`),
    blames: internetObjects,
  },
  {
    name: 'a port to the outside is in the VRF of a VPC',
    make: (goal) => goal.edit('device/border-2', 'vrfPort', 'E1/1', (row) => ({ ...row, vrf: goal.vrf(shop).name })),
    blames: internetObjects,
  },
  {
    name: 'a port to the outside has the address of another',
    make: (goal) => goal.edit('device/border-2', 'vrfPort', 'E1/1', (row) => ({ ...row, addresses: [interfaceAddress('192.0.2.1/31')] })),
    blames: internetObjects,
  },
  {
    name: 'a port to the outside is missing',
    make: (goal) => goal.drop('device/border-2', 'vrfPort', 'E1/2.40'),
    blames: ['External/warehouse'],
  },
  {
    name: 'a subnet gets out that its ExternalPeering does not name',
    make: (goal) => {
      const extra = prefix('10.1.2.0/24');
      goal.edit(goal.vpc(shop), 'leak', goal.leak(shop, internet), (row) => ({ ...row, pairings: row.pairings.map(({ local, remote }) => ({ local: [...local, extra], remote })) }));
      goal.edit(goal.vpc(internet), 'leak', goal.leak(internet, shop), (row) => ({ ...row, pairings: row.pairings.map(({ local, remote }) => ({ local, remote: [...remote, extra] })) }));
    },
    blames: shopOut,
  },
  {
    name: 'one bit too much outside is reached',
    make: (goal) => {
      const wide = (prefixes: Parameters<typeof replaced>[0]) => replaced(prefixes, '198.51.100.0/24', '198.51.100.0/23').map(prefix);
      goal.edit(goal.vpc(routed), 'leak', goal.leak(routed, warehouse), (row) => ({ ...row, pairings: row.pairings.map(({ local, remote }) => ({ local, remote: wide(remote) })) }));
    },
    blames: ['ExternalPeering/default/routed--warehouse'],
  },
  {
    name: 'what is outside has no way back to a VPC',
    make: (goal) => goal.drop(goal.vpc(internet), 'leak', goal.leak(internet, shop)),
    blames: shopOut,
  },
  {
    name: 'a VPC has no way out',
    make: (goal) => goal.drop(goal.vpc(shop), 'leak', goal.leak(shop, internet)),
    blames: shopOut,
  },
  {
    name: 'the static route of an External is missing',
    make: (goal) => goal.drop(goal.vpc(warehouse), 'route', `${goal.vrf(warehouse).name}/198.51.100.0/24`),
    blames: ['External/warehouse'],
  },
  {
    name: 'the static route of an External leads to nobody',
    make: (goal) => goal.edit(goal.vpc(warehouse), 'route', `${goal.vrf(warehouse).name}/198.51.100.0/24`, (row) => ({ ...row, nextHops: [address('192.0.2.77')] })),
    blames: ['External/warehouse'],
  },
  {
    name: 'a border does not hold the VRF of a VPC that it leads out',
    make: (goal) => goal.drop('device/border-1', 'member', goal.vpc(shop)),
    blames: ['VPC/default/shop', ...shopOut],
  },
  {
    name: 'two VPCs meet through an External',
    make: (goal) => {
      const [own, peer] = [goal.vrf(internet), goal.vrf(routed)];
      const value = { vrf: own.name, vni: own.vni, peerVrf: peer.name, peerVni: peer.vni, pairings: [{ local: [prefix('0.0.0.0/0')], remote: [prefix('10.2.1.0/24')] }] };
      goal.put(goal.vpc(internet), { table: 'leak', key: `${own.name}/${peer.name}`, value });
    },
    blames: ['VPC/default/routed', 'External/internet'],
  },
];
