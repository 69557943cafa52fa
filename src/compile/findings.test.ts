/** What users are told about objects that do not fit together: each case is intent and the very findings it gets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refKey, refOf, type Resource } from '../api/object.ts';
import { createCompiler } from './compiler.ts';
import * as make from './fixture.ts';

interface Case {
  readonly title: string;
  /** Beside the small fabric; an object of the same name takes the place of the one there. */
  readonly objects: readonly Resource[];
  /** Keys of objects of the small fabric that are missing. */
  readonly without?: readonly string[];
  /** `<object>: <severity> <code> at <path>: <message>`; nothing else is found. */
  readonly found: readonly string[];
}

const shop = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const a1 = make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' });
const late = { born: 9 };

const cases: readonly Case[] = [
  { title: 'a fabric with a VPC and an attachment is fine', objects: [shop, a1], found: [] },
  {
    title: 'a switch of an unknown fabric with an unknown profile',
    objects: [make.switchOf('leaf-9', 'leaf', { fabric: 'east', profile: 'ds3000' })],
    found: [
      'Switch/leaf-9: error UnknownFabric at spec.fabric: there is no Fabric "east"; create it or name another',
      'Switch/leaf-9: error UnknownSwitchProfile at spec.profile: there is no SwitchProfile "ds3000"; create it or name another',
    ],
  },
  {
    title: 'pins of two switches collide, across router ids and VTEPs too',
    objects: [
      make.switchOf('leaf-8', 'leaf', { asn: 65001, routerID: '192.0.2.1' }),
      make.switchOf('leaf-9', 'leaf', { asn: 65001, vtep: '192.0.2.1' }, late),
    ],
    found: [
      'Switch/leaf-9: error PinInUse at spec.asn: "65001" is allocated to Switch "leaf-8"; choose another value or delete that one first',
      'Switch/leaf-9: error PinInUse at spec.vtep: "192.0.2.1" is allocated to Switch "leaf-8"; choose another value or delete that one first',
    ],
  },
  {
    title: 'a leaf pins the ASN of the spines',
    objects: [make.switchOf('leaf-9', 'leaf', { asn: 65100 })],
    found: ['Switch/leaf-9: error ASNOfSpines at spec.asn: ASN "65100" belongs to the spines; leave it out or choose another'],
  },
  {
    title: 'two servers declare one MAC address',
    objects: [make.server('c1', 1)],
    found: [
      'Server/a1: warning DuplicateMAC at spec.ports.eth1.mac: MAC address "02:00:00:00:00:01" is also that of Server "c1"; in one subnet neither would work, correct it',
      'Server/c1: warning DuplicateMAC at spec.ports.eth1.mac: MAC address "02:00:00:00:00:01" is also that of Server "a1"; in one subnet neither would work, correct it',
    ],
  },
  {
    title: 'a cable to a device that is not there, and one to a name that two devices have',
    objects: [make.connection('x', [['a9/eth1', 'leaf-1/E1/3']]), make.server('leaf-2', 9)],
    without: ['Connection/spine-1--leaf-2', 'Connection/a2--leaf-2', 'Connection/b2--leaf-2'],
    found: ['Connection/x: error UnknownDevice at spec.links[0].ends[0]: there is no Switch, Server, Gateway or External "a9"; create it or correct the name'],
  },
  {
    title: 'a device name that is a switch and a server',
    objects: [make.server('leaf-2', 9), make.connection('x', [['b1/eth2', 'leaf-2/E1/3']])],
    without: ['Connection/spine-1--leaf-2', 'Connection/a2--leaf-2', 'Connection/b2--leaf-2'],
    found: ['Connection/x: error AmbiguousDevice at spec.links[0].ends[1]: "leaf-2" is the name of several devices, a Switch and a Server; rename all but one'],
  },
  {
    title: 'cables between spine and spine, and between server and spine',
    objects: [make.switchOf('spine-2', 'spine'), make.connection('x', [['spine-1/E1/3', 'spine-2/E1/3']]), make.connection('y', [['a1/eth2', 'spine-1/E1/9']])],
    found: [
      'Connection/x: error UnsupportedConnection at spec.links[0]: a cable between spine "spine-1" and spine "spine-2" is not supported; cable a spine to leaves, and a leaf to spines, leaves and servers',
      'Connection/y: error UnsupportedConnection at spec.links[0]: a cable between server "a1" and spine "spine-1" is not supported; cable a server to a leaf',
    ],
  },
  {
    title: 'a server on two leaves of no group, and cables of two servers in one connection',
    objects: [
      make.server('c1', 7),
      make.server('c2', 8),
      make.connection('x', [['c1/eth1', 'leaf-1/E1/3'], ['c1/eth2', 'leaf-2/E1/3']]),
      make.connection('y', [['c1/eth1', 'leaf-1/E1/4'], ['c2/eth1', 'leaf-1/E1/5']], {}, late),
    ],
    found: [
      'Connection/x: error NoGroup at spec.links[0].ends[1]: Switch "leaf-1" is in no redundancy group; give all leaves of the server the same spec.group',
      'Connection/x: error NoGroup at spec.links[1].ends[1]: Switch "leaf-2" is in no redundancy group; give all leaves of the server the same spec.group',
      'Connection/y: error UnsupportedConnection at spec.links: the cables join more than two devices, "c1", "leaf-1", "c2"; make a connection for each pair',
      'Connection/y: error PortInUse at spec.links[0].ends[0]: port "c1/eth1" is used by the older Connection "x"; use another port or delete that connection',
    ],
  },
  {
    title: 'ports that the devices do not have',
    objects: [make.connection('x', [['b1/eth7', 'leaf-1/E1/99']])],
    found: [
      'Connection/x: error UnknownPort at spec.links[0].ends[0]: Server "b1" has no port "eth7"; it has "eth1", "eth2"',
      'Connection/x: error UnknownPort at spec.links[0].ends[1]: Switch "leaf-1" has no port "E1/99"; its profile "linux-soft" has "E1/1", "E1/2" … "E1/64"',
    ],
  },
  {
    title: 'a port used twice stays with the elder',
    objects: [make.connection('x', [['b1/eth2', 'leaf-1/E1/1']], {}, late)],
    found: ['Connection/x: error PortInUse at spec.links[0].ends[1]: port "leaf-1/E1/1" is used by the older Connection "a1--leaf-1"; use another port or delete that connection'],
  },
  {
    title: 'a server link larger than the fabric carries, and one smaller than its segment',
    objects: [
      make.connection('x', [['b1/eth2', 'leaf-1/E1/3']], { mtu: 9216 }),
      make.connection('a1--leaf-1', [['a1/eth1', 'leaf-1/E1/1']], { mtu: 1500 }),
      shop,
      a1,
    ],
    found: [
      'Connection/x: error MTUTooLarge at spec.mtu: MTU "9216" does not fit into the fabric; at most 9050 with fabric MTU 9100',
      'VPCAttachment/default/a1: warning MTUBelowSegment at spec.connection: the Connection has MTU 1500 but its segment 9000: larger packets towards this server are lost; raise or remove its spec.mtu',
    ],
  },
  {
    title: 'what is wrong with a switch is said once, and others only point there',
    objects: [make.switchOf('leaf-1', 'leaf', { profile: 'none' }), shop, a1],
    without: ['Connection/b1--leaf-1'],
    found: [
      'Switch/leaf-1: error UnknownSwitchProfile at spec.profile: there is no SwitchProfile "none"; create it or name another',
      'Connection/a1--leaf-1: error SwitchNotAccepted at spec.links[0].ends[1]: Switch "leaf-1" is not accepted; see its conditions and correct it first',
      'Connection/spine-1--leaf-1: error SwitchNotAccepted at spec.links[0].ends[1]: Switch "leaf-1" is not accepted; see its conditions and correct it first',
      'VPCAttachment/default/a1: error ConnectionNotAccepted at spec.connection: Connection "a1--leaf-1" is not accepted; see its conditions and correct it first',
    ],
  },
  {
    title: 'a VPC without AddressSpace and without Fabric',
    objects: [make.vpc('x', { front: '10.1.1.0/24' }, { addressSpace: 'none' })],
    without: ['Fabric/default', 'Switch/spine-1', 'Switch/leaf-1', 'Switch/leaf-2', 'Connection/spine-1--leaf-1', 'Connection/spine-1--leaf-2', 'Connection/a1--leaf-1', 'Connection/b1--leaf-1', 'Connection/a2--leaf-2', 'Connection/b2--leaf-2'],
    found: [
      'VPC/default/x: error UnknownFabric at : there is no Fabric "default" to take VNIs from; create it',
      'VPC/default/x: error UnknownAddressSpace at spec.addressSpace: there is no AddressSpace "none"; create it or name another',
    ],
  },
  {
    title: 'subnets outside the space, in a reserved prefix, and over those of an older VPC; all at once',
    objects: [
      make.fabric({ reserved: ['10.9.0.0/16'] }),
      shop,
      make.vpc('x', { a: '192.168.0.0/24', b: '10.9.1.0/24', c: '10.1.0.0/16', d: '10.1.2.128/25', e: '10.3.0.0/24' }, {}, late),
    ],
    found: [
      'VPC/default/x: error OutsideAddressSpace at spec.subnets.a.cidr: "192.168.0.0/24" is outside AddressSpace "default", which has "10.0.0.0/8"; choose a prefix inside',
      'VPC/default/x: error ReservedPrefix at spec.subnets.b.cidr: "10.9.1.0/24" overlaps "10.9.0.0/16", which Fabric "default" reserves; choose another',
      'VPC/default/x: error SubnetOverlap at spec.subnets.c.cidr: "10.1.0.0/16" overlaps "10.1.2.0/24" of subnet "back" of the older VPC "shop" in AddressSpace "default"; choose another prefix or AddressSpace',
      'VPC/default/x: error SubnetOverlap at spec.subnets.d.cidr: "10.1.2.128/25" overlaps "10.1.2.0/24" of subnet "back" of the older VPC "shop" in AddressSpace "default"; choose another prefix or AddressSpace',
    ],
  },
  {
    title: 'an overlap with another tenant does not say whose it is, nor what else they have',
    objects: [shop, make.vpc('x', { c: '10.1.0.0/16' }, {}, { ...late, namespace: 'team' })],
    found: [
      'VPC/team/x: error SubnetOverlap at spec.subnets.c.cidr: "10.1.0.0/16" overlaps a subnet of an older VPC of another tenant in AddressSpace "default"; choose another prefix or AddressSpace',
    ],
  },
  { title: 'two spaces may hold the same prefix', objects: [shop, make.vpc('x', { a: '10.1.1.0/24' }, { addressSpace: 'other' }, late)], found: [] },
  {
    title: 'an attachment to nothing at all',
    objects: [make.attachment('x', { vpc: 'none', connection: 'nowhere' })],
    found: [
      'VPCAttachment/default/x: error UnknownConnection at spec.connection: there is no Connection "nowhere"; create it or name another',
      'VPCAttachment/default/x: error UnknownVPC at spec.vpc: there is no VPC "none" in namespace "default"; create it or name another',
    ],
  },
  {
    title: 'an attachment to an unknown subnet over a cable between switches',
    objects: [shop, make.attachment('x', { vpc: 'shop', connection: 'spine-1--leaf-1' })],
    found: [
      'VPCAttachment/default/x: error NotAServerConnection at spec.connection: Connection "spine-1--leaf-1" joins two switches; name one between a server and a leaf',
      'VPCAttachment/default/x: error UnknownSubnet at spec.subnet: VPC "shop" has no subnet "default"; it has "front", "back"',
    ],
  },
  {
    title: 'a connection attached twice stays with the elder, also across namespaces',
    objects: [shop, a1, make.vpc('shop', { front: '10.5.0.0/24' }, {}, { namespace: 'team' }), make.attachment('x', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' }, { ...late, namespace: 'team' })],
    found: ['VPCAttachment/team/x: error ConnectionInUse at spec.connection: Connection "a1--leaf-1" is attached without a VLAN by an older VPCAttachment of another tenant; set spec.vlan, or use another Connection'],
  },
  {
    title: 'an attachment to a faulty subnet points to the VPC, one to its good subnet is fine',
    objects: [
      make.vpc('shop', { front: '10.1.1.0/24', back: '192.168.0.0/24' }),
      a1,
      make.attachment('x', { vpc: 'shop', subnet: 'back', connection: 'a2--leaf-2' }),
    ],
    found: [
      'VPC/default/shop: error OutsideAddressSpace at spec.subnets.back.cidr: "192.168.0.0/24" is outside AddressSpace "default", which has "10.0.0.0/8"; choose a prefix inside',
      'VPCAttachment/default/x: error VPCNotAccepted at spec.vpc: VPC "shop" is not accepted; see its conditions and correct it first',
    ],
  },
  {
    title: 'addresses that cannot be pinned',
    objects: [
      shop,
      ...(['10.1.2.7', '10.1.1.0', '10.1.1.1'] as const).map((address, place) =>
        make.attachment(`x${place}`, { vpc: 'shop', subnet: 'front', connection: ['a1--leaf-1', 'b1--leaf-1', 'a2--leaf-2'][place], address }),
      ),
    ],
    found: [
      'VPCAttachment/default/x0: error AddressOutsideSubnet at spec.address: "10.1.2.7" is outside the subnet "10.1.1.0/24"; choose one inside or leave it out',
      'VPCAttachment/default/x1: error AddressNotAHost at spec.address: "10.1.1.0" is the network or broadcast address of "10.1.1.0/24"; choose another',
      'VPCAttachment/default/x2: error AddressIsGateway at spec.address: "10.1.1.1" is the gateway of the subnet; choose another',
    ],
  },
  {
    title: 'an address that is pinned twice, and one that was allocated before it was pinned',
    objects: [
      shop,
      a1,
      make.attachment('b1', { vpc: 'shop', subnet: 'front', connection: 'b1--leaf-1', address: '10.1.1.9' }),
      make.attachment('x', { vpc: 'shop', subnet: 'front', connection: 'a2--leaf-2', address: '10.1.1.9' }, late),
      make.attachment('y', { vpc: 'shop', subnet: 'front', connection: 'b2--leaf-2', address: '10.1.1.2' }, late),
    ],
    found: [
      'VPCAttachment/default/x: error AddressInUse at spec.address: "10.1.1.9" is allocated to VPCAttachment "b1"; choose another value or delete that one first',
      'VPCAttachment/default/y: error AddressInUse at spec.address: "10.1.1.2" is allocated to VPCAttachment "a1"; choose another value or delete that one first',
    ],
  },
  {
    title: 'a server without a MAC address is attached, and its owner is told what it lacks',
    objects: [make.object('Server', 'a1', { ports: { eth1: {} } }), shop, a1],
    found: ['VPCAttachment/default/a1: warning AddressNotReserved at spec.connection: Server "a1" declares no MAC address for its cabled port, so it gets no address by DHCP; add it to spec.ports of the Server'],
  },
  {
    title: 'a leaf that holds one segment has no room for the second, and the first attachment stays',
    objects: [make.profile({ segments: 1 }), shop, a1, make.attachment('x', { vpc: 'shop', subnet: 'back', connection: 'b1--leaf-1' }, late)],
    found: ['VPCAttachment/default/x: error CapacityExceeded at spec.connection: Switch "leaf-1" holds 1 segments, 1 are used and this needs 1 more; attach to another leaf'],
  },
  {
    title: 'peerings with what is not there',
    objects: [shop, make.peering('x', [[{ vpc: 'shop', subnets: ['front', 'cellar'] }, { vpc: 'none' }]])],
    found: [
      'VPCPeering/default/x: error UnknownSubnet at spec.permit[0][0].subnets: VPC "shop" has no subnet "cellar"; it has "front", "back"',
      'VPCPeering/default/x: error UnknownVPC at spec.permit[0][1].vpc: there is no VPC "none" in namespace "default"; create it or name another',
    ],
  },
  {
    title: 'a peering between two AddressSpaces, with overlapping prefixes',
    objects: [shop, make.vpc('x', { a: '10.1.0.0/16' }, { addressSpace: 'other' }), make.peering('x', [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'x' }]])],
    found: [
      'VPCPeering/default/x: error AddressSpaceMismatch at spec.permit[0]: VPCs "shop" and "x" are of different AddressSpaces, "default" and "other"; only VPCs of one space can be peered',
      'VPCPeering/default/x: error PeeringOverlap at spec.permit[0]: "10.1.1.0/24" of VPC "shop" overlaps "10.1.0.0/16" of VPC "x"; leave one of the subnets out',
    ],
  },
];

for (const { title, objects, without = [], found } of cases) {
  test(title, () => {
    const byKey = new Map([...make.smallFabric(), ...objects].map((object) => [refKey(refOf(object)), object]));
    for (const key of without) byKey.delete(key);
    const all = [...byKey.values()];
    const compiler = createCompiler();
    make.settleAll(compiler, all);
    const lines = all.flatMap((object) => {
      const ref = refOf(object);
      const findings = compiler.findingsOf(ref).filter(({ severity }) => severity !== 'pending');
      return findings.map(({ severity, code, path, message }) => `${refKey(ref)}: ${severity} ${code} at ${path}: ${message}`);
    });
    assert.deepEqual(lines.toSorted(), found.toSorted());
  });
}

test('an object that waits for its ids says so, has no rows and no fault', () => {
  const compiler = createCompiler();
  compiler.apply([...make.smallFabric(), shop, a1].map(make.put));
  assert.deepEqual(compiler.scopes(), []);
  const findings = compiler.findingsOf(refOf(shop));
  assert.deepEqual(
    findings.map(({ severity, path, message }) => [severity, path, message]),
    [
      ['pending', '', 'waits for a value of pool "vni"'],
      ['pending', 'spec.subnets.back', 'waits for a value of pool "vni"'],
      ['pending', 'spec.subnets.front', 'waits for a value of pool "vni"'],
    ],
  );
  assert.deepEqual(
    compiler.findingsOf(refOf(a1)).map(({ severity, message }) => [severity, message]),
    [
      ['pending', 'waits for Connection "a1--leaf-1", which waits for its ids'],
      ['pending', 'waits for VPC "shop", which waits for its ids'],
    ],
  );
});

test('of two that ask for a value nobody holds yet, the younger is told and does not ask for it', () => {
  const compiler = createCompiler();
  const [older, younger] = [make.switchOf('leaf-8', 'leaf', { asn: 65001 }), make.switchOf('leaf-9', 'leaf', { asn: 65001 }, late)];
  compiler.apply([...make.smallFabric(), older, younger].map(make.put));
  const asksFor = (object: Resource) => compiler.demandsOf(refOf(object)).flatMap(({ pin }) => pin ?? []);
  assert.deepEqual([asksFor(older), asksFor(younger)], [['65001'], []]);
  const [finding] = compiler.findingsOf(refOf(younger));
  assert.equal(finding?.message, '"65001" is wanted by the older Switch "leaf-8" too; choose another');
});

test('who holds a pinned value keeps it when an older object comes to want it', () => {
  const compiler = createCompiler();
  const holder = make.switchOf('leaf-9', 'leaf', { asn: 65001 }, late);
  const claims = make.settleAll(compiler, [...make.smallFabric(), holder]);
  const older = make.switchOf('leaf-1', 'leaf', { asn: 65001 });
  make.settleAll(compiler, [...make.smallFabric(), holder, older], claims);
  assert.deepEqual(compiler.findingsOf(refOf(holder)), []);
  assert.deepEqual(compiler.findingsOf(refOf(older)).map(({ code }) => code), ['PinInUse']);
});
