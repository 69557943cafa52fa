/**
 * Watches what the DHCP servers of the device write: their leases, which are told, and the addresses that hosts declined, which
 * are kept from everybody for a while, since dnsmasq itself would give them to the next one who asks. Like them the files are
 * on the device's disk, so a new agent goes on where the last one stopped.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { GoalTables, Lease } from '../driver.ts';
import type { Vni } from '../../net/brand.ts';
import { dhcpSegments } from './read/dhcp.ts';
import { parseDeclined, parseLeases, type FileLease } from './read/leases.ts';
import { aliveProcess } from './read/processes.ts';
import { mayLease } from './render/leaseholders.ts';
import { dhcpDirectory, dhcpHeldDirectory, dhcpLeaseFile, dhcpLogFile, dhcpPidFile } from './steps/dhcp.ts';
import type { Site } from './steps/step.ts';

/** What of the goal says whose an address is. */
export type LeaseGoal = Pick<GoalTables, 'host' | 'reservation' | 'dhcpRange'>;

export interface LeaseWatchOptions {
  /** dnsmasq writes its file in several pieces: it is read after so long without a change. Default 100. */
  readonly quietMilliseconds?: number;
  /** For how long a declined address is given to nobody. Default 10 minutes. */
  readonly holdMilliseconds?: number;
}

const mostLogBytes = 256 * 1024;
/** Of nobody: for documentation (RFC 7042 §2.1.2). */
const nobody = '00:00:5e:00:53:00';

export class LeaseWatch {
  readonly #site: Site;
  readonly #quiet: number;
  readonly #hold: number;
  readonly #logged = new Map<Vni, number>();
  #hasLooked = false;
  #goal: LeaseGoal | undefined;
  #tell: ((leases: readonly Lease[]) => void) | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #release: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(site: Site, { quietMilliseconds = 100, holdMilliseconds = 600_000 }: LeaseWatchOptions = {}) {
    this.#site = site;
    this.#quiet = quietMilliseconds;
    this.#hold = holdMilliseconds;
  }

  /** As of the last plan: leases of hosts that were taken away here are none any more. */
  wanted(goal: LeaseGoal): void {
    if (goal === this.#goal) return;
    this.#goal = goal;
    this.#wake();
  }

  /** From now on tells all leases, at once and whenever something was written. The directory must be there. */
  start(tell: (leases: readonly Lease[]) => void): void {
    this.#tell = tell;
    this.#watcher ??= watch(dhcpDirectory(this.#site), () => this.#wake());
    this.#watcher.on('error', () => undefined);
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#tell = undefined;
    this.#watcher?.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#release);
    await this.#busy;
  }

  #wake(): void {
    if (this.#tell === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#busy = this.#busy.then(() => this.#look()).catch(() => undefined);
    }, this.#quiet).unref();
  }

  async #look(): Promise<void> {
    const segments = await dhcpSegments(this.#site);
    for (const segment of segments) await this.#holdDeclined(segment);
    this.#hasLooked = true;
    await this.#releaseHeld(segments);
    const leases = await Promise.all(segments.map((segment) => this.#leasesOf(segment)));
    if (this.#goal !== undefined) this.#tell?.(leases.flat());
  }

  async #leasesOf(segment: Vni): Promise<readonly Lease[]> {
    const text = await readFile(dhcpLeaseFile(this.#site, segment), 'utf8').catch(() => '');
    const goal = this.#goal;
    return goal === undefined ? [] : parseLeases(text).flatMap((lease) => known(segment, lease, goal));
  }

  async #holdDeclined(segment: Vni): Promise<void> {
    const file = dhcpLogFile(this.#site, segment);
    const text = await readFile(file, 'utf8').catch(() => '');
    // What was declined before the agent came is held already, or was so long ago.
    const before = this.#logged.get(segment) ?? (this.#hasLooked ? 0 : text.length);
    this.#logged.set(segment, text.length);
    for (const address of parseDeclined(text.slice(before))) {
      await writeFile(`${dhcpHeldDirectory(this.#site, segment)}/${address}`, `${nobody},${address}\n`).catch(() => undefined);
    }
    if (text.length <= mostLogBytes) return;
    await truncate(file);
    this.#logged.set(segment, 0);
  }

  /** What was held for long enough is free; dnsmasq forgets a file that is gone when it is told to read again. */
  async #releaseHeld(segments: readonly Vni[]): Promise<void> {
    let next = Infinity;
    for (const segment of segments) {
      const directory = dhcpHeldDirectory(this.#site, segment);
      let freed = false;
      for (const name of await readdir(directory).catch(() => [])) {
        const { mtimeMs } = await stat(`${directory}/${name}`).catch(() => ({ mtimeMs: Infinity }));
        const due = mtimeMs + this.#hold;
        if (due > Date.now()) next = Math.min(next, due);
        else freed = await rm(`${directory}/${name}`).then(() => true, () => freed);
      }
      const pid = freed ? await aliveProcess(dhcpPidFile(this.#site, segment)) : undefined;
      if (pid !== undefined) process.kill(pid, 'SIGHUP');
    }
    clearTimeout(this.#release);
    if (next < Infinity) this.#release = setTimeout(() => this.#wake(), Math.max(next - Date.now(), 0) + 1).unref();
  }
}

/** The lease when it is of somebody who may have it; of IPv6 the MAC address is that of the host whose address it is. */
const known = (segment: Vni, { address, mac, hostname }: FileLease, goal: LeaseGoal): readonly Lease[] => {
  const declared = goal.host.get(`${segment}/${address}`);
  const owner = mac ?? declared?.mac;
  if (owner === undefined) return [];
  const isOwn = declared?.mac === owner || mayLease(goal, segment, owner, address);
  return isOwn ? [{ segment, mac: owner, address, hostname: hostname === '' ? (declared?.hostname ?? '') : hostname }] : [];
};
