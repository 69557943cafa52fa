/**
 * What `vtysh --vty_socket DIR -c … -c …` does, without the process: sends every line to the daemon it belongs to, as vtysh
 * 8.4 does, and stops at the first that fails. Knows the commands that the driver uses; others it leaves to vtysh.
 */
import { HeddleError } from '../../../kit/error.ts';
import type { Argv, Output } from '../../../kit/process.ts';
import { VtyConnection } from './vty.ts';

export type Daemon = 'zebra' | 'bfdd' | 'bgpd';

/** In the order in which vtysh prints what they answer. */
const all: readonly Daemon[] = ['zebra', 'bfdd', 'bgpd'];

const configurable: readonly (readonly [RegExp, Daemon])[] = [
  [/^(no )?vrf \S+$/, 'zebra'],
  [/^(no )?router bgp /, 'bgpd'],
  [/^(no )?route-map /, 'bgpd'],
  [/^(no )?(ip|ipv6) prefix-list /, 'bgpd'],
  [/^(no )?bgp community-list /, 'bgpd'],
  [/^(no )?mac access-list /, 'bgpd'],
  [/^(no )?bfd$/, 'bfdd'],
];
const showable: readonly (readonly [RegExp, readonly Daemon[]])[] = [
  [/^show running-config$/, all],
  [/^show (evpn|vrf)( |$)/, ['zebra']],
  [/^(show|clear) bgp /, ['bgpd']],
];

export interface Routed {
  readonly line: string;
  readonly daemons: readonly Daemon[];
}

/** Which daemons each line is for; undefined when a line is none of ours. Pure. */
export const route = (lines: readonly string[]): readonly Routed[] | undefined => {
  const routed: Routed[] = [];
  let context: Daemon | undefined;
  let configuring = false;
  for (const [index, line] of lines.entries()) {
    if (line === 'end' && configuring) {
      configuring = false;
      continue;
    }
    if (line === 'configure terminal') {
      configuring = true;
      context = undefined;
      continue;
    }
    const entered = configuring ? configurable.find(([pattern]) => pattern.test(line))?.[1] : undefined;
    const fresh = configuring && lines[index - 1] === 'configure terminal';
    if (fresh && entered === undefined) return undefined;
    if (fresh) context = entered;
    const daemons = context === undefined || !configuring ? showable.find(([pattern]) => pattern.test(line))?.[1] : [context];
    if (daemons === undefined) return undefined;
    if (fresh) routed.push({ line: 'configure terminal', daemons });
    routed.push({ line, daemons });
    if (configuring && (lines[index + 1] === undefined || lines[index + 1] === 'end')) routed.push({ line: 'end', daemons });
  }
  return routed;
};

const success: ReadonlySet<number> = new Set([0 /* CMD_SUCCESS */, 10 /* CMD_SUCCESS_DAEMON */]);
/** What vtysh prints for these, which daemons leave to it. */
const complaints: ReadonlyMap<number, string> = new Map([
  [2, '% Unknown command: '],
  [3, '% Ambiguous command: '],
  [4, '% Command incomplete: '],
]);

export class FrrShell {
  readonly #connections = new Map<string, VtyConnection>();

  /** Undefined when only vtysh itself knows what to do. Fails never: that a daemon does not answer is an exit status too. */
  async run([, flag, directory = '', ...rest]: Argv): Promise<Output | undefined> {
    const lines = rest.filter((_, index) => index % 2 === 1);
    const routed = flag === '--vty_socket' ? route(lines) : undefined;
    if (routed === undefined) return undefined;
    let stdout = '';
    try {
      for (const [index, { line, daemons }] of routed.entries()) {
        const { text, failed } = await this.#ask(directory, line, daemons);
        stdout += text;
        if (!failed) continue;
        const end = routed.slice(index).find(({ line: later }) => later === 'end');
        if (end !== undefined) await this.#ask(directory, 'end', end.daemons);
        return { status: 1, stdout, stderr: '' };
      }
      return { status: 0, stdout, stderr: '' };
    } catch (error) {
      return { status: 1, stdout: '', stderr: HeddleError.from(error).message };
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #ask(directory: string, line: string, daemons: readonly Daemon[]): Promise<{ text: string; failed: boolean }> {
    const answers = await Promise.all(daemons.map((daemon) => this.#connection(`${directory}/${daemon}.vty`).ask(line)));
    const failed = answers.find(({ status }) => !success.has(status));
    const complaint = failed === undefined ? undefined : complaints.get(failed.status);
    // Each daemon ends its part of the configuration as if it were all of it.
    const texts = answers.map(({ text }) => (line === 'show running-config' ? text.replace(/^end\s*$/m, '') : text));
    const text = `${texts.join('')}${complaint === undefined ? '' : `${complaint}${line}\n`}${line === 'show running-config' ? 'end\n' : ''}`;
    return { text, failed: failed !== undefined };
  }

  #connection(path: string): VtyConnection {
    const found = this.#connections.get(path) ?? new VtyConnection(path);
    this.#connections.set(path, found);
    return found;
  }
}
