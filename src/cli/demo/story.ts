/**
 * The main job as a story: a fabric from a wiring file, three VPCs, what may and what may not pass, a peering that comes
 * and goes. Every statement is the result of probes between the servers; every time is measured from the first request.
 */
import { join } from 'node:path';
import { systemClock as clock } from '../../kit/clock.ts';
import { checkPairs, type CheckResult } from '../../lab/check.ts';
import type { LabHandle } from '../../lab/up.ts';
import { applyObject } from '../apply.ts';
import { removeTarget } from '../delete.ts';
import { fileTargets, type FileTarget } from '../objects.ts';
import type { Session } from '../session.ts';
import { waitFor } from '../wait.ts';
import { addressOf } from './address.ts';
import { passes, tallyOf, type Tally } from './connectivity.ts';
import { startPinging } from './pinging.ts';
import type { Screen } from './screen.ts';

export interface Stage {
  readonly lab: LabHandle;
  readonly session: Session;
  readonly screen: Screen;
  /** Folder with tenants.yaml and peering.yaml. */
  readonly folder: string;
}

export interface Outcome {
  readonly right: number;
  readonly all: number;
  readonly vpcFirstPacket: number;
  readonly peeringFirstPacket: number;
}

const patience = 30_000;

export const tellStory = async (stage: Stage): Promise<Outcome> => {
  const tenants = await fileTargets(stage.session, [join(stage.folder, 'tenants.yaml')]);
  const peering = await fileTargets(stage.session, [join(stage.folder, 'peering.yaml')]);
  const first = await vpcsComeUp(stage, tenants);
  const second = await peeringOpens(stage, peering);
  const third = await peeringCloses(stage, peering);
  const tallies = [first.tally, second.tally, third];
  return {
    right: tallies.reduce((sum, { right }) => sum + right, 0),
    all: tallies.reduce((sum, { all }) => sum + all, 0),
    vpcFirstPacket: first.firstPacket,
    peeringFirstPacket: second.firstPacket,
  };
};

interface Opened {
  readonly tally: Tally;
  /** Milliseconds from the first request of apply to the first answered ping. */
  readonly firstPacket: number;
}

const vpcsComeUp = async (stage: Stage, tenants: readonly FileTarget[]): Promise<Opened> => {
  const { screen } = stage;
  screen.heading('Three VPCs: shop, analytics, and shop-lab with the same addresses as shop');
  const began = clock.monotonic();
  await applyAll(stage, tenants, describeCount(tenants));
  screen.running('programming');
  const firstPacket = await milestones(
    screen,
    ['first packet', 'web-1 -> web-2, DHCP included', firstAnswer(stage, 'web-1', 'web-2', began)],
    ['Programmed', 'acknowledged by every switch concerned', programmed(stage, tenants, began)],
  );
  const result = await settled(stage, began);
  showPairs(stage, result, [
    ['same subnet, other leaf', 'web-1', 'web-2', true],
    ['other subnet, other leaf', 'web-1', 'batch-1', true],
    ['same prefix, other VPC', 'web-1', 'lab-1', false],
    ['other VPC, no peering', 'web-1', 'report-1', false],
  ]);
  return { tally: showTally(stage, result), firstPacket };
};

const peeringOpens = async (stage: Stage, peering: readonly FileTarget[]): Promise<Opened> => {
  const { screen } = stage;
  screen.heading('A VPCPeering lets shop/front and analytics/default talk');
  const address = await addressOf(stage.session, 'report-1', patience);
  const pinging = startPinging({ manifest: stage.lab.manifest, from: 'web-1', address, clock, signal: stage.session.io.signal });
  try {
    const began = clock.monotonic();
    await applyAll(stage, peering, 'shop--analytics');
    const firstPacket = await milestones(
      screen,
      ['first packet', 'web-1 -> report-1', pinging.first(patience).then((answered) => answered - began)],
      ['Programmed', 'acknowledged by every switch concerned', programmed(stage, peering, began)],
    );
    const result = await settled(stage, began);
    showPairs(stage, result, [
      ['permitted subnets', 'web-1', 'report-1', true],
      ['a subnet that is not named', 'db-1', 'report-1', false],
      ['the third VPC', 'lab-1', 'report-1', false],
    ]);
    return { tally: showTally(stage, result), firstPacket };
  } finally {
    await pinging.stop();
  }
};

const peeringCloses = async (stage: Stage, peering: readonly FileTarget[]): Promise<Tally> => {
  const { screen, session, lab } = stage;
  screen.heading('The peering is deleted');
  const address = await addressOf(stage.session, 'report-1', patience);
  const pinging = startPinging({ manifest: lab.manifest, from: 'web-1', address, clock, signal: session.io.signal });
  try {
    await pinging.first(patience);
    const began = clock.monotonic();
    for (const target of peering) await removeTarget(session, target);
    screen.running('waiting for the last packet');
    const last = await pinging.last(500, patience);
    screen.line({ title: 'last packet', detail: 'web-1 -> report-1', milliseconds: Math.max(0, last - began) });
    screen.running('probing every ordered pair');
    const result = await probeAll(stage, false);
    showPairs(stage, result, [
      ['no longer permitted', 'web-1', 'report-1', false],
      ['inside the VPC as before', 'web-1', 'web-2', true],
    ]);
    return showTally(stage, result);
  } finally {
    await pinging.stop();
  }
};

const describeCount = (targets: readonly FileTarget[]): string => {
  const of = (kind: string): number => targets.filter(({ object }) => object.kind === kind).length;
  return `${of('VPC')} VPCs, ${of('VPCAttachment')} attachments`;
};

const applyAll = async ({ session, screen }: Stage, targets: readonly FileTarget[], detail: string): Promise<void> => {
  const began = clock.monotonic();
  for (const target of targets) await applyObject(session, target);
  screen.line({ title: 'apply', detail, milliseconds: clock.monotonic() - began });
};

/** When every object's `Programmed` spoke of what was applied, in milliseconds since `began`. */
const programmed = async ({ session }: Stage, targets: readonly FileTarget[], began: number): Promise<number> => {
  await Promise.all(targets.map((target) => waitFor(session, target, { type: 'condition', condition: 'Programmed', value: 'True' }, patience)));
  return clock.monotonic() - began;
};

type Milestone = readonly [title: string, detail: string, reached: Promise<number>];

/** Prints what was reached in the order in which it was, with the time it took; answers the milliseconds of the first given. */
const milestones = async (screen: Screen, first: Milestone, ...others: readonly Milestone[]): Promise<number> => {
  const all = await Promise.all([first, ...others].map(async ([title, detail, reached]) => ({ title, detail, milliseconds: await reached })));
  for (const line of all.toSorted((a, b) => a.milliseconds - b.milliseconds)) screen.line(line);
  return first[2];
};

const firstAnswer = async (stage: Stage, from: string, to: string, began: number): Promise<number> => {
  const address = await addressOf(stage.session, to, patience);
  const pinging = startPinging({ manifest: stage.lab.manifest, from, address, clock, signal: stage.session.io.signal });
  try {
    return (await pinging.first(patience)) - began;
  } finally {
    await pinging.stop();
  }
};

/** Waits until all that may connect does, then probes every ordered pair. */
const settled = async (stage: Stage, began: number): Promise<CheckResult> => {
  const { screen } = stage;
  screen.running('waiting for every permitted pair');
  await probeAll(stage, true);
  screen.line({ title: 'every permitted pair passes', detail: 'ICMP and TCP', milliseconds: clock.monotonic() - began });
  screen.running('probing every ordered pair');
  return probeAll(stage, false);
};

/** Probes until all is as intended; a fault gets time to pass, then it is a fault. */
const probeAll = async ({ lab, session }: Stage, onlyAllowed: boolean): Promise<CheckResult> => {
  const deadline = clock.monotonic() + patience;
  for (;;) {
    const result = await checkPairs(lab.manifest, lab.api, { onlyAllowed, signal: session.io.signal });
    if (result.ok || clock.monotonic() > deadline) return result;
  }
};

type Statement = readonly [title: string, from: string, to: string, pass: boolean];

const showPairs = ({ screen }: Stage, result: CheckResult, statements: readonly Statement[]): void => {
  for (const [title, from, to, pass] of statements) {
    const actual = passes(result, from, to);
    screen.line({ title, detail: `${`${from} -> ${to}`.padEnd(20)} ${actual ? 'passes' : 'does not pass'}`, verdict: actual === pass ? 'right' : 'wrong' });
  }
};

const showTally = ({ screen }: Stage, result: CheckResult): Tally => {
  const tally = tallyOf(result);
  screen.line({
    title: 'all ordered pairs',
    detail: `${tally.right} of ${tally.all} as intended`,
    verdict: tally.wrong.length === 0 ? 'right' : 'wrong',
  });
  for (const text of tally.wrong) screen.text(`      ${text}`);
  return tally;
};
