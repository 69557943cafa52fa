/**
 * Simulated devices by the thousand in one process, so that a server meets what it will meet: the real stream, the real agent,
 * and everything that goes wrong with both. Each device has a connection of its own; what they decode is shared.
 */
import { randomUUID } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { BackoffOptions } from '../agent/backoff.ts';
import { HeddleError } from '../kit/error.ts';
import { type Logger, createLogger } from '../kit/log.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { type AgentSurroundings, SimulatedAgent } from './agent.ts';
import type { RowWatcher } from './device.ts';
import { type Faults, noFaults } from './faults.ts';
import { type Mishap, startMishaps } from './mishaps.ts';
import type { Random } from './random.ts';
import { SharedDecoder } from './sharing.ts';

export interface FleetOptions {
  /** `host:port` of the southbound service. */
  readonly server: string;
  /** Name in the server's certificate when it is not the host of `server`. */
  readonly serverName?: string;
  /** PEM of the certificate authority. */
  readonly ca: string;
  readonly token: (device: string) => string;
  readonly devices: readonly string[];
  readonly faults?: Partial<Faults>;
  /** Decides everything that is left to chance. Default 1. */
  readonly seed?: number;
  /** How often an agent compares its device with its goal. Default 60,000: there is nobody else to change it. */
  readonly driftMilliseconds?: number;
  readonly backoff?: BackoffOptions;
  readonly agentVersion?: string;
  /** Default: silence, as thousands of agents would all say the same. */
  readonly log?: Logger;
  /** Hears every row that a device comes to hold or ceases to hold, at that moment. */
  readonly onRow?: RowWatcher;
}

export interface FleetStatus {
  readonly devices: number;
  /** Agents that run. */
  readonly running: number;
  readonly connected: number;
  /** Rows in all data planes. */
  readonly rows: number;
  /** Results said, and rows that were reported as failed. */
  readonly results: number;
  readonly failures: number;
  /** Connections that stood, over all devices and times. */
  readonly connections: number;
  readonly mishaps: { readonly [Name in Mishap]: number };
  /** Messages decoded; others were equal to one of these. */
  readonly decoded: number;
  readonly residentBytes: number;
}

/** All devices are made, and their agents dial. Ends with `close`. */
export const startSimulatedDevices = async (options: FleetOptions): Promise<Fleet> => {
  const fleet = new Fleet(options);
  await fleet.start();
  return fleet;
};

export class Fleet {
  readonly acknowledgements: Acknowledgements;
  readonly #options: FleetOptions;
  readonly #agents: ReadonlyMap<string, SimulatedAgent>;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #decoder = new SharedDecoder();
  readonly #counts: { [Name in Mishap]: number } = { crash: 0, reboot: 0, drift: 0 };
  readonly #returns = new Set<NodeJS.Timeout>();
  #faults: Faults;
  #endMishaps: () => void = () => {};
  #connected = 0;
  #connections = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#faults = { ...noFaults, ...options.faults };
    this.#numbers = new Map(options.devices.map((name, index) => [name, index]));
    this.acknowledgements = new Acknowledgements(options.devices.length);
    const around = this.#surroundings();
    this.#agents = new Map(options.devices.map((name) => [name, new SimulatedAgent(name, around)]));
  }

  get faults(): Faults {
    return this.#faults;
  }

  get connected(): number {
    return this.#connected;
  }

  /** @throws HeddleError `NotFound` */
  agent(name: string): SimulatedAgent {
    const agent = this.#agents.get(name);
    if (agent === undefined) throw new HeddleError('NotFound', `there is no simulated device "${name}"`);
    return agent;
  }

  agents(): IterableIterator<SimulatedAgent> {
    return this.#agents.values();
  }

  /** Agents that are down start and dial at once. */
  async start(names: readonly string[] = this.#options.devices): Promise<void> {
    this.#restartMishaps();
    await Promise.all(names.map((name) => this.agent(name).start()));
  }

  /** Agents die; they find their journals and data planes again at the next `start`. */
  crash(names: readonly string[] = this.#options.devices): void {
    for (const name of names) this.agent(name).crash();
  }

  /** As `crash`, and what the devices had programmed is gone, with `disk: 'lost'` their journals too. */
  fail(disk: 'kept' | 'lost', names: readonly string[] = this.#options.devices): void {
    for (const name of names) this.agent(name).fail(disk);
  }

  /** Connections break; the agents dial again. */
  cut(names: readonly string[] = this.#options.devices): void {
    for (const name of names) this.agent(name).link.cut();
  }

  /** From now on this goes wrong. Links of connections that stand keep their latency of before when they had no fault. */
  setFaults(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults };
    this.#restartMishaps();
  }

  status(): FleetStatus {
    const { results, failures } = this.acknowledgements;
    let [running, rows] = [0, 0];
    for (const agent of this.#agents.values()) {
      if (agent.running) running += 1;
      rows += agent.device.rows.size;
    }
    return {
      devices: this.#agents.size,
      running,
      connected: this.#connected,
      rows,
      results,
      failures,
      connections: this.#connections,
      mishaps: { ...this.#counts },
      decoded: this.#decoder.decoded,
      residentBytes: process.memoryUsage.rss(),
    };
  }

  async close(): Promise<void> {
    this.#endMishaps();
    for (const timer of this.#returns) clearTimeout(timer);
    this.#returns.clear();
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()));
  }

  #surroundings(): AgentSurroundings {
    const { server, serverName, ca, token, seed = 1, log, agentVersion = '', backoff, onRow } = this.#options;
    return {
      server,
      serverName,
      ca,
      secureContext: createSecureContext({ ca }),
      token,
      seed,
      faults: () => this.#faults,
      decoder: this.#decoder,
      log: log ?? createLogger({ name: 'simulated', level: 'silent' }),
      agentVersion,
      incarnation: randomUUID(),
      driftMilliseconds: this.#options.driftMilliseconds ?? 60_000,
      backoff: { first: 200, longest: 10_000, ...backoff },
      onRow,
      onConnection: (_device, connected) => {
        this.#connected += connected ? 1 : -1;
        if (connected) this.#connections += 1;
      },
      onResult: (device, result) => this.acknowledgements.note(this.#numbers.get(device) ?? 0, result),
    };
  }

  #restartMishaps(): void {
    this.#endMishaps();
    const { devices, seed = 1 } = this.#options;
    const befall = (device: string, mishap: Mishap, random: Random): void => this.#befall(device, mishap, random);
    this.#endMishaps = startMishaps({ devices, faults: this.#faults, seed, befall });
  }

  #befall(name: string, mishap: Mishap, random: Random): void {
    const agent = this.agent(name);
    if (!agent.running) return;
    this.#counts[mishap] += 1;
    if (mishap === 'drift') return agent.drift();
    if (mishap === 'crash') agent.crash();
    else agent.fail(random.chance(0.5) ? 'kept' : 'lost');
    const { least, most } = this.#faults.absenceMilliseconds;
    const timer = setTimeout(() => {
      this.#returns.delete(timer);
      void agent.start();
    }, random.between(least, most));
    this.#returns.add(timer);
  }
}
