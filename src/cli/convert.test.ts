import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { openWorkbench, type Workbench } from './testing.ts';

describe('heddle import and export', () => {
  let bench: Workbench;
  const file = (name: string, text: string): string => {
    writeFileSync(join(bench.folder, name), text);
    return join(bench.folder, name);
  };
  let vpc = '';
  let topology = '';

  before(async () => {
    bench = await openWorkbench();
    vpc = file('vpc.yaml', `
apiVersion: vpc.githedgehog.com/v1beta1
kind: VPC
metadata: { name: app }
spec: { ipv4Namespace: lab, subnets: { default: { subnet: 10.1.0.0/24, vlan: 1001 } } }
`);
    topology = file('topo.clab.yml', 'name: t\ntopology:\n  nodes: { leaf1: { kind: ceos }, h1: { kind: linux } }\n  links: [{ endpoints: ["leaf1:eth1", "h1:eth1"] }]\n');
  });
  after(() => bench.close());

  const heddle = (...argv: string[]) => bench.heddle(argv.join(' '));

  it('prints objects on standard output, and what has no equivalent beside it', async () => {
    const { status, out, note: notes } = await heddle('import', 'hedgehog', '-f', vpc, '-n', 'team');
    assert.equal(status, 0);
    const [object] = parseAllDocuments(out).map((document) => document.toJS() as { metadata: unknown; spec: unknown });
    assert.deepEqual(object?.metadata, { name: 'app', namespace: 'team' });
    assert.deepEqual(object?.spec, { mode: 'l2', addressSpace: 'lab', subnets: { default: { cidr: '10.1.0.0/24', dhcp: { enabled: false } } } });
    assert.match(notes, /1 object: check with "heddle validate -f -"/);
  });

  it('prints nothing when a document cannot be taken over, and says where', async () => {
    const bad = file('bad.yaml', 'apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata: { name: app }\nspec:\n  subnets:\n    a: { subnet: 10.1.0.1/24, vlann: 5 }\n');
    const { status, out, note: notes } = await heddle('import', 'hedgehog', '-f', bad);
    assert.deepEqual([status, out], [1, '']);
    assert.match(notes, /error: spec\.subnets\.a\.vlann: unknown field.*\n\s+.*bad\.yaml:6:31: VPC\/app/);
    assert.match(notes, /error {4}VPC\/app: spec\.subnets\.a\.cidr: .*host bits/);
    assert.match(notes, /2 errors: nothing is printed/);
  });

  it('takes a containerlab topology and draws it', async () => {
    const imported = await heddle('import', 'containerlab', '-f', topology, '-o', 'json');
    assert.equal(imported.status, 0);
    const wiring = file('wiring.json', imported.out);
    const drawn = await heddle('export', 'wiring', '-f', wiring, '--format', 'mermaid');
    assert.match(drawn.out, /^flowchart TB\n/);
    assert.match(drawn.out, /"E1\/1 - eth1"/);
    const there = await heddle('export', 'wiring', '-f', wiring, '--format', 'containerlab');
    assert.equal((await heddle('import', 'containerlab', '-f', file('again.yml', there.out), '-o', 'json')).out, imported.out);
    for (const format of ['dot', 'drawio']) assert.equal((await heddle('export', 'wiring', '-f', wiring, '--format', format)).status, 0);
  });

  it('draws what a server holds', async () => {
    await bench.heddle('apply -f -', { stdin: 'apiVersion: heddle.dev/v1alpha1\nkind: Switch\nmetadata: { name: leaf-7 }\nspec: { role: leaf }\n' });
    assert.match((await heddle('export', 'wiring', '--format', 'dot')).out, /"leaf-7"/);
  });

  it('knows its formats', async () => assert.equal((await heddle('export', 'wiring', '--format', 'visio')).status, 2));
});
