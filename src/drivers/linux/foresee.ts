/**
 * The commands that lead a switch from one goal to another, when it is as the first one says: what the agent there would run. What
 * only the device knows is taken for usual: its cables have carrier, and its daemons run. Pure.
 */
import { commandLine } from '../../kit/commandline.ts';
import type { GoalTables } from '../driver.ts';
import { daemonNames } from './steps/daemon.ts';
import { dhcpPidFile } from './steps/dhcp.ts';
import { difference, type LinuxOp } from './difference.ts';
import type { Item, LinuxActual, PortState } from './model.ts';
import { render } from './render/render.ts';
import type { Site } from './steps/step.ts';

/** @param capabilities as the driver found them on the device (`Driver.probe`) */
export const foreseeLinux = (before: GoalTables, after: GoalTables, device: string, capabilities: Iterable<string>): readonly string[] => {
  const site: Site = { directory: `/run/heddle/${device}`, underlay: '/proc/1/ns/net', user: 'frr', vlanPrograms: 'vlan.bpf.o' };
  const blank: LinuxActual = { items: new Map(), unclaimed: portsOf(before, after), capabilities: new Set(capabilities) };
  const processes = new Processes(site);
  const items = new Map([...render(before, blank, site).items].map(([key, item]): [string, Item] => [key, processes.running(item)]));
  const there: LinuxActual = { ...blank, items };
  const wanted = render(after, there, site);
  return difference(wanted.there, wanted.items, site).map((op) => processes.named(typed(op)));
};

const portsOf = (...goals: readonly GoalTables[]): ReadonlyMap<string, PortState> =>
  new Map(goals.flatMap(({ port }) => [...port.values()]).map(({ interface: name }) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }]));

const typed = ({ argv, stdin }: LinuxOp): string => (stdin === undefined ? commandLine(argv) : `${commandLine(argv)} <<'END'\n${stdin.endsWith('\n') ? stdin : `${stdin}\n`}END`);

/** No process has such a number (Linux: at most 2^22). */
const firstNumber = 9_000_000_000;

/** Processes that run already, by numbers that stand for the files where theirs are. */
class Processes {
  readonly #site: Site;
  readonly #files: string[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  running(item: Item): Item {
    if (item.kind === 'dhcp') return { ...item, state: { ...item.state, pid: this.#numberOf(dhcpPidFile(this.#site, item.state.segment)) } };
    if (item.kind === 'daemons') return { ...item, state: { ...item.state, pids: daemonNames.map((name) => this.#numberOf(`${this.#site.directory}/${name}.pid`)) } };
    return item;
  }

  named(command: string): string {
    return this.#files.reduce((text, file, index) => text.replaceAll(`${firstNumber + index}`, `$(cat ${file})`), command);
  }

  #numberOf(file: string): number {
    return firstNumber + this.#files.push(file) - 1;
  }
}
