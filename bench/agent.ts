/**
 * The agent of one device that holds 192,000 rows: what starting, a change and being at rest cost. The device is a real switch
 * in namespaces with FRR, and the agent is the one that is shipped; there is no controller, so it starts from its journal.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Holding } from '../src/agent/holding.ts';
import { attachment, host, mapping, segment, underlay, vrf } from '../src/drivers/linux/fixture/goals.ts';
import { connect, createHost, createSwitch, type Switch } from '../src/drivers/linux/fixture/topology.ts';
import { messageOfRow } from '../src/goal/codec.ts';
import { type Update, UpdateSchema } from '../src/goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Row } from '../src/goal/rows.ts';
import { GoalState } from '../src/goal/state.ts';
import { launcher } from '../src/lab/inside.ts';
import { loopbackCertificate } from '../src/southbound/testing.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { peakMegabytes, residentMegabytes } from './peers/meter.ts';

const device = 'l1';
const mostRows = 192_000;
const segments = 4;
const starts = 5;
const changes = 200;
const patience = 120_000;

export const run: Benchmark = async (report) => {
  for (const [kind, rows] of [['mappings', mostRows], ['hosts', mostRows / 10]] as const) await onSwitch(kind, rows, report);
  for (const rows of [mostRows / 100, mostRows]) oneRowMore(rows, report);
};

const hex = (number: number): string => number.toString(16).padStart(2, '0');

/** So many hosts over all segments: behind ports of this device, or mappings to VTEPs elsewhere. */
const bulk = (kind: 'mappings' | 'hosts', count: number): Row[] =>
  Array.from({ length: count }, (_, index) => {
    const [which, place] = [index % segments, Math.floor(index / segments)];
    const address = `10.${which + 1}.${Math.floor(place / 250)}.${(place % 250) + 2}`;
    const mac = `0a:00:${hex(which)}:${hex(place >> 16)}:${hex((place >> 8) & 255)}:${hex(place & 255)}`;
    return kind === 'hosts' ? host(`p${which + 1}`, 1001 + which, address, mac) : mapping(1001 + which, address, mac, `10.254.${place % 200}.1`);
  });

const ports = Array.from({ length: segments }, (_, index) => `p${index + 1}`);

const goalOf = (kind: 'mappings' | 'hosts', rows: number): GoalState => {
  const goal = new GoalState();
  const many = bulk(kind, rows);
  const base = underlay({ hostname: device, asn: 65_001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: ports, leaf: true });
  const own: Row[] = [...base, { table: 'member', key: 'vpc/5001', value: { scope: 'vpc/5001' } }];
  for (const [index, port] of ports.entries()) own.push(segment(1001 + index, 5001, `10.${index + 1}.0.1/16`), attachment(port, 1001 + index));
  goal.commit([
    { scope: 'vpc/5001', upserts: [vrf(5001), ...(kind === 'mappings' ? many : [])], deletes: [] },
    { scope: `device/${device}`, upserts: [...own, ...(kind === 'hosts' ? many : [])], deletes: [] },
  ]);
  return goal;
};

const updateOf = (goal: GoalState, scope: string, from: number): Update => {
  const { to, full, upserts, digest } = goal.delta(scope, from);
  return create(UpdateSchema, { scope, toVersion: BigInt(to), full, upserts: upserts.map(messageOfRow), digest, term: 1n });
};

const holdingIn = (stateDirectory: string): Holding => new Holding({ device, stateDirectory, newEpoch: () => 'bench', sync: false });

const take = (holding: Holding, updates: readonly Update[]): void => holding.take({ lineage: 'bench', drops: [], updates });

const fill = (stateDirectory: string, goal: GoalState): Holding => {
  const holding = holdingIn(stateDirectory);
  take(holding, [...goal.scopes()].map((scope) => updateOf(goal, scope, -1)));
  return holding;
};

const onSwitch = async (kind: 'mappings' | 'hosts', rows: number, report: (figure: Figure) => void): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'heddle-bench-agent-'));
  const far = await createHost('hba-far', '');
  const leaf = await createSwitch('hba-leaf');
  try {
    for (const port of ['up1', ...ports]) await connect(leaf.name, port, far.namespace, `s-${port}`);
    writeFileSync(join(state, 'ca'), (await loopbackCertificate()).certificate);
    writeFileSync(join(state, 'token'), 'bench');
    // FRR's own user has its sockets below it.
    const directory = join(state, 'state');
    await leaf.exec(['chmod', '755', state]);
    fill(directory, goalOf(kind, rows)).close();
    const what = `${rows.toLocaleString('en')} ${kind}`;
    const first = await startOn(leaf, state);
    report({ figure: `${what} onto an empty switch, read back`, value: first.adoptedMilliseconds / 1000, unit: 's', n: 1, limit: 60 });
    await first.stop();
    const measured: Started[] = [];
    for (let start = 0; start < starts; start += 1) {
      const started = await startOn(leaf, state);
      measured.push(started);
      if (start === starts - 1) await atRest(what, started, report);
      await started.stop();
    }
    const limit = kind === 'mappings' ? 2000 : 1000;
    report({ figure: `${what}: start to adopted, p50`, value: percentile(measured.map(({ adoptedMilliseconds }) => adoptedMilliseconds), 0.5), unit: 'ms', n: starts, limit });
    report({ figure: `${what}: rows rewritten, all starts`, value: measured.reduce((sum, { rewritten }) => sum + rewritten, 0), unit: '×', n: starts, limit: 0 });
    report({ figure: `${what}: most memory while starting`, value: Math.max(...measured.map(({ peak }) => peak)), unit: 'MB', n: starts, limit: 600 });
  } finally {
    await leaf.destroy();
    await far.destroy();
    rmSync(state, { recursive: true });
  }
};

interface Started {
  readonly pid: number;
  readonly adoptedMilliseconds: number;
  readonly rewritten: number;
  /** MB, until adopted. */
  readonly peak: number;
  stop(): Promise<void>;
}

/** The agent as it is shipped, inside the switch, until it has adopted. */
const startOn = async (leaf: Switch, state: string): Promise<Started> => {
  const [command, ...enter] = leaf.enter;
  const words = ['agent', '--device', device, '--server', '127.0.0.1:1', '--ca', join(state, 'ca'), '--token-file', join(state, 'token'),
    '--state-directory', join(state, 'state')];
  const child = spawn(command, [...enter, launcher, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const deadline = performance.now() + patience;
  for (;;) {
    const found = /adopted in (\d+) ms, (\d+) rows rewritten/.exec(log);
    if (found !== null) {
      const pid = agentIn(child.pid ?? 0);
      const stop = async (): Promise<void> => {
        process.kill(pid, 'SIGTERM');
        await ended;
      };
      return { pid, adoptedMilliseconds: Number(found[1]), rewritten: Number(found[2]), peak: peakMegabytes(pid), stop };
    }
    if (performance.now() > deadline || child.exitCode !== null) throw new Error(`the agent did not adopt: ${log.slice(-2000)}`);
    await delay(2);
  }
};

/** `nsenter` stays outside the switch as the agent's parent. */
const agentIn = (outside: number): number =>
  Number(readFileSync(`/proc/${outside}/task/${outside}/children`, 'utf8').trim().split(' ')[0] ?? 0);

/** Seconds of a processor, with those of ended children. The 14th to 17th word of proc(5) `stat`, in hundredths. */
const processorSeconds = (pid: number): number => {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return words.slice(11, 15).reduce((sum, word) => sum + Number(word), 0) / 100;
};

const restSeconds = 30;

const atRest = async (what: string, { pid }: Started, report: (figure: Figure) => void): Promise<void> => {
  await delay(1000);
  const before = processorSeconds(pid);
  await delay(restSeconds * 1000);
  const share = (processorSeconds(pid) - before) / restSeconds;
  report({ figure: `${what}: processor time at rest, of each second`, value: share * 1000, unit: 'ms', n: restSeconds, limit: 100 });
  report({ figure: `${what}: memory at rest`, value: residentMegabytes(pid), unit: 'MB', n: 1, limit: 400 });
};

/** What the agent itself does with an update of one row, down to tables and journal; the disk is not waited for. */
const oneRowMore = (rows: number, report: (figure: Figure) => void): void => {
  const state = mkdtempSync(join(tmpdir(), 'heddle-bench-agent-'));
  try {
    const goal = goalOf('mappings', rows);
    const holding = fill(state, goal);
    holding.goal();
    const measured: number[] = [];
    for (let change = 0; change < changes; change += 1) {
      const from = goal.scope('vpc/5001').version;
      goal.commit([{ scope: 'vpc/5001', upserts: [mapping(1001, '10.1.250.250', '0a:00:00:ff:ff:ff', `10.254.1.${change}`)], deletes: [] }]);
      const update = updateOf(goal, 'vpc/5001', from);
      const began = performance.now();
      take(holding, [update]);
      holding.goal();
      holding.tidy();
      measured.push(performance.now() - began);
    }
    holding.close();
    const what = `one row changed among ${rows.toLocaleString('en')}: journal and tables`;
    report({ figure: `${what}, p50`, value: percentile(measured, 0.5), unit: 'ms', n: changes, limit: 1 });
    if (rows === mostRows) report({ figure: 'journal of 192,000 rows and 200 changes', value: statSync(join(state, 'journal')).size / 1e6, unit: 'MB', n: 1, limit: 100 });
  } finally {
    rmSync(state, { recursive: true });
  }
};
