/** Faults of what carries the tenants: links between switches, sessions over them, the addresses of the overlay. */
import { address, type Fault, interfaceAddress, less, mac, prefix } from './testing-fault.ts';

export const underlayFaults: readonly Fault[] = [
  {
    name: 'a leaf has another VTEP address than it announces',
    make: (goal) => goal.edit('device/leaf-3', 'vtep', 'self', (row) => ({ ...row, address: address('172.30.12.99') })),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'two leaves have one VTEP address',
    make: (goal) => {
      const taken = goal.get('device/leaf-1', 'vtep', 'self').value;
      const own = goal.get('device/leaf-3', 'vtep', 'self').value;
      goal.edit('device/leaf-3', 'vtep', 'self', () => taken);
      goal.edit('device/leaf-3', 'bgp', 'underlay', (row) => ({ ...row, networks: row.networks.map((each) => (each === `${own.address}/32` ? prefix(`${taken.address}/32`) : each)) }));
    },
    blames: ['Switch/leaf-3', 'Switch/leaf-1'],
  },
  {
    name: 'a leaf has no VTEP',
    make: (goal) => goal.drop('device/leaf-3', 'vtep', 'self'),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'one leaf has another gateway MAC address',
    make: (goal) => goal.edit('device/leaf-3', 'vtep', 'self', (row) => ({ ...row, anycastMac: mac('02:00:5e:00:01:02') })),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'a leaf does not announce its VTEP address',
    make: (goal) => goal.edit('device/leaf-2', 'bgp', 'underlay', (row) => ({ ...row, networks: row.networks.slice(0, 1) })),
    blames: ['Switch/leaf-2'],
  },
  {
    name: 'a leaf announces the VTEP address of another',
    make: (goal) => {
      const { address: other } = goal.get('device/leaf-1', 'vtep', 'self').value;
      goal.edit('device/leaf-2', 'bgp', 'underlay', (row) => ({ ...row, networks: [...row.networks, prefix(`${other}/32`)] }));
    },
    blames: ['Switch/leaf-2', 'Switch/leaf-1'],
  },
  {
    name: 'a leaf takes no part in the overlay',
    make: (goal) => goal.edit('device/leaf-3', 'bgp', 'underlay', (row) => ({ ...row, advertiseVnis: false })),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'a session is missing at one end',
    make: (goal) => goal.drop('device/spine-1', 'bgpPeer', 'E1/3'),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a session is missing at both ends',
    make: (goal) => {
      goal.drop('device/spine-1', 'bgpPeer', 'E1/3');
      goal.drop('device/leaf-3', 'bgpPeer', 'E1/49');
    },
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'the ends of a session watch each other differently',
    make: (goal) => goal.edit('device/spine-1', 'bgpPeer', 'E1/3', (row) => less(row, 'bfd')),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a leaf has the ASN of another',
    make: (goal) => goal.edit('device/leaf-3', 'bgp', 'underlay', (row) => ({ ...row, asn: goal.get('device/leaf-1', 'bgp', 'underlay').value.asn })),
    blames: ['Switch/leaf-3', 'Switch/leaf-1'],
  },
  {
    name: 'a leaf has the ASN of the spines',
    make: (goal) => goal.edit('device/leaf-3', 'bgp', 'underlay', (row) => ({ ...row, asn: goal.get('device/spine-1', 'bgp', 'underlay').value.asn })),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'two switches have one router id',
    make: (goal) => {
      const { routerId } = goal.get('device/leaf-1', 'bgp', 'underlay').value;
      goal.edit('device/leaf-3', 'bgp', 'underlay', (row) => ({ ...row, routerId }));
      goal.edit('device/leaf-3', 'system', 'self', (row) => ({ ...row, routerId }));
    },
    blames: ['Switch/leaf-3', 'Switch/leaf-1'],
  },
  {
    name: 'the ends of a link have different MTUs',
    make: (goal) => goal.edit('device/spine-1', 'port', 'E1/3', (row) => ({ ...row, mtu: 1500 })),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a link is too small for what segments carry',
    make: (goal) => {
      goal.edit('device/spine-1', 'port', 'E1/3', (row) => ({ ...row, mtu: 1500 }));
      goal.edit('device/leaf-3', 'port', 'E1/49', (row) => ({ ...row, mtu: 1500 }));
    },
    blames: ['Connection/spine-1--leaf-3', 'Fabric/default'],
  },
  {
    name: 'the port of a link is missing at one end',
    make: (goal) => goal.drop('device/spine-1', 'port', 'E1/3'),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a port towards a spine is one for servers',
    make: (goal) => goal.edit('device/leaf-3', 'port', 'E1/49', (row) => ({ ...row, role: 'server' })),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a switch has another role',
    make: (goal) => goal.edit('device/leaf-3', 'system', 'self', (row) => ({ ...row, role: 'spine' })),
    blames: ['Switch/leaf-3'],
  },
  {
    name: 'traffic is led around a switch that nobody drains',
    make: (goal) => goal.edit('device/spine-1', 'bgp', 'underlay', (row) => ({ ...row, drained: true })),
    blames: ['Switch/spine-1'],
  },
  {
    name: 'the ends of a numbered link are in different networks',
    world: 'numbered',
    make: (goal) => goal.edit('device/leaf-3', 'port', 'E1/49', (row) => ({ ...row, address: interfaceAddress('172.30.200.1/31') })),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'both ends of a numbered link have one address',
    world: 'numbered',
    make: (goal) => goal.edit('device/leaf-3', 'port', 'E1/49', (row) => {
      const other = goal.get('device/spine-1', 'port', 'E1/3').value.address;
      return other === undefined ? row : { ...row, address: other };
    }),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'a session of a numbered link goes to another address',
    world: 'numbered',
    make: (goal) => goal.edit('device/leaf-3', 'bgpPeer', 'E1/49', (row) => ({ ...row, address: address('172.30.200.0') })),
    blames: ['Connection/spine-1--leaf-3'],
  },
  {
    name: 'two links have one network',
    world: 'numbered',
    make: (goal) => {
      for (const [device, port, of, taken] of [['leaf-3', 'E1/49', 'leaf-1', 'E1/49'], ['spine-1', 'E1/3', 'spine-1', 'E1/1']] as const) {
        const other = goal.get(`device/${of}`, 'port', taken).value.address;
        if (other !== undefined) goal.edit(`device/${device}`, 'port', port, (row) => ({ ...row, address: other }));
      }
    },
    blames: ['Connection/spine-1--leaf-3', 'Connection/spine-1--leaf-1'],
  },
];
