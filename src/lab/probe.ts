/**
 * Sends probes between servers and finds out what became of them. An echo request counts as arrived only when its target
 * itself recorded that very request: VPCs may overlap, so that an answer alone proves nothing about who gave it, and a
 * request that arrives without an answer is a leak in one direction.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { run, tryRun } from '../kit/process.ts';
import { inside, labEnvironment, scripts } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { together } from './progress.ts';

export type Protocol = 'icmp' | 'tcp';
/** `oneway`: the request arrived and no answer came back. */
export type Verdict = 'allow' | 'deny' | 'oneway';

export interface Probe {
  readonly from: string;
  readonly to: string;
  /** IPv4 address that `to` has. */
  readonly address: string;
  readonly proto: Protocol;
}

/** Answers in the order of the probes. Takes about a second when one of them is not answered, however many there are. */
export const sendProbes = async (manifest: Manifest, probes: readonly Probe[], signal?: AbortSignal): Promise<Verdict[]> => {
  const first = randomInt(1, 0xffff);
  const numbered = probes.map((probe, key) => ({ ...probe, key, id: ((first + key) % 0xffff) + 1 }));
  const answers = new Map<number, string>();
  await together(
    [...Map.groupBy(numbered, ({ from }) => from)].map(async ([from, list]) => {
      const stdin = list.map(({ key, proto, address, id }) => `${key} ${proto} ${address} ${id}\n`).join('');
      const { stdout } = await run(inside(manifest, from, ['sh', join(scripts, 'probe.sh')]), options(manifest, stdin, signal));
      for (const line of stdout.trim().split('\n')) {
        const [key, answer = ''] = line.split(' ');
        answers.set(Number(key), answer);
      }
    }),
  );
  const targets = [...new Set(numbered.filter(({ proto }) => proto === 'icmp').map(({ to }) => to))];
  const arrived = new Map(
    await together(targets.map(async (node): Promise<[string, Set<number>]> => [node, await identifiersSeen(manifest, node, signal)])),
  );
  return numbered.map(({ key, to, proto, id }) => {
    const answer = answers.get(key);
    if (proto === 'tcp') return answer === to ? 'allow' : 'deny';
    if (arrived.get(to)?.has(id) !== true) return 'deny';
    return answer === 'reply' ? 'allow' : 'oneway';
  });
};

const options = (manifest: Manifest, stdin: string, signal: AbortSignal | undefined) => ({
  stdin,
  env: labEnvironment(manifest),
  cwd: '/',
  ...(signal === undefined ? {} : { signal }),
});

interface NftSet {
  readonly nftables: readonly { readonly set?: { readonly elem?: readonly { readonly elem: { readonly val: { readonly concat: readonly [string, number] } } }[] } }[];
}

/** Identifiers of the echo requests that reached a server in the last minute, replied to or not. */
const identifiersSeen = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Set<number>> => {
  const { stdout } = await run(inside(manifest, node, ['nft', '-j', 'list', 'set', 'inet', 'probe', 'seen']), options(manifest, '', signal));
  const { nftables } = JSON.parse(stdout) as NftSet;
  return new Set(nftables.flatMap(({ set }) => set?.elem?.map(({ elem }) => elem.val.concat[1]) ?? []));
};

interface Interface {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
}

/** IPv4 addresses of a server's ports, by the ports' names. Empty when it has none, or is down. */
export const addressesOf = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Map<string, string>> => {
  const { stdout, status } = await tryRun(inside(manifest, node, ['ip', '-4', '-j', 'addr', 'show']), options(manifest, '', signal));
  if (status !== 0) return new Map();
  return new Map(
    (JSON.parse(stdout || '[]') as readonly Interface[]).flatMap(({ ifname, addr_info }) => {
      const local = addr_info.find(({ scope }) => scope === 'global')?.local;
      return local === undefined ? [] : [[ifname, local]];
    }),
  );
};
