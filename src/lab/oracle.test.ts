import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { planOf } from './checkplan.ts';
import { endpointsOf, type Intent } from './oracle.ts';
import { formatService } from './service.ts';
import type { VpcSpec } from '../api/kinds/vpc.ts';
import type { Prefix } from '../net/brand.ts';

const object = (kind: string, name: string, spec: unknown, creationTimestamp = '2026-01-01T00:00:00Z'): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name, namespace: 'default', creationTimestamp },
  spec,
});
const space = (name: string) => object('AddressSpace', name, { prefixes: ['10.0.0.0/8'] });
const vpc = (name: string, subnets: Record<string, string>, addressSpace = 'default', time?: string) =>
  object('VPC', name, { addressSpace, subnets: Object.fromEntries(Object.entries(subnets).map(([key, cidr]) => [key, { cidr }])) }, time);
const attachment = (server: string, vpc: string, subnet?: string, name = server, time?: string) =>
  object('VPCAttachment', name, { vpc, connection: `${server}--leaf`, ...(subnet === undefined ? {} : { subnet }) }, time);
const peering = (...permit: unknown[]) => object('VPCPeering', 'p', { permit });
const side = (name: string, ...subnets: string[]) => (subnets.length === 0 ? { vpc: name } : { vpc: name, subnets });

const names = ['a', 'b', 'c', 'd'];
const intent = (vpcs: Resource[], attachments: Resource[], peerings: Resource[] = []): Intent => ({
  Server: names.map((name) => object('Server', name, { ports: { eth1: {} } })),
  Connection: names.map((name) => object('Connection', `${name}--leaf`, { links: [{ ends: [`leaf/E1/1`, `${name}/eth1`] }] })),
  AddressSpace: [space('default'), space('other')],
  VPC: vpcs,
  VPCAttachment: attachments,
  VPCPeering: peerings,
});

/** `ab ba`: the ordered pairs that are expected to connect. */
const allowed = (given: Intent): string =>
  planOf(given, names, new Map(), { protocols: ['icmp'] })
    .filter(({ pair }) => pair.expected === 'allow')
    .map(({ pair }) => pair.from + pair.to)
    .sort()
    .join(' ');

const shop = vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const stats = vpc('stats', { default: '10.2.1.0/24', jobs: '10.2.2.0/24' });
const everyone = [attachment('a', 'shop', 'front'), attachment('b', 'shop', 'back'), attachment('c', 'stats'), attachment('d', 'stats', 'jobs')];

test('inside a VPC every subnet reaches every other, between VPCs nothing does', () => {
  assert.equal(allowed(intent([shop, stats], everyone)), 'ab ba cd dc');
  assert.equal(planOf(intent([], []), names, new Map(), { protocols: ['icmp'] }).length, 12);
});

test('a peering opens the named subnets in both directions, all of a VPC when it names none', () => {
  const named = peering([side('shop', 'front'), side('stats', 'default')]);
  assert.equal(allowed(intent([shop, stats], everyone, [named])), 'ab ac ba ca cd dc');
  const whole = peering([side('shop'), side('stats', 'jobs')]);
  assert.equal(allowed(intent([shop, stats], everyone, [whole])), 'ab ad ba bd cd da db dc');
});

test('pairings of one peering are independent of each other', () => {
  const two = peering([side('shop', 'front'), side('stats', 'default')], [side('stats', 'jobs'), side('shop', 'back')]);
  assert.equal(allowed(intent([shop, stats], everyone, [two])), 'ab ac ba bd ca cd db dc');
});

test('VPCs of two address spaces may hold the same prefix and cannot be peered', () => {
  const copy = vpc('stats', { default: '10.1.1.0/24', jobs: '10.1.2.0/24' }, 'other');
  assert.equal(allowed(intent([shop, copy], everyone, [peering([side('shop'), side('stats')])])), 'ab ba cd dc');
});

test('of two VPCs of one space that overlap the elder is in force', () => {
  const late = vpc('stats', { default: '10.1.0.0/16', jobs: '10.2.2.0/24' }, 'default', '2026-01-02T00:00:00Z');
  assert.equal(allowed(intent([late, shop], everyone)), 'ab ba');
});

test('of two attachments to one connection the elder is in force, and one without its subnet is not', () => {
  const thief = attachment('a', 'stats', 'jobs', 'thief', '2026-01-02T00:00:00Z');
  assert.equal(allowed(intent([shop, stats], [thief, ...everyone])), 'ab ba cd dc');
  assert.equal(allowed(intent([shop, stats], [attachment('a', 'shop', 'cellar'), attachment('b', 'shop', 'back')])), '');
});

test('what may go one way may go back, whatever the tenants declared', () => {
  const subnet = fc.constantFrom('front', 'back', 'default', 'jobs', 'cellar');
  const place = fc.record({ vpc: fc.constantFrom('shop', 'stats', 'none'), subnet });
  const anySide = fc.record({ vpc: fc.constantFrom('shop', 'stats', 'none'), subnets: fc.array(subnet, { maxLength: 2 }) });
  fc.assert(
    fc.property(fc.array(place, { maxLength: 4 }), fc.array(fc.tuple(anySide, anySide), { maxLength: 3 }), (places, permit) => {
      const attachments = places.map(({ vpc, subnet }, index) => attachment(names[index] ?? '', vpc, subnet));
      const pairs = allowed(intent([shop, stats], attachments, [peering(...permit)])).split(' ');
      for (const pair of pairs) assert.ok(pairs.includes([...pair].toReversed().join('')), pair);
    }),
  );
});

const spec = (name: string, more: object) => object('VPC', name, { addressSpace: 'default', ...more });
const limited = (more: object = {}) =>
  spec('shop', { subnets: { front: { cidr: '10.1.1.0/24', isolated: true }, back: { cidr: '10.1.2.0/24', restricted: true } }, ...more });

test('isolated subnets meet no other of their VPC unless a list permits it, restricted ones not themselves; peers are not concerned', () => {
  const two = (...places: [string, string][]) => places.map(([server, subnet]) => attachment(server, 'shop', subnet));
  const both = two(['a', 'front'], ['b', 'front'], ['c', 'back'], ['d', 'back']);
  assert.equal(allowed(intent([limited()], both)), 'ab ba');
  assert.equal(allowed(intent([limited({ permit: [['front', 'back']] })], both)), 'ab ac ad ba bc bd ca cb da db');
  assert.equal(allowed(intent([spec('shop', { defaultIsolated: true, defaultRestricted: true, subnets: { front: { cidr: '10.1.1.0/24', restricted: false }, back: { cidr: '10.1.2.0/24' } } })], both)), 'ab ba');
  const peered = [attachment('a', 'shop', 'front'), attachment('b', 'shop', 'back'), attachment('c', 'stats')];
  assert.equal(allowed(intent([limited(), stats], peered, [peering([side('shop'), side('stats')])])), 'ac bc ca cb');
});

/** `from -> to service`, of what is expected to pass. */
const passing = (given: Intent, options: Parameters<typeof planOf>[3] = {}, servers = names): string[] =>
  planOf(given, servers, addressesOf(given), options).flatMap(({ pair, probe }) =>
    pair.expected === 'allow' && probe !== undefined ? [`${pair.from} -> ${pair.to} ${formatService({ ...probe.service })}`] : [],
  );

/** An address of each family for every server: the nth of its subnet. */
const addressesOf = (given: Intent) =>
  new Map(
    endpointsOf(given).map(({ server, port, vpc: of, subnet }, index) => {
      const { cidr, ipv6 } = (given.VPC?.find(({ metadata }) => metadata.name === of)?.spec as VpcSpec | undefined)?.subnets[subnet] ?? { cidr: '' };
      const own = [cidr.replace(/0\/\d+$/, `${index + 10}`), ...(ipv6 === undefined ? [] : [ipv6.cidr.replace(/\/\d+$/, `${index + 10}`)])];
      return [server, new Map([[port, own]])] as const;
    }),
  );

test('IPv6 is expected where both subnets have it', () => {
  const dual = spec('shop', { subnets: { front: { cidr: '10.1.1.0/24', ipv6: { cidr: 'fd00:1::/64' } }, back: { cidr: '10.1.2.0/24' } } });
  const spaces = [object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8', 'fd00::/16'] })];
  const given = { ...intent([dual], [attachment('a', 'shop', 'front'), attachment('b', 'shop', 'front'), attachment('c', 'shop', 'back')]), AddressSpace: spaces };
  const sixes = passing(given, { protocols: ['icmp'] }).filter((line) => line.endsWith('icmp6'));
  assert.deepEqual(sixes, ['a -> b icmp6', 'b -> a icmp6']);
});

test('a policy permits what its rules name, once it selects somebody, and both ends have a say', () => {
  const policy = (name: string, policySpec: object) => object('SecurityPolicy', name, { vpc: 'shop', ...policySpec });
  const labelled = { ...attachment('a', 'shop', 'front'), metadata: { name: 'a', namespace: 'default', labels: { tier: 'web' } } };
  const places = [labelled, attachment('b', 'shop', 'back')];
  const given = (...policies: Resource[]): Intent => ({ ...intent([shop], places), SecurityPolicy: policies });
  const back = policy('back', { subjects: { subnets: { names: ['back'] } }, ingress: [{ from: [{ attachments: { matchLabels: { tier: 'web' } } }], ports: [{ protocol: 'tcp', port: 440, endPort: 449 }] }] });
  assert.deepEqual(passing(given(back), { ports: { tcp: [443], udp: [] } }).filter((line) => line.startsWith('a')), ['a -> b tcp/440', 'a -> b tcp/443']);
  assert.equal(passing(given(back)).filter((line) => line.startsWith('b -> a')).length, 5, 'what the subject sends is not concerned');
  const silent = policy('silent', { subjects: { attachments: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } }, egress: [] });
  assert.deepEqual(passing(given(back, silent)).filter((line) => line.startsWith('a')), []);
  const within = policy('net', { subjects: { all: true }, ingress: [{ from: [{ cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] }] }] });
  assert.deepEqual([...new Set(passing(given(within), { protocols: ['icmp'] }))], ['a -> b icmp']);
});

test('an External meets the subnets and prefixes of its peerings, lets in what its list says, and joins nobody', () => {
  const external = (more: object) => ({
    ...object('External', 'internet', { bgp: {}, attachments: [{ connection: 'out', address: '192.0.2.1/31' }], ...more }),
    metadata: { name: 'internet', annotations: { 'lab.heddle.dev/addresses': '203.0.113.1, 198.51.100.1' } },
  });
  const given = (more: object = {}): Intent => {
    const base = intent([shop, stats], [attachment('a', 'shop', 'front'), attachment('b', 'stats')]);
    const peered = (name: string, prefix: string) => object('ExternalPeering', name, { vpc: name, external: 'internet', prefixes: [prefix] });
    return { ...base, Connection: [...(base.Connection ?? []), object('Connection', 'out', { links: [{ ends: ['internet/p1', 'leaf/E1/9'] }] })], External: [external(more)], ExternalPeering: [peered('shop', '0.0.0.0/0'), peered('stats', '203.0.113.0/24')] };
  };
  const lines = (more: object = {}): string[] => [...new Set(passing(given(more), { protocols: ['icmp'] }, ['a', 'b']))];
  assert.deepEqual(lines(), ['a -> internet icmp', 'b -> internet icmp', 'internet -> a icmp', 'internet -> b icmp']);
  assert.equal(planOf(given(), ['b'], addressesOf(given()), { protocols: ['icmp'] }).filter(({ pair }) => pair.from === 'b' && pair.expected === 'allow').length, 1, 'of two addresses one is in the peering');
  const answers = lines({ inboundACL: [{ action: 'permit', protocol: 'icmp', icmpType: 0 }] });
  assert.deepEqual(answers, ['a -> internet icmp', 'b -> internet icmp']);
  const requests = planOf(given({ inboundACL: [{ action: 'permit', protocol: 'icmp', icmpType: 8 }] }), ['a'], addressesOf(given()), { protocols: ['icmp'] });
  assert.deepEqual([...new Set(requests.map(({ pair: { from, to, expected } }) => `${from} -> ${to} ${expected}`))], ['a -> internet oneway', 'internet -> a allow']);
});

test('an announced address counts where the subnet lets hosts announce it', () => {
  const speaking = (hostBGP: object) => spec('shop', { subnets: { front: { cidr: '10.1.1.0/24', hostBGP }, back: { cidr: '10.1.2.0/24' } } });
  const given = (hostBGP: object): Intent => intent([speaking(hostBGP)], [attachment('a', 'shop', 'front'), attachment('b', 'shop', 'back')]);
  const announced = new Map([['a', ['10.1.1.200/32', '10.9.9.9/32'] as Prefix[]]]);
  const lines = (hostBGP: object): string[] => passing(given(hostBGP), { protocols: ['icmp'], announced }).filter((line) => line.startsWith('b'));
  assert.deepEqual(lines({}), ['b -> a icmp', 'b -> a@10.1.1.200 icmp']);
  assert.deepEqual(lines({ prefixes: [{ cidr: '10.9.0.0/16' }] }), ['b -> a icmp', 'b -> a@10.9.9.9 icmp']);
});

test('what a switch has no room for is attached nowhere; elders keep what they have', () => {
  const small = (capacity: unknown): Partial<Intent> => ({
    Switch: [object('Switch', 'leaf', { role: 'leaf', profile: 'small' })],
    SwitchProfile: [object('SwitchProfile', 'small', { ports: {}, capacity })],
  });
  const given = intent([shop, stats], everyone);
  assert.equal(allowed({ ...given, ...small({}) }), 'ab ba cd dc');
  assert.equal(allowed({ ...given, ...small({ vrfs: 1 }) }), 'ab ba');
  assert.equal(allowed({ ...given, ...small({ segments: 3 }) }), 'ab ba');
  assert.equal(allowed({ ...given, ...small({ segments: 4 }) }), 'ab ba cd dc');
});
