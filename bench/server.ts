/**
 * The whole control plane at full size: objects written through its own API, validated and durable in SQLite, heard of,
 * given their ids, compiled, and committed to the goal state of 4,000 devices, all in one process and without agents. Beside
 * it OVN, from its northbound database to its southbound one. HEDDLE_BENCH_VPCS chooses another size than W(1000).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refOf, type Resource } from '../src/api/object.ts';
import { createApiClient, type ApiClient } from '../src/client/http.ts';
import { readKubeconfig } from '../src/client/kubeconfig.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { measureOvn, wantedOvnVersions, type OvnFigures, type Spent } from './peers/ovn.ts';
import { residentMegabytes } from './peers/meter.ts';
import type { Answer, Command, Kind } from './server.child.ts';
import * as make from './workload.ts';

const vpcs = Number(process.env['HEDDLE_BENCH_VPCS'] ?? 1000);
const size = `W(${vpcs})`;
/** What bin/heddle gives a server. */
const serverFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8', '--heap-growing-percent=100', '--external-memory-accounted-in-global-limit'];
const overHttps = 50;
const inFlight = 32;
const created = 3000;

type Report = (figure: Figure) => void;

export const run: Benchmark = async (report) => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  try {
    const peers = await measurePeers();
    await measureLoad(data, report, peers);
    await measureRestart(data, report);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
};

const measurePeers = async (): Promise<OvnFigures[]> => {
  const measured: OvnFigures[] = [];
  for (const version of wantedOvnVersions()) {
    measured.push(await measureOvn(version, vpcs, (line) => process.stderr.write(`${line}\n`), { hasRules: false }));
  }
  return measured;
};

const measureLoad = async (data: string, report: Report, peers: readonly OvnFigures[]): Promise<void> => {
  const server = start();
  try {
    const { kubeconfig = '' } = await server.ask({ do: 'open', data });
    const { spent: [whole, written] = [], rows = 0 } = await server.ask({ do: 'load', vpcs });
    if (whole === undefined || written === undefined) throw new Error('the server did not say how long it took');
    const beside = besideOf('cold load and compile', peers, ({ wall }) => wall / 1000);
    report({ figure: `${size} cold load and compile, ${rows} rows`, value: whole.milliseconds / 1000, unit: 's', n: 1, limit: 8, ...beside });
    report({ figure: `${size} cold load and compile, CPU`, value: whole.cpuMilliseconds / 1000, unit: 's', n: 1 });
    report({ figure: `${size} objects written, of that`, value: written.milliseconds / 1000, unit: 's', n: 1 });
    const { spent: [rest] = [] } = await server.ask({ do: 'rest' });
    report({ figure: `${size} every status written, after that`, value: (rest?.milliseconds ?? 0) / 1000, unit: 's', n: 1 });
    const peak = peers.map(({ peer, residentMegabytes: value }) => ({ peer, peerValue: value }))[0];
    report({ figure: `${size} resident memory`, value: residentMegabytes(server.pid), unit: 'MB', n: 1, limit: 1200, ...peak });
    await measureChanges(server, report, peers);
    await measureHttps(server, kubeconfig, report);
    report({ figure: `${size} resident memory after all changes`, value: residentMegabytes(server.pid), unit: 'MB', n: 1, limit: 1200 });
  } finally {
    await server.close();
  }
};

interface Measured {
  readonly kind: Kind;
  readonly what: string;
  readonly rounds: number;
  /** What the peer calls it. */
  readonly peers: string;
}

const changes: readonly Measured[] = [
  { kind: 'attachment', what: 'one attachment', rounds: 100, peers: 'add one attachment' },
  { kind: 'peering', what: 'a peering', rounds: 50, peers: 'peer two VPCs' },
  { kind: 'subnet', what: 'a subnet and its first attachment', rounds: 50, peers: 'add a subnet' },
  { kind: 'vpc', what: 'a VPC of 40', rounds: 5, peers: 'add a whole VPC of 40 ports' },
];

/** From the call of the API in process until the goal state holds what follows. */
const measureChanges = async (server: Server, report: Report, peers: readonly OvnFigures[]): Promise<void> => {
  for (const { kind, what, rounds: most, peers: name } of changes) {
    const rounds = Math.min(most, Math.floor(vpcs / 2));
    const { spent = [] } = await server.ask({ do: 'change', vpcs, kind, rounds });
    const wall = spent.map(({ milliseconds }) => milliseconds);
    const beside = besideOf(name, peers, (peer) => peer.wall);
    report({ figure: `${size} ${what}, created until committed, p50`, value: percentile(wall, 0.5), unit: 'ms', n: rounds, ...beside });
    report({ figure: `${size} ${what}, created until committed, p99`, value: percentile(wall, 0.99), unit: 'ms', n: rounds });
    const cpu = spent.map(({ cpuMilliseconds }) => cpuMilliseconds);
    report({ figure: `${size} ${what}, CPU, p50`, value: percentile(cpu, 0.5), unit: 'ms', n: rounds, ...besideOf(name, peers, (peer) => peer.cpu) });
    await server.ask({ do: 'rest' });
  }
};

const besideOf = (name: string, peers: readonly OvnFigures[], valueOf: (spent: Spent) => number): Pick<Figure, 'peer' | 'peerValue'> => {
  const [first] = peers;
  const spent = first?.spent.get(name);
  return first === undefined || spent === undefined ? {} : { peer: first.peer, peerValue: valueOf(spent) };
};

const measureHttps = async (server: Server, kubeconfig: string, report: Report): Promise<void> => {
  const client = createApiClient(readKubeconfig(kubeconfig));
  try {
    const wall = await attachOverHttps(server, client);
    report({ figure: `${size} one attachment by HTTPS until committed, p50`, value: percentile(wall, 0.5), unit: 'ms', n: overHttps });
    report({ figure: `${size} one attachment by HTTPS until committed, p99`, value: percentile(wall, 0.99), unit: 'ms', n: overHttps });
    const began = performance.now();
    await createTogether(client);
    report({ figure: `objects created by HTTPS, ${inFlight} in flight`, value: created / ((performance.now() - began) / 1000), unit: '1/s', n: created });
  } finally {
    client.close();
  }
};

/** The spare ports that no change before has taken. */
const attachOverHttps = async (server: Server, client: ApiClient): Promise<number[]> => {
  const world = make.workload(vpcs);
  const { hosts = 0 } = await server.ask({ do: 'count' });
  const wall: number[] = [];
  for (let round = 0; round < overHttps && firstSpare + round < world.spares; round++) {
    const began = performance.now();
    const committed = server.ask({ do: 'hosts', count: hosts + round + 1 });
    await Promise.all([create(client, make.addAttachment(world, firstSpare + round)), committed]);
    wall.push(performance.now() - began);
  }
  return wall;
};

/** What is before them the changes in process take, see server.child.ts. */
const firstSpare = 300;

const create = (client: ApiClient, object: Resource): Promise<unknown> => {
  const { kind, namespace } = refOf(object);
  const path = namespace === '' ? `${kind.toLowerCase()}s` : `namespaces/${namespace}/${kind.toLowerCase()}s`;
  return client.call({ method: 'POST', path: `/apis/${object.apiVersion}/${path}`, body: object });
};

/** Servers, as many as 32 clients can make in turn. */
const createTogether = async (client: ApiClient): Promise<void> => {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < created) await create(client, spareServer(next++));
  };
  await Promise.all(Array.from({ length: inFlight }, one));
};

const spareServer = (number: number): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Server',
  metadata: { name: `spare-server-${number}` },
  spec: { ports: { eth1: { mac: `06${number.toString(16).padStart(10, '0')}`.replaceAll(/(..)(?!$)/g, '$1:') } } },
});

const measureRestart = async (data: string, report: Report): Promise<void> => {
  const server = start();
  try {
    const began = performance.now();
    await server.ask({ do: 'open', data });
    const { rows = 0 } = await server.ask({ do: 'hosts', count: vpcs * make.attachmentsPerVpc });
    report({ figure: `${size} restart until all ${rows} rows are committed`, value: (performance.now() - began) / 1000, unit: 's', n: 1 });
    await server.ask({ do: 'rest' });
    report({ figure: `${size} resident memory after a restart`, value: residentMegabytes(server.pid), unit: 'MB', n: 1, limit: 1200 });
  } finally {
    await server.close();
  }
};

interface Server {
  readonly pid: number;
  ask(command: Command): Promise<Answer>;
  close(): Promise<void>;
}

const start = (): Server => {
  const file = join(import.meta.dirname, 'server.child.ts');
  const child = fork(file, { execArgv: serverFlags, env: { ...process.env, MALLOC_ARENA_MAX: '1' } });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid: child.pid ?? 0,
    ask: (command) => askOne(child, command),
    close: async () => {
      if (child.exitCode === null && child.connected) await askOne(child, { do: 'close' }).catch(() => child.kill('SIGKILL'));
      await ended;
    },
  };
};

/** One question at a time is answered in turn. */
const askOne = (child: ChildProcess, command: Command): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the server ended'));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer as Answer);
    });
    child.send(command);
  });
