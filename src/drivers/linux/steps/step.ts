/**
 * One command of a step list, before it gets a key and its place in a plan, and the few commands all steps are made of.
 */
import type { Place } from '../model.ts';

export interface Step {
  readonly argv: readonly [string, ...string[]];
  readonly stdin?: string;
  /** Repeat until the output has a line that matches each of these regular expressions. */
  readonly until?: readonly string[];
  /** Repeat while it fails: another process must first notice something. */
  readonly patient?: boolean;
  /** Already done when this path is a mounted namespace. */
  readonly unlessNamespace?: string;
  /** Already done when the processes of all these pid files run; see read/processes.ts. */
  readonly unlessAlive?: readonly string[];
}

/** Where a device keeps what Heddle needs to run; part of commands, so part of planning. */
export interface Site {
  /** Directory for configuration, sockets, process ids and namespaces of this switch. */
  readonly directory: string;
  /** Path of the network namespace the agent runs in, to which ports return. */
  readonly underlay: string;
  /** User and group of the FRR daemons. */
  readonly user: string;
  /** File with the programs for VLAN tags; see bpf/. */
  readonly vlanPrograms?: string;
}

/** What can be done to one kind of item. */
export interface Steps<State> {
  create(state: State, site: Site): readonly Step[];
  /** Makes it where it may still be, because something it needs is made anew; left out, as `create`. */
  again?(state: State, site: Site): readonly Step[];
  /** Undefined: it can only be replaced. */
  change(from: State, to: State, site: Site): readonly Step[] | undefined;
  remove(state: State, site: Site, replaced: boolean): readonly Step[];
  /** Left out, states are the same when their JSON is. */
  same?(from: State, to: State): boolean;
  /** Creating it over an existing one replaces that. */
  readonly overwrites?: boolean;
}

export const ip = (place: Place, ...words: readonly string[]): Step => ({
  argv: place === '' ? ['ip', ...words] : ['ip', '-n', place, ...words],
});

export const bridgeTool = (place: Place, ...words: readonly string[]): Step => ({
  argv: place === '' ? ['bridge', ...words] : ['bridge', '-n', place, ...words],
});

/** A command inside a VRF; `ip netns exec` would remount /sys as well and takes twice as long. */
export const inside = (place: Place, argv: readonly [string, ...string[]]): readonly [string, ...string[]] =>
  place === '' ? argv : ['nsenter', `--net=/run/netns/${place}`, ...argv];

export const vtysh = (site: Site, ...commands: readonly string[]): Step => ({
  argv: ['vtysh', '--vty_socket', site.directory, ...commands.flatMap((command) => ['-c', command])],
});

export const configure = (site: Site, ...lines: readonly string[]): Step => vtysh(site, 'configure terminal', ...lines);
