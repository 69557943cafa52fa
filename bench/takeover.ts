/**
 * The leader of two servers on one etcd dies (kill -9) or stops: how long until devices have acknowledged a change that was made
 * right after. Once in a small fabric while both servers are written to, and once in W(1000), where what a new leader has to know
 * counts. Servers, etcd, devices and their load share the machine. HEDDLE_BENCH_VPCS chooses another size than W(1000).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import type { Resource } from '../src/api/object.ts';
import { refOf } from '../src/api/object.ts';
import { type Cluster, openCluster, type Server } from '../src/chaos/cluster.ts';
import { runTakeover } from '../src/chaos/takeover.ts';
import { tokenSecretFile } from '../src/cli/token.ts';
import { createApiClient, type ApiClient } from '../src/client/http.ts';
import { readKubeconfig } from '../src/client/kubeconfig.ts';
import { HeddleError } from '../src/kit/error.ts';
import { objectOr } from '../src/kit/json.ts';
import { startSimulatedDevices } from '../src/simulate/fleet.ts';
import { deviceToken, loadTokenSecret } from '../src/southbound/tokens.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { residentMegabytes } from './peers/meter.ts';
import * as make from './workload.ts';

const vpcs = Number(process.env['HEDDLE_BENCH_VPCS'] ?? 1000);
const size = `W(${vpcs})`;
const rounds = 5;
const inFlight = 64;
/** Those that acknowledge; nobody waits for the others. */
const devices = Array.from({ length: rounds }, (_, leaf) => make.leafName(leaf));
const patience = 300_000;

type Report = (figure: Figure) => void;

export const run: Benchmark = async (report) => {
  await small(report);
  if (vpcs > 0) await large(report);
};

const small = async (report: Report): Promise<void> => {
  const { wrong, takeovers } = await runTakeover({ servers: 2, ends: ['kill', 'kill', 'kill', 'stop', 'kill', 'kill', 'stop', 'stop'] });
  if (wrong.length > 0) throw new Error(wrong.slice(0, 5).join('; '));
  const of = (end: string): number[] => takeovers.filter((each) => each.end === end).map(({ milliseconds }) => milliseconds);
  const [killed, stopped] = [of('kill'), of('stop')];
  report({ figure: 'kill -9 of the leader to the next change on its devices, p50', value: percentile(killed, 0.5) / 1000, unit: 's', n: killed.length, limit: 5 });
  report({ figure: 'kill -9 of the leader to the next change on its devices, most', value: Math.max(...killed) / 1000, unit: 's', n: killed.length, limit: 5 });
  report({ figure: 'SIGTERM of the leader to the next change on its devices, p50', value: percentile(stopped, 0.5) / 1000, unit: 's', n: stopped.length, limit: 5 });
};

const large = async (report: Report): Promise<void> => {
  const cluster = await openCluster(2);
  const fleet = await fleetOf(cluster);
  try {
    const world = make.workload(vpcs);
    await load(cluster, [...world.fabric, ...world.tenants]);
    const measured: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { leader, other } = await atRest(cluster);
      if (round === 0) report({ figure: `${size} resident memory, the leader`, value: residentMegabytes(leader.pid), unit: 'MB', n: 1 });
      if (round === 0) report({ figure: `${size} resident memory, who compiles along`, value: residentMegabytes(other.pid), unit: 'MB', n: 1 });
      const began = performance.now();
      leader.kill();
      await change(other, world, round);
      measured.push(performance.now() - began);
      process.stderr.write(`bench: takeover ${round + 1} took ${Math.round(measured.at(-1) ?? 0)} ms\n`);
      await leader.start();
    }
    report({ figure: `${size} kill -9 of the leader to the next change on its devices, p50`, value: percentile(measured, 0.5) / 1000, unit: 's', n: rounds, limit: 5 });
    report({ figure: `${size} kill -9 of the leader to the next change on its devices, most`, value: Math.max(...measured) / 1000, unit: 's', n: rounds, limit: 5 });
  } finally {
    await fleet.close();
    await cluster.close();
  }
};

const fleetOf = async ({ servers, ca }: Cluster): ReturnType<typeof startSimulatedDevices> => {
  const secret = loadTokenSecret(tokenSecretFile(servers[0]?.data ?? ''));
  const server = servers.map(({ southbound }) => southbound).join(',');
  return startSimulatedDevices({ server, ca, token: (device) => deviceToken(secret, device), devices });
};

/** By both servers, until every attachment has its address. */
const load = async ({ servers }: Cluster, objects: Resource[]): Promise<void> => {
  const began = performance.now();
  const many = objects.length;
  objects.reverse();
  const write = async (server: Server): Promise<void> => {
    for (let next = objects.pop(); next !== undefined; next = objects.pop()) await insist(server, next);
  };
  await Promise.all(servers.flatMap((server) => Array.from({ length: inFlight / servers.length }, () => write(server))));
  process.stderr.write(`bench: ${many} objects written in ${Math.round((performance.now() - began) / 1000)} s\n`);
};

/** A server that compiles may be silent for longer than its client waits: then the object is made, or is made again. */
const insist = async ({ client }: Server, object: Resource): Promise<void> => {
  for (;;) {
    const code = await client.create(object).then(() => undefined, (thrown: unknown) => HeddleError.from(thrown).code);
    if (code === undefined || code === 'AlreadyExists') return;
    if (code !== 'Timeout' && code !== 'Unavailable') throw new Error(`${object.kind} ${object.metadata.name}: ${code}`);
  }
};

/** Resolves when one leads, the other could, and both have little to do. */
const atRest = async ({ servers }: Cluster): Promise<{ readonly leader: Server; readonly other: Server }> => {
  const deadline = performance.now() + patience;
  for (let before = -1; performance.now() < deadline; await delay(2000)) {
    const found = await Promise.all(servers.map(async (server) => ({ server, ...(await stateOf(server).catch(() => silent)) })));
    const work = found.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    const isQuiet = work - before < 0.5;
    before = work;
    const [leader, other] = [found.find(({ leads }) => leads)?.server, found.find(({ follows }) => follows)?.server];
    if (isQuiet && leader !== undefined && other !== undefined) return { leader, other };
  }
  throw new Error('the servers did not come to rest');
};

interface State {
  readonly leads: boolean;
  readonly follows: boolean;
  readonly cpuSeconds: number;
}

const silent: State = { leads: false, follows: false, cpuSeconds: 0 };

const stateOf = async (server: Server): Promise<State> => {
  const metrics = await asking(server, (api) => api.call({ method: 'GET', path: '/metrics' }));
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String(metrics.body))?.[1] ?? 0);
  return { leads: of('heddle_leader') === 1, follows: of('heddle_standby') === 1, cpuSeconds: of('process_cpu_seconds_total') };
};

const asking = async <Answer>(server: Server, ask: (api: ApiClient) => Promise<Answer>): Promise<Answer> => {
  const api = createApiClient(readKubeconfig(join(server.data, 'kubeconfig')), { timeoutMilliseconds: 30_000 });
  try {
    return await ask(api);
  } finally {
    api.close();
  }
};

/** A VPC on one leaf; resolves when that leaf holds it. */
const change = async (server: Server, world: make.Workload, round: number): Promise<void> => {
  const [vpc] = make.addVpc(world, round);
  const spare = make.addAttachment(world, round);
  if (vpc === undefined) throw new Error('there is no VPC to add');
  const attachment = { ...spare, spec: { ...objectOr(spare.spec), vpc: vpc.metadata.name } };
  await insist(server, vpc);
  await insist(server, attachment);
  for (const deadline = performance.now() + patience; performance.now() < deadline; await delay(20)) {
    const { status } = await server.client.get(refOf(attachment)).catch(() => attachment);
    const { conditions = [] } = (status ?? {}) as { conditions?: readonly { readonly type: string; readonly status: string }[] };
    if (conditions.some(({ type, status: is }) => type === 'Programmed' && is === 'True')) return;
  }
  throw new Error('the change never came to its device');
};
