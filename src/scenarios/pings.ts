/** Echo requests that go on while something happens, and how many of them were lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { systemClock } from '../kit/clock.ts';
import { inside, labEnvironment } from '../lab/inside.ts';
import type { Manifest } from '../lab/manifest.ts';
import { addressesOf } from '../lab/probe.ts';
import { familyOfText } from '../lab/service.ts';
import type { LabHandle } from '../lab/up.ts';
import type { DuringStep } from './scenario.ts';

const intervalMilliseconds = 10;
/** Before the first step and after the last one. */
const marginMilliseconds = 300;

export interface Loss {
  readonly sent: number;
  readonly lost: number;
  /** Between the answers around the longest run of lost packets. */
  readonly longestGapMilliseconds: number;
  /** Packets after the last one that was answered. */
  readonly lostAtEnd: number;
}

/** Of the margin, a third: the last packets are on their way, and a busy machine is late. */
const mostLostAtEnd = 10;

export interface PingLoss extends Loss {
  /** `a -> b`. */
  readonly label: string;
}

/** Sends on while `play` runs, tells what was lost, and fails when that is more than the step allows. */
export const pingDuring = async ({ manifest }: LabHandle, step: DuringStep, play: () => Promise<void>, tell: (line: string) => void): Promise<void> => {
  for (const { label, sent, lost, longestGapMilliseconds, lostAtEnd } of await lossDuring(manifest, step.pings, play)) {
    tell(`${label}: ${lost} of ${sent} packets lost, longest gap ${longestGapMilliseconds} ms`);
    assert.ok(sent > 0, `${label}: nothing was sent`);
    assert.ok(lostAtEnd <= mostLostAtEnd, `${label}: the last ${lostAtEnd} packets were lost, so the traffic did not come back`);
    if (step.mostLost !== undefined) assert.ok(lost <= step.mostLost, `${label}: ${lost} packets lost, ${step.mostLost} may be`);
  }
};

export const lossDuring = async (manifest: Manifest, pings: DuringStep['pings'], play: () => Promise<void>): Promise<PingLoss[]> => {
  const running = await Promise.all(pings.map((ping) => startPing(manifest, ping)));
  try {
    await systemClock.sleep(marginMilliseconds);
    await play();
    await systemClock.sleep(marginMilliseconds);
  } finally {
    for (const { stop } of running) stop();
  }
  return Promise.all(running.map(async ({ label, output }) => ({ label, ...lossOf(await output) })));
};

const startPing = async (manifest: Manifest, { from, to, family }: DuringStep['pings'][number]) => {
  const [address, source] = [await addressOf(manifest, to, family), await addressOf(manifest, from, family)];
  // nsenter stays as the parent of what it runs: when it is ended, ping must go with it.
  const ping = ['setpriv', '--pdeathsig', 'INT', 'ping', '-n', '-D', '-O', '-i', String(intervalMilliseconds / 1000), '-W', '1', '-I', source, address] as const;
  const [program, ...args] = inside(manifest, from.split(/[/@]/)[0] ?? '', ping);
  const child = spawn(program, args, { cwd: '/', env: labEnvironment(manifest), stdio: ['ignore', 'pipe', 'ignore'] });
  return { label: `${from} -> ${to}${family === 6 ? ' (IPv6)' : ''}`, output: text(child.stdout), stop: () => child.kill('SIGINT') };
};

/** Of a party: the address it names, or the first of its interface. */
const addressOf = async (manifest: Manifest, party: string, family: 4 | 6): Promise<string> => {
  const [place = '', announced] = party.split('@');
  if (announced !== undefined) return announced;
  const [node = '', port] = place.split('/');
  const known = await addressesOf(manifest, node);
  const found = [...known].filter(([name]) => port === undefined || name === port).flatMap(([, list]) => list);
  const address = found.find((each) => familyOfText(each) === family);
  assert.ok(address !== undefined, `${party} has no address to ping`);
  return address;
};

/**
 * Reads what `ping -D -O` prints: a line an answer, with time and sequence number. A gap is the time between the answers before
 * and after lost packets, because a busy machine sends them later than asked. The last packets may still be on their way.
 */
export const lossOf = (output: string): Loss => {
  const answers = new Map([...output.matchAll(/^\[([\d.]+)\].*bytes from .*icmp_seq=(\d+)/gm)].map(([, time, sequence]) => [Number(sequence), Number(time)]));
  const sent = Math.max(0, ...[...output.matchAll(/icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence)));
  let [lost, longest, before] = [0, 0, 0];
  for (let sequence = 1; sequence <= sent; sequence++) {
    const time = answers.get(sequence);
    if (time === undefined) {
      lost += 1;
      continue;
    }
    if (before > 0 && before < sequence - 1) longest = Math.max(longest, time - (answers.get(before) ?? time));
    before = sequence;
  }
  return { sent, lost, longestGapMilliseconds: Math.round(longest * 1000), lostAtEnd: sent - before };
};
