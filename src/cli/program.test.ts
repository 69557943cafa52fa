/** The CLI as its user sees it: what each command line prints, where, and its exit status, against a real API server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { openWorkbench, type Workbench } from './testing.ts';

let bench: Workbench;
before(async () => {
  bench = await openWorkbench();
});
after(() => bench.close());

const heddle = (commandLine: string, stdin?: string) => bench.heddle(commandLine, stdin === undefined ? {} : { stdin });

const vpc = (name: string, cidr: string, more = ''): string =>
  `apiVersion: heddle.dev/v1alpha1\nkind: VPC\nmetadata: { name: ${name} }\nspec:\n  subnets:\n    front: { cidr: ${cidr} }\n${more}`;

const get = async (name: string): Promise<Resource> => JSON.parse((await heddle(`get vpc ${name} -o json`)).out) as Resource;

test('apply creates, then says unchanged, then configured, and the exit status is 0', async () => {
  const once = await heddle('apply -f -', vpc('shop', '10.1.0.0/24'));
  assert.deepEqual(once, { status: 0, out: 'vpc.heddle.dev/shop created\n', note: '' });
  assert.equal((await heddle('apply -f -', vpc('shop', '10.1.0.0/24'))).out, 'vpc.heddle.dev/shop unchanged\n');
  assert.equal((await heddle('apply -f -', vpc('shop', '10.1.0.0/24', '  description: new\n'))).out, 'vpc.heddle.dev/shop configured\n');
  assert.equal((await get('shop')).metadata.generation, 2);
});

test('a field that left the file is gone after apply; one that another writer set stays', async () => {
  await heddle('apply -f -', vpc('fields', '10.2.0.0/24', '  description: ours\n'));
  const object = await get('fields');
  await bench.server.client.update({ ...object, metadata: { ...object.metadata, labels: { team: 'a' } } });
  await heddle('apply -f -', vpc('fields', '10.2.0.0/24'));
  const after = await get('fields');
  assert.partialDeepStrictEqual(after.metadata.labels, { team: 'a' });
  assert.ok(!JSON.stringify(after.spec).includes('ours'));
});

test('apply --dry-run says what would happen and keeps nothing', async () => {
  assert.equal((await heddle('apply --dry-run -f -', vpc('dry', '10.3.0.0/24'))).out, 'vpc.heddle.dev/dry created (dry run)\n');
  assert.equal((await heddle('get vpc dry')).status, 1);
});

test('apply --server-side owns fields under a name, tells conflicts with their paths, and takes them by force', async () => {
  const file = (description: string) => vpc('owned', '10.20.0.0/24', `  description: ${description}\n`);
  assert.equal((await heddle('apply --server-side -f -', file('ours'))).out, 'vpc.heddle.dev/owned serverside-applied\n');
  const refused = await heddle('apply --server-side --field-manager other -f -', file('theirs'));
  assert.equal(refused.status, 1);
  assert.match(refused.note, /\.spec\.description: conflict with "heddle"/);
  await heddle('apply --server-side --field-manager other --force-conflicts -f -', file('theirs'));
  assert.match((await heddle('get vpc owned -o yaml')).out, /description: theirs/);
  assert.doesNotMatch((await heddle('get vpc owned -o json')).out, /managedFields/);
  await heddle('apply --server-side --field-manager other -f -', vpc('owned', '10.20.0.0/24'));
  assert.doesNotMatch((await heddle('get vpc owned -o yaml')).out, /description/);
  assert.match((await heddle('apply --force-conflicts -f -', file('x'))).note, /need --server-side/);
});

test('one bad document and nothing is sent; every fault is said with file, line and column, at once', async () => {
  const text = `${vpc('good', '10.4.0.0/24')}---\n${vpc('bad', '10.4.1.0/24', '    back: { cidr: 10.4.2.0/24, vlna: 3 }\n  mode: l9\n')}---\na: b: c\n`;
  const { status, out, note } = await heddle('apply -f -', text);
  assert.equal(status, 1);
  assert.equal(out, '');
  const places = note.trimEnd().split('\n').map((line) => line.split(': ')[0]);
  assert.deepEqual(places, ['(stdin):14:32', '(stdin):15:3', '(stdin):17:4', 'heddle']);
  assert.match(note, /spec\.subnets\.back\.vlna: .*unknown field/);
  assert.match(note, /heddle: 3 faults, nothing was sent\n$/);
  assert.equal((await heddle('get vpc good')).status, 1);
});

test('objects are sent in the order in which they refer to each other, and deleted in the reverse', async () => {
  const attachment = 'apiVersion: heddle.dev/v1alpha1\nkind: VPCAttachment\nmetadata: { name: a }\nspec: { vpc: order, connection: c }\n';
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: order-tenant }\n';
  const text = [attachment, vpc('order', '10.5.0.0/24'), namespace].join('---\n');
  const lines = ['namespace/order-tenant', 'vpc.heddle.dev/order', 'vpcattachment.heddle.dev/a'];
  assert.equal((await heddle('apply -f -', text)).out, lines.map((line) => `${line} created\n`).join(''));
  assert.equal((await heddle('delete --no-wait -f -', text)).out, lines.toReversed().map((line) => `${line} deleted\n`).join(''));
});

test('what the server refuses is said object by object, and the others are still applied', async () => {
  const text = `${vpc('refused', '10.6.0.0/24').replace('name: refused', 'name: refused, namespace: nowhere')}---\n${vpc('taken', '10.6.1.0/24')}`;
  const { status, out, note } = await heddle('apply -f -', text);
  assert.equal(status, 1);
  assert.equal(out, 'vpc.heddle.dev/taken created\n');
  assert.match(note, /^vpc\.heddle\.dev\/refused refused: .*"nowhere"/);
});

test('get prints the columns of the server; wide more of them; -A the namespace; names and kinds in all their spellings', async () => {
  await heddle('apply -f -', vpc('columns', '10.7.0.0/24'));
  const [heading = '', row = ''] = (await heddle('get VPC columns')).out.split('\n');
  assert.match(heading, /^NAME +SUBNETS +VNI +READY +ACCEPTED +AGE$/);
  assert.match(row, /^columns +10\.7\.0\.0\/24 /);
  assert.match((await heddle('get vpcs columns -o wide')).out, /ADDRESS-SPACE/);
  assert.match((await heddle('get vpc -A')).out, /^NAMESPACE +NAME /);
  for (const kind of ['vpc', 'vpcs', 'vpc.heddle.dev', 'vpcs.v1alpha1.heddle.dev']) {
    assert.equal((await heddle(`get ${kind}/columns -o name`)).out, 'vpc.heddle.dev/columns\n', kind);
  }
});

test('several kinds are several tables, with the kind before every name', async () => {
  const { out } = await heddle('get ns,vpc');
  assert.match(out, /^NAME .*\nnamespace\/default [^]*\n\nNAME .*\nvpc\.heddle\.dev\//);
});

test('nothing found is a note, not an answer; what was named and is not there is a failure', async () => {
  assert.deepEqual(await heddle('get vpcpeering'), { status: 0, out: '', note: 'nothing found in namespace "default"\n' });
  assert.deepEqual(await heddle('get vpc nothing'), { status: 1, out: '', note: 'heddle: vpcs.heddle.dev "nothing" not found\n' });
  assert.deepEqual(await heddle('get vcp'), {
    status: 1,
    out: '',
    note: 'heddle: the server has no kind "vcp"; did you mean "vpc"? ("heddle api-resources" lists them)\n',
  });
});

test('get -w prints a line for every change until it is interrupted', async () => {
  const interrupt = new AbortController();
  let lines = '';
  const { runProgram } = await import('./program.ts');
  const watching = runProgram(['get', 'vpc', '-w', '-o', 'name'], {
    out: (text) => {
      lines += text;
      if (lines.includes('watched')) interrupt.abort(new Error('interrupted'));
    },
    note: () => {},
    stdin: async () => '',
    env: { HEDDLE_KUBECONFIG: bench.server.kubeconfigPath },
    signal: interrupt.signal,
    columns: 80,
    isTerminal: false,
  });
  await heddle('apply -f -', vpc('watched', '10.8.0.0/24'));
  await watching;
  assert.match(lines, /vpc\.heddle\.dev\/watched\n/);
});

test('describe shows spec, status, conditions and nothing of the bookkeeping', async () => {
  await heddle('apply -f -', vpc('described', '10.9.0.0/24'));
  const condition = { type: 'Accepted', status: 'True', reason: 'Valid', message: 'fine', lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 };
  await bench.server.client.patchStatus({ kind: 'VPC', namespace: 'default', name: 'described' }, { vni: 5001, conditions: [condition] });
  const { out } = await heddle('describe vpc/described');
  for (const line of [/^Name: +described$/m, /^Kind: +VPC \(heddle\.dev\/v1alpha1\)$/m, /^ {2}vni: 5001$/m, /^ {2}Accepted +True +Valid +fine$/m]) {
    assert.match(out, line);
  }
  assert.ok(!out.includes('last-applied'));
});

test('wait sees a condition only when it speaks of the present generation', async () => {
  const ref = { kind: 'VPC', namespace: 'default', name: 'waited' };
  const programmed = (observedGeneration: number) => ({
    conditions: [{ type: 'Programmed', status: 'True', reason: 'Done', message: '1 of 1 devices', lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration }],
  });
  await heddle('apply -f -', vpc('waited', '10.10.0.0/24'));
  await bench.server.client.patchStatus(ref, programmed(1));
  await heddle('apply -f -', vpc('waited', '10.10.0.0/24', '  description: generation two\n'));
  const late = await heddle('wait vpc/waited --for=condition=Programmed --timeout=50ms');
  assert.equal(late.status, 1);
  assert.equal(late.note, 'vpc.heddle.dev/waited: Programmed=True not reached in 50 ms: it is True (Done: 1 of 1 devices, of an earlier generation)\n');
  const waiting = heddle('wait vpc/waited --for=condition=Programmed --timeout=20s');
  await bench.server.client.patchStatus(ref, programmed(2));
  assert.deepEqual(await waiting, { status: 0, out: 'vpc.heddle.dev/waited condition met\n', note: '' });
});

test('wait --for=delete ends when the object is gone, and at once when it never was', async () => {
  await heddle('apply -f -', vpc('leaving', '10.11.0.0/24'));
  const waiting = heddle('wait vpc/leaving --for=delete --timeout=20s');
  assert.equal((await heddle('delete vpc leaving')).out, 'vpc.heddle.dev/leaving deleted\n');
  assert.equal((await waiting).status, 0);
  assert.equal((await heddle('wait vpc/never --for=delete')).out, 'vpc.heddle.dev/never deleted\n');
  assert.equal((await heddle('wait vpc/never --for=condition=Programmed')).note, 'vpc.heddle.dev/never not found\n');
});

test('diff prints what the server would store and exits 2; without a difference it is silent and exits 0', async () => {
  await heddle('apply -f -', vpc('differs', '10.12.0.0/24'));
  assert.deepEqual(await heddle('diff -f -', vpc('differs', '10.12.0.0/24')), { status: 0, out: '', note: '' });
  const { status, out } = await heddle('diff -f -', vpc('differs', '10.13.0.0/24'));
  assert.equal(status, 2);
  assert.match(out, /^--- vpc\.heddle\.dev\/differs \(live\)\n\+\+\+ vpc\.heddle\.dev\/differs \(as applied\)\n/);
  assert.deepEqual(out.split('\n').filter((line) => /^[-+] /.test(line)), ['-      cidr: 10.12.0.0/24', '+      cidr: 10.13.0.0/24']);
  assert.equal((await heddle('diff -f -', vpc('new', '10.14.0.0/24'))).status, 2);
  assert.equal((await heddle('get vpc new')).status, 1);
});

test('delete says what was there and what was not; --ignore-not-found makes the latter no fault', async () => {
  await heddle('apply -f -', vpc('gone', '10.15.0.0/24'));
  assert.deepEqual(await heddle('delete vpc gone absent'), { status: 1, out: 'vpc.heddle.dev/gone deleted\n', note: 'vpc.heddle.dev/absent not found\n' });
  assert.deepEqual(await heddle('delete vpc absent --ignore-not-found'), { status: 0, out: '', note: '' });
});

test('delete goes on past an object that others use, says who does, and fails; --all takes every object of a kind', async () => {
  const attachment = 'apiVersion: heddle.dev/v1alpha1\nkind: VPCAttachment\nmetadata: { name: inuse }\nspec: { vpc: all-1, connection: none }\n';
  await heddle('apply -n kit -f -', `apiVersion: v1\nkind: Namespace\nmetadata: { name: kit }\n---\n${vpc('all-1', '10.60.0.0/24')}---\n${vpc('all-2', '10.61.0.0/24')}---\n${attachment}`);
  const { status, out, note } = await heddle('delete vpc --all -n kit');
  assert.deepEqual([status, out], [1, 'vpc.heddle.dev/all-2 deleted\n']);
  assert.match(note, /"all-1" is in use by VPCAttachment "kit\/inuse"; delete or change what uses it first/);
  assert.equal((await heddle('wait vpc vpcattachment --all --for=delete -n kit --timeout 10ms')).status, 1);
  assert.equal((await heddle('delete vpcattachment --all -n kit')).status, 0);
  assert.equal((await heddle('delete vpc --all -n kit')).out, 'vpc.heddle.dev/all-1 deleted\n');
  assert.equal((await heddle('wait vpc --all --for=delete -n kit')).status, 0);
});

test('annotate sets and removes, and refuses what is neither', async () => {
  await heddle('apply -f -', 'apiVersion: heddle.dev/v1alpha1\nkind: Server\nmetadata: { name: noted }\nspec: { ports: { eth0: {} } }\n');
  const annotations = async (): Promise<string[]> => {
    const { metadata } = JSON.parse((await heddle('get server noted -o json')).out) as Resource;
    return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => (key.startsWith('kubectl.') ? [] : [`${key}=${value}`]));
  };
  assert.equal((await heddle('annotate server noted a.b/c=d=e f=g')).out, 'server.heddle.dev/noted annotated\n');
  assert.deepEqual(await annotations(), ['a.b/c=d=e', 'f=g']);
  await heddle('annotate server noted f- a.b/c-');
  assert.deepEqual(await annotations(), []);
  assert.equal((await heddle('annotate server noted nonsense')).status, 2);
});

test('bad usage exits 2 and says how it is done', async () => {
  for (const line of ['frobnicate', 'apply', 'get vpc -o xml', 'delete', 'wait vpc/x --for=weather', 'wait vpc/x --for=delete --timeout=2y', 'apply -f /does/not/exist']) {
    const { status, out, note } = await heddle(line);
    assert.deepEqual([status, out], [2, ''], line);
    assert.match(note, /^heddle: |^\(stdin\)/, line);
  }
});

test('a server that cannot be reached is named, with the file it was read from', async () => {
  const other = await openWorkbench();
  await other.server.close();
  const { status, note } = await other.heddle('get vpc');
  await other.close();
  assert.equal(status, 1);
  assert.match(note, /^heddle: cannot reach the API server https:\/\/127\.0\.0\.1:\d+ \(of ".*kubeconfig"\): connection refused/);
});

test('validate needs no server', async () => {
  assert.deepEqual(await heddle('validate -f -', vpc('x', '10.0.0.0/24')), { status: 0, out: '1 object, no fault\n', note: '' });
  const { status, note } = await heddle('validate -f -', vpc('x', '10.0.0.0/24').replace('VPC', 'VCP'));
  assert.equal(status, 1);
  assert.match(note, /^\(stdin\):2:1: kind: there is no kind "VCP": use one of Fabric, /);
});

test('completion knows verbs, options, kinds and the names of live objects', async () => {
  await heddle('apply -f -', vpc('completed', '10.16.0.0/24'));
  const complete = async (line: string): Promise<string[]> => (await heddle(`complete -- ${line}`)).out.trim().split('\n');
  assert.deepEqual(await complete('de'), ['delete', 'describe']);
  assert.deepEqual(await complete('get vpcp'), ['vpcpeering']);
  assert.deepEqual(await complete('get vpc comp'), ['completed']);
  assert.deepEqual(await complete('describe vpc/comp'), ['vpc/completed']);
  assert.deepEqual(await complete('get vpc -o y'), ['yaml']);
  assert.deepEqual(await complete('get --se'), ['--selector']);
  assert.deepEqual(await complete('completion '), ['bash', 'fish', 'zsh']);
  assert.ok(!(await complete('')).includes('complete'));
});

test('help lists every verb on standard output and exits 0', async () => {
  const { status, out, note } = await heddle('--help');
  assert.deepEqual([status, note], [0, '']);
  for (const name of ['apply', 'get', 'describe', 'delete', 'wait', 'diff', 'validate', 'server', 'agent', 'token', 'lab', 'completion']) {
    assert.match(out, new RegExp(`^ {2}${name} `, 'm'), name);
  }
});
