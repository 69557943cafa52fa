/** FRR's running configuration, and which hosts EVPN tells other leaves of. */
import { HeddleError } from '../../../kit/error.ts';
import { addMember } from '../../../kit/maps.ts';
import type { Runner } from '../tools/tools.ts';
import { frrContext } from '../frr/context.ts';
import { parseConfiguration } from '../frr/parse.ts';
import type { Context } from '../frr/parse.ts';
import { daemons, known } from '../model.ts';
import type { Item, Place } from '../model.ts';
import { daemonNames } from '../steps/daemon.ts';
import { vtysh } from '../steps/step.ts';
import type { Site } from '../steps/step.ts';
import { aliveProcess } from './processes.ts';

export interface FrrReading {
  readonly items: readonly Item[];
  /** False also while it runs but has to be restarted. */
  readonly isRunning: boolean;
}

/** A host that zebra may tell other leaves of. */
export interface Candidate {
  readonly vni: string;
  readonly address: string;
  readonly mac: string;
}

interface ArpEntry {
  readonly type?: string;
  readonly mac?: string;
  /** `inactive`: zebra knows the neighbour but not that its MAC address is at a port, and tells nobody. */
  readonly state?: string;
}

/** `places`: the VRFs whose namespaces exist. */
export const readFrr = async (site: Site, places: readonly Place[], run: Runner): Promise<FrrReading> => {
  const found = await Promise.all(daemonNames.map((name) => aliveProcess(`${site.directory}/${name}.pid`)));
  const pids = found.filter((pid) => pid !== undefined);
  if (pids.length < daemonNames.length) return stopped(pids);
  const { status, stdout, stderr } = await run(vtysh(site, 'show running-config').argv);
  if (status !== 0) throw new HeddleError('Unavailable', `FRR does not answer: ${stderr.trim()}`);
  return interpretFrr(parseConfiguration(stdout), new Set(places), pids);
};

const stopped = (pids: readonly number[]): FrrReading => ({
  items: pids.length === 0 ? [] : [daemons({ hostname: '', running: false, pids })],
  isRunning: false,
});

export const interpretFrr = (contexts: readonly Context[], places: ReadonlySet<Place>, pids: readonly number[]): FrrReading => {
  // bgpd 8.4 never lets go of an instance whose namespace vanished, and VRFs made later do not redistribute: only a
  // restart helps, after which everything else is as if never configured.
  if (contexts.some((context) => isOrphan(context, places))) return stopped(pids);
  return { items: [daemons({ hostname: '', running: true, pids }), ...knownVrfs(contexts), ...ownContexts(contexts)], isRunning: true };
};

/** More hosts of one segment than this are asked for all at once, with everything else that zebra knows of the segment. */
const mostAsked = 100;

/** Those that other leaves are told of. zebra lists all neighbours of a segment, mappings too, so a few are asked for by name. */
export const readAdvertised = async (
  site: Site, candidates: readonly Candidate[], run: Runner,
): Promise<ReadonlySet<Candidate>> => {
  const ask = async (question: string): Promise<object> => {
    const { status, stdout } = await run(vtysh(site, `show evpn arp-cache vni ${question} json`).argv);
    return status !== 0 || stdout.trim() === '' ? {} : JSON.parse(stdout);
  };
  const bySegment = new Map<string, Set<Candidate>>();
  for (const candidate of candidates) addMember(bySegment, candidate.vni, candidate);
  const told = new Set<Candidate>();
  await Promise.all([...bySegment].map(async ([vni, hosts]) => {
    const all: Readonly<Record<string, ArpEntry>> | undefined = hosts.size > mostAsked ? { ...(await ask(vni)) } : undefined;
    await Promise.all([...hosts].map(async (host) => {
      if (isTold(all === undefined ? await ask(`${vni} ip ${host.address}`) : all[host.address], host.mac)) told.add(host);
    }));
  }));
  return told;
};

const isTold = (entry: ArpEntry | undefined, mac: string): boolean =>
  entry?.type === 'local' && entry.state !== 'inactive' && entry.mac === mac;

const isOrphan = ({ path: [top = ''] }: Context, places: ReadonlySet<Place>): boolean => {
  const name = /^router bgp \d+ vrf (vrf\d+)$/.exec(top)?.[1];
  return name !== undefined && !places.has(name);
};

const knownVrfs = (contexts: readonly Context[]): readonly Item[] =>
  contexts.flatMap(({ path: [top = ''] }) => {
    const name = /^vrf (vrf\d+)$/.exec(top)?.[1];
    return name === undefined ? [] : [known({ name })];
  });

/** Lists that begin with the name of a VRF, or of the fabric. */
const ownList = /^((ip prefix-list|ipv6 prefix-list|bgp community-list standard) vrf\d+-|mac access-list FAB-)/;

/** Contexts that Heddle renders; anything else in FRR belongs to somebody else. */
const ownContexts = (contexts: readonly Context[]): readonly Item[] => {
  const foreign = !contexts.some(({ lines }) => lines.includes('neighbor FAB peer-group'));
  const asnOf = new Map(contexts.flatMap(({ path: [top = ''] }) => {
    const match = /^router bgp (\d+) vrf (\S+)$/.exec(top);
    return match === null ? [] : [[match[2] ?? '', match[1] ?? ''] as const];
  }));
  return contexts.flatMap(({ path, lines }): readonly Item[] => {
    const [top = '', second = ''] = path;
    if (/^router bgp \d+$/.test(top)) return [frrContext(path, lines, '', foreign)];
    if (/^router bgp \d+ vrf vrf\d+$/.test(top)) return [frrContext(path, lines)];
    if (top === 'bfd' && /^profile FAB\d*$/.test(second)) return [frrContext(path, lines)];
    if (/^route-map (FAB|vrf\d+)-\S+ (permit|deny) \d+$/.test(top) || ownList.test(top)) return [frrContext(path, lines)];
    const vrf = /^vrf (vrf\d+)$/.exec(top)?.[1];
    if (vrf === undefined) return [];
    const own = lines.filter((line) => !line.startsWith('netns '));
    return own.length > 0 ? [frrContext(path, own, asnOf.get(vrf))] : [];
  });
};
