/** `heddle verify`: on files alone, on a control plane, and between both. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Resource } from '../../api/object.ts';
import { attachment, object, peering, smallFabric, vpc } from '../../compile/fixture.ts';
import { createAll, fresh } from '../../control/testing.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { runProgram } from '../program.ts';
import { openControlPlane, type ControlPlane } from '../server.ts';

const wiring = smallFabric().filter(({ kind }) => kind !== 'SwitchProfile');
const tenants = [
  vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }),
  attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }),
  attachment('b2', { vpc: 'shop', subnet: 'db', connection: 'b2--leaf-2' }),
  vpc('lab', { main: '10.2.1.0/24' }),
  attachment('b1', { vpc: 'lab', subnet: 'main', connection: 'b1--leaf-1' }),
];
const change = [
  peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]]),
  object('SecurityPolicy', 'db', { vpc: 'shop', subjects: { attachments: {} }, ingress: [{ ports: [{ protocol: 'tcp', port: 443 }] }] }),
];

const differing = [
  'newly allows default/lab/main -> default/shop/web: tcp/443',
  'newly allows default/shop/web -> default/lab/main: everything',
  'newly denies default/shop/db -> default/shop/web: icmp tcp/1-442 tcp/444-65535 udp',
  'newly denies default/shop/web -> default/shop/db: icmp tcp/1-442 tcp/444-65535 udp',
  '',
].join('\n');

describe('heddle verify', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-verify-'));
  let plane: ControlPlane;

  const heddle = async (...words: string[]): Promise<{ status: number; out: string; note: string }> => {
    let [out, note] = ['', ''];
    const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', columns: 120, isTerminal: false };
    const status = await runProgram(words[0] === 'whatif' ? words : ['verify', ...words], { ...io, env: { HEDDLE_KUBECONFIG: plane.kubeconfigPath }, signal: new AbortController().signal });
    return { status, out, note };
  };
  const file = (name: string, objects: readonly Resource[]): string => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects.map((each) => fresh(each)) }));
    return path;
  };

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, createLogger({ name: 'test', level: 'silent' }));
    await createAll(plane.client, [...wiring, ...tenants]);
    await until('everything is in force', async () => (await heddle('--matrix')).out.split('\n').length === 4);
  });

  after(async () => {
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds nothing wrong with what the server has, and with files', async () => {
    const online = await heddle();
    assert.equal(online.status, 0, online.out + online.note);
    assert.match(online.out, /^no violation; [1-9]\d* classes checked\n$/);
    const offline = await heddle('-f', file('all', [...wiring, ...tenants, ...change]));
    assert.deepEqual([offline.status, offline.out.startsWith('no violation')], [0, true], offline.out + offline.note);
  });

  it('says the same of what reaches what, with a server and without', async () => {
    const { out } = await heddle('--matrix');
    assert.match(out, /^FROM +TO +FAMILY +PASSES\n/);
    assert.match(out, /^default\/shop\/web +default\/shop\/db +IPv4 +everything$/m);
    assert.equal((await heddle('--matrix', '-f', file('same', [...wiring, ...tenants]))).out, out);
    assert.equal((await heddle('--matrix', '-n', 'default')).out, out);
  });

  it('says what files make of what other files say', async () => {
    const { status, out, note } = await heddle('-f', file('new', [...wiring, ...tenants, ...change]), '--against', file('old', [...wiring, ...tenants]));
    assert.deepEqual([status, out], [2, differing], note);
    const back = await heddle('-f', file('old', [...wiring, ...tenants]), '--against', file('new', [...wiring, ...tenants, ...change]));
    assert.match(back.out, /^newly denies default\/lab\/main -> default\/shop\/web: tcp\/443$/m);
  });

  it('says what a change makes of what the server has, and nothing of no change', async () => {
    const { status, out, note } = await heddle('-f', file('change', change), '--against', 'server');
    assert.deepEqual([status, out], [2, differing], note);
    assert.deepEqual(await heddle('--against', file('same', [...wiring, ...tenants])), { status: 0, out: 'no difference in what reaches what\n', note: '' });
  });

  it('says what is not in force', async () => {
    const { note } = await heddle('--matrix', '-f', file('stray', [...wiring, ...tenants, attachment('stray', { vpc: 'nobody', subnet: 'web', connection: 'a2--leaf-2' })]));
    assert.match(note, /^not in force: VPCAttachment\/default\/stray: /m);
    const faulty = await heddle('-f', file('faulty', [vpc('shop', { web: '10.1.1.0/99' })]));
    assert.deepEqual([faulty.status, /1 fault in /.test(faulty.note)], [1, true], faulty.note);
  });

  it('whatif says who is parted by a failure, with a server and without', async () => {
    const { status, out, note } = await heddle('whatif', '--down', 'switch', 'spine-1');
    assert.deepEqual([status, out], [1, 'switch spine-1:\n  no longer: default/shop/db <-> default/shop/web, 1 pair (b2 <-> a1)\n'], note);
    const files = ['-f', file('same', [...wiring, ...tenants])];
    assert.equal((await heddle('whatif', '--down', 'switch', 'spine-1', ...files)).out, out);
    const all = await heddle('whatif', '--all-single');
    assert.match(all.out, /^9 single failures tried: 8 part somebody, 0 take redundancy alone$/m);
    assert.equal((await heddle('whatif', '--all-single', ...files)).out, all.out);
    assert.match((await heddle('whatif', '--down', 'switch', 'spine-11')).note, /there is no switch "spine-11"; did you mean "spine-1"\?/);
    assert.match((await heddle('whatif', '--down', 'link', 'leaf-1/E1/9')).note, /there is no cabled port of leaf-1 "E1\/9"/);
    assert.match((await heddle('whatif')).note, /say what fails with --down/);
  });

  it('refuses what cannot be compared', async () => {
    assert.match((await heddle('--against', 'server')).note, /name them with -f/);
    assert.match((await heddle('--against', 'x', '--revision', '3')).note, /use one of them/);
  });

  it('compares with a revision of before', async () => {
    const { body } = await plane.client.list('VPC').then(({ resourceVersion }) => ({ body: resourceVersion }));
    for (const each of change) await plane.client.create(fresh(each));
    await until('the change is in force', async () => (await heddle('--matrix')).out.includes('tcp/443'));
    const { status, out, note } = await heddle('--revision', `${body}`);
    assert.deepEqual([status, out], [2, differing], note);
  });
});
