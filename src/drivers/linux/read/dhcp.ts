/** The dnsmasq processes that Heddle started, one a segment, found through their directories. */
import { readFile, readdir, stat } from 'node:fs/promises';
import type { Vni } from '../../../net/brand.ts';
import { dhcp } from '../model.ts';
import type { Item, Place } from '../model.ts';
import { dhcpDirectory, dhcpPidFile } from '../steps/daemon.ts';
import type { Site } from '../steps/step.ts';
import { aliveProcess, argumentsOf } from './processes.ts';

export const readDhcp = async (site: Site, places: readonly Place[]): Promise<readonly Item[]> => {
  const names = await readdir(`${site.directory}/dhcp`).catch(() => []);
  if (names.length === 0) return [];
  const inodes = new Map<number, Place>();
  for (const place of places) inodes.set(await inode(`/run/netns/${place}`), place);
  return Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readOne(site, Number(name) as Vni, inodes)));
};

const readOne = async (site: Site, segment: Vni, inodes: ReadonlyMap<number, Place>): Promise<Item> => {
  const pidFile = dhcpPidFile(site, segment);
  const pid = (await aliveProcess(pidFile)) ?? 0;
  const argv = pid === 0 ? [] : await argumentsOf(pid).catch(() => []);
  const ours = argv.includes(`--pid-file=${pidFile}`);
  const hosts = await readFile(`${dhcpDirectory(site, segment)}/hosts`, 'utf8').catch(() => '');
  const place = ours ? (inodes.get(await inode(`/proc/${pid}/ns/net`)) ?? '') : '';
  return dhcp({ segment, place, argv, hosts, pid: ours ? pid : 0 });
};

const inode = async (path: string): Promise<number> => stat(path).then(({ ino }) => ino, () => 0);
