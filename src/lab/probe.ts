/**
 * Sends probes between nodes and finds out what became of them. A probe counts as arrived only when its target itself
 * recorded that very one: VPCs may overlap, so that an answer alone proves nothing about who gave it, and a request that
 * arrives without an answer is a leak in one direction.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { run, tryRun, type Argv } from '../kit/process.ts';
import { inside, labEnvironment, scripts } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { together } from './progress.ts';
import { usualPorts, type Service, type Verdict } from './service.ts';

export interface Probe {
  readonly from: string;
  readonly to: string;
  /** Address that `to` has. */
  readonly address: string;
  /** Address that it is sent from; left out, the node chooses. */
  readonly source?: string;
  readonly service: Service;
}

interface NumberedProbe extends Probe {
  readonly key: number;
  /** Identifier of the echo request, or source port. */
  readonly id: number;
}

/** Answers in the order of the probes. Takes about a second when one of them is not answered, however many there are. */
export const sendProbes = async (manifest: Manifest, probes: readonly Probe[], signal?: AbortSignal): Promise<Verdict[]> => {
  const numbered = probes.map((probe, key): NumberedProbe => ({ ...probe, key, id: nextId() }));
  const answers = new Map((await together([...Map.groupBy(numbered, ({ from }) => from)].map(([from, list]) => sendFrom(manifest, from, list, signal)))).flat());
  const targets = [...new Set(numbered.map(({ to }) => to))];
  const arrived = new Map(await together(targets.map(async (node): Promise<[string, Set<string>]> => [node, await probesSeen(manifest, node, signal)])));
  return numbered.map((probe) => {
    const answer = answers.get(probe.key);
    // What was not sent proves nothing, least of all that it must not pass.
    if (answer === undefined) throw new HeddleError('Internal', `"${probe.from}" did not send its probe to "${probe.to}"`);
    if (arrived.get(probe.to)?.has(`${probe.service.proto} ${probe.id}`) !== true) return 'deny';
    return answer === (probe.service.proto === 'icmp' ? 'reply' : probe.to) ? 'allow' : 'oneway';
  });
};

/**
 * Source ports and identifiers 40000 to 59999, as the clock goes, so that probes of several programs differ; targets
 * forget them after 20 s.
 */
const [firstId, ids] = [40_000, 20_000];
let latest = 0;

const nextId = (): number => {
  latest = Math.max(latest + 1, Math.floor(systemClock.now()));
  return firstId + (latest % ids);
};

type Answers = readonly (readonly [number, string])[];

const sendFrom = async (manifest: Manifest, from: string, list: readonly NumberedProbe[], signal?: AbortSignal): Promise<Answers> => {
  const [echoes, others] = [list.filter(({ service }) => service.proto === 'icmp'), list.filter(({ service }) => service.proto !== 'icmp')];
  const echoLines = echoes.map(({ key, address, id, source = '-' }) => `${key} ${address} ${id} ${source}\n`);
  const otherLines = others.map(({ key, address, id, source = '-', service: { proto, port } }) => {
    const usual = proto === 'tcp' ? usualPorts.tcp : usualPorts.udp;
    return `${key} ${proto} ${address} ${port ?? usual} ${id} ${source}\n`;
  });
  const answers = await together([
    ask(manifest, from, ['sh', join(scripts, 'probe.sh')], echoLines, signal),
    ask(manifest, from, [process.execPath, '--disable-warning=ExperimentalWarning', prober()], otherLines, signal),
  ]);
  return answers.flat();
};

/** The prober's bundle where this very file is in one. */
const prober = (): string => {
  const bundle = join(scripts, 'heddle-prober.mjs');
  return existsSync(bundle) ? bundle : join(scripts, 'prober.ts');
};

const ask = async (manifest: Manifest, node: string, argv: Argv, lines: readonly string[], signal?: AbortSignal): Promise<Answers> => {
  if (lines.length === 0) return [];
  const { stdout } = await run(inside(manifest, node, argv), options(manifest, lines.join(''), signal));
  return stdout.trim().split('\n').map((line) => {
    const [key, answer = ''] = line.split(' ');
    return [Number(key), answer];
  });
};

const options = (manifest: Manifest, stdin: string, signal: AbortSignal | undefined) => ({
  stdin,
  env: labEnvironment(manifest),
  cwd: '/',
  ...(signal === undefined ? {} : { signal }),
});

interface NftSets {
  readonly nftables: readonly {
    readonly set?: { readonly name: string; readonly elem?: readonly { readonly elem: { readonly val: { readonly concat: readonly [string, number] } } }[] };
  }[];
}

/** `<protocol> <id>` of the probes that reached a node in the last seconds, replied to or not. */
const probesSeen = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Set<string>> => {
  const { stdout } = await run(inside(manifest, node, ['nft', '-j', 'list', 'table', 'inet', 'probe']), options(manifest, '', signal));
  const { nftables } = JSON.parse(stdout) as NftSets;
  return new Set(
    nftables.flatMap(
      ({ set }) => set?.elem?.map(({ elem: { val: { concat: [first, id] } } }) => `${set.name === 'ports' ? first : 'icmp'} ${id}`) ?? [],
    ),
  );
};

interface Interface {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly scope: string; readonly tentative?: boolean }[];
}

/** Addresses of both families of a node's interfaces, by their names. Empty when it has none, or is down. */
export const addressesOf = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Map<string, readonly string[]>> => {
  const { stdout, status } = await tryRun(inside(manifest, node, ['ip', '-j', 'addr', 'show']), options(manifest, '', signal));
  if (status !== 0) return new Map();
  return new Map(
    (JSON.parse(stdout || '[]') as readonly Interface[]).flatMap(({ ifname, addr_info }): [string, readonly string[]][] => {
      // A tentative address (RFC 4862) cannot be used yet.
      const locals = addr_info.filter(({ scope, tentative }) => scope === 'global' && tentative !== true).map(({ local }) => local);
      return locals.length === 0 ? [] : [[ifname, locals]];
    }),
  );
};
