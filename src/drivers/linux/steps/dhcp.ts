/**
 * dnsmasq: a process for each segment, which outlives the agent. Its leases are on disk, written through before they are
 * answered (fsync), and stay when the process is replaced, so that nothing is handed out twice by whoever comes after.
 */
import type { DhcpState } from '../model.ts';
import { inside } from './step.ts';
import type { Site, Step, Steps } from './step.ts';

export const dhcpDirectory = (site: Site): string => `${site.directory}/dhcp`;

const dhcpFile = (site: Site, segment: number, what: string): string => `${dhcpDirectory(site)}/dnsmasq-${segment}.${what}`;

export const dhcpHostsFile = (site: Site, segment: number): string => dhcpFile(site, segment, 'hosts');
export const dhcpLeaseFile = (site: Site, segment: number): string => dhcpFile(site, segment, 'leases');
export const dhcpPidFile = (site: Site, segment: number): string => dhcpFile(site, segment, 'pid');
/** What hosts declined, among others. */
export const dhcpLogFile = (site: Site, segment: number): string => dhcpFile(site, segment, 'log');
/** A file for each address that must not be given to anybody for a while; dnsmasq reads a new one at once. */
export const dhcpHeldDirectory = (site: Site, segment: number): string => dhcpFile(site, segment, 'held');

export const dhcpSteps: Steps<DhcpState> = {
  create: (state, site) => [
    { argv: ['mkdir', '-p', dhcpHeldDirectory(site, state.segment)] },
    writeHosts(state, site),
    start(state, site),
  ],
  change: (from, to, site) => {
    if (from.pid === 0) return [...dhcpSteps.create(to, site)];
    if (!isSameProcess(from, to)) return undefined;
    const taken = takenOver(from, to);
    if (taken.length === 0) return [writeHosts(to, site), { argv: ['kill', '-HUP', `${from.pid}`] }];
    // dnsmasq has no word for ending a lease: it reads the file when it starts.
    const expressions = taken.flatMap((address) => ['-e', `/ ${address.replaceAll('.', '\\.')} /d`]);
    return [
      ...end(from.pid),
      { argv: ['rm', '-f', dhcpPidFile(site, to.segment)] },
      { argv: ['sed', '-i', ...expressions, dhcpLeaseFile(site, to.segment)] },
      writeHosts(to, site),
      start(to, site),
    ];
  },
  remove: ({ segment, pid }, site, replaced) => [
    ...end(pid),
    { argv: ['rm', '-f', ...[dhcpHostsFile, dhcpPidFile, ...(replaced ? [] : [dhcpLeaseFile, dhcpLogFile])].map((file) => file(site, segment))] },
    ...(replaced ? [] : [{ argv: ['rm', '-rf', dhcpHeldDirectory(site, segment)] as const }]),
  ],
  same: (from, to) => from.pid !== 0 && isSameProcess(from, to) && from.hosts === to.hosts && takenOver(from, to).length === 0,
};

const isSameProcess = (from: DhcpState, to: DhcpState): boolean => from.place === to.place && JSON.stringify(from.argv) === JSON.stringify(to.argv);

/** Leased addresses that belong to another host now: without its end the lease would keep it from its owner. */
const takenOver = ({ leases }: DhcpState, { hosts }: DhcpState): readonly string[] => {
  const owners = new Map<string, string>();
  for (const line of hosts.split('\n')) {
    const [mac = '', ...words] = line.split(',');
    for (const word of words) owners.set(word, mac);
  }
  return leases.flatMap(({ address, mac }) => (owners.has(address) && owners.get(address) !== mac ? [address] : []));
};

const start = (state: DhcpState, site: Site): Step => ({
  argv: inside(state.place, ['dnsmasq', ...state.argv]),
  unlessAlive: [dhcpPidFile(site, state.segment)],
});

/** Until it has ended it may still write leases; a process that nobody has reaped yet has ended all the same. */
const end = (pid: number): readonly Step[] =>
  pid === 0 ? [] : [{ argv: ['kill', `${pid}`] }, { argv: ['sh', '-c', '! [ -e /proc/$0/exe ]', `${pid}`], patient: true }];

const writeHosts = ({ segment, hosts }: DhcpState, site: Site): Step => ({
  argv: ['tee', dhcpHostsFile(site, segment)],
  stdin: hosts,
});
