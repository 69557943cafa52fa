/** Everything on the device that is Heddle's, gathered by as few processes as it takes, all at once. */
import { readdir } from 'node:fs/promises';
import { netns, pair, ruleset, sysctl } from '../model.ts';
import type { Item, LinuxActual, PairEnd, Place } from '../model.ts';
import { forwardingSysctls } from '../render/sysctls.ts';
import { inside } from '../steps/step.ts';
import type { Site } from '../steps/step.ts';
import type { Runner } from '../tools/tools.ts';
import { readDhcp } from './dhcp.ts';
import { addNeighbour } from './entries.ts';
import type { Found, FoundNeighbour } from './entries.ts';
import { readAdvertised, readFrr } from './frr.ts';
import type { Candidate, FrrReading } from './frr.ts';
import { interpretPlace, readRawPlace } from './kernel.ts';
import type { PlaceFound, PlaceReading } from './kernel.ts';

/** More at once than this would only compete for the processors. */
const mostProcesses = 12;

export const readDevice = async (site: Site, capabilities: ReadonlySet<string>, runner: Runner): Promise<LinuxActual> => {
  const run = atMost(mostProcesses, runner);
  const names = await readdir('/run/netns').catch(() => []);
  const candidates = ['', ...names.filter((name) => /^vrf\d+$/.test(name))];
  const raws = Promise.all(candidates.map((place) => readRawPlace(place, run)));
  const settings = Promise.all(candidates.map((place) => readSettings(place, run)));
  const places = candidates.slice(1);
  const [frr, dhcp] = await Promise.all([readFrr(site, places, run), readDhcp(site, places)]);
  const usable = (await raws).flatMap((raw, index) => (raw === undefined ? [] : [[candidates[index] ?? '', raw] as const]));
  const entries: Found = new Map();
  const readings = usable.map(([place, raw]) => [place, interpretPlace(place, raw, entries)] as const);
  await addNeighbours(entries, readings, site, frr, run);
  const usableNames = new Set(usable.map(([place]) => place));
  const items = [
    ...places.filter((name) => usableNames.has(name)).map((name) => netns({ name })),
    ...(await settings).flatMap((found, index) => (usableNames.has(candidates[index] ?? '') ? found : [])),
    ...readings.flatMap(([, reading]) => reading.items),
    ...pairsOf(readings.map(([, reading]) => reading)),
    ...frr.items,
    ...dhcp,
  ];
  const unclaimed = readings.flatMap(([, reading]) => reading.unclaimed);
  return {
    items: new Map(items.map((item) => [item.key, item])),
    entries,
    unclaimed: new Map(unclaimed.map((state) => [state.interface, state])),
    capabilities,
  };
};

/** FRR is asked only for hosts at this device's ports: those behind VTEPs it never tells of. */
const addNeighbours = async (
  entries: Found, readings: readonly (readonly [Place, PlaceFound])[], site: Site, frr: FrrReading, run: Runner,
): Promise<void> => {
  const candidateOf = new Map<FoundNeighbour, Candidate>();
  for (const entry of frr.isRunning ? readings.flatMap(([, { local }]) => local) : []) {
    candidateOf.set(entry, { vni: entry.device.slice(2), address: entry.address, mac: entry.mac });
  }
  const told = candidateOf.size === 0 ? undefined : await readAdvertised(site, [...candidateOf.values()], run);
  for (const [place, { neighbours }] of readings) {
    for (const entry of neighbours) {
      const candidate = candidateOf.get(entry);
      addNeighbour(entries, place, entry, candidate !== undefined && told?.has(candidate) === true);
    }
  }
};

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

const readSettings = async (place: Place, run: Runner): Promise<readonly Item[]> => {
  const [values, table] = await Promise.all([
    run(inside(place, ['sysctl', '-e', ...sysctlNames])),
    place === '' ? undefined : run(inside(place, ['nft', 'list', 'table', 'inet', 'heddle'])),
  ]);
  const found = Object.fromEntries(values.stdout.split('\n').map((line) => line.split(' = ')).filter((words) => words.length === 2));
  return [
    // A setting that this kernel does not have cannot be wrong.
    { ...sysctl({ place, values: { ...forwardingSysctls, ...found } }), foreign: place === '' },
    ...(table?.status === 0 ? [ruleset({ place, text: table.stdout })] : []),
  ];
};
