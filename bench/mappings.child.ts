/**
 * One measurement of mappings.ts in a process of its own, so that what it holds is all there is: `VPCs` as argument, one
 * JSON object as answer. Objects go the way they go in a control plane, from JSON text to committed goal state.
 */
import { readFileSync } from 'node:fs';
import { apiVersion, refOf, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import * as make from '../src/compile/fixture.ts';
import { GoalState } from '../src/goal/state.ts';

const slicesPerVpc = 10;
const perSlice = 1000;
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

interface Mapping {
  readonly address: string;
  readonly mac: string;
  readonly vtep: string;
}

/** The n-th host of a VPC, behind one of 200 VTEPs. */
const mapping = (vpc: number, host: number, vtep = host % 200): Mapping => ({
  address: `10.${vpc}.${(host >> 8) + 1}.${host & 255}`,
  mac: `0a:00:${hex(vpc)}:00:${hex(host >> 8)}:${hex(host & 255)}`,
  vtep: `192.0.${2 + (vtep >> 8)}.${vtep & 255}`,
});
const hex = (value: number): string => value.toString(16).padStart(2, '0');

const mappingsOf = (vpc: number, slice: number): Mapping[] =>
  Array.from({ length: perSlice }, (_, host) => mapping(vpc, slice * perSlice + host));

/** A slice as it comes from the store: parsed, every text its own. */
const sliceOf = (vpc: number, name: string, mappings: readonly Mapping[]): Resource =>
  JSON.parse(
    JSON.stringify({
      apiVersion,
      kind: 'MappingSlice',
      metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { vpc: `vpc-${vpc}`, mappings },
    }),
  );

const sliceName = (vpc: number, slice: number): string => `vpc-${vpc}-${slice}`;

const timed = (step: () => void): number => {
  const began = performance.now();
  step();
  return performance.now() - began;
};

/** A line of proc_pid_status(5), in MB of 10^6 bytes. */
const statusMegabytes = (field: string): number =>
  (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024) / 1e6;

const measure = (vpcs: number): Measured => {
  const compiler = createCompiler();
  const goal = new GoalState();
  const put = (...objects: readonly Resource[]): void => void goal.commit(compiler.apply(objects.map(make.put)).scopes);
  const networks = Array.from({ length: vpcs }, (_, vpc) => make.vpc(`vpc-${vpc}`, { hosts: `10.${vpc}.0.0/16` }));
  make.settleAll(compiler, [make.fabric(), make.addressSpace('default', '10.0.0.0/8'), ...networks]);
  const slices = networks.flatMap((_, vpc) =>
    Array.from({ length: slicesPerVpc }, (__, slice) => sliceOf(vpc, sliceName(vpc, slice), mappingsOf(vpc, slice))),
  );
  const mappings = slices.length * perSlice;
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  // In batches, as a list comes from a store page by page.
  const cold = timed(() => {
    for (let first = 0; first < slices.length; first += 50) put(...slices.slice(first, first + 50));
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const [residentMegabytes, peakMegabytes] = [statusMegabytes('VmRSS'), statusMegabytes('VmHWM')];
  globalThis.gc?.();
  const heapBytesPerMapping = (process.memoryUsage().heapUsed - heapBefore) / mappings;
  const rows = [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
  if (rows < mappings) throw new Error(`${mappings} mappings became ${rows} rows`);
  return {
    mappings,
    coldSeconds: cold / 1000,
    coldCpuSeconds: (user + system) / 1e6,
    residentMegabytes,
    peakMegabytes,
    heapBytesPerMapping,
    ...changes(vpcs, put, (object) => void goal.commit(compiler.apply([{ ref: refOf(object), object: undefined }]).scopes)),
  };
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
    const moved = sliceOf(vpc, name, before.with(host, mapping(vpc, slice * perSlice + host, 300 + (round % 200))));
    const less = sliceOf(vpc, name, before.toSpliced(host, 1));
    const whole = sliceOf(vpc, name, before);
    const own = sliceOf(vpc, `more-${round}`, [mapping(vpc, slicesPerVpc * perSlice + round)]);
    changed?.push(timed(() => put(moved)));
    removed?.push(timed(() => put(less)));
    added?.push(timed(() => put(whole)));
    newSlice?.push(timed(() => put(own)));
    remove(own);
  }
  return { changed: changed ?? [], added: added ?? [], removed: removed ?? [], newSlice: newSlice ?? [] };
};

process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))));
