/**
 * Watches the links of bundles and of servers that are multihomed, and with the latter those to other switches: when one gains
 * or loses carrier, which link works is to be planned anew at once. One `ip monitor` sees all namespaces that zebra has given a
 * number here, which it does with every VRF.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { GoalTables } from '../driver.ts';
import { toolEnvironment } from './tools/tools.ts';

const pauseMilliseconds = 1000;

/** `[nsid 0]12: p1@if11: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 9000 …` */
const linkLine = /^(?:\[nsid \S+\])?\d+: ([^:@]+)(?:@[^:]*)?: <([^>]*)>/;

export interface LinkEvent {
  readonly name: string;
  /** Up, with somebody at the other end. */
  readonly carrier: boolean;
}

/** Undefined for lines that say nothing of carrier, such as that of an interface that goes away. */
export const linkEvent = (line: string): LinkEvent | undefined => {
  const [, name, words = ''] = linkLine.exec(line) ?? [];
  const flags = words.split(',');
  return name === undefined ? undefined : { name, carrier: flags.includes('UP') && flags.includes('LOWER_UP') };
};

export class LinkWatch {
  readonly #carrier = new Map<string, boolean>();
  #wanted: ReadonlySet<string> = new Set();
  #goal: GoalTables | undefined;
  #changed: (() => void) | undefined;
  #monitor: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** As of the last plan. */
  wanted(goal: GoalTables): void {
    this.#goal = goal;
    const ports = [...goal.port.values()];
    // Where nothing is shared, links between switches are the affair of routing alone.
    const isShared = ports.some(({ esi }) => esi !== undefined);
    const names = ports.filter(({ bundle, role }) => bundle !== undefined || (isShared && role === 'fabric')).map((row) => row.interface);
    this.#wanted = new Set(names);
    this.#run();
  }

  start(changed: () => void): void {
    this.#changed = changed;
    this.#run();
  }

  stop(): void {
    this.#changed = undefined;
    clearTimeout(this.#timer);
    this.#monitor?.kill('SIGKILL');
  }

  /** No process where there is nothing to watch. */
  #run(): void {
    if (this.#monitor !== undefined || this.#changed === undefined || this.#goal === undefined || this.#wanted.size === 0) return;
    const monitor = spawn('ip', ['-oneline', 'monitor', 'all-nsid', 'link'], { env: toolEnvironment(process.env), stdio: ['ignore', 'pipe', 'ignore'] });
    this.#monitor = monitor;
    monitor.unref();
    createInterface({ input: monitor.stdout }).on('line', (line) => this.#hear(line));
    monitor.on('error', () => undefined);
    monitor.on('close', () => {
      this.#monitor = undefined;
      // What changed in between shows in the next look at the device, which comes anyway.
      if (this.#changed !== undefined) this.#timer = setTimeout(() => this.#run(), pauseMilliseconds).unref();
    });
  }

  #hear(line: string): void {
    const event = linkEvent(line);
    if (event === undefined || !this.#wanted.has(event.name) || this.#carrier.get(event.name) === event.carrier) return;
    this.#carrier.set(event.name, event.carrier);
    this.#changed?.();
  }
}
