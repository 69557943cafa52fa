/**
 * The compiler with the allocator and the goal state, without store and network, at W(1000) and a tenth of it: what a change
 * costs must not depend on how much there is beside it. Beside it OVN with the same topology, from its northbound database
 * to its southbound one. A change counts until the goal state is committed, the ids that it asks for included.
 * HEDDLE_BENCH_VPCS chooses another size than W(1000).
 */
import { join } from 'node:path';
import { run as runProcess } from '../src/kit/process.ts';
import type { Change, Measured } from './compile.child.ts';
import type { Spent } from './compile.plane.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { measureOvn, wantedOvnVersions, type OvnFigures, type Spent as PeerSpent } from './peers/ovn.ts';

const large = Number(process.env['HEDDLE_BENCH_VPCS'] ?? 1000);
const small = Math.ceil(large / 10);

/** Milliseconds, p50 and p99, by the name of the change. */
const limits: Readonly<Record<string, readonly [number, number?]>> = {
  'add one attachment': [1, 10],
  'add a subnet': [5],
  'add a VPC of 40 ports': [15],
  'peer two VPCs': [5],
  'add one policy rule': [2],
};
/** OVN has these where its VPCs have rules. */
const withRules: ReadonlySet<string> = new Set(['add one policy rule', 'add one attachment to a policy group']);
const mostGrowth = 1.5;

type Report = (figure: Figure) => void;

export const run: Benchmark = async (report) => {
  const before = await measure(small);
  const after = await measure(large);
  reportLoad(small, before, [], report);
  const peers = await measurePeers(false);
  reportLoad(large, after, peers, report);
  reportPolicies(large, after, report);
  const ruled = await measurePeers(true);
  for (const [position, change] of after.changes.entries()) {
    reportChange(small, before.changes[position], [], report);
    reportChange(large, change, withRules.has(change.name) ? ruled : peers, report);
    reportGrowth(before.changes[position], change, report);
  }
};

const measure = async (vpcs: number): Promise<Measured> => {
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc'];
  const { stdout } = await runProcess([process.execPath, ...flags, join(import.meta.dirname, 'compile.child.ts'), `${vpcs}`], {
    timeoutMilliseconds: 300_000,
  });
  return JSON.parse(stdout) as Measured;
};

const measurePeers = async (hasRules: boolean): Promise<OvnFigures[]> => {
  const measured: OvnFigures[] = [];
  for (const version of wantedOvnVersions()) {
    measured.push(await measureOvn(version, large, (line) => process.stderr.write(`${line}\n`), { hasRules }));
  }
  return measured;
};

/** A figure alone when there is no peer that has it, else once beside each. */
const beside = (figure: Figure, name: string, peers: readonly OvnFigures[], valueOf: (spent: PeerSpent) => number, report: Report): void => {
  const known = peers.flatMap(({ peer, spent }) => (spent.get(name) === undefined ? [] : [{ peer, spent: spent.get(name) }]));
  if (known.length === 0) report(figure);
  for (const { peer, spent } of known) if (spent !== undefined) report({ ...figure, peer, peerValue: valueOf(spent) });
};

const reportLoad = (vpcs: number, measured: Measured, peers: readonly OvnFigures[], report: Report): void => {
  const { cold, compile, restart, rows, heapMegabytes, residentMegabytes } = measured;
  const of = `W(${vpcs})`;
  reportSeconds(`${of} cold load and compile, ${rows} rows`, cold, peers, report);
  reportSeconds(`${of} of that the compiler`, compile, [], report);
  reportSeconds(`${of} compiled again with all ids known`, restart, [], report);
  report({ figure: `${of} compiler and goal state, beside the objects`, value: heapMegabytes, unit: 'MB', n: 1 });
  report({ figure: `${of} resident, objects included`, value: residentMegabytes, unit: 'MB', n: 1 });
};

const reportPolicies = (vpcs: number, { policies }: Measured, report: Report): void => {
  const { milliseconds, rows } = policies;
  report({ figure: `W(${vpcs}) a policy for every VPC, ${rows} rows more`, value: milliseconds / 1000, unit: 's', n: 1 });
};

const reportSeconds = (figure: string, { milliseconds, cpuMilliseconds }: Spent, peers: readonly OvnFigures[], report: Report): void => {
  const name = 'cold load and compile';
  beside({ figure, value: milliseconds / 1000, unit: 's', n: 1 }, name, peers, ({ wall }) => wall / 1000, report);
  beside({ figure: `${figure}, CPU`, value: cpuMilliseconds / 1000, unit: 's', n: 1 }, name, peers, ({ cpu }) => cpu / 1000, report);
};

const reportChange = (vpcs: number, change: Change | undefined, peers: readonly OvnFigures[], report: Report): void => {
  if (change === undefined) return;
  const { name, times, cpuMilliseconds } = change;
  const [p50, p99] = limits[name] ?? [];
  for (const [share, label, limit] of [[0, 'min', undefined], [0.5, 'p50', p50], [0.99, 'p99', p99]] as const) {
    const figure = { figure: `W(${vpcs}) ${name}, ${label}`, value: percentile(times, share), unit: 'ms', n: times.length } as const;
    const limited = limit === undefined ? figure : { ...figure, limit };
    beside(limited, share === 0.5 ? name : '', peers, ({ wall }) => wall, report);
  }
  const cpu = { figure: `W(${vpcs}) ${name}, CPU`, value: cpuMilliseconds, unit: 'ms', n: times.length } as const;
  beside(cpu, name, peers, (spent) => spent.cpu, report);
};

const reportGrowth = (before: Change | undefined, after: Change, report: Report): void => {
  if (before === undefined || limits[after.name] === undefined) return;
  const value = percentile(after.times, 0.5) / percentile(before.times, 0.5);
  report({ figure: `${after.name}: at W(${large}) over at W(${small})`, value, unit: '×', n: after.times.length, limit: mostGrowth });
};
