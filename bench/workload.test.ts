import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkObject } from '../src/api/check.ts';
import { kindByName } from '../src/api/kinds.ts';
import { refKey, refOf, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import type { Compiler } from '../src/compile/engine.ts';
import * as make from '../src/compile/fixture.ts';
import * as workload from './workload.ts';

const withUid = (object: Resource): Resource => ({ ...object, metadata: { ...object.metadata, uid: `uid-of-${refKey(refOf(object))}` } });

test('W(n) and all its changes are objects that the API accepts, and that compile without a finding', () => {
  const world = workload.workload(3, { underlay: true });
  const [fabric, profile] = world.fabric;
  assert.ok(fabric && profile);
  const added = Array.from({ length: 20 }, (_, spare) => workload.addAttachment(world, spare));
  const changed = [workload.largerPools(fabric), workload.widerProfile(profile), workload.addSubnet(1), workload.leafSwitch(99), workload.policyOf(0), workload.policyOf(1, 3), ...world.tenants.filter(({ kind }) => kind === 'VPCAttachment').slice(0, 50).map(workload.relabel)];
  const objects = [...world.fabric, ...world.tenants, ...added, ...workload.addVpc(world, 0, 20), ...changed, workload.peerTwoVpcs(0, 2)];
  for (const object of objects) {
    const kind = kindByName(object.kind);
    assert.ok(kind);
    assert.deepEqual(checkObject(kind, kind.defaults(object)), [], refKey(refOf(object)));
  }
  const compiler = createCompiler();
  const all = [...new Map(objects.map((object) => [refKey(refOf(object)), withUid(object)])).values()];
  make.settleAll(compiler, all);
  for (const object of all) assert.deepEqual(compiler.findingsOf(refOf(object)), [], refKey(refOf(object)));
});

interface World {
  readonly size: workload.Workload;
  readonly objects: readonly Resource[];
  readonly compiler: Compiler;
  readonly claims: readonly Resource[];
}

const compiled = (vpcs: number): World => {
  const size = workload.workload(vpcs);
  const objects = [...size.fabric, ...size.tenants].map(withUid);
  const compiler = createCompiler();
  return { size, objects, compiler, claims: make.settleAll(compiler, objects) };
};

/** Runs of translators and queries, and rows, that a change takes until its demands are met. */
const costOf = ({ size, objects, compiler, claims }: World, change: (size: workload.Workload, objects: readonly Resource[]) => readonly Resource[]) => {
  const before = compiler.counters();
  const changed = change(size, objects).map(withUid);
  const first = compiler.apply(changed.map(make.put));
  const fresh = make.allocate(compiler, changed, claims, new Set(claims.map(({ spec }) => Object.values(spec as object).slice(0, 2).join('|'))));
  const second = compiler.apply(fresh.map(make.put));
  const after = compiler.counters();
  const rows = [...first.scopes, ...second.scopes].reduce((sum, { upserts, deletes }) => sum + upserts.length + deletes.length, 0);
  return { runs: after.translators - before.translators + after.queries - before.queries, rows, fullRecomputes: after.fullRecomputes };
};

const changes: Readonly<Record<string, (size: workload.Workload, objects: readonly Resource[]) => readonly Resource[]>> = {
  'an attachment': (size) => [workload.addAttachment(size, 1)],
  'a subnet': () => [workload.addSubnet(1)],
  'a VPC of 40 ports': (size) => workload.addVpc(size, 0, 40),
  'a peering': () => [workload.peerTwoVpcs(0, 1)],
  'a Switch': () => [workload.leafSwitch(1000)],
  'a port more in a SwitchProfile': (_, [, profile]) => (profile === undefined ? [] : [workload.widerProfile(profile)]),
};

test('what a change runs and writes is no more among 40 VPCs than among 20', () => {
  const [small, large] = [compiled(20), compiled(40)];
  for (const [name, change] of Object.entries(changes)) {
    const [before, after] = [costOf(small, change), costOf(large, change)];
    assert.deepEqual([after.rows, after.fullRecomputes], [before.rows, 0], name);
    assert.ok(after.runs > 0 && after.runs <= before.runs, `${name} takes ${after.runs} runs instead of ${before.runs}`);
  }
});

test('a pool that grows is no full recompute, and changes no row', () => {
  const world = compiled(4);
  const { rows, fullRecomputes, runs } = costOf(world, (_, [fabric]) => (fabric === undefined ? [] : [workload.largerPools(fabric)]));
  assert.deepEqual([rows, fullRecomputes], [0, 0]);
  const { leaves, vpcs } = world.size;
  assert.ok(runs <= 3 * leaves + 3 * vpcs, `${runs} runs for ${leaves} leaves and ${vpcs} VPCs`);
});
