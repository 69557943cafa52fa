/**
 * Who is at the other end of each cable. One lldpd (IEEE 802.1AB) in every namespace that has ports of ours: it tells the
 * neighbours the name of this device and of the interface, and is asked now and then what they tell. No row depends on it, so
 * it is no part of a plan; like FRR it outlives the agent, which finds it again by its socket. It is no harm when it is not
 * installed: then nothing is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getOrMake } from '../../kit/maps.ts';
import type { GoalTables, LinkNeighbour } from '../driver.ts';
import type { LinuxActual, Place } from './model.ts';
import { inside } from './steps/step.ts';
import type { Runner } from './tools/tools.ts';

/** What to listen on: where ports are, and what the goal calls them. */
export const wiringOf = (actual: Pick<LinuxActual, 'items'>, goal: Pick<GoalTables, 'port' | 'system'>): LldpWiring => {
  const ports = new Map([...goal.port].map(([key, row]) => [row.interface, key]));
  const interfaces = new Map<Place, string[]>([['', []]]);
  for (const item of actual.items.values()) {
    if (item.kind !== 'port' || !ports.has(item.state.interface)) continue;
    getOrMake(interfaces, item.state.place, () => []).push(item.state.interface);
  }
  for (const names of interfaces.values()) names.sort();
  return { hostname: goal.system.get('self')?.hostname ?? '', interfaces, ports };
};

/** As of the last reading and the last plan. */
export interface LldpWiring {
  readonly hostname: string;
  /** Interfaces of ours by namespace. */
  readonly interfaces: ReadonlyMap<Place, readonly string[]>;
  /** Neutral name of a port by its interface. */
  readonly ports: ReadonlyMap<string, string>;
}

export interface LldpOptions {
  /** For sockets and pid files; open to other users, as lldpd begins when one of its own (`_lldpd`) has been at the socket. */
  readonly directory: string;
  readonly run: Runner;
  /** Between two messages to the neighbours; they forget this device after four times that. */
  readonly transmitSeconds: number;
  /** How often daemons are asked. Default as often as neighbours speak, but every 2 to 10 s. */
  readonly pollMilliseconds?: number;
}

/**
 * The pid file of lldpd itself is one for the whole machine, so it stays in the foreground of a process of its own. Started
 * twice it would take the socket from the one that runs, which takes a moment to answer.
 */
const foregroundDaemon = [
  'socket=$1 configuration=$2 file=$3',
  'if [ -e "$file" ] && read -r pid < "$file" && [ -n "$pid" ] && read -r name < "/proc/$pid/comm" && [ "$name" = lldpd ]; then exit; fi 2> /dev/null',
  'rm -f "$socket"',
  'setsid lldpd -d -i -k -u "$socket" -O "$configuration" < /dev/null > /dev/null 2>&1 &',
  'echo $! > "$file"',
].join('\n');

/** Times that a daemon does not answer before it is taken for stuck and ended. */
const patience = 10;

/** Interfaces that are not there when it starts are found later. */
const nothing = 'none';

export class Lldp {
  readonly #options: LldpOptions;
  readonly #abort = new AbortController();
  /** What the daemon of a namespace was told last; none: it is not known to run. */
  readonly #told = new Map<Place, string>();
  readonly #silences = new Map<Place, number>();
  #wiring: LldpWiring | undefined;
  #loop: Promise<void> | undefined;
  #under: Promise<void> = Promise.resolve();

  constructor(options: LldpOptions) {
    this.#options = options;
  }

  wired(wiring: LldpWiring): void {
    this.#wiring = wiring;
  }

  /** From now on tells who is there, whenever somebody was asked. */
  start(tell: (neighbours: readonly LinkNeighbour[]) => void): void {
    this.#loop ??= this.#run(tell);
  }

  /** Ends the daemon of a namespace, which would keep that alive. */
  async leave(place: Place): Promise<void> {
    await this.#exclusively(async () => {
      this.#told.delete(place);
      this.#silences.delete(place);
      if (this.#loop !== undefined) await this.#options.run(['pkill', '-F', this.#file(place, 'pid')]);
    });
  }

  /** Asks no more; daemons stay. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(tell: (neighbours: readonly LinkNeighbour[]) => void): Promise<void> {
    const { signal } = this.#abort;
    const installed = await this.#options.run(['lldpd', '-v']).catch(() => undefined);
    if (installed?.status !== 0) return;
    const { transmitSeconds, pollMilliseconds: pause = Math.min(10_000, Math.max(2000, transmitSeconds * 1000)) } = this.#options;
    while (!signal.aborted) {
      await this.#exclusively(async () => {
        const wiring = this.#wiring;
        if (wiring === undefined || wiring.hostname === '' || signal.aborted) return;
        const found = await this.#look(wiring);
        if (found !== undefined) tell(found);
      });
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** A namespace is left only when nobody is asked there, and the other way round. */
  #exclusively(action: () => Promise<void>): Promise<void> {
    this.#under = this.#under.then(action).catch(() => {});
    return this.#under;
  }

  /** Undefined while not everybody could be asked. */
  async #look({ hostname, interfaces, ports }: LldpWiring): Promise<readonly LinkNeighbour[] | undefined> {
    const found: LinkNeighbour[] = [];
    let whole = true;
    for (const [place, names] of interfaces) {
      const text = await this.#ask(place, hostname, names);
      if (text === undefined) whole = false;
      else found.push(...neighboursOf(text, ports));
    }
    return whole ? found : undefined;
  }

  async #ask(place: Place, hostname: string, names: readonly string[]): Promise<string | undefined> {
    const socket = this.#file(place, 'socket');
    const told = [hostname, ...names].join(' ');
    if (this.#told.get(place) !== told) await this.#settle(place, hostname, names, told);
    const { status, stdout } = await this.#options.run(['lldpcli', '-u', socket, '-f', 'keyvalue', 'show', 'neighbors', 'summary']);
    const silences = status === 0 ? 0 : (this.#silences.get(place) ?? 0) + 1;
    this.#silences.set(place, silences);
    if (status === 0) return stdout;
    this.#told.delete(place);
    // One that cannot run here, as in some containers, is not started again and again.
    if (silences % patience === 0) await this.#options.run(['pkill', '-KILL', '-F', this.#file(place, 'pid')]);
    if (silences % patience === 1) await this.#begin(place, hostname, names);
    return undefined;
  }

  /** Tells a daemon that runs what it is to do; one that does not is found out when it is asked. */
  async #settle(place: Place, hostname: string, names: readonly string[], told: string): Promise<void> {
    const commands = ['-u', this.#file(place, 'socket')];
    for (const line of this.#configuration(hostname, names)) {
      const { status } = await this.#options.run(['lldpcli', ...commands, ...line]);
      if (status !== 0) return;
    }
    this.#told.set(place, told);
  }

  async #begin(place: Place, hostname: string, names: readonly string[]): Promise<void> {
    const [socket, file, pid] = ['socket', 'conf', 'pid'].map((what) => this.#file(place, what));
    if (socket === undefined || file === undefined || pid === undefined) return;
    const lines = this.#configuration(hostname, names).map((words) => words.join(' '));
    await this.#options.run(['tee', file], `${lines.join('\n')}\n`);
    await this.#options.run(inside(place, ['sh', '-c', foregroundDaemon, 'sh', socket, file, pid]));
  }

  #configuration(hostname: string, names: readonly string[]): readonly (readonly string[])[] {
    return [
      ['configure', 'system', 'hostname', hostname],
      ['configure', 'lldp', 'portidsubtype', 'ifname'],
      ['configure', 'lldp', 'tx-interval', `${this.#options.transmitSeconds}`],
      ['configure', 'system', 'interface', 'pattern', names.length === 0 ? nothing : names.join(',')],
    ];
  }

  #file(place: Place, what: string): string {
    return `${this.#options.directory}/lldp${place === '' ? '' : `-${place}`}.${what}`;
  }
}

/**
 * Of `lldpcli -f keyvalue show neighbors`: lines such as `lldp.swp1.chassis.name=spine-1`, for every interface and, when there
 * are several neighbours behind one, several times over; the last stands. Names of interfaces may have dots.
 */
export const neighboursOf = (text: string, ports: ReadonlyMap<string, string>): LinkNeighbour[] => {
  const found = new Map<string, { system?: string; remotePort?: string }>();
  for (const line of text.split('\n')) {
    const [, name = '', member, value = ''] = /^lldp\.(.+)\.(chassis\.name|chassis\.mac|port\.ifname|port\.local|port\.mac)=(.*)$/.exec(line) ?? [];
    if (member === undefined) continue;
    const entry = found.get(name) ?? {};
    found.set(name, entry);
    if (member === 'chassis.mac') entry.system ??= value;
    else if (member === 'chassis.name') entry.system = value;
    else entry.remotePort = value;
  }
  return [...found].flatMap(([name, { system, remotePort }]) => {
    const port = ports.get(name);
    return port === undefined || system === undefined ? [] : [{ port, system, remotePort: remotePort ?? '' }];
  });
};
