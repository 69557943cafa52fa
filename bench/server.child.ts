/**
 * The server process of bench/server.ts: the control plane as `heddle server` opens it, without agents, which loads and
 * changes a workload when it is told to and says what that took. A process of its own, so that its memory is the server's.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';
import type { Resource } from '../src/api/object.ts';
import { openControlPlane, type ControlPlane } from '../src/cli/server.ts';
import type { ScopeChange } from '../src/goal/state.ts';
import { objectOr } from '../src/kit/json.ts';
import { createLogger } from '../src/kit/log.ts';
import * as make from './workload.ts';

/** Objects that are on their way at the same time: as many as the peer is given in one transaction (20 VPCs and their leaves). */
const objectsPerBatch = 1700;
const quietMilliseconds = 300;
/** Between changes: time for the status of the last one. */
const pauseMilliseconds = 20;

export type Kind = 'attachment' | 'subnet' | 'vpc' | 'peering';

export type Command =
  | { readonly do: 'open'; readonly data: string }
  | { readonly do: 'load'; readonly vpcs: number }
  | { readonly do: 'hosts'; readonly count: number }
  | { readonly do: 'change'; readonly vpcs: number; readonly kind: Kind; readonly rounds: number }
  | { readonly do: 'rest' }
  | { readonly do: 'count' }
  | { readonly do: 'memory' }
  | { readonly do: 'snapshot'; readonly file: string }
  | { readonly do: 'close' };

export interface Spent {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
}

export interface Answer {
  readonly kubeconfig?: string;
  readonly spent?: readonly Spent[];
  readonly memory?: NodeJS.MemoryUsage;
  readonly rows?: number;
  readonly hosts?: number;
}

let plane: ControlPlane | undefined;
/** Rows that were committed, by table. */
const rows = new Map<string, number>();
let onCommit: () => void = () => undefined;

const opened = (): ControlPlane => {
  if (plane === undefined) throw new Error('not open');
  return plane;
};

/** Counts what is committed to the goal state, from the first row on. */
const openPlane = async (data: string): Promise<Answer> => {
  const log = createLogger({ name: 'server', level: 'warn' });
  plane = await openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log, (goal) => {
    const commit = goal.commit.bind(goal);
    goal.commit = (changes) => {
      const changed = commit(changes);
      for (const change of changes) count(change);
      onCommit();
      return changed;
    };
  });
  return { kubeconfig: plane.kubeconfigPath };
};

const count = ({ upserts, deletes }: ScopeChange): void => {
  for (const { table } of upserts) rows.set(table, (rows.get(table) ?? 0) + 1);
  for (const id of deletes) {
    const table = id.slice(0, id.indexOf('/'));
    rows.set(table, (rows.get(table) ?? 0) - 1);
  }
};

const committed = (): number => [...rows.values()].reduce((sum, many) => sum + many, 0);

const timed = async (work: () => Promise<unknown>): Promise<Spent> => {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { milliseconds: performance.now() - began, cpuMilliseconds: (user + system) / 1000 };
};

/** Resolves when this many rows of the table were committed. */
const reach = (table: string, goal: number): Promise<void> =>
  new Promise((resolve) => {
    onCommit = () => {
      if ((rows.get(table) ?? 0) < goal) return;
      onCommit = () => undefined;
      resolve();
    };
    onCommit();
  });

/** Empties the list, last object first: what was written need not be held beside what the server holds. */
const createAll = async (objects: Resource[]): Promise<void> => {
  const { client } = opened();
  while (objects.length > 0) {
    await Promise.all(objects.splice(-objectsPerBatch).map((object) => client.create(object)));
  }
};

/** Objects written one batch after another until everything that follows from them is committed. */
const load = async (vpcs: number): Promise<Spent[]> => {
  const { fabric, tenants } = make.workload(vpcs);
  const objects = [...fabric, ...tenants].toReversed();
  let written: Spent | undefined;
  const whole = await timed(async () => {
    written = await timed(() => createAll(objects));
    await reach('host', vpcs * make.attachmentsPerVpc);
  });
  return [whole, ...(written === undefined ? [] : [written])];
};

/** Spare ports: attachments take the first 100, VPCs 200 more, subnets the last 50; the 50 between are for HTTPS. */
const sparesOfVpcs = 100;
const sparesOfSubnets = 350;

interface Prepared {
  readonly write: () => Promise<unknown>;
  /** Rows of a table that follow from it. */
  readonly table: string;
  readonly more: number;
}

const prepare = async (world: make.Workload, kind: Kind, round: number): Promise<Prepared> => {
  const { client } = opened();
  if (kind === 'attachment') {
    const object = make.addAttachment(world, round);
    return { write: () => client.create(object), table: 'host', more: 1 };
  }
  if (kind === 'peering') {
    const object = make.peerTwoVpcs(2 * round, 2 * round + 1);
    return { write: () => client.create(object), table: 'leak', more: 2 };
  }
  if (kind === 'vpc') {
    const objects = make.addVpc(world, round, sparesOfVpcs + round * make.attachmentsPerVpc);
    return { write: () => Promise.all(objects.map((object) => client.create(object))), table: 'host', more: make.attachmentsPerVpc };
  }
  const vpc = make.addSubnet(round);
  const { metadata } = await client.get({ kind: 'VPC', namespace: 'default', name: vpc.metadata.name });
  const spare = make.addAttachment(world, sparesOfSubnets + round);
  const attachment = { ...spare, spec: { ...objectOr(spare.spec), vpc: vpc.metadata.name, subnet: make.subnetName(make.subnetsPerVpc) } };
  return { write: () => Promise.all([client.update({ ...vpc, metadata }), client.create(attachment)]), table: 'host', more: 1 };
};

/** Changes one after another, each from the call of the API until what follows is committed. */
const change = async (vpcs: number, kind: Kind, rounds: number): Promise<Spent[]> => {
  const world = make.workload(vpcs);
  const spent: Spent[] = [];
  for (let round = 0; round < rounds; round++) {
    const { write, table, more } = await prepare(world, kind, round);
    const goal = (rows.get(table) ?? 0) + more;
    spent.push(await timed(() => Promise.all([write(), reach(table, goal)])));
    await delay(pauseMilliseconds);
  }
  return spent;
};

/** Resolves when the process has had next to nothing to do for a while. */
const rest = async (): Promise<void> => {
  for (;;) {
    const cpu = process.cpuUsage();
    await delay(quietMilliseconds);
    const { user, system } = process.cpuUsage(cpu);
    if (user + system < quietMilliseconds * 100) return;
  }
};

const carryOut = async (command: Command): Promise<Answer> => {
  switch (command.do) {
    case 'open':
      return openPlane(command.data);
    case 'load':
      return { spent: await load(command.vpcs), rows: committed() };
    case 'hosts':
      await reach('host', command.count);
      return { rows: committed() };
    case 'change':
      return { spent: await change(command.vpcs, command.kind, command.rounds) };
    case 'count':
      return { rows: committed(), hosts: rows.get('host') ?? 0 };
    case 'rest':
      return { spent: [await timed(rest)] };
    case 'memory':
      if (globalThis.gc !== undefined) globalThis.gc();
      await nextTurn();
      return { memory: process.memoryUsage() };
    case 'snapshot':
      writeHeapSnapshot(command.file);
      return {};
    case 'close':
      await plane?.close();
      return {};
  }
};

const answerTo = async (command: Command): Promise<void> => {
  try {
    process.send?.(await carryOut(command));
    if (command.do === 'close') process.disconnect();
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
    process.exit(1);
  }
};

process.on('message', (command: Command) => void answerTo(command));
