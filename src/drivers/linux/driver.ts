/** The driver of Linux switches with FRR. The agent runs in the switch's own namespaces; plain commands act on it. */
import { mkdir } from 'node:fs/promises';
import type { Driver, GoalTables, Plan } from '../driver.ts';
import { HeddleError } from '../../kit/error.ts';
import { optional } from '../../kit/json.ts';
import type { Address } from '../../net/brand.ts';
import { vlanPrograms } from './bpf/object.ts';
import { applyOps } from './apply.ts';
import { difference } from './difference.ts';
import { Lldp, wiringOf } from './lldp.ts';
import { LeaseWatch } from './leasewatch.ts';
import { LinkWatch } from './linkwatch.ts';
import type { LinuxActual } from './model.ts';
import { NextHopWatch } from './nexthopwatch.ts';
import { probe } from './probe.ts';
import { deviceMemory } from './memory.ts';
import type { EntryMemory } from './read/memory.ts';
import { reach } from './reach.ts';
import { readDevice } from './read/read.ts';
import { render } from './render/render.ts';
import { sessionWatch } from './sessionwatch.ts';
import type { Site } from './steps/step.ts';
import { deviceTools } from './tools/tools.ts';
import { underlayWatch } from './underlaywatch.ts';
import type { DeviceTools } from './tools/tools.ts';

export interface LinuxDriverOptions {
  /** Directory of this switch for configuration, sockets and pid files; made when missing. Absolute. */
  readonly runDirectory: string;
  /** User and group of the FRR daemons. Default `frr`. */
  readonly user?: string;
  /** What acts on the device; tests put in one that counts. Default: real ones of its own. */
  readonly tools?: DeviceTools;
  /** Between two messages by which neighbours know each other (LLDP). Default 5. */
  readonly lldpSeconds?: number;
}

/** Pure: what a switch must hold, against what it holds. */
export const planLinux = (actual: LinuxActual, goal: GoalTables, site: Site): Plan => {
  const { items, there, unrealisable } = render(goal, actual, site);
  return { ops: difference(there, items, site), unrealisable };
};

/** A device and a goal that were found equal, by what stands for them. */
interface Settled {
  readonly mark: string;
  readonly fingerprint: string;
}

/**
 * As `planLinux`; when entries and goal are those of `settled`, entries are taken as equal without being looked at, unless
 * something else is to be done, on which they may depend.
 */
export const planQuickly = (actual: LinuxActual, goal: GoalTables, site: Site, mark: string, settled: Settled | undefined): Plan => {
  if (settled?.mark === mark && settled.fingerprint === actual.fingerprint) {
    const { items, unrealisable } = render(goal, actual, site, false);
    const ops = difference(actual.items, items, site);
    if (ops.length === 0) return { ops, unrealisable };
  }
  return planLinux(actual, goal, site);
};

interface Remembered {
  /** Changed in place by every reading. */
  readonly entries: EntryMemory;
  readonly settled?: Settled;
}

const isEntry = (row: string): boolean => row.startsWith('host/') || row.startsWith('mapping/');

/** What stays in a namespace keeps it alive. */
const leaveAll = async (place: string | undefined, lldp: Lldp, tools: DeviceTools): Promise<void> => {
  if (place !== undefined) await lldp.leave(place);
  await tools.leave(place);
};

export const linuxDriver = (options: LinuxDriverOptions): Driver<LinuxActual> => {
  const site: Site = {
    directory: options.runDirectory,
    underlay: `/proc/${process.pid}/ns/net`,
    user: options.user ?? 'frr',
    ...optional('vlanPrograms', vlanPrograms()),
  };
  const device = options.tools ?? deviceTools();
  const lldp = new Lldp({ directory: site.directory, run: device.run, transmitSeconds: options.lldpSeconds ?? 5 });
  const leases = new LeaseWatch(site);
  const links = new LinkWatch();
  const sessions = sessionWatch(site.directory);
  const underlay = underlayWatch(site.directory);
  const tools: DeviceTools = { ...device, leave: (place) => leaveAll(place, lldp, device) };
  const nextHops = new NextHopWatch(tools.run);
  let capabilities: ReadonlySet<string> = new Set();
  const memory = deviceMemory<Remembered>(`${site.directory}/settled.json`);
  let remembered: Remembered = { entries: {} };
  let source: Address | undefined;
  return {
    name: 'linux',
    probe: async () => {
      for (const name of ['netns', 'dhcp']) await mkdir(`${site.directory}/${name}`, { recursive: true });
      const found = await probe(tools.run, site.vlanPrograms);
      remembered = (await memory.recall()) ?? remembered;
      capabilities = new Set(found);
      return found;
    },
    read: async () => {
      await memory.keep(remembered.settled === undefined ? undefined : remembered);
      return readDevice(site, capabilities, remembered.entries, tools.run);
    },
    plan: (actual, goal, mark) => {
      const { fingerprint } = actual;
      lldp.wired(wiringOf(actual, goal));
      leases.wanted(goal);
      links.wanted(goal);
      nextHops.wanted(goal);
      sessions.wanted(goal);
      underlay.wanted(goal);
      source = goal.vtep.get('self')?.address;
      if (mark === undefined || fingerprint === undefined) return planLinux(actual, goal, site);
      const word = mark();
      const plan = planQuickly(actual, goal, site, word, remembered.settled);
      const isSettled = plan.ops.length === 0 && !plan.unrealisable.some(({ row }) => isEntry(row));
      if (isSettled && (remembered.settled?.mark !== word || remembered.settled.fingerprint !== fingerprint)) {
        remembered = { ...remembered, settled: { mark: word, fingerprint } };
      }
      return plan;
    },
    apply: (ops) => applyOps(ops, tools),
    observe: (tell) => {
      lldp.start((neighbours) => tell({ neighbours }));
      leases.start((given) => tell({ leases: given }));
      sessions.start((known) => tell({ sessions: known }));
      underlay.start((known) => tell({ underlay: known }));
    },
    watch: (changed) => {
      links.start(changed);
      nextHops.start();
    },
    reach: async (targets, milliseconds) => {
      if (source === undefined) throw new HeddleError('Unavailable', 'this device has no VTEP');
      return reach(tools.run, source, targets, milliseconds);
    },
    close: async () => {
      links.stop();
      nextHops.stop();
      sessions.stop();
      underlay.stop();
      await Promise.all([lldp.stop(), leases.stop()]);
      await memory.keep(remembered.settled === undefined ? undefined : remembered);
      await tools.close();
    },
  };
};
