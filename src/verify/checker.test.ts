import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refOf } from '../api/object.ts';
import { rowId, type Row } from '../goal/rows.ts';
import type { ScopeChange } from '../goal/state.ts';
import type { Prefix } from '../net/brand.ts';
import { CompileStage } from '../scenarios/compilestage.ts';
import { expand, readWiring } from '../scenarios/scenario.ts';
import { createVerifier } from './checker.ts';
import { lookupIn, State } from './state.ts';
import { Follower, textOf } from './testing-follow.ts';
import type { Verdict } from './verifier.ts';

const objects = [
  { kind: 'VPC', name: 'shop', spec: { subnets: { front: { cidr: '10.1.1.0/24' }, back: { cidr: '10.1.2.0/24', isolated: true } } } },
  { kind: 'VPC', name: 'stats', spec: { subnets: { default: { cidr: '10.2.1.0/24' } } } },
  { kind: 'VPCAttachment', name: 'a1', spec: { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' } },
  { kind: 'VPCAttachment', name: 'a2', spec: { vpc: 'shop', subnet: 'front', connection: 'a2--leaf-2' } },
  { kind: 'VPCAttachment', name: 'b2', spec: { vpc: 'stats', connection: 'b2--leaf-2' } },
  { kind: 'VPCPeering', name: 'both', spec: { permit: [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'stats' }]] } },
].map(expand);

const follow = (): { readonly stage: CompileStage; readonly follower: Follower } => {
  const stage = new CompileStage(readWiring());
  stage.apply(objects);
  const follower = new Follower(stage);
  assert.deepEqual(textOf(follower.step()), []);
  return { stage, follower };
};

/** The only row of a table whose key has the text. */
const rowIn = ({ goal }: Follower, table: Row['table'], text = ''): { readonly scope: string; readonly row: Row } => {
  for (const scope of goal.scopes()) for (const row of goal.scope(scope).rows.in(table)) if (`${scope} ${row.key}`.includes(text)) return { scope, row };
  throw new Error(`there is no ${table} with "${text}"`);
};

const prefix = (text: string): Prefix => text as Prefix;

const dropping = ({ scope, row }: { readonly scope: string; readonly row: Row }): ScopeChange => ({ scope, upserts: [], deletes: [rowId(row)] });
const codesOf = ({ violations }: Verdict): string[] => violations.map(({ code }) => code).sort();

describe('a verifier', () => {
  it('finds fault with a proposal, keeps nothing of it, and says whether goal state has the fault without it', () => {
    const { follower: { verifier, goal }, follower } = follow();
    const lost = dropping(rowIn(follower, 'segment', 'leaf-1'));
    const [violation] = verifier.check([lost]).violations;
    assert.deepEqual([violation?.code, violation?.before, violation?.objects], ['MissingRow', false, ['VPC/default/shop']]);
    verifier.reject();
    assert.deepEqual(textOf(verifier.check([])), []);
    goal.commit([lost]);
    assert.deepEqual(verifier.checkAll().violations.map(({ code, before }) => [code, before]), [['MissingRow', true]]);
  });

  it('tells a violation again until it is gone, though nothing else touches it', () => {
    const { follower: { verifier, goal }, follower } = follow();
    const { scope, row } = rowIn(follower, 'segment', 'leaf-1');
    verifier.check([dropping({ scope, row })]);
    goal.commit([dropping({ scope, row })]);
    verifier.accept();
    assert.deepEqual(codesOf(verifier.check([])), ['MissingRow']);
    verifier.accept();
    const back = { scope, upserts: [row], deletes: [] };
    assert.deepEqual(codesOf(verifier.check([back])), []);
    goal.commit([back]);
    verifier.accept();
    assert.deepEqual(codesOf(verifier.check([])), []);
  });

  it('looks at what objects gave up although no row changes', () => {
    const { stage, follower } = follow();
    stage.delete([{ kind: 'VPCAttachment', namespace: 'default', name: 'b2' }]);
    follower.observe();
    const verdict = follower.verifier.check([]);
    assert.ok(codesOf(verdict).includes('UnknownAttachment') && codesOf(verdict).includes('StaleRow'), codesOf(verdict).join(' '));
    assert.ok(verdict.violations.every(({ before }) => before));
    follower.verifier.reject();
    assert.deepEqual(textOf(follower.step()), []);
  });

  it('finds a leak that lets too much through, and names its row first and the peering', () => {
    const { follower } = follow();
    const { scope, row } = rowIn(follower, 'leak');
    assert.ok(row.table === 'leak');
    const wide = row.value.pairings.map(({ local, remote }) => ({ local: local.map((each) => (each === '10.1.1.0/24' ? prefix('10.1.0.0/16') : each)), remote }));
    const upsert: Row = { ...row, value: { ...row.value, pairings: wide } };
    const { violations } = follower.verifier.check([{ scope, upserts: [upsert], deletes: [] }]);
    assert.deepEqual(violations.map(({ code }) => code), ['PeeringWider']);
    assert.ok(violations[0]?.objects.includes('VPCPeering/default/both'));
    assert.deepEqual(violations[0]?.rows[0], { scope, row: rowId(row) });
  });

  it('takes two ways of saying the same for the same', () => {
    const { follower } = follow();
    const { scope, row } = rowIn(follower, 'leak');
    assert.ok(row.table === 'leak');
    const halves = row.value.pairings.map(({ local, remote }) => ({ local: local.flatMap((each) => (each === '10.1.1.0/24' ? ['10.1.1.0/25', '10.1.1.128/25'].map(prefix) : [each])), remote }));
    const upsert: Row = { ...row, value: { ...row.value, pairings: halves } };
    assert.deepEqual(textOf(follower.verifier.check([{ scope, upserts: [upsert], deletes: [] }])), []);
  });

  it('says when its budget is spent, and goes on with what is left', () => {
    const { follower: { verifier, goal }, follower } = follow();
    const changes = [dropping(rowIn(follower, 'segment', 'leaf-1')), dropping(rowIn(follower, 'vrf'))];
    const short = verifier.check(changes, { classes: 1 });
    assert.deepEqual([short.exhausted, short.checkedClasses], ['classes', 1]);
    assert.ok(short.unchecked > 0);
    goal.commit(changes);
    verifier.accept();
    const rest = verifier.check([]);
    assert.equal(rest.exhausted, undefined);
    assert.ok(codesOf(rest).filter((code) => code === 'MissingRow').length >= 2, codesOf(rest).join(' '));
    let now = 0;
    const slow = createVerifier({ goal: lookupIn(goal), clock: () => (now += 10) });
    assert.equal(slow.checkAll({ milliseconds: 15 }).exhausted, 'time');
    assert.equal(createVerifier({ goal: lookupIn(goal) }).checkAll({ violations: 1 }).exhausted, 'violations');
  });

  it('finds everything unjustified when it knows no object', () => {
    const { follower: { goal } } = follow();
    const stranger = createVerifier({ goal: lookupIn(goal) }).checkAll();
    const rows = new Set(stranger.violations.flatMap((violation) => violation.rows.map(({ scope, row }) => `${scope} ${row}`)));
    for (const scope of goal.scopes()) for (const row of goal.scope(scope).rows.values()) assert.ok(rows.has(`${scope} ${rowId(row)}`), `${scope} ${rowId(row)}`);
  });
});

describe('goal state with a proposal on top', () => {
  it('is as goal state would be', () => {
    const { follower: { goal }, follower } = follow();
    const { scope, row } = rowIn(follower, 'member', 'leaf-1');
    const state = new State(lookupIn(goal), [dropping({ scope, row })]);
    assert.equal(state.row(scope, 'member', row.key), undefined);
    assert.equal(state.count(scope, 'member'), goal.scope(scope).rows.count('member') - 1);
    assert.equal([...state.rows(scope, 'member')].length, state.count(scope, 'member'));
    assert.deepEqual(state.devicesOf(row.key), goal.devicesOf(row.key).filter((device) => device !== 'leaf-1'));
    assert.deepEqual(state.before.devicesOf(row.key), goal.devicesOf(row.key));
    const added = new State(lookupIn(goal), [{ scope: 'device/spine-1', upserts: [row], deletes: [rowId(row)] }]);
    assert.ok(added.holds('spine-1', row.key), 'an upsert outweighs a delete');
    assert.ok(added.devicesOf(row.key).includes('spine-1'));
  });
});

describe('two VPCs of one AddressSpace', () => {
  it('are not both in force with the same addresses, whoever let them', () => {
    const { stage, follower } = follow();
    const shop = stage.objects('VPC').find(({ metadata }) => metadata.name === 'shop');
    assert.ok(shop !== undefined);
    const twin = { ...shop, metadata: { ...shop.metadata, name: 'twin', uid: 'uid-of-twin', creationTimestamp: '2026-02-01T00:00:00Z' } };
    const owner = { kind: 'VPC', namespace: 'default', name: 'twin', uid: 'uid-of-twin' };
    const claim = { apiVersion: twin.apiVersion, kind: 'Claim', metadata: { name: 'vni-7000' }, spec: { pool: 'vni', value: '7000', purpose: 'l3', owner } };
    const vrf: Row = { table: 'vrf', key: 'vrf7000', value: { name: 'vrf7000', vni: 7000 as never, description: 'default/twin' } };
    follower.verifier.observe([twin, claim].map((object) => ({ ref: refOf(object), object })));
    const { violations } = follower.verifier.check([{ scope: 'vpc/7000', upserts: [vrf], deletes: [] }]);
    const overlap = violations.find(({ code }) => code === 'Overlap');
    assert.deepEqual([overlap?.before, overlap?.objects, overlap?.rows[0]], [false, ['VPC/default/twin', 'VPC/default/shop'], { scope: 'vpc/7000', row: 'vrf/vrf7000' }]);
  });
});
