/** Arbitrary rows and commits for property tests; every table occurs, with every optional member present and absent. */
import * as fc from 'fast-check';
import type { Address, Asn, InterfaceAddress, Mac, Prefix, Vlan, Vni } from '../net/brand.ts';
import { type AclRule, type AclStatement, type DhcpSettings, type Row, type TableName, type Tables, rowId } from './rows.ts';

const text = fc.string({ maxLength: 8, unit: 'grapheme' });
const count = fc.integer({ min: 0, max: 0xffff_ffff });
const vni = fc.integer({ min: 0, max: 0xff_ffff }).map((value) => value as Vni);
const asn = count.map((value) => value as Asn);
const address = text.map((value) => value as Address);
const interfaceAddress = text.map((value) => value as InterfaceAddress);
const prefix = text.map((value) => value as Prefix);
const vlan = fc.integer({ min: 1, max: 4094 }).map((value) => value as Vlan);
const mac = text.map((value) => value as Mac);
const list = <Value>(element: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.array(element, { maxLength: 3 });

/** A record of which the named members may be absent; absent, not undefined. */
const record = <Model extends object, Required extends keyof Model>(
  model: { [Name in keyof Model]: fc.Arbitrary<Model[Name]> },
  requiredKeys: Required[],
): fc.Arbitrary<Model> =>
  // fast-check says the same in types that do not survive a generic model.
  fc.record(model, { requiredKeys }) as fc.Arbitrary<Model>;

const yes = fc.boolean();
const bfd = fc.record({ intervalMilliseconds: count, multiplier: count });
const portRange = fc.record({ from: count, to: count });
const prefixMatch = fc.record({ prefix, minLength: count, maxLength: count });
const protocol = fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const);

const dhcp = record<DhcpSettings, 'leaseSeconds' | 'dnsServers' | 'ntpServers' | 'routes'>(
  {
    leaseSeconds: count,
    dnsServers: list(address),
    ntpServers: list(address),
    domain: text,
    mtu: count,
    bootServer: text,
    bootFile: text,
    routes: list(fc.record({ destination: prefix, gateway: address })),
    noDefaultRoute: yes,
    relay: address,
  },
  ['leaseSeconds', 'dnsServers', 'ntpServers', 'routes'],
);

const aclRule = record<AclRule, 'peers' | 'sets' | 'ports'>(
  { peers: list(prefix), sets: list(text), protocol, ports: list(portRange) },
  ['peers', 'sets', 'ports'],
);

const aclStatement = record<AclStatement, 'action'>(
  {
    action: fc.constantFrom('permit', 'deny'),
    protocol,
    source: prefix,
    destination: prefix,
    ports: portRange,
    established: yes,
    icmpType: count,
    icmpCode: count,
  },
  ['action'],
);

const values: { readonly [Table in TableName]: fc.Arbitrary<Tables[Table]> } = {
  system: fc.record({ hostname: text, role: fc.constantFrom('spine', 'leaf', 'border', 'gateway'), routerId: address }),
  port: record(
    {
      interface: text,
      role: fc.constantFrom('fabric', 'server', 'external'),
      mtu: count,
      peer: text,
      address: interfaceAddress,
      bundle: text,
      esi: text,
      fallback: yes,
      speed: text,
      fec: text,
    },
    ['interface', 'role', 'mtu', 'peer'],
  ),
  bgp: record(
    { asn, routerId: address, networks: list(prefix), advertiseVnis: yes, drained: yes },
    ['asn', 'routerId', 'networks', 'advertiseVnis'],
  ),
  bgpPeer: record({ port: text, address, bfd, drained: yes }, ['port']),
  vtep: fc.record({ address, anycastMac: mac }),
  member: fc.record({ scope: text }),
  vrf: record({ name: text, vni, description: text, external: fc.record({ inside: list(prefix) }) }, ['name', 'vni', 'description']),
  segment: record(
    {
      vni,
      vrf: text,
      gateways: list(interfaceAddress),
      mtu: count,
      description: text,
      mode: fc.constant('l3'),
      restricted: yes,
      ipv6: fc.constantFrom('slaac', 'dhcp'),
      dhcp,
    },
    ['vni', 'vrf', 'gateways', 'mtu', 'description'],
  ),
  attachment: record({ port: text, segment: vni, vlan, address, ipv6Address: address }, ['port', 'segment']),
  host: record({ segment: vni, address, mac, port: text, vlan, hostname: text }, ['segment', 'address', 'mac', 'port', 'hostname']),
  leak: fc.record({
    vrf: text,
    vni,
    peerVrf: text,
    peerVni: vni,
    pairings: list(fc.record({ local: list(prefix), remote: list(prefix) })),
  }),
  mapping: record({ segment: vni, address, mac, vtep: address, vni }, ['segment', 'address', 'mac', 'vtep']),
  route: fc.record({ vrf: text, prefix, nextHops: list(address) }),
  hostPeering: fc.record({ segment: vni, vrf: text, range: list(prefix), accept: list(prefixMatch) }),
  isolation: fc.record({ segment: vni, vrf: text, prefixes: list(prefix), denied: list(prefix) }),
  reservation: fc.record({ segment: vni, mac, address }),
  dhcpRange: fc.record({ segment: vni, from: address, to: address }),
  acl: fc.record({
    vrf: text,
    direction: fc.constantFrom('ingress', 'egress'),
    description: text,
    subjects: list(prefix),
    subjectSets: list(text),
    rules: list(aclRule),
  }),
  aclMember: fc.record({ vrf: text, set: text, prefix }),
  vrfPort: record(
    { port: text, vlan, vrf: text, addresses: list(interfaceAddress), proxyFor: list(prefix), inbound: list(aclStatement) },
    ['port', 'vrf', 'addresses', 'proxyFor', 'inbound'],
  ),
  vrfPeer: record(
    {
      vrf: text,
      port: text,
      address,
      asn,
      accept: list(prefixMatch),
      inboundCommunity: text,
      outboundCommunity: text,
      bfd,
    },
    ['vrf', 'port', 'address', 'asn', 'accept'],
  ),
};

/** Cloned, because fast-check's records have no prototype and decoded rows have one. */
const rowOf = <Table extends TableName>(table: Table, key: fc.Arbitrary<string>): fc.Arbitrary<Row> =>
  fc.record({ table: fc.constant(table), key, value: values[table] }).map((row) => structuredClone(row) as Row);

/** Keys come from a small set, so that rows meet. */
const keys = fc.constantFrom('', 'a', 'b', 'E1/1', 'ü/x');

export const anyRow: fc.Arbitrary<Row> = fc.oneof(...Object.keys(values).map((table) => rowOf(table as TableName, keys)));

/** Rows with distinct ids. */
export const anyRows = fc.uniqueArray(anyRow, { maxLength: 12, selector: rowId });
