/** The work of trace.ts: builds W(n) and asks; prints a figure a line. */
import { apiVersion, refOf, type Resource } from '../src/api/object.ts';
import { Objects } from '../src/control/objects.ts';
import { traceEnds, viewOf, type ViewSources } from '../src/control/questions/trace.ts';
import { matrixOf, vpcsOf } from '../src/verify/matrix.ts';
import { linkAt, WhatIf } from '../src/verify/whatif.ts';
import { batchesOf, Plane, put, stored } from './compile.plane.ts';
import type { Figure } from './figure.ts';
import { residentMegabytes } from './peers/meter.ts';
import { attachmentsPerVpc, leafName, workload } from './workload.ts';

const vpcs = Number(process.argv[2] ?? 1000);
const world = workload(vpcs);

/** Two spines with a port for every leaf: all reach all, and whoever looks for a way meets a spine that has thousands of cables. */
const underlay: Resource[] = [
  {
    apiVersion, kind: 'SwitchProfile', metadata: { name: 'wide' },
    spec: { ports: Object.fromEntries(Array.from({ length: world.leaves }, (_, leaf) => [`E1/${leaf + 1}`, { interface: `swp${leaf + 1}` }])) },
  },
  ...[0, 1].flatMap((spine): Resource[] => [
    { apiVersion, kind: 'Switch', metadata: { name: `spine-${spine}` }, spec: { role: 'spine', profile: 'wide' } },
    ...Array.from({ length: world.leaves }, (_, leaf): Resource => ({
      apiVersion, kind: 'Connection', metadata: { name: `spine-${spine}-leaf-${leaf}` }, spec: { links: [{ ends: [`spine-${spine}/E1/${leaf + 1}`, `${leafName(leaf)}/E1/${49 + spine}`] }] },
    })),
  ]),
];

const known = new Objects();
const plane = new Plane();
const objects = [...world.fabric, ...underlay, ...world.tenants].map(stored);
for (const object of objects) known.put({ ref: refOf(object), object: { ...object, metadata: { ...object.metadata, resourceVersion: '1' } } });
for (const batch of batchesOf(objects)) plane.apply(batch.map(put));

const report = (figure: Figure): void => void process.stdout.write(`${JSON.stringify(figure)}\n`);
const timed = (work: () => unknown): number => {
  const began = performance.now();
  work();
  return performance.now() - began;
};
const at = (times: readonly number[], share: number): number => times.toSorted((left, right) => left - right)[Math.floor((times.length - 1) * share)] ?? 0;

const sources: ViewSources = {
  goal: plane.goal,
  compiler: plane.compiler,
  objects: known,
  sees: () => true,
  seesDevice: () => true,
  namespace: 'default',
  contributors: (scope, row) => plane.compiler.explain(scope, row),
};
const attachments = world.tenants.filter(({ kind }) => kind === 'VPCAttachment').map(refOf);
const rounds = 300;
const times: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  // Two of one VPC, each time another one.
  const first = ((round * 7919) % vpcs) * attachmentsPerVpc;
  const [from, to] = [attachments[first], attachments[first + 1 + (round % (attachmentsPerVpc - 1))]].map((ref) => `${ref?.namespace}/${ref?.name}`);
  const query = { from: from ?? '', to: to ?? '', protocol: 'tcp', port: 443, actual: false, namespace: 'default' } as const;
  times.push(timed(() => {
    const view = viewOf(traceEnds(query, sources), sources);
    if (view.result !== 'delivered') throw new Error(`${from} -> ${to}: ${view.result}: ${view.there[0]?.steps.at(-1)?.text}`);
  }));
}
const size = `W(${vpcs})`;
report({ figure: `trace of two attachments at ${size}, the first`, value: times[0] ?? 0, unit: 'ms', n: 1 });
report({ figure: `trace of two attachments at ${size}, p50`, value: at(times, 0.5), unit: 'ms', n: rounds, limit: 50 });
report({ figure: `trace of two attachments at ${size}, p99`, value: at(times, 0.99), unit: 'ms', n: rounds, limit: 50 });

const all = vpcsOf(plane.goal);
const matrices = all.map((vrf) => timed(() => matrixOf(plane.goal, vrf, 'from')));
report({ figure: `matrix of one VPC at ${size}, p50`, value: at(matrices, 0.5), unit: 'ms', n: matrices.length });
report({ figure: `matrix of all VPCs at ${size}`, value: matrices.reduce((sum, each) => sum + each, 0) / 1000, unit: 's', n: 1 });

const judge = new WhatIf(plane.goal);
const leaf = leafName(Math.floor(world.leaves / 2));
report({ figure: `what if a server's cable fails at ${size}, the first`, value: timed(() => judge.fail(linkAt(plane.goal, { device: leaf, port: 'E1/1' }))), unit: 'ms', n: 1 });
const cables = Array.from({ length: 50 }, (_, index) => timed(() => judge.fail(linkAt(plane.goal, { device: leafName(index), port: 'E1/2' }))));
report({ figure: `what if a server's cable fails at ${size}, p50`, value: at(cables, 0.5), unit: 'ms', n: cables.length });
report({ figure: 'resident', value: residentMegabytes(process.pid), unit: 'MB', n: 1 });
