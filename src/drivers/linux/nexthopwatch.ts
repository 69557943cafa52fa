/**
 * Puts back what zebra takes away too much of. When a session ends and the routes of another leaf go on over another one, zebra
 * 8.4 deletes that leaf's next hop and router MAC of a VRF, although routes still lead there (FRR issue 12391: a deletion is
 * queued behind the addition that replaces it), and every packet between subnets is lost until somebody writes them again. The
 * kernel tells of the deletion, so they are back within milliseconds. Next hops that no route has are left alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseAddress } from '../../net/address.ts';
import type { GoalTables } from '../driver.ts';
import { routerMac } from './render/macs.ts';
import { toolEnvironment, type Runner } from './tools/tools.ts';

const pauseMilliseconds = 1000;
/** After a deletion: zebra may still be at it. */
const looksMilliseconds = [5, 30, 150, 500, 1500];

/** `[nsid 3]Deleted 172.30.12.1 dev if5 lladdr 02:68:ac:1e:0c:01 extern_learn NOARP proto zebra`; names are those of another namespace. */
const deletion = /^(?:\[nsid \S+\])?Deleted \S+ dev \S+ lladdr 02:68:/;

export const isDeletion = (line: string): boolean => deletion.test(line);

/** IPv4 addresses of next hops that routes (as `ip route` prints them) have on a device; of IPv6 routes they are IPv4-mapped. */
export const nextHopsOf = (routes: string, device: string): ReadonlySet<string> =>
  new Set([...routes.matchAll(/\bvia (?:inet6 )?(\S+) dev (\S+)/g)].flatMap(([, gateway = '', name]) => (name === device ? [gateway] : [])));

/** Next hops that have no neighbour entry; `neighbours` as `ip neigh show` prints them. */
export const missingFrom = (nextHops: ReadonlySet<string>, neighbours: string): string[] => {
  const known = new Set([...neighbours.matchAll(/^(\S+) .*\blladdr /gm)].map(([, address]) => address));
  return [...nextHops].filter((address) => !known.has(address));
};

export class NextHopWatch {
  readonly #command: Runner;
  #vrfs: readonly { readonly name: string; readonly vni: number }[] = [];
  #started = false;
  #monitor: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Which look comes next; none: nothing is going on. */
  #look: number | undefined;

  constructor(command: Runner) {
    this.#command = command;
  }

  /** As of the last plan. */
  wanted(goal: GoalTables): void {
    this.#vrfs = [...goal.vrf.values()].map(({ name, vni }) => ({ name, vni }));
    this.#run();
  }

  start(): void {
    this.#started = true;
    this.#run();
  }

  stop(): void {
    this.#started = false;
    clearTimeout(this.#restart);
    clearTimeout(this.#timer);
    this.#monitor?.kill('SIGKILL');
  }

  #run(): void {
    if (!this.#started || this.#monitor !== undefined || this.#vrfs.length === 0) return;
    const monitor = spawn('ip', ['-oneline', 'monitor', 'all-nsid', 'neigh'], { env: toolEnvironment(process.env), stdio: ['ignore', 'pipe', 'ignore'] });
    this.#monitor = monitor;
    monitor.unref();
    createInterface({ input: monitor.stdout }).on('line', (line) => {
      if (isDeletion(line)) this.#again();
    });
    monitor.on('error', () => undefined);
    monitor.on('close', () => {
      this.#monitor = undefined;
      if (this.#started) this.#restart = setTimeout(() => this.#run(), pauseMilliseconds).unref();
    });
    // What went while nobody watched.
    this.#again();
  }

  #again(): void {
    const isGoingOn = this.#look !== undefined;
    this.#look = 0;
    if (!isGoingOn) this.#schedule();
  }

  #schedule(): void {
    const wait = this.#look === undefined ? undefined : looksMilliseconds[this.#look];
    if (wait === undefined || !this.#started) {
      this.#look = undefined;
      return;
    }
    this.#look = (this.#look ?? 0) + 1;
    this.#timer = setTimeout(() => {
      void Promise.allSettled(this.#vrfs.map((vrf) => this.#repair(vrf.name, vrf.vni))).then(() => this.#schedule());
    }, wait).unref();
  }

  async #repair(vrf: string, vni: number): Promise<void> {
    const [bridge, tunnel] = [`br${vni}`, `vx${vni}`];
    const ask = (...words: string[]) => this.#command(['ip', '-n', vrf, ...words]);
    const [v4, v6, neighbours] = await Promise.all([
      ask('-4', 'route', 'show', 'proto', 'bgp'),
      ask('-6', 'route', 'show', 'proto', 'bgp'),
      ask('neigh', 'show', 'dev', bridge),
    ]);
    if (v4.status !== 0 || neighbours.status !== 0) return;
    const missing = missingFrom(nextHopsOf(`${v4.stdout}\n${v6.stdout}`, bridge), neighbours.stdout);
    const entries = missing.flatMap((address) => {
      const vtep = parseAddress(address.replace(/^::ffff:/, ''));
      return vtep.ok ? [{ address, vtep: vtep.value, mac: routerMac(vtep.value) }] : [];
    });
    if (entries.length === 0) return;
    // Processes of their own, gone when they are done: those that stay are the plan's, and would keep the namespace alive.
    const all = (tool: string, lines: readonly string[]) =>
      this.#command([tool, '-n', vrf, '-force', '-batch', '-'], lines.map((line) => `${line}\n`).join(''));
    await all('bridge', entries.flatMap(({ vtep, mac }) => [
      `fdb replace ${mac} dev ${tunnel} dst ${vtep} self extern_learn`,
      `fdb replace ${mac} dev ${tunnel} master extern_learn`,
    ]));
    await all('ip', entries.map(({ address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${bridge} nud noarp extern_learn`));
  }
}
