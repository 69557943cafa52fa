/**
 * The goal-state service alone in a process of its own: what distribution costs without the rest of the control plane. One
 * scope is shared by all devices, others by a group of them each, as a VPC is by its leaves.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MappingRow, Row } from '../../src/goal/rows.ts';
import { GoalState } from '../../src/goal/state.ts';
import type { Address, Mac, Vni } from '../../src/net/brand.ts';
import type { ScopeResult } from '../../src/southbound/events.ts';
import { type Southbound, startSouthbound } from '../../src/southbound/server.ts';
import { loopbackCertificate, silentLog } from '../../src/southbound/testing.ts';
import { percentile } from '../figure.ts';
import { answerQuestions } from './child.ts';

export type SouthboundQuestion =
  | { readonly do: 'open'; readonly devices: readonly string[]; readonly perGroup: number }
  /** One change; answers when all subscribers have acknowledged it. */
  | { readonly do: 'round'; readonly scope: string; readonly rows: number }
  /** Every group's scope changes as soon as all of its devices have acknowledged the change before. */
  | { readonly do: 'sustain'; readonly seconds: number; readonly rows: number }
  /** The service ends and a new one, with versions of its own, takes its place. */
  | { readonly do: 'restart' }
  /** From now on every device is waited for anew. */
  | { readonly do: 'forget' }
  /** Answers when every device has acknowledged all it holds since the last `restart` or `forget`. */
  | { readonly do: 'settled' };

export interface SouthboundAnswer {
  readonly address?: string;
  readonly ca?: string;
  readonly secret?: string;
  /** Milliseconds until half, 99 in 100, and all of the devices had acknowledged. */
  readonly p50?: number;
  readonly p99?: number;
  readonly last?: number;
  /** Milliseconds of this process on a processor meanwhile. */
  readonly cpu?: number;
  /** Of one update as it goes to a device. */
  readonly bytes?: number;
  /** Row updates that devices acknowledged. */
  readonly rows?: number;
  readonly seconds?: number;
  /** Peak resident memory of this process, MB of 10^6 bytes. */
  readonly peak?: number;
}

const secret = Buffer.alloc(32, 5);
export const sharedScope = 'vpc/1';
const groupScope = (group: number): string => `vpc/${group + 2}`;
const rowsAtFirst = 40;

let goal = new GoalState();
let service: Southbound | undefined;
let address = '127.0.0.1:0';
let certificate: Awaited<ReturnType<typeof loopbackCertificate>> | undefined;
let devices: readonly string[] = [];
let groups = 0;
let round = 0;
/** Devices that have acknowledged their own scope, which goes last. */
const settled = new Set<string>();
let began = 0;
let onAcknowledged: (device: string, result: ScopeResult) => void = () => {};

/** About 50 bytes on the wire; another in every round. */
const mapping = (scope: string, number: number): Row => {
  const octets = [16, 8, 0].map((shift) => (number >> shift) & 255);
  const value: MappingRow = {
    segment: Number(scope.slice('vpc/'.length)) as Vni,
    address: `10.${octets.join('.')}` as Address,
    mac: `02:00:00:${octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':')}` as Mac,
    vtep: `172.16.${round & 255}.${(round >> 8) & 255}` as Address,
  };
  return { table: 'mapping', key: value.address, value };
};

const rowsOf = (scope: string, count: number): Row[] => Array.from({ length: count }, (_, number) => mapping(scope, number));

const fill = (perGroup: number): void => {
  groups = Math.ceil(devices.length / perGroup);
  for (const scope of [sharedScope, ...Array.from({ length: groups }, (_, group) => groupScope(group))]) {
    goal.commit([{ scope, upserts: rowsOf(scope, rowsAtFirst), deletes: [] }]);
  }
  for (const [index, device] of devices.entries()) {
    const members = [sharedScope, groupScope(index % groups)].map((scope): Row => ({ table: 'member', key: scope, value: { scope } }));
    const system: Row = { table: 'system', key: '', value: { hostname: device, role: 'leaf', routerId: '10.0.0.1' as Address } };
    goal.commit([{ scope: `device/${device}`, upserts: [system, ...members], deletes: [] }]);
  }
};

const serve = async (): Promise<void> => {
  certificate ??= await loopbackCertificate();
  settled.clear();
  service = await startSouthbound({
    goal,
    listen: [address],
    tls: certificate,
    tokenSecret: secret,
    log: silentLog,
    events: { onResult: acknowledged },
  });
  [address = address] = service.addresses;
  began = performance.now();
  service.setDevices(devices);
};

const acknowledged = (device: string, result: ScopeResult): void => {
  if (result.phase !== 'programmed' && result.phase !== 'verified') return;
  if (result.failed.length > 0) throw new Error(`${device} failed: ${JSON.stringify(result.failed[0])}`);
  if (result.scope.startsWith('device/')) settled.add(device);
  onAcknowledged(device, result);
};

/** Another server: the same rows, other versions. */
const renew = (): void => {
  const old = goal;
  goal = new GoalState();
  for (const scope of [...old.scopes()].toReversed()) goal.replace(scope, [...old.scope(scope).rows.values()]);
};

const change = (scope: string, rows: number): number => {
  round += 1;
  const changed = goal.commit([{ scope, upserts: rowsOf(scope, rows), deletes: [] }]);
  service?.publish(changed);
  return changed[0]?.version ?? 0;
};

const measureRound = async (scope: string, rows: number): Promise<SouthboundAnswer> => {
  const waiting = new Set(goal.devicesOf(scope));
  const times: number[] = [];
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const all = Promise.withResolvers<void>();
  let version = Number.POSITIVE_INFINITY;
  onAcknowledged = (device, result) => {
    if (result.scope !== scope || result.version < version || !waiting.delete(device)) return;
    times.push(performance.now() - start);
    if (waiting.size === 0) all.resolve();
  };
  version = change(scope, rows);
  await all.promise;
  const { user, system } = process.cpuUsage(cpu);
  onAcknowledged = () => {};
  const [p50, p99, last] = [0.5, 0.99, 1].map((share) => percentile(times, share));
  return { p50: p50 ?? 0, p99: p99 ?? 0, last: last ?? 0, cpu: (user + system) / 1000 };
};

/** Every change writes the same rows anew, so that an acknowledgement is of all of them, whatever was left out between. */
const sustain = async (seconds: number, rows: number): Promise<SouthboundAnswer> => {
  const waiting = new Map<string, { readonly version: number; readonly devices: Set<string> }>();
  let acked = 0;
  let over = false;
  const next = (scope: string): void => {
    const version = change(scope, rows);
    waiting.set(scope, { version, devices: new Set(goal.devicesOf(scope)) });
  };
  onAcknowledged = (device, { scope, version }) => {
    const open = waiting.get(scope);
    if (over || open === undefined || version < open.version || !open.devices.delete(device)) return;
    acked += rows;
    if (open.devices.size === 0) setImmediate(() => !over && next(scope));
  };
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  for (let group = 0; group < groups; group += 1) next(groupScope(group));
  await delay(seconds * 1000);
  over = true;
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  onAcknowledged = () => {};
  return { rows: acked, seconds: elapsed, cpu: (user + system) / 1000 };
};

const untilSettled = async (): Promise<SouthboundAnswer> => {
  while (settled.size < devices.length) await delay(5);
  return { last: performance.now() - began };
};

answerQuestions<SouthboundQuestion, SouthboundAnswer>(async (question) => {
  switch (question.do) {
    case 'open':
      devices = question.devices;
      fill(question.perGroup);
      await serve();
      return { address, ca: certificate?.certificate ?? '', secret: secret.toString('hex') };
    case 'round':
      return measureRound(question.scope, question.rows);
    case 'sustain':
      return sustain(question.seconds, question.rows);
    case 'restart': {
      const cpu = process.cpuUsage();
      await service?.close();
      renew();
      await serve();
      const { last } = await untilSettled();
      const { user, system } = process.cpuUsage(cpu);
      return { last: last ?? 0, cpu: (user + system) / 1000 };
    }
    case 'forget':
      settled.clear();
      began = performance.now();
      return {};
    case 'settled': {
      const answer = await untilSettled();
      return { ...answer, peak: process.resourceUsage().maxRSS / 1000 };
    }
  }
});
