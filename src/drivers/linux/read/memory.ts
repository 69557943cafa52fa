/**
 * Many forwarding entries, read again and again, are nearly always what they were the last time. The tools print them in the
 * same order then, so a checksum of the text shows it, and what was found out about them need not be found out again.
 */
import { crc32 } from 'node:zlib';
import { Entries } from '../entries.ts';
import type { LinuxActual, Place } from '../model.ts';
import { addNeighbour } from './entries.ts';
import type { FoundNeighbour } from './entries.ts';
import type { Candidate } from './frr.ts';
import { interpretEntries } from './kernel.ts';
import type { PlaceNeighbours, PlaceReading, RawPlace } from './kernel.ts';

/** Text of so many characters is worth a checksum. */
const manyCharacters = 256 * 1024;
/** Hosts at ports that are worth remembering. */
const mostHosts = 10_000;

/** What is remembered of the entries that were read last. */
export interface EntryMemory {
  /** Checksum of their text. */
  text?: string | undefined;
  /** Those that FRR may tell others of, in the order in which they were found. */
  hosts?: readonly Candidate[] | undefined;
}

export interface PlaceToRead extends PlaceReading {
  readonly place: Place;
  readonly raw: RawPlace;
}

type Told = (hosts: readonly Candidate[]) => Promise<ReadonlySet<Candidate>> | ReadonlySet<Candidate>;

/** `told` answers which hosts FRR tells others of; it is asked every time. */
export const readEntries = async (
  readings: readonly PlaceToRead[], memory: EntryMemory, told: Told,
): Promise<Pick<LinuxActual, 'entries' | 'fingerprint'>> => {
  const text = checksumOf(readings);
  const isKnown = text !== undefined && text === memory.text && memory.hosts !== undefined;
  const parsed = isKnown ? undefined : parse(readings);
  const hosts = isKnown ? (memory.hosts ?? []) : (parsed?.hosts ?? []);
  const advertised = hosts.length === 0 ? new Set<Candidate>() : await told(hosts);
  memory.text = text;
  memory.hosts = text === undefined || hosts.length > mostHosts ? undefined : hosts;
  const silent = hosts.flatMap((host, index) => (advertised.has(host) ? [] : [index]));
  let left: readonly PlaceToRead[] = readings;
  let made: Entries | undefined;
  const entries = (): Entries => {
    made ??= complete(parsed ?? parse(left), new Set(silent));
    left = [];
    return made;
  };
  return text === undefined ? { entries } : { entries, fingerprint: `${text} ${crc32(silent.join())}` };
};

/** CRC-32 of both ends of every text and of the whole: accidents, not adversaries, are what it is to find. */
const checksumOf = (readings: readonly PlaceToRead[]): string | undefined => {
  const length = readings.reduce((sum, { raw }) => sum + raw.neighbours.length + raw.stations.length, 0);
  if (length < manyCharacters) return undefined;
  const sums = readings.map(({ place, raw, items }) => {
    const ports = items.flatMap((item) => (item.kind === 'port' || item.kind === 'subinterface' ? [item.key] : [])).join();
    const texts = [raw.neighbours, raw.stations].map((text) => `${text.length}.${crc32(text)}.${crc32(text, 1)}`);
    return `${place} ${texts.join(' ')} ${ports}`;
  });
  return sums.join(';');
};

interface Parsed {
  readonly entries: Entries;
  readonly neighbours: readonly (PlaceNeighbours & { readonly place: Place })[];
  readonly hosts: readonly Candidate[];
}

const parse = (readings: readonly PlaceToRead[]): Parsed => {
  const entries = new Entries();
  const neighbours = readings.map(({ place, raw, items }) => ({ place, ...interpretEntries(place, raw, items, entries) }));
  return { entries, neighbours, hosts: neighbours.flatMap(({ local }) => local.map(candidateOf)) };
};

const candidateOf = ({ device, address, mac }: FoundNeighbour): Candidate => ({ vni: device.slice('br'.length), address, mac });

/** `silent`: numbers of the hosts that FRR does not tell others of. */
const complete = ({ entries, neighbours }: Parsed, silent: ReadonlySet<number>): Entries => {
  let number = 0;
  for (const { place, all, local } of neighbours) {
    const told = new Set(local.filter(() => !silent.has(number++)));
    for (const entry of all) addNeighbour(entries, place, entry, told.has(entry));
  }
  return entries;
};
