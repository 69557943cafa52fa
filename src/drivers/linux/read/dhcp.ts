/** The dnsmasq processes that Heddle started, one a segment, found through their files. */
import { readFile, readdir, stat } from 'node:fs/promises';
import type { Vni } from '../../../net/brand.ts';
import { dhcp } from '../model.ts';
import type { Item, Place } from '../model.ts';
import { dhcpDirectory, dhcpHostsFile, dhcpLeaseFile, dhcpPidFile } from '../steps/dhcp.ts';
import type { Site } from '../steps/step.ts';
import { parseLeases } from './leases.ts';
import { aliveProcess, argumentsOf } from './processes.ts';

export const readDhcp = async (site: Site, places: readonly Place[]): Promise<readonly Item[]> => {
  const segments = await dhcpSegments(site);
  if (segments.length === 0) return [];
  const inodes = new Map<number, Place>();
  for (const place of places) inodes.set(await inode(`/run/netns/${place}`), place);
  return Promise.all(segments.map((segment) => readOne(site, segment, inodes)));
};

/** Segments, and VRFs of which something is relayed, that there are files of. */
export const dhcpSegments = async (site: Site): Promise<readonly Vni[]> => {
  const names = await readdir(dhcpDirectory(site)).catch(() => []);
  return [...new Set(names.flatMap((name) => /^dnsmasq-(\d+)\./.exec(name)?.[1] ?? []))].map((text) => Number(text) as Vni);
};

const readOne = async (site: Site, segment: Vni, inodes: ReadonlyMap<number, Place>): Promise<Item> => {
  const pidFile = dhcpPidFile(site, segment);
  const pid = (await aliveProcess(pidFile)) ?? 0;
  const argv = pid === 0 ? [] : await argumentsOf(pid).catch(() => []);
  const ours = argv.includes(`--pid-file=${pidFile}`);
  const [hosts, leases] = await Promise.all([dhcpHostsFile, dhcpLeaseFile].map((file) => readFile(file(site, segment), 'utf8').catch(() => '')));
  const place = ours ? (inodes.get(await inode(`/proc/${pid}/ns/net`)) ?? '') : '';
  const given = parseLeases(leases ?? '').flatMap(({ address, mac }) => (mac === undefined ? [] : [{ address, mac }]));
  return dhcp({ segment, place, argv, hosts: hosts ?? '', leases: given, pid: ours ? pid : 0 });
};

const inode = async (path: string): Promise<number> => stat(path).then(({ ino }) => ino, () => 0);
