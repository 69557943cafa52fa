/** How far a change reaches: what runs, and what users of the result hear of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf, type Resource } from '../api/object.ts';
import { overlaps } from '../net/prefix.ts';
import { createCompiler } from './compiler.ts';
import * as make from './fixture.ts';
import { prefixOf } from './intent.ts';

const shop = make.vpc('shop', { front: '10.1.1.0/24' });
const lab = make.vpc('lab', { front: '10.2.1.0/24' });
const attach = (server: string, leaf: string, vpc: string): Resource =>
  make.attachment(server, { vpc, subnet: 'front', connection: `${server}--${leaf}` });
const tenants = [shop, lab, attach('a1', 'leaf-1', 'shop'), attach('a2', 'leaf-2', 'shop'), attach('b1', 'leaf-1', 'lab')];

const withMore = (object: Resource, more: object): Resource => ({ ...object, spec: { ...(object.spec as object), ...more } });

/** Translators that a change runs in the small fabric with tenants. */
const runs = (...changes: readonly Resource[]): number => {
  const { compiler } = make.compiled(...tenants);
  const before = compiler.counters();
  compiler.apply(changes.map(make.put));
  const after = compiler.counters();
  assert.equal(after.fullRecomputes, 0);
  return after.translators - before.translators;
};

test('an attachment runs its own translator', () => {
  assert.equal(runs(attach('b2', 'leaf-2', 'lab')), 1);
});

test('a VPC beside the others runs its own translator and the count of its space; one that overlaps not those of its elders', () => {
  assert.equal(runs(make.vpc('more', { front: '10.3.1.0/24' })), 2);
  assert.equal(runs(make.vpc('more', { front: '10.1.1.0/25' }, {}, { born: 9 })), 2);
});

test('a description runs the translator of its object and no other', () => {
  assert.equal(runs(withMore(shop, { description: 'sells things' })), 1);
});

test('the status of an object runs nothing', () => {
  assert.equal(runs({ ...shop, status: { conditions: [] }, metadata: { ...shop.metadata, resourceVersion: '99', labels: { a: 'b' } } }), 0);
});

test('how much may be deleted at once is nothing to the compiler', () => {
  assert.equal(runs(make.fabric({ safety: { maxDeletedPercent: 10 } })), 0);
  assert.equal(runs(make.fabric({ verification: { mode: 'off' }, rollout: { wavePercent: 10 } })), 0);
});

test('a new subnet does not run the attachments of its siblings', () => {
  const wider = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
  assert.equal(runs(wider), 1);
});

test('a claim runs what waits for it and nothing else', () => {
  const { compiler, claims } = make.compiled(...tenants, make.switchOf('leaf-9', 'leaf'));
  const claim = claims.find(({ spec }) => (spec as { owner: { name: string }; pool: string }).owner.name === 'leaf-9');
  assert.ok(claim);
  const before = compiler.counters().translators;
  compiler.apply([make.remove(claim)]);
  assert.equal(compiler.counters().translators, before + 1);
});

test('a fabric setting is programmed when every switch has it: the fabric contributes to their rows', () => {
  const { compiler } = make.compiled(...tenants);
  const { contributions } = compiler.apply([make.put(make.fabric({ underlay: { bfd: { enabled: false } } }))]);
  assert.deepEqual([...(contributions.get('Fabric/default') ?? [])].toSorted(), ['device/leaf-1', 'device/leaf-2', 'device/spine-1']);
  assert.equal(contributions.has('VPC/default/shop'), false);
});

test('a VPC setting concerns the leaves whose segments it changes', () => {
  const { compiler } = make.compiled(...tenants);
  const subnets = { front: { cidr: '10.1.1.0/24', dhcp: { dnsServers: ['10.1.1.53'] } } };
  const { contributions, scopes } = compiler.apply([make.put(withMore(shop, { subnets }))]);
  assert.deepEqual([...(contributions.get('VPC/default/shop') ?? [])].toSorted(), ['device/leaf-1', 'device/leaf-2']);
  assert.deepEqual(scopes.flatMap(({ upserts }) => upserts.map(({ table }) => table)), ['segment', 'segment']);
});

test('an object that is being deleted counts as gone', () => {
  const { compiler } = make.compiled(...tenants);
  const { metadata } = attach('b1', 'leaf-1', 'lab');
  const going = { ...attach('b1', 'leaf-1', 'lab'), metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const { scopes } = compiler.apply([make.put(going)]);
  assert.deepEqual(scopes.flatMap(({ deletes }) => deletes.length), [4]);
});

test('an object that should never have been stored is reported and harms no other', () => {
  const { compiler } = make.compiled(...tenants);
  const before = compiler.rows('device/leaf-1').length;
  const broken = make.vpc('broken', { x: '10.3.0.1/24' });
  const { findings, scopes } = compiler.apply([make.put(broken), make.put(make.object('Connection', 'broken', {}))]);
  assert.deepEqual([...findings.keys()].toSorted(), ['Connection/broken', 'VPC/default/broken']);
  assert.deepEqual(new Set([...findings.values()].flat().map(({ code }) => code)), new Set(['Internal']));
  assert.deepEqual([scopes, compiler.rows('device/leaf-1').length], [[], before]);
  compiler.apply([make.remove(broken)]);
  assert.deepEqual(compiler.findingsOf(refOf(broken)), []);
});

/** Prefixes of 10.0.0.0/8 with 10 to 16 bits: few enough to overlap often. */
const prefix = fc
  .record({ second: fc.nat(255), length: fc.integer({ min: 10, max: 16 }) })
  .map(({ second, length }) => `10.${second & (0xff << (16 - length)) & 0xff}.0.0/${length}`);

test('a VPC is refused exactly when a comparison with all older ones finds an overlap', () => {
  fc.assert(
    fc.property(fc.array(prefix, { minLength: 1, maxLength: 12 }), (prefixes) => {
      const compiler = createCompiler();
      const vpcs = prefixes.map((cidr, born) => make.vpc(`v${born}`, { only: cidr }, {}, { born }));
      compiler.apply([make.fabric(), make.addressSpace('default', '10.0.0.0/8'), ...vpcs].map(make.put));
      for (const [position, cidr] of prefixes.entries()) {
        const expected = prefixes.slice(0, position).some((older) => overlaps(prefixOf(older), prefixOf(cidr)));
        const vpc = vpcs[position];
        assert.ok(vpc);
        const found = compiler.findingsOf(refOf(vpc)).some(({ code }) => code === 'SubnetOverlap');
        assert.equal(found, expected, `v${position} ${cidr} among ${prefixes.join(' ')}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('a peering that is deleted and made again in one batch keeps the devices of both VPCs in both', () => {
  const permit = [[{ vpc: 'red' }, { vpc: 'blue' }]];
  const { compiler } = make.compiled(
    make.vpc('red', { front: '10.1.0.0/24' }),
    make.vpc('blue', { front: '10.2.0.0/24' }),
    make.attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' }),
    make.peering('p', permit),
  );
  const before = make.rowsIn(compiler, 'device/leaf-1', 'member');
  assert.equal(Object.keys(before).length, 2);
  compiler.apply([make.put(make.peering('p', permit, { uid: 'another', born: 7 }))]);
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'member'), before);
});

test('an object that goes with the last who read it is forgotten once, whatever comes in its place', () => {
  const compiler = createCompiler();
  const blue = make.vpc('blue', { front: '10.1.0.0/24' }, { isolated: true });
  const faults = (...changes: Parameters<typeof compiler.apply>[0]): readonly string[] => {
    compiler.apply(changes);
    return compiler.findingsOf(refOf(blue)).filter(({ code }) => code === 'Internal').map(({ message }) => message);
  };
  assert.deepEqual(faults(make.put(blue)), []);
  faults(make.put(attach('a1', 'leaf-1', 'red')), make.remove(blue));
  // The numbers that were given back are taken again, so that two nodes have one.
  assert.deepEqual(faults(make.put(blue)), []);
});
