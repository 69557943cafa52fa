/**
 * A device in memory, and a bench with a real server, a real stream over TLS on loopback and real agents on such devices. The
 * device holds whole rows: what the agent does with them is the subject here, not what an operating system makes of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver, Op, OpResult, Plan } from '../drivers/driver.ts';
import { type Row, type RowId, rowId } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import { rowsOf } from '../goal/tables.ts';
import type { DeviceReport, Observation, ScopeResult } from '../southbound/events.ts';
import { type Southbound, type SouthboundOptions, startSouthbound } from '../southbound/server.ts';
import { type Certificate, loopbackCertificate, silentLog } from '../southbound/testing.ts';
import { deviceToken } from '../southbound/tokens.ts';
import { type Agent, type AgentOptions, startAgent } from './agent.ts';

type Actual = ReadonlyMap<RowId, string>;

const textOf = (row: Row): string => JSON.stringify(row);

export class MemoryDevice {
  readonly rows = new Map<RowId, string>();
  /** Rows whose steps fail. */
  readonly broken = new Set<RowId>();
  /** Rows written or deleted, in order. */
  readonly written: RowId[] = [];
  readonly applied: RowId[][] = [];
  /** How often it was read. */
  reads = 0;
  /** While set, reading fails. */
  unreadable: string | undefined;
  /** Called once, after the next look, before anybody knows what was seen. */
  afterRead: (() => void) | undefined;
  /** Hears what the device sees, once an agent observes it. */
  tell: ((seen: Observation) => void) | undefined;
  /** VTEPs that answer it; undefined: it has none itself. */
  reached: ReadonlySet<string> | undefined;
  /** Says that something changed by itself, once an agent runs. */
  stir: (() => void) | undefined;
  #gate: Promise<void> | undefined;

  /** Every apply waits until the function that this returns is called. */
  block(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  driver(): Driver<Actual> {
    return {
      name: 'memory',
      probe: async () => ['memory'],
      read: async () => {
        this.reads += 1;
        if (this.unreadable !== undefined) throw new Error(this.unreadable);
        const seen = new Map(this.rows);
        const { afterRead } = this;
        this.afterRead = undefined;
        afterRead?.();
        return seen;
      },
      plan: (actual, goal) => this.#plan(actual, rowsOf(goal)),
      apply: async (ops) => {
        await this.#gate;
        this.applied.push(ops.map(({ key }) => key));
        return ops.map((op) => this.#apply(op));
      },
      observe: (tell) => (this.tell = tell),
      watch: (changed) => void (this.stir = changed),
      reach: async (targets) => {
        const { reached } = this;
        if (reached === undefined) throw new Error('this device has no VTEP');
        return new Map(targets.map((target) => [target, reached.has(target)]));
      },
      close: async () => {},
    };
  }

  #plan(actual: Actual, rows: readonly Row[]): Plan {
    const wanted = new Map(rows.map((row) => [rowId(row), textOf(row)]));
    const removed = [...actual.keys()].filter((id) => !wanted.has(id));
    const deletes = removed.map((id): Op => ({ key: id, argv: ['delete', id], after: [], rows: [id] }));
    const changed = [...wanted].filter(([id, text]) => actual.get(id) !== text);
    const writes = changed.map(([id, text]): Op => ({ key: id, argv: ['set', id, text], after: followers(id), rows: [id] }));
    return { ops: [...deletes, ...writes], unrealisable: [] };
  }

  #apply(op: Op): OpResult {
    if (this.broken.has(op.key)) return { key: op.key, ok: false, code: 'Broken', message: 'this row cannot be written' };
    const [verb, id, text] = op.argv;
    this.written.push(op.key);
    if (verb === 'set' && id !== undefined && text !== undefined) this.rows.set(id, text);
    else this.rows.delete(op.key);
    return { key: op.key, ok: true };
  }
}

/** `vrf/child-of-x` comes after `vrf/x`. */
const followers = (id: RowId): RowId[] => (id.startsWith('vrf/child-of-') ? [`vrf/${id.slice('vrf/child-of-'.length)}`] : []);

/** What a device should hold: all rows of its goal. */
export const goalTexts = (goal: GoalState, device: string): Map<RowId, string> =>
  new Map(rowsOf(goal.tables(device)).map((row) => [rowId(row), textOf(row)]));

export const sameRows = (one: ReadonlyMap<RowId, string>, other: ReadonlyMap<RowId, string>): boolean =>
  one.size === other.size && [...one].every(([id, text]) => other.get(id) === text);

export interface HeardResult extends ScopeResult {
  readonly device: string;
}

const secret = Buffer.alloc(32, 7);
let certificate: Promise<Certificate> | undefined;

export class Bench {
  goal = new GoalState();
  readonly results: HeardResult[] = [];
  readonly reports: (DeviceReport & { readonly device: string })[] = [];
  readonly observations: { readonly device: string; readonly seen: Observation }[] = [];
  readonly log: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'heddle-agent-'));
  #southbound: Southbound | undefined;
  readonly #agents = new Set<Agent>();
  #port = 0;

  get southbound(): Southbound {
    if (this.#southbound === undefined) throw new Error('the server is not started');
    return this.#southbound;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts the service, on the same port as the last time. */
  async serve(options: Partial<SouthboundOptions> = {}): Promise<Southbound> {
    certificate ??= loopbackCertificate();
    const southbound = await startSouthbound({
      goal: this.goal,
      listen: [this.address],
      tls: await certificate,
      tokenSecret: secret,
      log: silentLog,
      events: {
        onConnected: (device) => void this.log.push(`+${device}`),
        onDisconnected: (device) => void this.log.push(`-${device}`),
        onResult: (device, result) => void this.results.push({ device, ...result }),
        onReport: (device, report) => void this.reports.push({ device, ...report }),
        onObservation: (device, seen) => void this.observations.push({ device, seen }),
      },
      ...options,
    });
    this.#southbound = southbound;
    this.#port = Number(southbound.addresses[0]?.split(':')[1]);
    return southbound;
  }

  async agent(device: string, memory: MemoryDevice, options: Partial<AgentOptions<Actual>> = {}): Promise<Agent> {
    certificate ??= loopbackCertificate();
    const agent = await startAgent({
      device,
      server: this.address,
      ca: (await certificate).certificate,
      token: () => deviceToken(secret, device),
      stateDirectory: join(this.directory, device),
      driver: memory.driver(),
      log: silentLog,
      newEpoch: () => 'epoch',
      sync: false,
      driftMilliseconds: 50,
      backoff: { first: 5, longest: 20 },
      ...options,
    });
    this.#agents.add(agent);
    return agent;
  }

  commit(scope: string, upserts: readonly Row[], deletes: readonly RowId[] = []): void {
    const changed = this.goal.commit([{ scope, upserts, deletes }]);
    this.#southbound?.publish(changed);
  }

  heard(device: string, scope: string, phase: string): HeardResult[] {
    return this.results.filter((result) => result.device === device && result.scope === scope && result.phase === phase);
  }

  async stopAgent(agent: Agent): Promise<void> {
    this.#agents.delete(agent);
    await agent.stop();
  }

  async stopAgents(): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => this.stopAgent(agent)));
  }

  async stopServer(): Promise<void> {
    await this.#southbound?.close();
    this.#southbound = undefined;
  }

  async close(): Promise<void> {
    await this.stopAgents();
    await this.stopServer();
    rmSync(this.directory, { recursive: true });
  }
}

export const benchSecret = secret;
export const benchCertificate = (): Promise<Certificate> => (certificate ??= loopbackCertificate());
