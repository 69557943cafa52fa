/** `heddle trace` against a whole control plane: every kind of end, what each output says, and what tenants see. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { Resource } from '../../api/object.ts';
import type { TraceView } from '../../api/traceview.ts';
import { attachment, connection, object, peering, smallFabric, switchOf, vpc } from '../../compile/fixture.ts';
import { createAll } from '../../control/testing.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { serveViews } from '../cluster/endpoint.ts';
import { runProgram } from '../program.ts';
import { openControlPlane, type ControlPlane } from '../server.ts';

const outside = (name: string): Resource =>
  object('External', name, { bgp: {}, attachments: [{ connection: `${name}--border-1`, address: '198.51.100.0/31', neighbor: { address: '198.51.100.1', asn: 65000 } }] });

const world: readonly Resource[] = [
  ...smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'),
  switchOf('border-1', 'border'),
  connection('spine-1--border-1', [['spine-1/E1/3', 'border-1/E1/49']]),
  connection('internet--border-1', [['internet/p', 'border-1/E1/10']]),
  outside('internet'),
  vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }),
  attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1', address: '10.1.1.11' }),
  attachment('b2', { vpc: 'shop', subnet: 'db', connection: 'b2--leaf-2', address: '10.1.2.12' }),
  vpc('lab', { main: '10.2.1.0/24' }),
  attachment('b1', { vpc: 'lab', subnet: 'main', connection: 'b1--leaf-1', address: '10.2.1.11' }),
  peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]]),
  object('ExternalPeering', 'out', { vpc: 'shop', external: 'internet', subnets: ['web'], prefixes: ['0.0.0.0/0'] }, { namespace: 'default' }),
];

describe('heddle trace', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-trace-'));
  let plane: ControlPlane;
  let kubeconfig = '';

  const heddle = async (...words: string[]): Promise<{ status: number; out: string; note: string }> => {
    let [out, note] = ['', ''];
    const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', columns: 120, isTerminal: false };
    const status = await runProgram(words, { ...io, env: { HEDDLE_KUBECONFIG: kubeconfig }, signal: new AbortController().signal });
    return { status, out, note };
  };
  const json = async (...words: string[]): Promise<TraceView> => JSON.parse((await heddle('trace', ...words, '-o', 'json')).out) as TraceView;

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, createLogger({ name: 'test', level: 'silent' }));
    kubeconfig = plane.kubeconfigPath;
    await createAll(plane.client, world);
    await until('the rows are there', () => ['leaf-1', 'leaf-2', 'border-1'].every((device) => plane.controller.explain(device, {}).rows.length > 8));
    await until('the last peering is there', async () => (await heddle('trace', 'a1', 'internet')).status === 0);
  });

  after(async () => {
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes from server to server, names rows and objects, and shows the way back', async () => {
    const { status, out, note } = await heddle('trace', 'a1', 'b2', '--port', '443');
    assert.equal(status, 0, note);
    assert.match(out, /^a1 \(10\.1\.1\.11\) -> b2 \(10\.1\.2\.12\) {2}tcp\/443: delivered, and so is the answer\n/);
    assert.match(out, /^there, from leaf-1\/E1\/1$/m);
    assert.match(out, /^ {2}leaf-1 +into segment \d+ +attachment\/E1\/1 +.*VPCAttachment\/default\/a1/m);
    assert.match(out, /^ {2}leaf-1 +routed by 10\.1\.2\.0\/24 in \S+ +segment\/\d+ +.*VPC\/default\/shop/m);
    assert.match(out, /^ {2}leaf-1 +encapsulated in VXLAN \d+ to VTEP \S+ \(leaf-2\), 1 equal way of the underlay$/m);
    assert.match(out, /^ {6}leaf-1\/E1\/49 -> spine-1\/E1\/1, spine-1\/E1\/2 -> leaf-2\/E1\/49$/m);
    assert.match(out, /^back, from leaf-2\/E1\/2$/m);
  });

  it('takes attachments, addresses of a VPC, Externals and bare addresses at either end', async () => {
    for (const [from, to] of [
      ['default/a1', 'default/b2'],
      ['default/shop:10.1.1.11', 'default/shop:10.1.2.12'],
      ['shop:10.1.1.11', 'b2'],
      ['a1', '10.1.2.12'],
      ['10.1.2.12', 'a1'],
      ['a1', 'internet'],
      ['a1', 'internet:8.8.8.8'],
      ['a1', '8.8.8.8'],
      ['8.8.8.8', 'a1'],
      ['internet', 'a1'],
      ['a1', 'default/b1'],
    ] as const) {
      const { status, out, note } = await heddle('trace', from, to);
      assert.equal(status, 0, `${from} -> ${to}: ${out}${note}`);
    }
  });

  it('says which row and object stop a packet', async () => {
    const refused = await json('b2', 'internet');
    assert.equal(refused.result, 'dropped');
    const [way] = refused.there;
    assert.deepEqual([way?.outcome, way?.steps.at(-1)?.device], ['dropped', 'leaf-2']);
    assert.equal((await heddle('trace', 'b2', 'b1')).status, 1);
  });

  it('says what it assumes', async () => {
    const { out } = await heddle('trace', 'a1', 'internet');
    assert.match(out, /^note: somebody behind internet is assumed to have 203\.0\.113\.1/m);
    assert.match(out, /^note: routers outside are assumed to announce what is believed of them$/m);
  });

  it('draws the way', async () => {
    const { out } = await heddle('trace', 'a1', 'b2', '-o', 'mermaid');
    assert.match(out, /^flowchart LR\n/);
    for (const node of ['a1 10.1.1.11', 'leaf-1', 'spine-1', 'leaf-2', 'b2 10.1.2.12']) assert.ok(out.includes(`["${node}"]`), `${node} in\n${out}`);
    assert.match(out, /n2 -->\|"VXLAN \d+"\| n3/);
  });

  it('completes ends, and what may fail', async () => {
    const complete = async (...words: string[]): Promise<string[]> => (await heddle('complete', '--', ...words)).out.trim().split('\n');
    assert.deepEqual(await complete('trace', 'a'), ['a1', 'a2']);
    assert.deepEqual(await complete('trace', 'a1', 'int'), ['internet']);
    assert.deepEqual(await complete('trace', 'a1', 'default/'), ['default/a1', 'default/b1', 'default/b2', 'default/lab:', 'default/shop:']);
    assert.deepEqual(await complete('trace', 'a1', 'b2', '--proto', ''), ['icmp', 'tcp', 'udp']);
    assert.deepEqual(await complete('whatif', '--down', 's'), ['server', 'switch']);
    assert.deepEqual(await complete('whatif', '--down', 'switch', 'leaf'), ['leaf-1', 'leaf-2']);
    assert.deepEqual(await complete('whatif', '--down', 'link', 'leaf-1/'), ['leaf-1/E1/1', 'leaf-1/E1/2', 'leaf-1/E1/49']);
  });

  it('refuses what it does not understand, and says what is not there', async () => {
    for (const [words, says] of [
      [['10.0.0.1', '10.0.0.2'], /which VPC is meant/],
      [['a1', 'b2', '--proto', 'tcp'], /tcp needs a port/],
      [['a1', 'b2', '--port', '99999'], /port "99999" is not a number/],
      [['a1', 'nobody'], /there is no server, External or attachment of namespace "default" "nobody"/],
      [['a2', 'a1'], /server "a2" is attached to no VPC/],
    ] as const) {
      const { status, note } = await heddle('trace', ...words);
      assert.ok(status !== 0);
      assert.match(note, says);
    }
  });

  it('asks where a controller on a cluster answers views', async () => {
    const views = await serveViews({ host: '127.0.0.1', port: 0 }, () => plane.controller);
    try {
      for (const ends of [['a1', 'b2'], ['default/a1', 'shop:10.1.2.12'], ['8.8.8.8', 'a1'], ['internet', 'a1']] as const) {
        const [asked, server] = [await heddle('trace', ...ends, '--controller', views.url), await heddle('trace', ...ends)];
        assert.deepEqual([asked.status, asked.out], [0, server.out], asked.note);
      }
      assert.match((await heddle('trace', 'nobody', 'a1', '--controller', views.url)).note, /nobody/);
      const stray = await fetch(`${views.url}/pods/x/trace`);
      assert.equal(stray.status, 404);
      assert.match(await stray.text(), /\/namespaces\/<namespace>\/vpcattachments\/<name>\/trace/);
    } finally {
      await views.close();
    }
  });

  it('shows a tenant the fabric and none of its devices, and nothing of others', async () => {
    const tenant = await tenantOf('default');
    const [admin, before] = [kubeconfig, await json('default/a1', 'default/b1')];
    kubeconfig = tenant;
    try {
      const { out, status, note } = await heddle('trace', 'default/a1', 'default/b1');
      assert.equal(status, 0, note);
      for (const hidden of [/leaf-/, /spine/, /VXLAN/, /vrf\d/, /segment/]) assert.doesNotMatch(out, hidden);
      assert.match(out, /^ {2}the fabric +passes a peering +VPC/m);
      const seen = await json('default/a1', 'default/b1');
      assert.deepEqual(seen.there[0]?.steps.map(({ doing }) => doing), before.there[0]?.steps.map(({ doing }) => doing));
      for (const { device, row, scope, tunnel } of seen.there[0]?.steps ?? []) assert.deepEqual([device, row, scope, tunnel], [undefined, undefined, undefined, undefined]);
      const foreign = await heddle('trace', 'default/a1', 'kube-system/b1');
      assert.match(foreign.note, /you may not read VPCAttachment "kube-system\/b1"/);
      assert.notEqual((await heddle('trace', 'a1', 'internet')).status, 0, 'an External is not the tenant’s to read');
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
    const file = join(folder, `${namespace}.kubeconfig`);
    writeFileSync(file, stringify(config));
    return file;
  };
});
