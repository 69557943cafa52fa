/** The dnsmasq processes that Heddle started, one a segment, found through their files. */
import { readFile, readdir, stat } from 'node:fs/promises';
import type { Vni } from '../../../net/brand.ts';
import { dhcp } from '../model.ts';
import type { Item, Place } from '../model.ts';
import { dhcpDirectory, dhcpHostsFile, dhcpPidFile } from '../steps/daemon.ts';
import type { Site } from '../steps/step.ts';
import { aliveProcess, argumentsOf } from './processes.ts';

export const readDhcp = async (site: Site, places: readonly Place[]): Promise<readonly Item[]> => {
  const names = await readdir(dhcpDirectory(site)).catch(() => []);
  const segments = new Set(names.flatMap((name) => /^dnsmasq-(\d+)\./.exec(name)?.[1] ?? []));
  if (segments.size === 0) return [];
  const inodes = new Map<number, Place>();
  for (const place of places) inodes.set(await inode(`/run/netns/${place}`), place);
  return Promise.all([...segments].map((segment) => readOne(site, Number(segment) as Vni, inodes)));
};

const readOne = async (site: Site, segment: Vni, inodes: ReadonlyMap<number, Place>): Promise<Item> => {
  const pidFile = dhcpPidFile(site, segment);
  const pid = (await aliveProcess(pidFile)) ?? 0;
  const argv = pid === 0 ? [] : await argumentsOf(pid).catch(() => []);
  const ours = argv.includes(`--pid-file=${pidFile}`);
  const hosts = await readFile(dhcpHostsFile(site, segment), 'utf8').catch(() => '');
  const place = ours ? (inodes.get(await inode(`/proc/${pid}/ns/net`)) ?? '') : '';
  return dhcp({ segment, place, argv, hosts, pid: ours ? pid : 0 });
};

const inode = async (path: string): Promise<number> => stat(path).then(({ ino }) => ino, () => 0);
