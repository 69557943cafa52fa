/** The driver of Linux switches with FRR. The agent runs in the switch's own namespaces; plain commands act on it. */
import { mkdir } from 'node:fs/promises';
import type { Driver, GoalTables, Plan } from '../driver.ts';
import { applyOps } from './apply.ts';
import { difference } from './difference.ts';
import type { LinuxActual } from './model.ts';
import { probe } from './probe.ts';
import { readDevice } from './read/read.ts';
import { render } from './render/render.ts';
import type { Site } from './steps/step.ts';
import { deviceTools } from './tools/tools.ts';
import type { DeviceTools } from './tools/tools.ts';

export interface LinuxDriverOptions {
  /** Directory of this switch for configuration, sockets and pid files; made when missing. Absolute. */
  readonly runDirectory: string;
  /** User and group of the FRR daemons. Default `frr`. */
  readonly user?: string;
  /** What acts on the device; tests put in one that counts. Default: real ones of its own. */
  readonly tools?: DeviceTools;
}

/** Pure: what a switch must hold, against what it holds. */
export const planLinux = (actual: LinuxActual, goal: GoalTables, site: Site): Plan => {
  const { items, there, unrealisable } = render(goal, actual, site);
  return { ops: difference(there, items, site), unrealisable };
};

export const linuxDriver = (options: LinuxDriverOptions): Driver<LinuxActual> => {
  const site: Site = {
    directory: options.runDirectory,
    underlay: `/proc/${process.pid}/ns/net`,
    user: options.user ?? 'frr',
  };
  const tools = options.tools ?? deviceTools();
  let capabilities: ReadonlySet<string> = new Set();
  return {
    name: 'linux',
    probe: async () => {
      for (const name of ['netns', 'dhcp']) await mkdir(`${site.directory}/${name}`, { recursive: true });
      const found = await probe(tools.run);
      capabilities = new Set(found);
      return found;
    },
    read: () => readDevice(site, capabilities, tools.run),
    plan: (actual, goal) => planLinux(actual, goal, site),
    apply: (ops) => applyOps(ops, tools),
    close: () => tools.close(),
  };
};
