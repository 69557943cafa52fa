import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { planOf } from './checkplan.ts';
import type { Intent } from './oracle.ts';

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
