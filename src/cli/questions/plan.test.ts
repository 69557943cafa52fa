/** `heddle plan` against a whole control plane: what it says comes true, what is refused is told at once, tenants see their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { PlanStatus } from '../../api/planview.ts';
import type { Resource } from '../../api/object.ts';
import { attachment, fabric, object, peering, smallFabric, vpc } from '../../compile/fixture.ts';
import { createAll, fresh } from '../../control/testing.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { runProgram } from '../program.ts';
import { openControlPlane, type ControlPlane } from '../server.ts';

const shop = vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' });
const lab = vpc('lab', { main: '10.2.1.0/24' });
const a1 = attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1', address: '10.1.1.11' });
const b2 = attachment('b2', { vpc: 'lab', subnet: 'main', connection: 'b2--leaf-2', address: '10.2.1.12' });
const world: readonly Resource[] = [...smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'), shop, lab, a1, b2];

describe('heddle plan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-plan-'));
  let plane: ControlPlane;
  let kubeconfig = '';

  const heddle = async (...words: string[]): Promise<{ status: number; out: string; note: string }> => {
    let [out, note] = ['', ''];
    const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', columns: 120, isTerminal: false };
    const status = await runProgram(words, { ...io, env: { HEDDLE_KUBECONFIG: kubeconfig }, signal: new AbortController().signal });
    return { status, out, note };
  };

  const file = (...objects: readonly Resource[]): string => {
    const name = join(folder, 'change.yaml');
    writeFileSync(name, objects.map((each) => stringify(fresh(each))).join('---\n'));
    return name;
  };

  const json = async (...words: string[]): Promise<PlanStatus> => JSON.parse((await heddle('plan', ...words, '-o', 'json')).out) as PlanStatus;

  const rowsOf = (device: string): readonly string[] => plane.controller.explain(device, {}).rows.map(({ table, key }) => `${table}/${key}`);

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, createLogger({ name: 'test', level: 'silent' }));
    kubeconfig = plane.kubeconfigPath;
    await createAll(plane.client, world);
    await until('the rows are there', () => rowsOf('leaf-1').includes('attachment/E1/1') && rowsOf('leaf-2').includes('attachment/E1/2'));
    const hello = { bootEpoch: 'one', agentVersion: '0', driver: 'linux', capabilities: ['bond', 'vlan-tags'], foreignRows: 0 };
    for (const device of ['leaf-1', 'leaf-2', 'spine-1']) {
      const current = await plane.client.get({ kind: 'Switch', namespace: '', name: device });
      await plane.client.patchStatus({ kind: 'Switch', namespace: '', name: device }, { ...(current.status as object), agent: { connected: false, since: '2026-01-01T00:00:00Z', version: hello.agentVersion, bootEpoch: hello.bootEpoch, driver: hello.driver, capabilities: hello.capabilities } });
    }
  });

  after(async () => {
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says nothing of what is there already, and ends with 0', async () => {
    const { status, out, note } = await heddle('plan', '-f', file(...world));
    assert.equal(status, 0, out + note);
    assert.equal(out, 'nothing would change\n');
  });

  it('shows rows, commands, reachability and what it costs, changes nothing, and is what apply does', async () => {
    const change = file(vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }), attachment('b1', { vpc: 'shop', subnet: 'db', connection: 'b1--leaf-1', address: '10.1.2.11' }), peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]]));
    const [before, listed] = [rowsOf('leaf-1'), (await plane.client.list('Claim')).items.length];
    const { status, out, note } = await heddle('plan', '-f', change, '--all');
    assert.equal(status, 2, out + note);
    assert.match(out, /^ {2}VPC\/default\/shop {2}as it is$/m);
    assert.match(out, /^\+ VPCAttachment\/default\/b1 {2}create$/m);
    assert.match(out, /^2 devices: \d+ rows added, \d+ changed, 0 removed; no session is reset$/m);
    assert.match(out, /^newly allows default\/shop\/web -> default\/lab\/main: everything$/m);
    assert.match(out, /^ {2}\+ attachment\/E1\/2 {2}\{.*VPCAttachment\/default\/b1/m);
    assert.match(out, /^ {2}\$ ip .*swp2/m);
    assert.doesNotMatch(out, /spine-1/);
    assert.deepEqual(rowsOf('leaf-1'), before);
    assert.equal((await plane.client.list('Claim')).items.length, listed);
    const planned = await json('-f', change);
    assert.equal((await heddle('apply', '-f', change)).status, 0);
    const added = planned.rows.filter(({ change: kind, scope }) => kind === 'add' && scope === 'device/leaf-1').map(({ row }) => row);
    await until('it is so', () => added.every((row) => rowsOf('leaf-1').includes(row)));
    assert.deepEqual((await json('-f', change)).result, 'NoChange');
  });

  it('names sessions that are reset', async () => {
    const { sessions, planned } = await json('-f', file(object('Switch', 'leaf-1', { role: 'leaf', asn: 64999 }))).then((status) => ({ sessions: status.blast.sessions, planned: status }));
    assert.ok(sessions >= 1);
    const leaf = planned.devices.find(({ device }) => device === 'leaf-1');
    assert.deepEqual(leaf?.resets.map(({ neighbour, what }) => [neighbour, what]), [['every neighbour', 'reset']]);
    assert.match(leaf?.resets[0]?.why ?? '', /^AS \d+ becomes 64999$/);
    assert.ok(leaf?.commands?.some((command) => command.includes('router bgp 64999')));
  });

  it('tells all that is refused at once, and ends with 1', async () => {
    const { status, out } = await heddle('plan', '-f', file(
      attachment('x1', { vpc: 'nowhere', subnet: 'web', connection: 'a2--leaf-2' }),
      attachment('x2', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }),
      vpc('wide', { all: '172.16.0.0/12' }),
    ));
    assert.equal(status, 1);
    assert.match(out, /^ {2}VPCAttachment\/default\/x1: spec\.vpc: there is no VPC "nowhere".*\(UnknownVPC\)$/m);
    assert.match(out, /^ {2}VPCAttachment\/default\/x2: .*\(\w+\)$/m);
    assert.match(out, /^ {2}VPC\/default\/wide: .*\(\w+\)$/m);
  });

  it('says whose refusal follows from a change of something else', async () => {
    const planned = await json('-f', file(vpc('lab', { other: '10.2.1.0/24' })));
    assert.equal(planned.result, 'Refused');
    assert.ok([...planned.others, ...planned.objects].some(({ object: key, findings }) => key === 'VPCAttachment/default/b2' || findings.length > 0));
  });

  it('deletes what belongs together in one go, and refuses what others use', async () => {
    const alone = await heddle('plan', '--delete', '-f', file(shop));
    assert.equal(alone.status, 1);
    assert.match(alone.out, /VPC\/default\/shop: .*is in use by/);
    const together = await heddle('plan', '--delete', '-f', file(lab, b2, peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]])));
    assert.match(together.out, /^newly denies default\/shop\/web -> default\/lab\/main: everything$/m, together.out + together.note);
    assert.match(together.out, /^- VPC\/default\/lab {2}delete$/m);
    assert.ok((await plane.client.get({ kind: 'VPC', namespace: 'default', name: 'lab' })).metadata.deletionTimestamp === undefined);
  });

  it('takes a namespace that does not exist yet with what is in it, and one that goes with all that is', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } };
    const inside = { ...vpc('own', { all: '10.9.0.0/24' }, {}, { namespace: 'fresh' }) };
    const made = await json('-f', file(namespace, inside));
    assert.deepEqual([made.result, made.objects.map(({ object: key, action }) => [key, action])], ['Change', [['Namespace/fresh', 'create'], ['VPC/fresh/own', 'create']]], JSON.stringify(made.objects));
    assert.ok(made.blast.added > 0);
    await plane.client.create(namespace);
    await plane.client.create(fresh(inside));
    const gone = await json('--delete', '-f', file(namespace));
    assert.deepEqual(gone.objects.map(({ object: key, action }) => [key, action]), [['Namespace/fresh', 'delete'], ['VPC/fresh/own', 'delete']]);
    const builtIn = await json('--delete', '-f', file({ ...namespace, metadata: { name: 'default' } }));
    assert.equal(builtIn.result, 'Refused');
  });

  it('tells what the safety limits would hold', async () => {
    await plane.client.patch({ kind: 'Fabric', namespace: '', name: 'default' }, { spec: { safety: { maxDeletedPercent: 0, minDeletedRows: 1 } } });
    const planned = await json('--delete', '-f', file(b2));
    assert.equal(planned.result, 'Refused');
    assert.deepEqual(planned.holds.map(({ device }) => device), ['leaf-2']);
    await plane.client.patch({ kind: 'Fabric', namespace: '', name: 'default' }, { spec: { safety: null } });
  });

  it('says in which waves it goes', async () => {
    const change = file(fabric({ rollout: { wavePercent: 50 }, underlay: { mtu: 9050 } }));
    const planned = await json('-f', change);
    assert.deepEqual(planned.rollout, [{ fabric: 'default', waves: [['leaf-1'], ['leaf-2', 'spine-1']] }]);
    assert.match((await heddle('plan', '-f', change)).out, /^fabric default gets it in 2 waves: leaf-1 \| leaf-2, spine-1$/m);
  });

  it('shows a tenant what is his', async () => {
    const admin = kubeconfig;
    kubeconfig = await tenantOf('default');
    try {
      const change = file(attachment('a2', { vpc: 'shop', subnet: 'db', connection: 'a2--leaf-2' }));
      const { status, out, note } = await heddle('plan', '-f', change);
      assert.equal(status, 2, out + note);
      assert.match(out, /^\d+ devices?: \d+ rows added/m);
      assert.doesNotMatch(out, /leaf|spine|vrf|segment|\$ /);
      const planned = await json('-f', change);
      assert.deepEqual([planned.devices, planned.rows, planned.holds], [[], [], []]);
      const foreign = await heddle('plan', '-f', file(object('Switch', 'leaf-1', { role: 'leaf', asn: 64999 })));
      assert.equal(foreign.status, 1);
      assert.match(foreign.out, /Switch\/leaf-1: .*may/);
      assert.doesNotMatch(foreign.out, /session|E1/);
      const other = await heddle('plan', '-n', 'kube-system', '-f', file({ ...shop, metadata: { name: 'theirs', namespace: 'kube-system' } }));
      assert.equal(other.status, 1);
    } finally {
      kubeconfig = admin;
    }
  });

  /** Kubeconfig of somebody who owns a namespace. */
  const tenantOf = async (namespace: string): Promise<string> => {
    const { out } = await heddle('token', 'create', '--for', 'owner', '-n', namespace);
    await plane.client.create({
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'owner', namespace },
      subjects: [{ kind: 'ServiceAccount', name: 'owner', namespace }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'heddle-tenant' },
    } as Resource);
    const config = parse(readFileSync(plane.kubeconfigPath, 'utf8')) as { users: { user: unknown }[] };
    for (const user of config.users) user.user = { token: out.trim() };
    const path = join(folder, 'tenant');
    writeFileSync(path, stringify(config));
    return path;
  };
});
