/**
 * The example fabric (2 spines, 3 leaves, 8 servers, all real) from outside, as a tenant feels it: how long until it stands,
 * until an applied object carries packets, and what the programs cost.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from '../src/api/object.ts';
import { applyObject } from '../src/cli/apply.ts';
import { removeTarget } from '../src/cli/delete.ts';
import { startPinging } from '../src/cli/demo/pinging.ts';
import { addressOf } from '../src/cli/demo/address.ts';
import { processIo } from '../src/cli/io.ts';
import { exampleFolder } from '../src/cli/lab.ts';
import { fileTargets, readChecked, targetsOf, type FileTarget } from '../src/cli/objects.ts';
import { withSession, type Session } from '../src/cli/session.ts';
import { waitFor } from '../src/cli/wait.ts';
import { systemClock as clock } from '../src/kit/clock.ts';
import { agentFiles } from '../src/lab/agents.ts';
import { restartAgent } from '../src/lab/chaos.ts';
import { labDown } from '../src/lab/down.ts';
import { labStatus } from '../src/lab/status.ts';
import { labUp, type LabHandle } from '../src/lab/up.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { residentMegabytes } from './peers/meter.ts';

const name = 'bench';
const rounds = 7;
const patience = 30_000;

export const run: Benchmark = async (report) => {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const io = { ...processIo(interrupt.signal), out: () => {} };
  await labDown({ name });
  try {
    const files = ['wiring.yaml', 'tenants.yaml'].map((file) => join(exampleFolder, file));
    const objects = (await readChecked(io, files)).map(({ object }) => object);
    const began = clock.monotonic();
    const lab = await labUp({ name, objects, signal: interrupt.signal });
    report({ figure: 'lab up until all permitted pairs connect', value: (clock.monotonic() - began) / 1000, unit: 's', n: 1, limit: 30 });
    await withSession(io, { kubeconfig: lab.kubeconfig }, (session) => measure(lab, session, report));
    lab.close();
  } finally {
    await labDown({ name });
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
};

const measure = async (lab: LabHandle, session: Session, report: (figure: Figure) => void): Promise<void> => {
  const peerings = await peering(lab, session);
  for (const [share, limit] of [[0.5, 700], [1, undefined]] as const) {
    report(percent('apply of a VPCPeering to first packet', peerings, share, limit));
  }
  const vpcs = await vpc(lab, session);
  for (const [share, limit] of [[0.5, 2000], [1, undefined]] as const) {
    report(percent('apply of a VPC with two attachments to first packet', vpcs.applied, share, limit));
    report(percent('a VPC deleted and made again until its servers talk', vpcs.cycles, share, 3000));
  }
  await memory(report);
  report(percent('agent start to adopted', await adoption(lab), 0.5, 500));
};

const percent = (what: string, measured: readonly number[], share: number, limit: number | undefined): Figure => ({
  figure: `${what}, ${share === 1 ? 'most' : `p${share * 100}`}`,
  value: percentile(measured, share),
  unit: 'ms',
  n: measured.length,
  ...(limit === undefined ? {} : { limit }),
});

/** Applies, pings until the first answer, removes, and waits until the pings stop. */
const peering = async (lab: LabHandle, session: Session): Promise<number[]> => {
  const targets = await fileTargets(session, [join(exampleFolder, 'peering.yaml')]);
  const address = await addressOf(session, 'report-1', patience);
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const pinging = startPinging({ manifest: lab.manifest, from: 'web-1', address, clock, signal: session.io.signal });
    try {
      await delay(200);
      const began = clock.monotonic();
      await applyAll(session, targets);
      measured.push((await pinging.first(patience)) - began);
      await removeAll(session, targets);
      await pinging.last(300, patience);
    } finally {
      await pinging.stop();
    }
  }
  return measured;
};

const object = (kind: string, objectName: string, spec: unknown): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name: objectName, namespace: 'default' },
  spec,
});

/** The two servers of shop-lab go into a VPC made new each round; a server has its address by DHCP before it can ping. */
const vpc = async (lab: LabHandle, session: Session): Promise<{ readonly applied: number[]; readonly cycles: number[] }> => {
  const types = await session.types();
  const tenants = await fileTargets(session, [join(exampleFolder, 'tenants.yaml')]);
  await removeAll(session, tenants.filter(({ name: own }) => ['lab-1', 'lab-2', 'shop-lab'].includes(own)).toReversed());
  const [applied, cycles]: [number[], number[]] = [[], []];
  let removedAt: number | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const targets = targetsOf(session, types, [
      object('VPC', 'bench', { subnets: { default: { cidr: '10.77.0.0/24' } } }),
      object('VPCAttachment', 'bench-1', { vpc: 'bench', connection: 'lab-1--leaf-2' }),
      object('VPCAttachment', 'bench-2', { vpc: 'bench', connection: 'lab-2--leaf-3' }),
    ]);
    const began = clock.monotonic();
    await applyAll(session, targets);
    const address = await addressOf(session, 'bench-2', patience);
    const pinging = startPinging({ manifest: lab.manifest, from: 'lab-1', address, clock, signal: session.io.signal });
    try {
      const first = await pinging.first(patience);
      applied.push(first - began);
      if (removedAt !== undefined) cycles.push(first - removedAt);
    } finally {
      await pinging.stop();
    }
    removedAt = clock.monotonic();
    await removeAll(session, targets.toReversed());
  }
  return { applied, cycles };
};

const applyAll = async (session: Session, targets: readonly FileTarget[]): Promise<void> => {
  for (const target of targets) await applyObject(session, target);
};

const removeAll = async (session: Session, targets: readonly FileTarget[]): Promise<void> => {
  for (const target of targets) await removeTarget(session, target);
  for (const target of targets) await waitFor(session, target, { type: 'delete' }, patience);
};

const memory = async (report: (figure: Figure) => void): Promise<void> => {
  const { nodes, controlPlane } = await labStatus({ name });
  const agents = nodes.flatMap(({ agent }) => agent?.pid ?? []);
  report({ figure: 'resident memory of an agent, most', value: Math.max(...agents.map(residentMegabytes)), unit: 'MB', n: agents.length, limit: 70 });
  if (controlPlane.pid === undefined) return;
  report({ figure: 'resident memory of the control plane', value: residentMegabytes(controlPlane.pid), unit: 'MB', n: 1, limit: 150 });
};

/** Kills and starts the agent of a leaf; what it logs when it has adopted counts from the start of its process. */
const adoption = async ({ manifest }: LabHandle): Promise<number[]> => {
  const adopted = (): number[] =>
    [...readFileSync(agentFiles(manifest, 'leaf-1').log, 'utf8').matchAll(/adopted in (\d+) ms/g)].map(([, milliseconds]) => Number(milliseconds));
  const before = adopted().length;
  for (let round = 0; round < rounds; round += 1) {
    await restartAgent(manifest, 'leaf-1');
    const deadline = clock.monotonic() + patience;
    while (adopted().length <= before + round && clock.monotonic() < deadline) await delay(50);
  }
  return adopted().slice(before);
};
