/**
 * One measurement of verify.ts in a process of its own, one JSON object as answer. `changes VPCS`: what the check of one change
 * costs where much is. `pipeline VPCS on|off`: everything declared in batches, each proven before it is committed, or not.
 */
import { refKey, refOf, type Resource } from '../src/api/object.ts';
import type { CompileResult, ObjectChange } from '../src/compile/engine.ts';
import { createVerifier } from '../src/verify/checker.ts';
import { lookupIn } from '../src/verify/state.ts';
import type { Verdict, Verifier } from '../src/verify/verifier.ts';
import { batchesOf, Plane, put, remove, stored } from './compile.plane.ts';
import { residentMegabytes } from './peers/meter.ts';
import { movedSlice, oneMapping, subnetMore, verifyWorkload } from './verify.workload.ts';
import * as make from './workload.ts';

export interface Changed {
  readonly name: string;
  /** Of each round: milliseconds that the verifier took, rows that it was proposed, milliseconds of everything with and without it. */
  readonly verify: readonly number[];
  /** Milliseconds on a processor, of those of `verify`: what else the machine does is not in them. */
  readonly cpu: readonly number[];
  readonly rows: readonly number[];
  readonly on: readonly number[];
  readonly off: readonly number[];
}

export interface Changes {
  readonly rows: number;
  readonly changes: readonly Changed[];
  /** Whole process: objects, compiler, goal state, verifier. */
  readonly residentMegabytes: number;
}

export interface Piped {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  readonly verifyMilliseconds: number;
  readonly rows: number;
}

/** A control plane without store and network, whose batches are proven while `isOn`. */
class ProvenPlane {
  isOn = false;
  verifyMilliseconds = 0;
  verifyCpuMilliseconds = 0;
  verifiedRows = 0;
  readonly plane = new Plane({ beforeCommit: (changes, result) => this.#prove(changes, result), afterCommit: () => this.#accept() });
  readonly verifier: Verifier = createVerifier({ goal: lookupIn(this.plane.goal), clock: () => performance.now() });

  #prove(changes: readonly ObjectChange[], result: CompileResult): void {
    if (!this.isOn) return;
    const verdict = this.#time(() => {
      this.verifier.observe(changes, result.findings);
      return this.verifier.check(result.scopes);
    });
    this.verifiedRows += verdict.checkedRows;
    expectNone(verdict);
  }

  #accept(): void {
    if (this.isOn) this.#time(() => this.verifier.accept());
  }

  #time<Result>(step: () => Result): Result {
    const [began, cpu] = [performance.now(), process.threadCpuUsage()];
    const result = step();
    const { user, system } = process.threadCpuUsage(cpu);
    this.verifyMilliseconds += performance.now() - began;
    this.verifyCpuMilliseconds += (user + system) / 1000;
    return result;
  }
}

const expectNone = ({ violations, exhausted }: Verdict): void => {
  if (violations.length > 0 || exhausted !== undefined) throw new Error(`${violations.length} violations, ${exhausted ?? 'all checked'}: ${JSON.stringify(violations.slice(0, 3))}`);
};

interface Edit {
  readonly name: string;
  readonly rounds: number;
  readonly make: (round: number) => readonly Resource[];
}

const editsOf = (world: make.Workload): Edit[] => {
  const { vpcs, spares } = world;
  const vpcAt = (round: number): number => (round * 37) % vpcs;
  return [
    { name: 'an attachment', rounds: 400, make: (round) => [make.addAttachment(world, round % spares)] },
    { name: 'a subnet', rounds: 200, make: (round) => [subnetMore(vpcAt(round))] },
    { name: 'a VPC of 40 ports', rounds: 200, make: (round) => make.addVpc(world, round % 7, (round * 40) % (spares - 39)) },
    { name: 'a peering', rounds: 200, make: (round) => [make.peerTwoVpcs(vpcAt(round), (vpcAt(round) + 1) % vpcs)] },
    { name: 'a policy rule', rounds: 200, make: (round) => [make.policyOf(vpcAt(round), 1)] },
    { name: 'a mapping of a slice', rounds: 200, make: (round) => [movedSlice(vpcAt(round), (round * 7) % 1000, 100 + (round % 100))] },
    { name: 'a mapping in a new slice', rounds: 200, make: (round) => [oneMapping(vpcAt(round), round)] },
  ];
};

const warmUp = 20;

/** Made and taken back, every second round proven; what is taken back is a change of its own. */
const measureChange = (proven: ProvenPlane, known: ReadonlyMap<string, Resource>, { name, rounds, make: objectsOf }: Edit): Changed[] => {
  const [made, undone] = [emptyChanged(name), emptyChanged(`${name}, taken back`)];
  const timed = (to: Series, changes: readonly ObjectChange[], isCounted: boolean): void => {
    const [verify, cpu, rows, began] = [proven.verifyMilliseconds, proven.verifyCpuMilliseconds, proven.verifiedRows, performance.now()];
    proven.plane.apply(changes);
    const whole = performance.now() - began;
    if (!isCounted) return;
    (proven.isOn ? to.on : to.off).push(whole);
    if (!proven.isOn) return;
    to.verify.push(proven.verifyMilliseconds - verify);
    to.cpu.push(proven.verifyCpuMilliseconds - cpu);
    to.rows.push(proven.verifiedRows - rows);
  };
  for (let round = -2 * warmUp; round < 2 * rounds; round++) {
    proven.isOn = round % 2 === 0;
    const objects = objectsOf(Math.floor(round / 2) + warmUp).map((object) => keeping(object, known.get(refKey(refOf(object)))));
    timed(made, objects.map(put), round >= 0);
    const back = objects.map((object) => known.get(refKey(refOf(object)))).flatMap((object) => (object === undefined ? [] : [put(object)]));
    timed(undone, [...back, ...objects.filter((object) => !known.has(refKey(refOf(object)))).map(remove)], round >= 0);
  }
  proven.isOn = true;
  return [made, undone];
};

interface Series {
  readonly verify: number[];
  readonly cpu: number[];
  readonly rows: number[];
  readonly on: number[];
  readonly off: number[];
}
const emptyChanged = (name: string): Series & { readonly name: string } => ({ name, verify: [], cpu: [], rows: [], on: [], off: [] });

const keeping = (object: Resource, before: Resource | undefined): Resource => (before === undefined ? stored(object) : { ...object, metadata: before.metadata });

const policies = (vpcs: number): Resource[] => Array.from({ length: vpcs }, (_, number) => make.policyOf(number));

const changes = (vpcs: number): Changes => {
  const world = verifyWorkload(vpcs);
  const objects = [...world.fabric, ...world.tenants, ...world.slices, ...policies(vpcs)].map(stored);
  const proven = new ProvenPlane();
  for (const batch of batchesOf(objects)) proven.plane.apply(batch.map(put));
  const findings = new Map(objects.map((object) => [refKey(refOf(object)), proven.plane.findingsOf(refOf(object))]));
  proven.verifier.observe([...objects, ...proven.plane.claims.values()].map(put), findings);
  expectNone(proven.verifier.checkAll());
  const known = new Map(objects.map((object) => [refKey(refOf(object)), object]));
  const measured = editsOf(world).flatMap((edit) => measureChange(proven, known, edit));
  expectNone(proven.verifier.checkAll());
  return { rows: proven.plane.rows(), changes: measured, residentMegabytes: residentMegabytes(process.pid) };
};

const pipeline = (vpcs: number, isOn: boolean): Piped => {
  const world = verifyWorkload(vpcs);
  const objects = [...world.fabric, ...world.tenants, ...policies(vpcs), ...world.slices].map(stored);
  const proven = new ProvenPlane();
  proven.isOn = isOn;
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  for (const batch of batchesOf(objects)) proven.plane.apply(batch.map(put));
  const { user, system } = process.cpuUsage(cpu);
  return { milliseconds: performance.now() - began, cpuMilliseconds: (user + system) / 1000, verifyMilliseconds: proven.verifyMilliseconds, rows: proven.plane.rows() };
};

const [what, vpcs, how] = process.argv.slice(2);
process.stdout.write(JSON.stringify(what === 'changes' ? changes(Number(vpcs)) : pipeline(Number(vpcs), how === 'on')));
