/** What the lab has to know of the machine before it takes anything: free names, a free prefix, a free port. */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { HeddleError } from '../kit/error.ts';
import { run, tryRun } from '../kit/process.ts';
import { isErrno, managementPrefixes } from './manifest.ts';

/** Names under /run/netns. */
export const networkNamespaces = (): string[] => {
  try {
    return readdirSync('/run/netns');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
};

const programs = ['ip', 'nft', 'nsenter', 'unshare', 'busybox', 'udhcpc', 'ping', 'vtysh', 'dnsmasq'];

/** Programs that a lab uses and this machine has not. */
export const missingPrograms = async (): Promise<string[]> => {
  const found = await Promise.all(
    programs.map(async (program) => (await tryRun(['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin command -v "$1"', 'sh', program])).status),
  );
  return programs.filter((_, index) => found[index] !== 0);
};

/**
 * One of the lab's possible management networks that overlaps no address and no route of this machine. By chance, so that
 * two labs that begin at the same moment hardly ever meet.
 */
export const freeManagementIndex = async (): Promise<number> => {
  const [addresses, routes] = await Promise.all([
    run(['ip', '-4', '-o', 'addr', 'show']),
    run(['ip', '-4', 'route', 'show', 'table', 'all']),
  ]);
  const texts = `${addresses.stdout}\n${routes.stdout}`.matchAll(/\b100\.127\.(\d{1,3})\.\d{1,3}\b/g);
  const taken = new Set([...texts].map(([, third]) => Math.floor(Number(third) / 4)));
  const all = Array.from({ length: managementPrefixes }, (_, index) => index).filter((index) => !taken.has(index));
  const free = all[randomInt(Math.max(1, all.length))];
  if (free === undefined) throw new HeddleError('Unavailable', 'no free management network: 100.127.0.0/16 is in use on this machine');
  return free;
};

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
