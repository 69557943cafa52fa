import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkObject } from '../check.ts';
import { kindByName } from '../kinds.ts';
import { apiVersion, type Resource } from '../object.ts';

type Case = readonly [sentence: string, spec: unknown, expected: readonly string[], old?: unknown];

const resource = (kind: string, spec: unknown): Resource => ({ apiVersion, kind, metadata: { name: 'a' }, spec });

/** `path Code` of every finding, in order. */
function verdict(kindName: string, spec: unknown, old?: unknown): string[] {
  const kind = kindByName(kindName);
  assert.ok(kind);
  const before = old === undefined ? undefined : resource(kindName, old);
  return checkObject(kind, resource(kindName, spec), before).map((finding) => `${finding.path} ${finding.code}`);
}

const subnets = (front: object, more: object = {}) => ({ subnets: { front, ...more } });
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, { cidr: `10.0.${n}.0/24` }]));
const link = (...ends: string[]) => ({ ends });
const pair = (left: object, right: object) => [left, right];

const hostAt = (address = '10.1.0.9', mac = '02:00:00:00:00:09', vtep = '192.0.2.1') => ({ address, mac, vtep });
const mapped = (...hosts: string[][]) => ({ vpc: 'v', mappings: hosts.map((host) => hostAt(...host)) });
const thousand = (count: number) => mapped(...Array.from({ length: count }, (_, n) => [`10.1.${n >> 8}.${n & 255}`]));

const tables: Readonly<Record<string, readonly Case[]>> = {
  Fabric: [
    ['an empty fabric is fine, for everything has a default', {}, []],
    ['pools that touch but share nothing are fine', { underlay: { routerIDs: '10.0.0.0/24', vteps: '10.0.1.0/24' } }, []],
    ['pools may not share addresses', { underlay: { routerIDs: '10.0.0.0/24', vteps: '10.0.0.128/25' } }, ['spec.underlay.vteps Overlap']],
    ['a pool may not overlap a default pool either', { underlay: { vteps: '172.30.8.0/24' } }, ['spec.underlay.vteps Overlap']],
    ['host bits in a pool are named', { underlay: { linkPool: '10.9.0.1/16' } }, ['spec.underlay.linkPool HostBitsSet']],
    ['the underlay is IPv4', { underlay: { vteps: '2001:db8::/64' } }, ['spec.underlay.vteps AddressFamily']],
    ['multicast cannot be a pool', { underlay: { vteps: '239.0.0.0/24' } }, ['spec.underlay.vteps SpecialUse']],
    ['a link pool of one /31 is fine', { underlay: { linkPool: '10.0.0.0/31' } }, []],
    ['a link pool needs room for a /31', { underlay: { linkPool: '10.0.0.0/32' } }, ['spec.underlay.linkPool PrefixLength']],
    ['a range of one value is fine', { overlay: { vnis: { from: 7, to: 7 } } }, []],
    ['a range needs from at or below to', { overlay: { vnis: { from: 9, to: 8 } } }, ['spec.overlay.vnis EmptyRange']],
    ['so does the range of leaf ASNs', { asns: { leaves: { from: 9, to: 8 } } }, ['spec.asns.leaves EmptyRange']],
    ['the spine ASN may sit just below the leaves', { asns: { spine: 64999, leaves: { from: 65000, to: 65100 } } }, []],
    ['the spine ASN may not be a leaf ASN', { asns: { spine: 65100, leaves: { from: 65000, to: 65100 } } }, ['spec.asns.spine Overlap']],
    ['AS_TRANS is nobody', { asns: { spine: 23456 } }, ['spec.asns.spine ReservedASN']],
    ['65535 is nobody', { asns: { leaves: { from: 65500, to: 65600 } } }, ['spec.asns.leaves ReservedASN']],
    ['external VTEPs are somewhere else', { overlay: { externalVTEPs: ['192.0.2.0/24', '192.0.3.7/32'] } }, []],
    ['external VTEPs are not those of the fabric', { overlay: { externalVTEPs: ['192.0.2.0/24', '172.30.12.0/24'] } }, ['spec.overlay.externalVTEPs[1] Overlap']],
    ['external VTEPs are prefixes', { overlay: { externalVTEPs: ['192.0.2.1'] } }, ['spec.overlay.externalVTEPs[0] InvalidCIDR']],
    ['the anycast MAC is unicast', { overlay: { anycastMAC: '01:00:5e:00:00:01' } }, ['spec.overlay.anycastMAC NotUnicast']],
    ['the anycast MAC parses', { overlay: { anycastMAC: 'gateway' } }, ['spec.overlay.anycastMAC InvalidMAC']],
    ['reserved prefixes parse, of either family', { reserved: ['10.0.0.0/8', 'fd00::/8', '10.0.0.1/8'] }, ['spec.reserved[2] HostBitsSet']],
  ],
  Switch: [
    ['a role is enough', { role: 'leaf' }, []],
    ['pins are fine on a leaf', { role: 'leaf', asn: 65001, routerID: '10.0.0.1', vtep: '10.0.1.1' }, []],
    ['a spine has no VTEP', { role: 'spine', vtep: '10.0.1.1' }, ['spec.vtep NotAllowed']],
    ['a router id is an IPv4 address', { role: 'spine', routerID: '2001:db8::1' }, ['spec.routerID AddressFamily']],
    ['a router id has no length', { role: 'spine', routerID: '10.0.0.1/32' }, ['spec.routerID InvalidAddress']],
    ['loopback space cannot be a VTEP', { role: 'leaf', vtep: '127.0.0.1' }, ['spec.vtep SpecialUse']],
    ['router id and VTEP differ', { role: 'leaf', routerID: '10.0.0.1', vtep: '10.0.0.1' }, ['spec.vtep Duplicate']],
    ['a switch stays in its fabric', { role: 'leaf', fabric: 'b' }, ['spec.fabric Immutable'], { role: 'leaf' }],
    ['a written default is no change', { role: 'leaf', fabric: 'default' }, [], { role: 'leaf' }],
    ['ports are set by speed, breakout and FEC', { role: 'leaf', ports: { 'E1/1': { speed: '10G' }, 'E1/2': { breakout: '4x25G', fec: 'rs' }, 'E1/2/3': { fec: 'none' } } }, []],
    ['speeds and breakouts are written so', { role: 'leaf', ports: { 'E1/1': { speed: 'fast' }, 'E1/2': { breakout: '17x1G' } } }, ['spec.ports["E1/1"].speed InvalidSpeed', 'spec.ports["E1/2"].breakout InvalidBreakout']],
    ['a breakout names the speed', { role: 'leaf', ports: { 'E1/1': { speed: '25G', breakout: '4x25G' } } }, ['spec.ports["E1/1"].speed NotAllowed']],
    ['of a lane only FEC is set', { role: 'leaf', ports: { 'E1/1/2': { breakout: '2x10G' }, 'E1/1/3': { speed: '25G' } } }, ['spec.ports["E1/1/2"].breakout NotAllowed', 'spec.ports["E1/1/3"].speed NotAllowed']],
    ['FEC is one of four', { role: 'leaf', ports: { 'E1/1': { fec: 'more' } } }, ['spec.ports["E1/1"].fec NotAllowed']],
    ['ports have names', { role: 'leaf', ports: { 'E1/': {} } }, ['spec.ports["E1/"] InvalidName']],
  ],
  SwitchProfile: [
    ['one port is enough', { ports: { 'E1/1': { interface: 'swp1' } } }, []],
    ['no port is too few', { ports: {} }, ['spec.ports TooFew']],
    ['port names cannot end in a slash', { ports: { 'E1/': { interface: 'swp1' } } }, ['spec.ports["E1/"] InvalidName']],
    ['interface names have no spaces', { ports: { 'E1/1': { interface: 'swp 1' } } }, ['spec.ports["E1/1"].interface InvalidName']],
    [
      'two ports need two interfaces',
      { ports: { 'E1/1': { interface: 'swp1' }, 'E1/2': { interface: 'swp1' } } },
      ['spec.ports["E1/2"].interface Duplicate'],
    ],
    ['port names are neutral', { ports: { M1: { interface: 'eth0' }, swp1: { interface: 'swp1' }, 'E0/1': { interface: 'swp2' } } }, ['spec.ports.swp1 InvalidName', 'spec.ports["E0/1"] InvalidName']],
    ['lanes are no ports of their own', { ports: { 'E1/1/1': { interface: 'swp1' } } }, ['spec.ports["E1/1/1"] InvalidName']],
    ['there is one driver', { driver: 'magic', ports: { 'E1/1': { interface: 'swp1' } } }, ['spec.driver UnknownDriver']],
    ['labels are unique', { ports: { 'E1/1': { interface: 'a', label: '1' }, 'E1/2': { interface: 'b', label: '1' } } }, ['spec.ports["E1/2"].label Duplicate']],
    ['types are declared', { ports: { 'E1/1': { interface: 'a', type: 'sfp' } } }, ['spec.ports["E1/1"].type UnknownPortType']],
    ['pipelines are declared', { ports: { 'E1/1': { interface: 'a', pipeline: '0' } } }, ['spec.ports["E1/1"].pipeline UnknownPipeline']],
    [
      'speeds and breakouts are written so',
      { portTypes: { sfp: { speeds: ['25G', 'fast', '25G'], breakouts: ['4x25'] } }, ports: { 'E1/1': { interface: 'a', type: 'sfp', speed: '10G' } } },
      ['spec.portTypes.sfp.speeds[1] InvalidSpeed', 'spec.portTypes.sfp.breakouts[0] InvalidBreakout', 'spec.portTypes.sfp.speeds[2] Duplicate', 'spec.ports["E1/1"].speed UnsupportedSpeed'],
    ],
    ['a list that is there has something in it', { portTypes: { sfp: { speeds: [] } }, ports: { 'E1/1': { interface: 'a' } } }, ['spec.portTypes.sfp.speeds TooFew']],
    [
      'lanes have interfaces of their own',
      {
        portTypes: { qsfp: { breakouts: ['2x50G', '4x25G'] } },
        ports: { 'E1/1': { interface: 'a', type: 'qsfp' }, 'E1/2': { interface: 'as3' }, 'E1/3': { interface: 'b', type: 'qsfp', lanes: ['b', 'a'] } },
      },
      ['spec.ports["E1/2"].interface Duplicate', 'spec.ports["E1/3"].lanes TooFew', 'spec.ports["E1/3"].lanes[1] Duplicate'],
    ],
    [
      'lanes are for ports that can be broken out',
      { portTypes: { sfp: {} }, ports: { 'E1/1': { interface: 'a', type: 'sfp', lanes: ['b', 'c'] } } },
      ['spec.ports["E1/1"].lanes NotAllowed'],
    ],
    ['unknown features are told', { features: { teleport: true }, ports: { 'E1/1': { interface: 'a' } } }, ['spec.features.teleport UnknownField']],
  ],
  Server: [
    ['a port without a MAC is fine', { ports: { eth1: {} } }, []],
    ['no port is too few', { ports: {} }, ['spec.ports TooFew']],
    ['port names fit Linux', { ports: { 'much-too-long-a-name': {} } }, ['spec.ports.much-too-long-a-name InvalidName']],
    ['a MAC parses', { ports: { eth1: { mac: '02:00' } } }, ['spec.ports.eth1.mac InvalidMAC']],
    ['a MAC is unicast', { ports: { eth1: { mac: 'ff:ff:ff:ff:ff:ff' } } }, ['spec.ports.eth1.mac NotUnicast']],
    [
      'one MAC in two spellings is still one (C-16)',
      { ports: { eth1: { mac: '02:00:00:00:00:0A' }, eth2: { mac: '0200.0000.000a' } } },
      ['spec.ports.eth2.mac Duplicate'],
    ],
  ],
  Connection: [
    ['one link is fine', { links: [link('leaf-1/E1/1', 'server-1/eth1')] }, []],
    ['parallel links are fine, whichever end comes first', { links: [link('a/1', 'b/1'), link('b/2', 'a/2')] }, []],
    ['an end needs a port', { links: [link('leaf-1', 'b/1')] }, ['spec.links[0].ends[0] InvalidPortRef']],
    ['an end needs a device', { links: [link('/E1/1', 'b/1')] }, ['spec.links[0].ends[0] InvalidPortRef']],
    ['a device cannot be cabled to itself', { links: [link('a/1', 'a/2')] }, ['spec.links[0].ends[1] SameDevice']],
    ['a port takes one cable', { links: [link('a/1', 'b/1'), link('a/1', 'b/2')] }, ['spec.links[1].ends[0] PortUsedTwice']],
    ['one device has an end of all links', { links: [link('a/1', 'b/1'), link('c/1', 'a/2'), link('b/2', 'c/2')] }, ['spec.links[2].ends[1] DifferentDevices']],
    ['a server may be cabled to several leaves', { links: [link('a/1', 'b/1'), link('c/1', 'a/2'), link('d/2', 'a/3')] }, []],
    ['links may change', { links: [link('a/1', 'c/1')] }, [], { links: [link('a/1', 'b/1')] }],
  ],
  AddressSpace: [
    ['disjoint prefixes are fine', { prefixes: ['10.0.0.0/8', '192.168.0.0/16'] }, []],
    ['prefixes may not share addresses', { prefixes: ['10.0.0.0/8', '10.1.0.0/16'] }, ['spec.prefixes[1] Overlap']],
    ['everything is too much', { prefixes: ['0.0.0.0/0'] }, ['spec.prefixes[0] SpecialUse']],
    ['a space has prefixes of both families (C-36)', { prefixes: ['10.0.0.0/8', 'fd00::/8', 'fe80::/64'] }, ['spec.prefixes[2] SpecialUse']],
    ['host bits are refused (C-36)', { prefixes: ['10.0.0.1/8'] }, ['spec.prefixes[0] HostBitsSet']],
  ],
  VPC: [
    ['a CIDR is enough', subnets({ cidr: '10.1.0.0/24' }), []],
    ['a /30 is the smallest subnet', subnets({ cidr: '10.1.0.0/30' }), []],
    ['a /31 is too small', subnets({ cidr: '10.1.0.0/31' }), ['spec.subnets.front.cidr PrefixLength']],
    ['host bits are refused (C-13)', subnets({ cidr: '10.1.0.1/24' }), ['spec.subnets.front.cidr HostBitsSet']],
    ['IPv6 has a member of its own (C-13)', subnets({ cidr: '2001:db8::/64' }), ['spec.subnets.front.cidr AddressFamily']],
    ['link-local is nobody', subnets({ cidr: '169.254.1.0/24' }), ['spec.subnets.front.cidr SpecialUse']],
    ['a subnet name is a label', { subnets: { 'A.b': { cidr: '10.1.0.0/24' } } }, ['spec.subnets["A.b"] InvalidName']],
    ['no subnet is too few', { subnets: {} }, ['spec.subnets TooFew']],
    ['64 subnets are fine', { subnets: many(64) }, []],
    ['65 are too many', { subnets: many(65) }, ['spec.subnets TooMany']],
    ['subnets that touch are fine', subnets({ cidr: '10.1.0.0/25' }, { back: { cidr: '10.1.0.128/25' } }), []],
    [
      'subnets may not share addresses',
      subnets({ cidr: '10.1.0.0/24' }, { back: { cidr: '10.1.0.128/25' } }),
      ['spec.subnets.back.cidr Overlap'],
    ],
    ['the last host may be the gateway', subnets({ cidr: '10.1.0.0/24', gateway: '10.1.0.254' }), []],
    ['the network address may not (C-13)', subnets({ cidr: '10.1.0.0/24', gateway: '10.1.0.0' }), ['spec.subnets.front.gateway NotAHost']],
    ['nor the broadcast address', subnets({ cidr: '10.1.0.0/24', gateway: '10.1.0.255' }), ['spec.subnets.front.gateway NotAHost']],
    ['nor one outside', subnets({ cidr: '10.1.0.0/24', gateway: '10.2.0.1' }), ['spec.subnets.front.gateway OutsideSubnet']],
    ['a gateway parses', subnets({ cidr: '10.1.0.0/24', gateway: 'first' }), ['spec.subnets.front.gateway InvalidAddress']],
    [
      'DNS servers are addresses',
      subnets({ cidr: '10.1.0.0/24', dhcp: { dnsServers: ['1.1.1.1', 'dns', '224.0.0.1'] } }),
      ['spec.subnets.front.dhcp.dnsServers[1] InvalidAddress', 'spec.subnets.front.dhcp.dnsServers[2] SpecialUse'],
    ],
    [
      'the address space stays',
      { addressSpace: 'b', ...subnets({ cidr: '10.1.0.0/24' }) },
      ['spec.addressSpace Immutable'],
      subnets({ cidr: '10.1.0.0/24' }),
    ],
    ['subnets may change', subnets({ cidr: '10.2.0.0/24' }), [], subnets({ cidr: '10.1.0.0/24' })],
    ['the mode may change', { mode: 'l3', ...subnets({ cidr: '10.1.0.0/24' }) }, [], subnets({ cidr: '10.1.0.0/24' })],
    ['a dual-stack subnet needs a prefix', subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/64' } }), []],
    ['which is IPv6', subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: '10.2.0.0/24' } }), ['spec.subnets.front.ipv6.cidr AddressFamily']],
    ['and not link-local', subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fe80::/64' } }), ['spec.subnets.front.ipv6.cidr SpecialUse']],
    ['and has room for a host', subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/127' } }), ['spec.subnets.front.ipv6.cidr PrefixLength']],
    ['a /126 is the smallest', subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/126' } }), []],
    [
      'stations make addresses of a /64 only',
      subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/56', addressing: 'slaac' } }),
      ['spec.subnets.front.ipv6.cidr PrefixLength'],
    ],
    [
      'its gateway is not the anycast address of all routers',
      subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/64', gateway: 'fd00:1::' } }),
      ['spec.subnets.front.ipv6.gateway NotAHost'],
    ],
    [
      'nor one of the other family',
      subnets({ cidr: '10.1.0.0/24', gateway: 'fd00:1::1', ipv6: { cidr: 'fd00:1::/64', gateway: '10.1.0.1' } }),
      ['spec.subnets.front.gateway OutsideSubnet', 'spec.subnets.front.ipv6.gateway OutsideSubnet'],
    ],
    [
      'IPv6 prefixes may not share addresses either',
      subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/64' } }, { back: { cidr: '10.2.0.0/24', ipv6: { cidr: 'fd00:1::/60' } } }),
      ['spec.subnets.back.ipv6.cidr Overlap'],
    ],
    ['permit names subnets there are, each once (M-33)', { permit: [['front', 'back', 'front']], ...subnets({ cidr: '10.1.0.0/24' }) }, ['spec.permit[0][1] UnknownSubnet', 'spec.permit[0][2] Duplicate']],
    ...(
      [
        ['a static route leads out by a server', '10.9.0.0/16', ['10.1.0.9'], []],
        ['so does a default route', '0.0.0.0/0', ['10.1.0.9', '10.1.0.10'], []],
        ['and an IPv6 one', 'fd00:9::/48', ['fd00:1::9'], []],
        ['a single address of a subnet may be led elsewhere', '10.1.0.77/32', ['10.1.0.9'], []],
        ['but for the gateway', '10.1.0.1/32', ['10.1.0.9'], ['prefix AddressIsGateway']],
        ['a subnet may not', '10.1.0.0/24', ['10.1.0.9'], ['prefix Overlap']],
        ['nor a part of it', '10.1.0.0/25', ['10.1.0.9'], ['prefix Overlap']],
        ['larger than a subnet is fine', '10.1.0.0/16', ['10.1.0.9'], []],
        ['host bits are refused', '10.9.0.1/16', ['10.1.0.9'], ['prefix HostBitsSet']],
        ['multicast is not routed', '224.1.0.0/16', ['10.1.0.9'], ['prefix SpecialUse']],
        ['next hops parse (C-14)', '10.9.0.0/16', ['server'], ['nextHops[0] InvalidAddress']],
        ['and are inside a subnet', '10.9.0.0/16', ['10.9.0.1'], ['nextHops[0] OutsideSubnet']],
        ['and are no gateway', '10.9.0.0/16', ['10.1.0.1'], ['nextHops[0] AddressIsGateway']],
        ['and are hosts', '10.9.0.0/16', ['10.1.0.255'], ['nextHops[0] NotAHost']],
        ['and of the same family', '10.9.0.0/16', ['fd00:1::9'], ['nextHops[0] AddressFamily']],
        ['and named once', '10.9.0.0/16', ['10.1.0.9', '10.1.0.9'], ['nextHops[1] Duplicate']],
      ] as const
    ).map(([sentence, prefix, nextHops, expected]): Case => [
      sentence,
      { staticRoutes: [{ prefix, nextHops }], ...subnets({ cidr: '10.1.0.0/24', ipv6: { cidr: 'fd00:1::/64' } }) },
      expected.map((finding) => `spec.staticRoutes[0].${finding}`),
    ]),
    [
      'a prefix is routed once',
      { staticRoutes: [1, 2].map((hop) => ({ prefix: '10.9.0.0/16', nextHops: [`10.1.0.1${hop}`] })), ...subnets({ cidr: '10.1.0.0/24' }) },
      ['spec.staticRoutes[1].prefix Duplicate'],
    ],
    ...(
      [
        ['hosts may announce single addresses', { cidr: '10.1.0.0/24' }, []],
        ['and prefixes outside of all subnets', { cidr: '10.9.0.0/24', minLength: 28 }, []],
        ['and IPv6', { cidr: 'fd00:9::/64', minLength: 112, maxLength: 128 }, []],
        ['not those of another subnet (C-15)', { cidr: '10.2.0.0/28' }, ['cidr Overlap']],
        ['not their whole subnet', { cidr: '10.1.0.0/24', minLength: 24 }, ['cidr Overlap']],
        ['nor more than it', { cidr: '10.0.0.0/15' }, ['cidr Overlap']],
        ['nor what is nobody', { cidr: '0.0.0.0/0' }, ['cidr SpecialUse']],
        ['lengths fit the family', { cidr: '10.9.0.0/24', minLength: 33, maxLength: 64 }, ['minLength PrefixLength', 'maxLength PrefixLength']],
        ['and the prefix', { cidr: '10.9.0.0/24', minLength: 16 }, ['minLength PrefixLength']],
        ['and each other', { cidr: '10.9.0.0/24', maxLength: 28 }, ['maxLength EmptyRange']],
      ] as const
    ).map(([sentence, announceable, expected]): Case => [
      sentence,
      subnets({ cidr: '10.1.0.0/24', hostBGP: { prefixes: [announceable] } }, { back: { cidr: '10.2.0.0/24' } }),
      expected.map((finding) => `spec.subnets.front.hostBGP.prefixes[0].${finding}`),
    ]),
    [
      'addresses for hosts that nobody declared need a stretched segment',
      { mode: 'l3', ...subnets({ cidr: '10.1.0.0/24', dhcp: { range: { from: '10.1.0.9', to: '10.1.0.19' } } }) },
      ['spec.subnets.front.dhcp.range NotAllowed'],
    ],
  ],
  VPCAttachment: [
    ['VPC and connection are enough', { vpc: 'v', connection: 'server-1.leaf-1' }, []],
    ['a connection is a name', { vpc: 'v', connection: 'Server 1' }, ['spec.connection InvalidName']],
    ['a pinned address is one a host can have', { vpc: 'v', connection: 'c', address: '224.0.0.9' }, ['spec.address SpecialUse']],
    ['and has no length', { vpc: 'v', connection: 'c', address: '10.0.0.9/24' }, ['spec.address InvalidAddress']],
    ['a pinned IPv6 address has a member of its own', { vpc: 'v', connection: 'c', address: 'fd00::9', ipv6Address: '10.0.0.9' }, ['spec.address AddressFamily', 'spec.ipv6Address AddressFamily']],
    ['everything may change', { vpc: 'w', connection: 'd' }, [], { vpc: 'v', connection: 'c' }],
  ],
  VPCPeering: [
    ['two VPCs are fine', { permit: [pair({ vpc: 'a' }, { vpc: 'b' })] }, []],
    [
      'several pairings of the same two are fine, whichever side comes first',
      { permit: [pair({ vpc: 'a', subnets: ['x'] }, { vpc: 'b' }), pair({ vpc: 'b' }, { vpc: 'a', subnets: ['y'] })] },
      [],
    ],
    ['a VPC has no peering with itself', { permit: [pair({ vpc: 'a' }, { vpc: 'a' })] }, ['spec.permit[0][1].vpc SelfPeering']],
    [
      'a third VPC needs a peering of its own',
      { permit: [pair({ vpc: 'a' }, { vpc: 'b' }), pair({ vpc: 'a' }, { vpc: 'c' })] },
      ['spec.permit[1] DifferentVPCs'],
    ],
    [
      'a subnet is listed once',
      { permit: [pair({ vpc: 'a', subnets: ['x', 'x'] }, { vpc: 'b' })] },
      ['spec.permit[0][0].subnets[1] Duplicate'],
    ],
    [
      'a pairing is said once, also the other way round',
      { permit: [pair({ vpc: 'a', subnets: ['x', 'y'] }, { vpc: 'b' }), pair({ vpc: 'b' }, { vpc: 'a', subnets: ['y', 'x'] })] },
      ['spec.permit[1] Duplicate'],
    ],
  ],
  MappingSlice: [
    ['a slice may be empty', mapped(), []],
    ['two addresses may share a MAC and a VTEP', mapped(['10.1.0.9', '02:00:00:00:00:09'], ['10.1.0.10', '02:00:00:00:00:09']), []],
    ['an address is mapped once', mapped(['10.1.0.9'], ['10.1.0.8'], ['10.1.0.9']), ['spec.mappings[2].address Duplicate']],
    [
      'all faults of all mappings are told at once',
      mapped(['10.1.0'], ['127.0.0.1', 'mac'], ['10.1.0.9', '01:00:5e:00:00:01', '2001:db8::1']),
      [
        'spec.mappings[0].address InvalidAddress',
        'spec.mappings[1].address SpecialUse',
        'spec.mappings[1].mac InvalidMAC',
        'spec.mappings[2].mac NotUnicast',
        'spec.mappings[2].vtep AddressFamily',
      ],
    ],
    ['a VTEP is an address', mapped(['10.1.0.9', '02:00:00:00:00:09', '10.1.0.0/24']), ['spec.mappings[0].vtep InvalidAddress']],
    ['a thousand mappings are a slice', thousand(1000), []],
    ['more are two slices', thousand(1001), ['spec.mappings TooMany']],
    ['a VNI has 24 bits', { vpc: 'v', mappings: [{ ...hostAt(), vni: 0x1_00_00_00 }] }, ['spec.mappings[0].vni OutOfRange']],
  ],
  Claim: [
    ['a claim says one thing', claimOf('1'), []],
    ['for as long as it lives', claimOf('2'), ['spec.value Immutable'], claimOf('1')],
  ],
};

function claimOf(value: string) {
  return { pool: 'vni', value, owner: { kind: 'VPC', namespace: 'a', name: 'b', uid: 'u' }, purpose: 'l3' };
}

for (const [kind, cases] of Object.entries(tables)) {
  describe(`rules of ${kind}`, () => {
    for (const [sentence, spec, expected, old] of cases) {
      test(sentence, () => assert.deepEqual(verdict(kind, spec, old), expected));
    }
  });
}

test('every fault is told at once', () => {
  const faults = verdict('VPC', {
    subnets: {
      front: { cidr: '10.1.0.1/24', gateway: 'x', dhcp: { dnsServers: ['y'] } },
      Back: { cidr: '127.0.0.0/24' },
    },
  });
  assert.deepEqual(faults, [
    'spec.subnets.front.cidr HostBitsSet',
    'spec.subnets.front.gateway InvalidAddress',
    'spec.subnets.Back InvalidName',
    'spec.subnets.Back.cidr SpecialUse',
    'spec.subnets.front.dhcp.dnsServers[0] InvalidAddress',
  ]);
});
