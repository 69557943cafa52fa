import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RolloutSpec } from '../api/kinds/rollout.ts';
import { apiVersion } from '../api/object.ts';
import { revertsTo } from './rollouts.ts';
import { openWorkbench, type Workbench } from './testing.ts';

const mtu = (bytes: number): string => JSON.stringify({ underlay: { mtu: bytes } });

const rolloutOf = (revision: number, more: Partial<RolloutSpec> = {}): RolloutSpec => ({
  fabric: 'default', revision, phase: 'Complete', wave: 2, waves: [['leaf-1'], ['leaf-2', 'leaf-3']], failures: [],
  changes: [{ kind: 'Fabric', namespace: '', name: 'default', generation: revision + 1, before: mtu(9000 - revision), after: mtu(8999 - revision) }],
  startTime: '2026-01-01T00:00:00Z', message: 'all devices have it', ...more,
});

describe('heddle rollout and history', () => {
  let bench: Workbench;
  const heddle = (commandLine: string, stdin?: string) => bench.heddle(commandLine, stdin === undefined ? {} : { stdin });
  const store = (spec: RolloutSpec) => bench.server.client.create({ apiVersion, kind: 'Rollout', metadata: { name: `default-${spec.revision}` }, spec });
  const fabric = (spec: string): string => `apiVersion: heddle.dev/v1alpha1\nkind: Fabric\nmetadata: { name: default }\nspec: ${spec}\n`;

  before(async () => {
    bench = await openWorkbench();
  });
  after(() => bench.close());

  test('a fabric that never rolled anything out says so, and has nothing to pause or to undo', async () => {
    assert.deepEqual(await heddle('history'), { status: 0, out: '', note: 'no change of fabric "default" was rolled out yet\n' });
    assert.equal((await heddle('rollout status')).status, 0);
    assert.match((await heddle('rollout undo')).note, /no change of fabric "default" was rolled out yet/);
    assert.match((await heddle('rollout pause')).note, /fabric "default" not found/);
    await heddle('apply -f -', fabric('{ underlay: { mtu: 9000 } }'));
    assert.match((await heddle('rollout pause')).note, /has no spec.rollout/);
  });

  test('history lists revisions, shows what one changed, and refuses one that there never was', async () => {
    await store(rolloutOf(1));
    await store(rolloutOf(2, { phase: 'Halted', rolledBack: true, wave: 1, failures: [{ device: 'leaf-1', reason: 'Refused', message: 'no such MTU' }], message: 'went back' }));
    const { out } = await heddle('history');
    assert.match(out, /REVISION +STARTED +PHASE +DEVICES +CHANGES\n1 +2026-01-01T00:00:00Z +Complete +3 +Fabric\/default\n2 .*Halted, rolled back/);
    assert.match((await heddle('history --revision 1')).out, /- {2}mtu: 8999\n\+ {2}mtu: 8998/);
    assert.match((await heddle('history --revision 7')).note, /has no revision 7; there are 1, 2/);
    assert.equal((await heddle('history --revision x')).status, 2);
    assert.equal((JSON.parse((await heddle('history -o json')).out) as unknown[]).length, 2);
  });

  test('status tells the waves, why it was halted, and fails then', async () => {
    const { status, out } = await heddle('rollout status --no-watch');
    assert.equal(status, 1);
    assert.match(out, /revision 2 of fabric default: Halted: went back\n/);
    assert.match(out, /1 +taken back +leaf-1\n2 +waits +leaf-2, leaf-3/);
    assert.match(out, /leaf-1: Refused: no such MTU/);
    assert.match((await heddle('rollout status')).note, /leaf-1: Refused/);
  });

  test('pause and resume write one member of the Fabric', async () => {
    await heddle('apply -f -', fabric('{ rollout: { wavePercent: 10 } }'));
    assert.equal((await heddle('rollout pause')).out, 'fabric.heddle.dev/default paused\n');
    const spec = async () => (JSON.parse((await heddle('get fabric default -o json')).out) as { spec: { rollout: object } }).spec.rollout;
    assert.partialDeepStrictEqual(await spec(), { paused: true, wavePercent: 10 });
    await heddle('rollout resume');
    assert.partialDeepStrictEqual(await spec(), { paused: false });
  });

  test('undo writes back what was so, once it was asked for in a dry run, and not over what has changed since', async () => {
    assert.match((await heddle('rollout undo')).note, /has changed since \(generation 3\)/);
    const { spec } = await bench.server.client.get({ kind: 'Fabric', namespace: '', name: 'default' });
    await store(rolloutOf(3, { changes: [{ kind: 'Fabric', namespace: '', name: 'default', generation: 4, before: mtu(1600), after: JSON.stringify(spec) }] }));
    assert.match((await heddle('rollout undo --dry-run')).out, /would be set back/);
    assert.equal((await heddle('rollout undo')).out, 'fabric.heddle.dev/default set back\n');
    const { out } = await heddle('get fabric default -o yaml');
    assert.match(out, /mtu: 1600/);
    assert.match(out, /wavePercent: 10/, 'how it is rolled out is not taken back');
  });
});

test('what was so after a revision is what the first change after it found, whatever came later', () => {
  const all = [rolloutOf(1), rolloutOf(2), rolloutOf(3)];
  assert.deepEqual(revertsTo(all, 2).map(({ before, generation }) => [before, generation]), [[mtu(8997), 4]]);
  assert.deepEqual(revertsTo(all, 0).map(({ before, generation }) => [before, generation]), [[mtu(8999), 4]]);
  assert.deepEqual(revertsTo(all, 3), []);
});
