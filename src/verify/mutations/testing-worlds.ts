/**
 * Healthy networks that the faults of this folder are made in. Between them they have a row of every table, in the forms that
 * matter: dual-stack subnets, both modes, tags, a multihomed server, a bundle, peerings within a tenant and with another's
 * consent, networks outside met by BGP and by static routes, policies, isolated and restricted subnets, hosts that announce,
 * static routes, DHCP ranges and reservations, mappings, and fabric links with and without addresses.
 */
import assert from 'node:assert/strict';
import { kinds } from '../../api/kinds.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { CompileFinding } from '../../compile/finding.ts';
import type { Row } from '../../goal/rows.ts';
import { objectOr } from '../../kit/json.ts';
import { CompileStage } from '../../scenarios/compilestage.ts';
import { expand, type ShortObject } from '../../scenarios/scenario.ts';
import type { Step } from './testing-fault.ts';

export interface World {
  /** Everything that people declared, and the claims that answer it. */
  readonly objects: readonly Resource[];
  /** What is said of them, by `refKey`. */
  readonly findings: ReadonlyMap<string, readonly CompileFinding[]>;
  /** What the compiler made of it, by scope. */
  readonly scopes: ReadonlyMap<string, readonly Row[]>;
}

const cable = (name: string, ...links: readonly (readonly [string, string])[]): ShortObject => ({
  kind: 'Connection',
  name,
  spec: { links: links.map((ends) => ({ ends })) },
});
const server = (name: string, number: number): ShortObject => ({
  kind: 'Server',
  name,
  spec: { ports: { eth1: { mac: `02:00:00:00:00:${number}1` }, eth2: { mac: `02:00:00:00:00:${number}2` } } },
});
const attach = (name: string, vpc: string, subnet: string, connection: string, more: object = {}, labels: Record<string, string> = {}): ShortObject => ({
  kind: 'VPCAttachment',
  name,
  labels,
  spec: { vpc, subnet, connection, ...more },
});

/** Two spines; leaf-1 and leaf-2 are a redundancy group, leaf-3 stands alone; two borders; seven servers. */
const wiring = (links: 'unnumbered' | 'numbered'): ShortObject[] => {
  const uplinked = ['leaf-1', 'leaf-2', 'leaf-3', 'border-1', 'border-2'];
  const leaf = (name: string, role: string, more: object = {}): ShortObject => ({ kind: 'Switch', name, spec: { role, profile: 'small', ...more } });
  return [
    { kind: 'Fabric', name: 'default', spec: { underlay: { links }, overlay: { externalVTEPs: ['198.18.0.0/24'] } } },
    { kind: 'AddressSpace', name: 'default', spec: { prefixes: ['10.0.0.0/8', 'fd00::/16'] } },
    { kind: 'AddressSpace', name: 'other', spec: { prefixes: ['10.0.0.0/8'] } },
    {
      kind: 'SwitchProfile',
      name: 'small',
      spec: {
        ports: Object.fromEntries(Array.from({ length: 64 }, (_, port) => [`E1/${port + 1}`, { interface: `swp${port + 1}` }])),
        capacity: { vrfs: 12, segments: 16, hosts: 64, routes: 256, mappings: 64, aclRules: 256 },
      },
    },
    leaf('spine-1', 'spine'),
    leaf('spine-2', 'spine'),
    leaf('leaf-1', 'leaf', { group: 'rack' }),
    leaf('leaf-2', 'leaf', { group: 'rack' }),
    leaf('leaf-3', 'leaf'),
    leaf('border-1', 'border'),
    leaf('border-2', 'border'),
    ...uplinked.flatMap((name, place) =>
      [1, 2].map((spine) => cable(`spine-${spine}--${name}`, [`spine-${spine}/E1/${place + 1}`, `${name}/E1/${48 + spine}`])),
    ),
    ...['m1', 'a1', 'a2', 'a3', 'b3', 'c3', 'd3'].map((name, place) => server(name, place + 1)),
    cable('m1', ['m1/eth1', 'leaf-1/E1/1'], ['m1/eth2', 'leaf-2/E1/1']),
    cable('a1', ['a1/eth1', 'leaf-1/E1/2']),
    cable('a2', ['a2/eth1', 'leaf-2/E1/2']),
    cable('a3', ['a3/eth1', 'leaf-3/E1/1']),
    cable('b3', ['b3/eth1', 'leaf-3/E1/2']),
    cable('c3', ['c3/eth1', 'leaf-3/E1/3'], ['c3/eth2', 'leaf-3/E1/4']),
    cable('d3', ['d3/eth1', 'leaf-3/E1/5']),
    ...outside,
  ];
};

/** Cables name Externals, which say where they are met afterwards. */
const outside: ShortObject[] = [
  { kind: 'External', name: 'internet', spec: { bgp: {} } },
  { kind: 'External', name: 'warehouse', spec: { bgp: {} } },
  cable('internet--border-1', ['internet/p1', 'border-1/E1/1']),
  cable('internet--border-2', ['internet/p2', 'border-2/E1/1']),
  cable('warehouse--border-2', ['warehouse/p1', 'border-2/E1/2']),
];

const externals: ShortObject[] = [
  {
    kind: 'External',
    name: 'internet',
    spec: {
      bgp: { prefixes: ['0.0.0.0/0', '2001:db8:f::/48'], inboundCommunity: '65010:7' },
      attachments: [
        { connection: 'internet--border-1', address: '192.0.2.1/31', neighbor: { address: '192.0.2.0', asn: 65010 } },
        { connection: 'internet--border-1', vlan: 20, address: '2001:db8::1/127', neighbor: { address: '2001:db8::', asn: 65010 } },
        { connection: 'internet--border-2', address: '192.0.2.3/31', neighbor: { address: '192.0.2.2', asn: 65010 } },
      ],
      inboundACL: [
        { action: 'deny', protocol: 'tcp', destination: '10.1.1.0/24', ports: { from: 22 } },
        { action: 'permit', protocol: 'tcp' },
        { action: 'permit', protocol: 'udp', source: '203.0.113.0/24' },
        { action: 'permit', protocol: 'icmp' },
      ],
    },
  },
  {
    kind: 'External',
    name: 'warehouse',
    spec: {
      static: { prefixes: ['198.51.100.0/24'] },
      attachments: [{ connection: 'warehouse--border-2', vlan: 40, address: '192.0.2.9/31', nextHop: '192.0.2.8' }],
    },
  },
];

const shop: ShortObject = {
  kind: 'VPC',
  name: 'shop',
  spec: {
    subnets: {
      front: {
        cidr: '10.1.1.0/24',
        ipv6: { cidr: 'fd00:1:1::/64' },
        labels: { tier: 'web' },
        dhcp: { range: { from: '10.1.1.128', to: '10.1.1.254' }, reservations: { '02:00:00:00:0b:01': { address: '10.1.1.200' } } },
      },
      back: { cidr: '10.1.2.0/24', ipv6: { cidr: 'fd00:1:2::/64' }, isolated: true },
      deep: { cidr: '10.1.3.0/24', ipv6: { cidr: 'fd00:1:3::/64' }, isolated: true },
      closed: { cidr: '10.1.4.0/24', restricted: true },
    },
    permit: [['front', 'back']],
    staticRoutes: [
      { prefix: '10.99.0.0/24', nextHops: ['10.1.1.50'] },
      { prefix: 'fd00:99::/64', nextHops: ['fd00:1:1::50'] },
    ],
  },
};

const vpcs: ShortObject[] = [
  shop,
  { kind: 'VPC', name: 'routed', spec: { mode: 'l3', subnets: { default: { cidr: '10.2.1.0/24', ipv6: { cidr: 'fd00:2:1::/64' } }, more: { cidr: '10.2.2.0/24' } } } },
  { kind: 'VPC', name: 'services', spec: { subnets: { default: { cidr: '10.3.1.0/24', ipv6: { cidr: 'fd00:3:1::/64' }, hostBGP: { prefixes: [{ cidr: '10.98.0.0/24', minLength: 28 }, { cidr: '10.3.1.0/24' }] } } } } },
  { kind: 'VPC', name: 'twin', spec: { addressSpace: 'other', subnets: { default: { cidr: '10.1.1.0/24' } } } },
  { kind: 'VPC', name: 'bank', namespace: 'partner', spec: { subnets: { desk: { cidr: '10.4.1.0/24', ipv6: { cidr: 'fd00:4:1::/64' } }, vault: { cidr: '10.4.2.0/24' } } } },
];

const tenants: ShortObject[] = [
  ...externals,
  ...vpcs,
  attach('m1', 'shop', 'front', 'm1', { address: '10.1.1.50', ipv6Address: 'fd00:1:1::50' }),
  attach('m1-twin', 'twin', 'default', 'm1', { vlan: 30 }),
  attach('a1', 'shop', 'back', 'a1'),
  attach('a2', 'routed', 'default', 'a2'),
  attach('a2-closed', 'shop', 'closed', 'a2', { vlan: 10 }),
  attach('a3', 'shop', 'front', 'a3'),
  attach('a3-deep', 'shop', 'deep', 'a3', { vlan: 20 }),
  attach('b3', 'routed', 'default', 'b3'),
  attach('b3-closed', 'shop', 'closed', 'b3', { vlan: 10 }),
  attach('b3-more', 'routed', 'more', 'b3', { vlan: 11 }),
  attach('d3', 'services', 'default', 'd3', {}, { role: 'database' }),
  attach('a1-services', 'services', 'default', 'a1', { vlan: 40 }, { role: 'cache' }),
  attach('c3-twin', 'twin', 'default', 'c3', { vlan: 50 }),
  { ...attach('c3', 'bank', 'desk', 'c3'), namespace: 'partner' },
  { ...attach('a1-vault', 'bank', 'vault', 'a1', { vlan: 60 }), namespace: 'partner' },
  { kind: 'PeeringConsent', name: 'for-shop', namespace: 'partner', spec: { vpc: 'bank', subnets: ['desk'], peer: { namespace: 'default', vpc: 'shop' } } },
  { kind: 'VPCPeering', name: 'shop--bank', spec: { permit: [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'bank', namespace: 'partner', subnets: ['desk'] }]] } },
  { kind: 'VPCPeering', name: 'shop--services', spec: { permit: [[{ vpc: 'shop', subnets: ['front', 'back'] }, { vpc: 'services' }]] } },
  { kind: 'ExternalPeering', name: 'shop--internet', spec: { vpc: 'shop', subnets: ['front'], external: 'internet', prefixes: ['0.0.0.0/0', '2001:db8:f::/48'] } },
  { kind: 'ExternalPeering', name: 'services--internet', spec: { vpc: 'services', external: 'internet', prefixes: ['203.0.113.0/24'] } },
  { kind: 'ExternalPeering', name: 'routed--warehouse', spec: { vpc: 'routed', subnets: ['default'], external: 'warehouse', prefixes: ['198.51.100.0/24'] } },
  {
    kind: 'SecurityPolicy',
    name: 'database',
    spec: {
      vpc: 'services',
      subjects: { attachments: { matchLabels: { role: 'database' } } },
      ingress: [
        { from: [{ vpc: 'shop', subnets: { matchLabels: { tier: 'web' } } }], ports: [{ protocol: 'tcp', port: 5432 }, { protocol: 'icmp' }] },
        { from: [{ attachments: { matchLabels: { role: 'cache' } } }] },
      ],
    },
  },
  {
    kind: 'SecurityPolicy',
    name: 'outwards',
    spec: { vpc: 'routed', subjects: { all: true }, egress: [{ to: [{ cidr: '10.0.0.0/8' }, { cidr: 'fd00::/16' }] }, { to: [{ cidr: '198.51.100.0/25' }], ports: [{ protocol: 'tcp', port: 443 }] }] },
  },
  {
    kind: 'MappingSlice',
    name: 'storage',
    spec: {
      vpc: 'shop',
      mappings: [
        { address: '10.1.1.100', mac: '02:00:00:00:0a:01', vtep: '198.18.0.1' },
        { address: '10.1.2.100', mac: '02:00:00:00:0a:02', vtep: '198.18.0.2', vni: 77 },
      ],
    },
  },
];

/** Objects as they are declared first, one changed. */
export const change = (
  kind: string,
  name: string,
  edit: (spec: Readonly<Record<string, unknown>>) => object,
  { labels, ...more }: { readonly labels?: Record<string, string>; readonly acceptsAll?: true } = {},
): Step => {
  const found = [...wiring('unnumbered'), ...tenants].findLast((each) => each.kind === kind && each.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return { declare: [{ ...found, spec: edit(objectOr(found.spec)), ...(labels !== undefined && { labels }) }], ...more };
};

const compile = (links: 'unnumbered' | 'numbered'): CompileStage => {
  const stage = new CompileStage(wiring(links).map(expand));
  stage.apply(tenants.map(expand));
  return stage;
};

const worldIn = (stage: CompileStage): World => {
  const objects = kinds.flatMap(({ kind }) => stage.objects(kind));
  const findings = new Map(objects.map((object) => [refKey(refOf(object)), stage.findings(refOf(object))]));
  return { objects, findings, scopes: new Map(stage.scopes()) };
};

/** Everything is accepted, else it is not the world that is meant. */
export const readWorld = (links: 'unnumbered' | 'numbered'): World => {
  const world = worldIn(compile(links));
  for (const [key, findings] of world.findings) assert.deepEqual(findings.filter(({ severity }) => severity === 'error'), [], key);
  return world;
};

/** The world after a step, as a compiler without faults makes it. */
export const readWorldAfter = ({ declare = [], remove = [] }: Step): World => {
  const stage = compile('unnumbered');
  stage.apply(declare.map(expand));
  stage.delete(remove.map(parseRef));
  return worldIn(stage);
};

const parseRef = (text: string): ObjectRef => {
  const [kind = '', ...names] = text.split('/');
  const [name = '', namespace = ''] = names.toReversed();
  return { kind, namespace, name };
};
