/**
 * The whole control plane in a process of its own, as `heddle server` opens it: store, API, controller and goal-state service.
 * It holds the workload, and says when devices have acknowledged what follows from a change.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from '../../src/api/object.ts';
import { openControlPlane, type ControlPlane } from '../../src/cli/server.ts';
import { tokenSecretFile } from '../../src/cli/token.ts';
import type { GoalState, Version } from '../../src/goal/state.ts';
import { createLogger } from '../../src/kit/log.ts';
import type { ScopeResult } from '../../src/southbound/events.ts';
import { loadTokenSecret } from '../../src/southbound/tokens.ts';
import { answerQuestions } from './child.ts';
import * as make from '../workload.ts';

export type PlaneQuestion =
  | { readonly do: 'open'; readonly data: string }
  | { readonly do: 'load'; readonly vpcs: number }
  /** From now on what is committed is waited for. */
  | { readonly do: 'watch' }
  /** Answers when every device has acknowledged all that was committed since `watch`. */
  | { readonly do: 'acknowledged' }
  /** From now on every device is waited for anew. */
  | { readonly do: 'forget' }
  /** Answers when every device has acknowledged all that it should hold since `forget`. */
  | { readonly do: 'settled' }
  /** Answers when the process has little to do: what a start or a storm left behind is written. */
  | { readonly do: 'rest' }
  | { readonly do: 'close' };

export interface PlaneAnswer {
  readonly kubeconfig?: string;
  readonly southbound?: string;
  readonly ca?: string;
  readonly secret?: string;
  /** The moment of the last acknowledgement, milliseconds since 1970 with fractions. */
  readonly at?: number;
  readonly devices?: number;
  /** Milliseconds of this process on a processor, so far. */
  readonly cpu?: number;
  /** Peak resident memory of this process, MB of 10^6 bytes. */
  readonly peak?: number;
  readonly scopes?: number;
}

const objectsPerBatch = 1700;

let plane: ControlPlane | undefined;
let goal: GoalState | undefined;
let leaves = 0;
let hosts = 0;
/** Versions that are waited for, by device and scope. */
const pending = new Map<string, Version>();
let concerned = new Set<string>();
let watching = false;
/** What devices acknowledged since they were forgotten. */
const held = new Map<string, Map<string, Version>>();
const settled = new Set<string>();
let lastAt = 0;

const now = (): number => performance.timeOrigin + performance.now();

const goalState = (): GoalState => {
  if (goal === undefined) throw new Error('not open');
  return goal;
};

const watchGoal = (opened: GoalState): void => {
  goal = opened;
  const commit = opened.commit.bind(opened);
  opened.commit = (changes) => {
    const changed = commit(changes);
    for (const { upserts } of changes) for (const { table } of upserts) if (table === 'host') hosts += 1;
    if (watching) for (const { scope, version } of changed) expect(scope, version);
    return changed;
  };
};

const expect = (scope: string, version: Version): void => {
  for (const device of goalState().devicesOf(scope)) {
    pending.set(`${device} ${scope}`, version);
    concerned.add(device);
  }
};

const acknowledged = (device: string, { scope, version, phase, failed }: ScopeResult): void => {
  if (phase !== 'programmed' && phase !== 'verified') return;
  if (failed.length > 0) throw new Error(`${device} failed: ${JSON.stringify(failed[0])}`);
  const name = `${device} ${scope}`;
  const wanted = pending.get(name);
  if (wanted !== undefined && version >= wanted) {
    pending.delete(name);
    lastAt = now();
  }
  if (settled.has(device)) return;
  const versions = held.get(device) ?? new Map<string, Version>();
  held.set(device, versions.set(scope, version));
  const state = goalState();
  // The own scope is the last of a transaction.
  if (scope === `device/${device}` && state.subscriptions(device).every((each) => versions.get(each) === state.scope(each).version)) {
    settled.add(device);
    lastAt = now();
  }
};

const open = async (data: string): Promise<PlaneAnswer> => {
  const log = createLogger({ name: 'server', level: 'warn' });
  const opened = await openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log, watchGoal);
  plane = opened;
  const { events } = opened.controller;
  const onResult = events.onResult?.bind(events);
  events.onResult = (device, result) => {
    onResult?.(device, result);
    acknowledged(device, result);
  };
  return {
    kubeconfig: opened.kubeconfigPath,
    southbound: opened.southbound,
    ca: readFileSync(join(data, 'pki', 'ca.crt'), 'utf8'),
    secret: Buffer.from(loadTokenSecret(tokenSecretFile(data))).toString('hex'),
  };
};

const load = async (vpcs: number): Promise<PlaneAnswer> => {
  const world = make.workload(vpcs);
  leaves = world.leaves;
  const objects: readonly Resource[] = [...world.fabric, ...world.tenants];
  for (let at = 0; at < objects.length; at += objectsPerBatch) {
    await Promise.all(objects.slice(at, at + objectsPerBatch).map((object) => plane?.client.create(object)));
  }
  while (hosts < world.attachments) await delay(20);
  return { scopes: [...goalState().scopes()].length };
};

const standing = (): PlaneAnswer => {
  const { user, system } = process.cpuUsage();
  return { at: lastAt, devices: concerned.size, cpu: (user + system) / 1000, peak: process.resourceUsage().maxRSS / 1000 };
};

const restMilliseconds = 500;

const rest = async (): Promise<void> => {
  for (;;) {
    const before = process.cpuUsage();
    await delay(restMilliseconds);
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 < restMilliseconds / 5) return;
  }
};

answerQuestions<PlaneQuestion, PlaneAnswer>(async (question) => {
  switch (question.do) {
    case 'open':
      return open(question.data);
    case 'load':
      return load(question.vpcs);
    case 'watch':
      pending.clear();
      concerned = new Set();
      watching = true;
      return standing();
    case 'acknowledged':
      while (concerned.size === 0 || pending.size > 0) await delay(1);
      watching = false;
      return standing();
    case 'forget':
      settled.clear();
      held.clear();
      return standing();
    case 'settled':
      while (settled.size < leaves) await delay(5);
      return standing();
    case 'rest':
      await rest();
      return standing();
    case 'close':
      await plane?.close();
      return {};
  }
});
