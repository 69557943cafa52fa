/** FRR's running configuration and what EVPN advertises, read with one vtysh. */
import { HeddleError } from '../../../kit/error.ts';
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
import type { Advertised } from './kernel.ts';

export interface FrrReading {
  readonly items: readonly Item[];
  readonly advertised: Advertised;
}

interface ArpEntry {
  readonly type?: string;
  readonly mac?: string;
  /** `inactive`: zebra knows the neighbour but not that its MAC address is at a port, and tells nobody. */
  readonly state?: string;
}

type ArpCache = Readonly<Record<string, Readonly<Record<string, number | ArpEntry>>>>;

/** `places`: the VRFs whose namespaces exist. */
export const readFrr = async (site: Site, places: readonly Place[], run: Runner): Promise<FrrReading> => {
  const found = await Promise.all(daemonNames.map((name) => aliveProcess(`${site.directory}/${name}.pid`)));
  const pids = found.filter((pid) => pid !== undefined);
  if (pids.length < daemonNames.length) return stopped(pids);
  const { argv } = vtysh(site, 'show running-config', 'show evpn arp-cache vni all json');
  const output = await run(argv);
  if (output.status !== 0) throw new HeddleError('Unavailable', `FRR does not answer: ${output.stderr.trim()}`);
  const [configuration = '', cache = '{}'] = output.stdout.split(/^end$/m);
  return interpretFrr(parseConfiguration(configuration), JSON.parse(cache.trim() || '{}'), new Set(places), pids);
};

const stopped = (pids: readonly number[]): FrrReading => ({
  items: pids.length === 0 ? [] : [daemons({ hostname: '', running: false, pids })],
  advertised: () => false,
});

export const interpretFrr = (
  contexts: readonly Context[], cache: ArpCache, places: ReadonlySet<Place>, pids: readonly number[],
): FrrReading => {
  // bgpd 8.4 never lets go of an instance whose namespace vanished, and VRFs made later do not redistribute: only a
  // restart helps, after which everything else is as if never configured.
  if (contexts.some((context) => isOrphan(context, places))) return stopped(pids);
  const entry = (vni: string, address: string): ArpEntry | undefined => {
    const found = cache[vni]?.[address];
    return typeof found === 'object' ? found : undefined;
  };
  return {
    items: [daemons({ hostname: '', running: true, pids }), ...knownVrfs(contexts), ...ownContexts(contexts)],
    advertised: (vni, address, mac) => {
      const found = entry(vni, address);
      return found?.type === 'local' && found.state !== 'inactive' && found.mac === mac;
    },
  };
};

const isOrphan = ({ path: [top = ''] }: Context, places: ReadonlySet<Place>): boolean => {
  const name = /^router bgp \d+ vrf (vrf\d+)$/.exec(top)?.[1];
  return name !== undefined && !places.has(name);
};

const knownVrfs = (contexts: readonly Context[]): readonly Item[] =>
  contexts.flatMap(({ path: [top = ''] }) => {
    const name = /^vrf (vrf\d+)$/.exec(top)?.[1];
    return name === undefined ? [] : [known({ name })];
  });

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
    const vrf = /^vrf (vrf\d+)$/.exec(top)?.[1];
    if (vrf === undefined) return [];
    const own = lines.filter((line) => !line.startsWith('netns '));
    return own.length > 0 ? [frrContext(path, own, asnOf.get(vrf))] : [];
  });
};
