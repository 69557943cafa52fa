/** One measurement of compile.ts in a process of its own: the size W(n) as argument, one JSON object as answer. */
import { refKey, refOf, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import { GoalState } from '../src/goal/state.ts';
import { batchesOf, Plane, put, remove, stored, Stopwatch, type Spent } from './compile.plane.ts';
import { residentMegabytes } from './peers/meter.ts';
import * as make from './workload.ts';

export interface Measured {
  readonly rows: number;
  /** From objects without ids to committed goal state: the compiler alone, and all three together. */
  readonly compile: Spent;
  readonly cold: Spent;
  /** The same objects again, now with the claims that answer them: what a restart compiles. */
  readonly restart: Spent;
  /** What the compiler and the goal state hold beside objects and claims, in MB of 10^6 bytes. */
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
  readonly changes: readonly Change[];
  /** A policy for every VPC, when all else is there; and the rows it is. */
  readonly policies: Spent & { readonly rows: number };
}

export interface Change {
  readonly name: string;
  /** Milliseconds of each round. */
  readonly times: readonly number[];
  readonly cpuMilliseconds: number;
  /** Translators and queries run a round. */
  readonly runs: number;
}

/** A change that is made and taken back, so that every round finds the same world. */
interface Edit {
  readonly name: string;
  readonly rounds: number;
  readonly make: (round: number) => readonly Resource[];
}

const warmUp = 20;

const measureChange = (plane: Plane, known: ReadonlyMap<string, Resource>, { name, rounds, make: objectsOf }: Edit): Change => {
  const times: number[] = [];
  const watch = new Stopwatch();
  let runs = 0;
  for (let round = -warmUp; round < rounds; round++) {
    const objects = objectsOf(round + warmUp).map((object) => keeping(object, known.get(refKey(refOf(object)))));
    const [before, began] = [watch.milliseconds, plane.counters()];
    watch.time(() => plane.apply(objects.map(put)));
    const ended = plane.counters();
    if (round >= 0) {
      times.push(watch.milliseconds - before);
      runs += ended.translators - began.translators + ended.queries - began.queries;
    }
    plane.apply(objects.map((object) => put(known.get(refKey(refOf(object))) ?? object)));
    plane.apply(objects.filter((object) => !known.has(refKey(refOf(object)))).map(remove));
  }
  return { name, times, cpuMilliseconds: watch.cpuMilliseconds / (rounds + warmUp), runs: runs / rounds };
};

/** An object that there is keeps what the store gave it. */
const keeping = (object: Resource, before: Resource | undefined): Resource => {
  if (before === undefined) return stored(object);
  const { labels } = object.metadata;
  return { ...object, metadata: labels === undefined ? before.metadata : { ...before.metadata, labels } };
};

const editsOf = (world: make.Workload): Edit[] => {
  const { vpcs, spares, leaves } = world;
  const [fabric, profile] = world.fabric;
  if (fabric === undefined || profile === undefined) throw new Error('the workload has no fabric');
  return [
    { name: 'add one attachment', rounds: 400, make: (round) => [make.addAttachment(world, round % spares)] },
    { name: 'add a subnet', rounds: 200, make: (round) => [make.addSubnet((round * 37) % vpcs)] },
    { name: 'add a VPC of 40 ports', rounds: 200, make: (round) => make.addVpc(world, round % 7, (round * 40) % (spares - 39)) },
    { name: 'peer two VPCs', rounds: 200, make: (round) => [make.peerTwoVpcs((round * 37) % vpcs, (round * 37 + 1) % vpcs)] },
    { name: 'add a Switch', rounds: 200, make: () => [make.leafSwitch(leaves)] },
    { name: 'a port more in the SwitchProfile of all leaves', rounds: 20, make: () => [make.widerProfile(profile)] },
    { name: 'grow the VTEP pool of the Fabric', rounds: 3, make: () => [make.largerPools(fabric)] },
  ];
};

/** What is done where every VPC has a policy. */
const policyEdits = ({ vpcs, spares, ...world }: make.Workload): Edit[] => {
  const attachments = world.tenants.filter(({ kind }) => kind === 'VPCAttachment');
  return [
    { name: 'add one policy rule', rounds: 400, make: (round) => [make.policyOf((round * 37) % vpcs, 1)] },
    { name: 'add one attachment to a policy group', rounds: 200, make: (round) => [make.addAttachment({ vpcs, spares, ...world }, round % spares)] },
    { name: 'change the labels of one attachment', rounds: 200, make: (round) => attachments.slice((round * 37) % attachments.length).slice(0, 1).map(make.relabel) },
  ];
};

const measurePolicies = (plane: Plane, world: make.Workload, known: ReadonlyMap<string, Resource>): Pick<Measured, 'policies' | 'changes'> => {
  const before = plane.rows();
  const policies = Array.from({ length: world.vpcs }, (_, number) => stored(make.policyOf(number)));
  const watch = new Stopwatch();
  watch.time(() => {
    for (const batch of batchesOf(policies)) plane.apply(batch.map(put));
  });
  const rows = plane.rows() - before;
  const all = new Map([...known, ...policies.map((object) => [refKey(refOf(object)), object] as const)]);
  const changes = policyEdits(world).map((edit) => measureChange(plane, all, edit));
  plane.apply(policies.map(remove));
  return { policies: { ...watch.spent(), rows }, changes };
};

/** Typed arrays included. */
const heapMegabytes = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};

const measure = (vpcs: number): Measured => {
  const world = make.workload(vpcs);
  const objects = [...world.fabric, ...world.tenants].map(stored);
  const plane = new Plane();
  const cold = new Stopwatch();
  cold.time(() => {
    for (const batch of batchesOf(objects)) plane.apply(batch.map(put));
  });
  const rows = plane.rows();
  const compile = plane.compiling.spent();
  const known = new Map(objects.map((object) => [refKey(refOf(object)), object]));
  const changes = editsOf(world).map((edit) => measureChange(plane, known, edit));
  const resident = residentMegabytes(process.pid);
  const withPolicies = measurePolicies(plane, world, known);
  const { fullRecomputes } = plane.counters();
  if (fullRecomputes !== 0) throw new Error(`${fullRecomputes} of the changes were full recomputes`);
  if (plane.rows() !== rows) throw new Error(`what was undone left ${plane.rows()} rows instead of ${rows}`);
  const { policies } = withPolicies;
  return { rows, compile, cold: cold.spent(), changes: [...changes, ...withPolicies.changes], policies, residentMegabytes: resident, ...measureRestart([...objects, ...plane.claims.values()]) };
};

/** A second compiler beside the first, so that what it holds can be told from the objects, which both share. */
const measureRestart = (objects: readonly Resource[]): Pick<Measured, 'restart' | 'heapMegabytes'> => {
  const changes = objects.map(put);
  const before = heapMegabytes();
  const [compiler, goal, restart] = [createCompiler(), new GoalState(), new Stopwatch()];
  restart.time(() => {
    for (const batch of batchesOf(changes)) goal.commit(compiler.apply(batch).scopes);
  });
  const held = heapMegabytes() - before;
  return compiler.counters().translators === 0 || goal.version === 0
    ? { restart: restart.spent(), heapMegabytes: Number.NaN }
    : { restart: restart.spent(), heapMegabytes: held };
};

process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))));
