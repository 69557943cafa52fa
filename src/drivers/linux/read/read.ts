/** Everything on the device that is Heddle's, gathered by as few processes as it takes, all at once. */
import { readdir } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { netns, pair, ruleset, sysctl } from '../model.ts';
import type { Item, LinuxActual, PairEnd, Place } from '../model.ts';
import { bridgedSysctls, forwardingSysctls } from '../render/sysctls.ts';
import { inside } from '../steps/step.ts';
import type { Site } from '../steps/step.ts';
import type { Runner } from '../tools/tools.ts';
import { readDhcp } from './dhcp.ts';
import { readAdvertised, readFrr } from './frr.ts';
import { interpretPairs, interpretPlace, isHardware, isSilent, readRawPlace } from './kernel.ts';
import type { PlaceReading, RawPlace } from './kernel.ts';
import { readEntries } from './memory.ts';
import { readTables } from './nft.ts';
import { readSubinterfaces, withGuards } from './subinterfaces.ts';
import type { EntryMemory } from './memory.ts';

/** More at once than this would only compete for the processors. */
const mostProcesses = 12;

export const readDevice = async (
  site: Site, capabilities: ReadonlySet<string>, memory: EntryMemory, runner: Runner,
): Promise<LinuxActual> => {
  const run = atMost(mostProcesses, runner);
  const names = await readdir('/run/netns').catch(() => []);
  const candidates = ['', ...names.filter((name) => /^vrf\d+$/.test(name))];
  const raws = Promise.all(candidates.map((place) => readRawPlace(place, run)));
  const settings = raws.then((found) => Promise.all(candidates.map((place, index) => readSettings(place, found[index], run))));
  const places = candidates.slice(1);
  const [frr, dhcp] = await Promise.all([readFrr(site, places, run), readDhcp(site, places)]);
  const usable = (await raws).flatMap((raw, index) => (raw === undefined ? [] : [[candidates[index] ?? '', raw] as const]));
  const subinterfaces = await readSubinterfaces(usable, run);
  const readings = usable.map(([place, raw]) => {
    const reading = interpretPlace(place, raw, subinterfaces.names);
    return { place, raw, ...reading, items: [...withGuards(reading.items, subinterfaces), ...(subinterfaces.items.get(place) ?? [])] };
  });
  const entries = await readEntries(readings, memory, (hosts) => (frr.isRunning ? readAdvertised(site, hosts, run) : new Set()));
  const usableNames = new Set(usable.map(([place]) => place));
  const items = [
    ...places.filter((name) => usableNames.has(name)).map((name) => netns({ name })),
    ...(await settings).flatMap((found, index) => (usableNames.has(candidates[index] ?? '') ? found : [])),
    ...readings.flatMap((reading) => reading.items),
    ...usable.flatMap(([place, raw]) => interpretPairs(place, raw)),
    ...pairsOf(readings),
    ...frr.items,
    ...dhcp,
  ];
  const unclaimed = readings.flatMap((reading) => reading.unclaimed);
  return {
    items: new Map(items.map((item) => [item.key, item])),
    ...entries,
    ...(entries.fingerprint === undefined ? {} : { fingerprint: `${entries.fingerprint} ${leaseMark(dhcp)}` }),
    unclaimed: new Map(unclaimed.map((state) => [state.interface, state])),
    silent: new Set(usable.flatMap(([, { links }]) => links.filter(isSilent).map(({ ifname }) => ifname))),
    hardware: new Set(usable.flatMap(([, { links }]) => links.filter(isHardware).map(({ ifname }) => ifname))),
    capabilities,
  };
};

/** Machines that nobody declared have neighbours by their leases. */
const leaseMark = (items: readonly Item[]): number => crc32(items.map((item) => (item.kind === 'dhcp' ? JSON.stringify(item.state.leases) : '')).join());

/** The same runner with a limit on how many commands run at once; the rest wait their turn. */
const atMost = (limit: number, runner: Runner): Runner => {
  const turns: (() => void)[] = [];
  let running = 0;
  return async (argv, stdin) => {
    if (running >= limit) await new Promise<void>((resolve) => turns.push(resolve));
    else running += 1;
    try {
      return await runner(argv, stdin);
    } finally {
      const next = turns.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};

const pairsOf = (readings: readonly PlaceReading[]): readonly Item[] => {
  const pairs = new Map<string, { low?: PairEnd; high?: PairEnd }>();
  for (const [key, side, end] of readings.flatMap(({ pairEnds }) => pairEnds)) pairs.set(key, { ...pairs.get(key), [side]: end });
  return [...pairs].map(([key, { low, high }]) => pair(key, { low, high }));
};

const sysctlNames = Object.keys(forwardingSysctls);

const readSettings = async (place: Place, raw: RawPlace | undefined, run: Runner): Promise<readonly Item[]> => {
  if (raw === undefined) return [];
  const bridges = place === '' ? [] : raw.links.map(({ ifname }) => ifname).filter((name) => /^br\d+$/.test(name));
  const [values, tables] = await Promise.all([
    run(inside(place, ['sysctl', '-e', ...sysctlNames, ...bridges.flatMap((name) => Object.keys(bridgedSysctls(name)))])),
    place === '' ? {} : readTables(place, run),
  ]);
  const found: Readonly<Record<string, string>> = Object.fromEntries(values.stdout.split('\n').map((line) => line.split(' = ')).filter((words) => words.length === 2));
  return [
    // A setting that this kernel does not have cannot be wrong.
    { ...sysctl({ place, values: { ...forwardingSysctls, ...pick(found, sysctlNames) } }), foreign: place === '' },
    ...bridges.flatMap((device) => readBridgeSettings(place, device, found)),
    ...(Object.keys(tables).length > 0 ? [ruleset({ place, tables })] : []),
  ];
};

const pick = (values: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])));

/** Settings that are the kernel's own are nothing of Heddle's. */
const readBridgeSettings = (place: Place, device: string, found: Readonly<Record<string, string>>): readonly Item[] => {
  const usual = bridgedSysctls(device);
  const values = { ...usual, ...pick(found, Object.keys(usual)) };
  return Object.entries(usual).every(([name, value]) => values[name] === value) ? [] : [sysctl({ place, device, values })];
};
