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
  /** Of the longest run of lost packets. */
  readonly longestGapMilliseconds: number;
}

/** Sends on while `play` runs, tells what was lost, and fails when that is more than the step allows. */
export const pingDuring = async ({ manifest }: LabHandle, step: DuringStep, play: () => Promise<void>, tell: (line: string) => void): Promise<void> => {
  const running = await Promise.all(step.pings.map((ping) => startPing(manifest, ping)));
  try {
    await systemClock.sleep(marginMilliseconds);
    await play();
    await systemClock.sleep(marginMilliseconds);
  } finally {
    for (const { stop } of running) stop();
  }
  for (const { label, output } of running) {
    const { sent, lost, longestGapMilliseconds } = lossOf(await output);
    tell(`${label}: ${lost} of ${sent} packets lost, longest gap ${longestGapMilliseconds} ms`);
    assert.ok(sent > 0, `${label}: nothing was sent`);
    if (step.mostLost !== undefined) assert.ok(lost <= step.mostLost, `${label}: ${lost} packets lost, ${step.mostLost} may be`);
  }
};

const startPing = async (manifest: Manifest, { from, to, family }: DuringStep['pings'][number]) => {
  const [address, source] = [await addressOf(manifest, to, family), await addressOf(manifest, from, family)];
  const ping = ['ping', '-n', '-D', '-O', '-i', String(intervalMilliseconds / 1000), '-W', '1', '-I', source, address] as const;
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

/** Reads what `ping -D -O` prints: a line an answer, with its sequence number. The last packets may still be on their way. */
export const lossOf = (output: string): Loss => {
  const answered = new Set([...output.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence)));
  const all = [...output.matchAll(/icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence));
  const sent = Math.max(0, ...all);
  let [lost, run, longest] = [0, 0, 0];
  for (let sequence = 1; sequence <= sent; sequence++) {
    run = answered.has(sequence) ? 0 : run + 1;
    lost += answered.has(sequence) ? 0 : 1;
    longest = Math.max(longest, run);
  }
  return { sent, lost, longestGapMilliseconds: longest * intervalMilliseconds };
};
