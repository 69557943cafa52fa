/** `heddle simulate devices`: which devices, which server, which faults, and what is printed on the way. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apiVersion } from '../api/object.ts';
import { findType, pathOf, type ResourceType } from '../client/discovery.ts';
import { findKubeconfig } from '../client/kubeconfig.ts';
import { itemsOf } from '../client/live.ts';
import { tableNames } from '../goal/rows.ts';
import { formatDuration, parseDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import { serveControl } from '../simulate/control.ts';
import type { Faults, Range, Rejection, SlowTable } from '../simulate/faults.ts';
import { type Fleet, type FleetStatus, startSimulatedDevices } from '../simulate/fleet.ts';
import { deviceToken, loadTokenSecret } from '../southbound/tokens.ts';
import type { ExitStatus, Io } from './io.ts';
import { packageVersion } from './program.ts';
import { runningKubeconfigs, withSession, type Session } from './session.ts';
import { tokenSecretFile } from './token.ts';

export interface SimulateOptions {
  readonly kubeconfig?: string;
  readonly fromCluster?: true;
  readonly count?: string;
  readonly prefix: string;
  readonly first: string;
  readonly declare?: true;
  readonly server: string;
  readonly serverName?: string;
  readonly data?: string;
  readonly latency?: string;
  readonly loss?: string;
  readonly answerLoss?: string;
  readonly duplicate?: string;
  readonly reorder?: string;
  readonly reject?: readonly string[];
  readonly slow?: readonly string[];
  readonly crashEvery?: string;
  readonly rebootEvery?: string;
  readonly driftEvery?: string;
  readonly clockSkew?: string;
  readonly seed: string;
  readonly driftInterval: string;
  readonly for?: string;
  readonly control?: true;
  readonly output: 'table' | 'json';
}

const progressMilliseconds = 500;

/** Runs until the signal of `io` aborts, the time is over or, with `control`, somebody says quit. */
export const simulateDevices = async (io: Io, options: SimulateOptions): Promise<ExitStatus> => {
  const faults = readFaults(options);
  const seed = wholeNumber('--seed', options.seed);
  const driftMilliseconds = duration('--drift-interval', options.driftInterval);
  const runMilliseconds = options.for === undefined ? undefined : duration('--for', options.for);
  const { ca, secret } = credentials(io, options);
  const devices = await devicesOf(io, options);
  const began = performance.now();
  const fleet = await startSimulatedDevices({
    server: options.server,
    ca,
    token: (device) => deviceToken(secret, device),
    devices,
    faults,
    seed,
    driftMilliseconds,
    agentVersion: packageVersion(),
    ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
  });
  const progress = showProgress(io, fleet, began);
  try {
    const control = options.control === true ? [serveControl({ fleet, input: process.stdin, output: io.out })] : [];
    await Promise.race([endOf(io.signal, runMilliseconds), ...control]);
  } finally {
    progress.end();
    const status = fleet.status();
    await fleet.close();
    if (options.output === 'json') io.out(`${JSON.stringify({ ...status, seconds: (performance.now() - began) / 1000 })}\n`);
    else if (options.control !== true) io.out(summary(status));
  }
  return 0;
};

/** Which devices: as many as were asked for, else the cluster's. */
const devicesOf = async (io: Io, options: SimulateOptions): Promise<readonly string[]> => {
  const { count, fromCluster, declare, prefix, first } = options;
  if (count !== undefined && fromCluster === true) throw new HeddleError('BadRequest', '--count and --from-cluster exclude each other');
  if (count !== undefined) {
    const [from, length] = [wholeNumber('--first', first), wholeNumber('--count', count)];
    if (length === 0) throw new HeddleError('BadRequest', '--count 0 leaves nothing to simulate: use 1 or more');
    const names = Array.from({ length }, (_, index) => `${prefix}${from + index}`);
    if (declare === true) await withSession(io, options, async (session) => {
      await declareFabric(io, session);
      await declareSwitches(io, session, names);
    });
    return names;
  }
  if (declare === true) throw new HeddleError('BadRequest', '--declare needs --count: the Switches of the cluster are declared already');
  const names = await withSession(io, options, switchNames);
  if (names.length === 0) throw new HeddleError('NotFound', 'the API server knows no Switch: apply some, or use --count NUMBER --declare');
  return names;
};

const switchType = async (session: Session): Promise<ResourceType> => findType(await session.types(), 'switch');

const switchNames = async (session: Session): Promise<readonly string[]> => {
  const type = await switchType(session);
  const { body } = await session.client.call({ path: pathOf(type, '') });
  return itemsOf(body, type, apiVersion).map(({ metadata }) => metadata.name);
};

/** The pools of a Fabric by default are for 1,022 switches. */
const poolsOfThousands = { routerIDs: '172.18.0.0/16', vteps: '172.16.0.0/16' };

/** Without the fabric that Switches name, none of them gets a goal state. What an operator made of it already is left alone. */
const declareFabric = async (io: Io, session: Session): Promise<void> => {
  const path = pathOf(findType(await session.types(), 'fabric'), '');
  const body = { apiVersion, kind: 'Fabric', metadata: { name: 'default' }, spec: { underlay: poolsOfThousands } };
  try {
    await session.client.call({ method: 'POST', path, body });
    io.note('Fabric "default" declared\n');
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'AlreadyExists') throw error;
  }
};

const creationsAtOnce = 16;

const declareSwitches = async (io: Io, session: Session, names: readonly string[]): Promise<void> => {
  const known = new Set(await switchNames(session));
  const path = pathOf(await switchType(session), '');
  const missing = names.filter((name) => !known.has(name));
  const waiting = missing.values();
  const create = async (): Promise<void> => {
    for (const name of waiting) {
      const body = { apiVersion, kind: 'Switch', metadata: { name }, spec: { role: 'leaf' } };
      await session.client.call({ method: 'POST', path, body });
    }
  };
  await Promise.all(Array.from({ length: creationsAtOnce }, create));
  if (missing.length > 0) io.note(`${missing.length} Switches declared\n`);
};

interface Credentials {
  readonly ca: string;
  readonly secret: Uint8Array;
}

/** The server's own folder: whoever may read it may play every device. */
const credentials = (io: Io, { data, kubeconfig }: SimulateOptions): Credentials => {
  const folder = data ?? dirname(findKubeconfig({ flag: kubeconfig, env: io.env, running: runningKubeconfigs() }));
  const [authority, secretFile] = [join(folder, 'pki', 'ca.crt'), tokenSecretFile(folder)];
  for (const file of [authority, secretFile]) {
    if (!existsSync(file)) {
      throw new HeddleError('NotFound', `"${folder}" is no data folder of a heddle server ("${file}" is missing): name it with --data`);
    }
  }
  return { ca: readFileSync(authority, 'utf8'), secret: loadTokenSecret(secretFile) };
};

const endOf = async (signal: AbortSignal, milliseconds: number | undefined): Promise<void> => {
  await new Promise<void>((resolve) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
    const abort = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
};

const count = (number: number): string => number.toLocaleString('en');

/** A line that is written over on a terminal; elsewhere one line when all are connected. */
const showProgress = (io: Io, fleet: Fleet, began: number): { end(): void } => {
  let whole = false;
  const timer = setInterval(() => {
    const status = fleet.status();
    if (io.isTerminal) io.note(`\r\x1b[K${line(status)}`);
    if (whole || status.connected < status.devices) return;
    whole = true;
    const time = formatDuration(performance.now() - began);
    io.note(`${io.isTerminal ? '\r\x1b[K' : ''}all ${count(status.devices)} devices connected after ${time}\n`);
  }, progressMilliseconds);
  return {
    end: () => {
      clearInterval(timer);
      if (io.isTerminal) io.note('\r\x1b[K');
    },
  };
};

const line = ({ connected, devices, rows, results, failures, residentBytes }: FleetStatus): string =>
  `${count(connected)} of ${count(devices)} connected · ${count(rows)} rows · ${count(results)} answers, ${count(failures)} rows failed · ` +
  `${Math.round(residentBytes / 1e6)} MB`;

const summary = (status: FleetStatus): string => {
  const { crash, reboot, drift } = status.mishaps;
  return `${line(status)}\n${count(status.connections)} connections stood; ${crash} crashes, ${reboot} reboots, ${drift} rows taken away\n`;
};

const readFaults = (options: SimulateOptions): Partial<Faults> => ({
  latencyMilliseconds: range('--latency', options.latency ?? '0'),
  loss: share('--loss', options.loss),
  answerLoss: share('--answer-loss', options.answerLoss),
  duplication: share('--duplicate', options.duplicate),
  reordering: share('--reorder', options.reorder),
  rejections: (options.reject ?? []).map(rejection),
  slowTables: (options.slow ?? []).map(slowTable),
  crashSeconds: seconds('--crash-every', options.crashEvery),
  rebootSeconds: seconds('--reboot-every', options.rebootEvery),
  driftSeconds: seconds('--drift-every', options.driftEvery),
  clockSkew: share('--clock-skew', options.clockSkew),
});

/** Milliseconds; the fault names the option, because a command line may hold several times. */
const duration = (option: string, text: string): number => {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new HeddleError('BadRequest', `${option} ${HeddleError.from(error).message}`);
  }
};

const range = (option: string, text: string): Range => {
  const [least = '', most = least] = text.split('-');
  return { least: duration(option, least), most: duration(option, most) };
};

const seconds = (option: string, text: string | undefined): number => (text === undefined ? 0 : duration(option, text) / 1000);

const share = (option: string, text = '0'): number => {
  const number = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) / (text.endsWith('%') ? 100 : 1) : Number.NaN;
  if (number >= 0 && number <= 1) return number;
  throw new HeddleError('BadRequest', `${option} "${text}" is not a share: write it like 0.5% or 0.005`);
};

const rejection = (text: string): Rejection => {
  const [, rows = '', chance = ''] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  if (rows.includes('/')) {
    const [table = ''] = rows.split('/');
    if (!table.includes('*')) knownTable('--reject', table);
    return { rows, chance: share('--reject', chance) };
  }
  throw new HeddleError('BadRequest', `--reject "${text}" names no rows: write it like "host/*=5%"`);
};

/** A typing mistake would be a fault that never strikes. */
const knownTable = (option: string, table: string): string => {
  if (tableNames.some((name) => name === table)) return table;
  throw new HeddleError('BadRequest', `${option}: "${table}" is no table of goal state; there are ${tableNames.join(', ')}`);
};

const slowTable = (text: string): SlowTable => {
  const [, table = '', time = ''] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (table !== '') return { table: knownTable('--slow', table), milliseconds: duration('--slow', time) };
  throw new HeddleError('BadRequest', `--slow "${text}" names no table: write it like "segment=20ms"`);
};

const wholeNumber = (option: string, text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new HeddleError('BadRequest', `${option} "${text}" is not a whole number`);
};
