/**
 * One measurement of mappings.ts in a process of its own, so that what it holds is all there is: `VPCs` as argument, one
 * JSON object as answer. Objects go the way they go in a control plane, from JSON text to committed goal state.
 */
import { refOf, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import * as make from '../src/compile/fixture.ts';
import { GoalState } from '../src/goal/state.ts';
import { peakMegabytes, residentMegabytes } from './peers/meter.ts';
import { mapping, mappingsOf, networks, perSlice, sliceName, sliceOf, slicesPerVpc } from './mappings.workload.ts';

const rounds = 500;

export interface Measured {
  readonly mappings: number;
  readonly coldSeconds: number;
  readonly coldCpuSeconds: number;
  readonly residentMegabytes: number;
  readonly peakMegabytes: number;
  readonly heapBytesPerMapping: number;
  /** Milliseconds, one entry a round. */
  readonly changed: readonly number[];
  readonly added: readonly number[];
  readonly removed: readonly number[];
  readonly newSlice: readonly number[];
}

/** As it would be in the store. */
const stored = (object: Resource): Resource => {
  const { name } = object.metadata;
  return { ...object, metadata: { ...object.metadata, uid: `uid-of-${object.kind}-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' } };
};

const timed = (step: () => void): number => {
  const began = performance.now();
  step();
  return performance.now() - began;
};

const measure = (vpcs: number): Measured => {
  const compiler = createCompiler();
  const goal = new GoalState();
  const put = (...objects: readonly Resource[]): void => void goal.commit(compiler.apply(objects.map(make.put)).scopes);
  make.settleAll(compiler, networks(vpcs).map(stored));
  const slices = Array.from({ length: vpcs * slicesPerVpc }, (_, number) => {
    const [vpc, slice] = [number % vpcs, Math.floor(number / vpcs)];
    return stored(sliceOf(vpc, sliceName(vpc, slice), mappingsOf(vpc, slice)));
  });
  const mappings = slices.length * perSlice;
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  // In batches, as they come over a watch.
  const cold = timed(() => {
    for (let first = 0; first < slices.length; first += 50) put(...slices.slice(first, first + 50));
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const [resident, peak] = [residentMegabytes(process.pid), peakMegabytes(process.pid)];
  globalThis.gc?.();
  const heapBytesPerMapping = (process.memoryUsage().heapUsed - heapBefore) / mappings;
  const rows = [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
  if (rows < mappings) throw new Error(`${mappings} mappings became ${rows} rows`);
  return {
    mappings,
    coldSeconds: cold / 1000,
    coldCpuSeconds: (user + system) / 1e6,
    residentMegabytes: resident,
    peakMegabytes: peak,
    heapBytesPerMapping,
    ...changes(vpcs, put, (object) => void goal.commit(compiler.apply([{ ref: refOf(object), object: undefined }]).scopes)),
  };
};

/** The young garbage of what was made for a step is collected before it and not charged to it. */
const swept = (step: () => void): number => {
  void globalThis.gc?.({ type: 'minor' });
  return timed(step);
};

/** Every round takes another slice; what is measured is the compile and the commit, not the parsing before. */
const changes = (
  vpcs: number,
  put: (object: Resource) => void,
  remove: (object: Resource) => void,
): Pick<Measured, 'changed' | 'added' | 'removed' | 'newSlice'> => {
  const [changed, added, removed, newSlice]: number[][] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    const [vpc, slice, host] = [round % vpcs, Math.floor(round / vpcs) % slicesPerVpc, (round * 37) % perSlice];
    const name = sliceName(vpc, slice);
    const before = mappingsOf(vpc, slice);
    const moved = stored(sliceOf(vpc, name, before.with(host, mapping(vpc, slice * perSlice + host, 300 + (round % 200)))));
    const less = stored(sliceOf(vpc, name, before.toSpliced(host, 1)));
    const whole = stored(sliceOf(vpc, name, before));
    const own = stored(sliceOf(vpc, `more-${round}`, [mapping(vpc, slicesPerVpc * perSlice + round)]));
    changed?.push(swept(() => put(moved)));
    removed?.push(swept(() => put(less)));
    added?.push(swept(() => put(whole)));
    newSlice?.push(swept(() => put(own)));
    remove(own);
  }
  return { changed: changed ?? [], added: added ?? [], removed: removed ?? [], newSlice: newSlice ?? [] };
};

process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))));
