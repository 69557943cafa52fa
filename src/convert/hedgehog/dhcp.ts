/** DHCP settings of a subnet of Hedgehog as ours. */
import type { Subnet } from '../../api/kinds/vpc.ts';
import { memberPath } from '../../api/findings.ts';
import { optional } from '../../kit/json.ts';
import type { Notes } from '../notes.ts';
import type { DhcpSpec } from './schema/vpc.ts';

type Dhcp = NonNullable<Subnet['dhcp']>;

export const convertDhcp = (dhcp: DhcpSpec, path: string, notes: Notes): Dhcp => {
  if (dhcp.relay !== undefined) return { relay: { server: relayServer(dhcp.relay, `${path}.relay`, notes), ...optional('vpc', dhcp.relayVPC) } };
  if (dhcp.enable !== true) return { enabled: false };
  return { ...optional('range', rangeOf(dhcp, path, notes)), ...reservationsOf(dhcp, path, notes), ...optionsOf(dhcp.options ?? {}, path, notes) };
};

const relayServer = (relay: string, path: string, notes: Notes): string => {
  const [server = '', length] = relay.split('/');
  if (length !== undefined && length !== '32') notes.changed(path, `"${relay}" is read as the address "${server}"`);
  return server;
};

/** Theirs is for every host; here attached servers have addresses of their own, and the range is for those nobody declared. */
const rangeOf = ({ range }: DhcpSpec, path: string, notes: Notes): Dhcp['range'] => {
  const { start, end } = range ?? {};
  if (start !== undefined && end !== undefined) return { from: start, to: end };
  if (range !== undefined) notes.error(`${path}.range`, 'needs start and end');
  return undefined;
};

const reservationsOf = ({ static: reserved }: DhcpSpec, path: string, notes: Notes): Pick<Dhcp, 'reservations'> => {
  if (reserved === undefined || Object.keys(reserved).length === 0) return {};
  const entries = Object.entries(reserved).map(([mac, { ip }]): [string, { address: string }] => {
    if (ip === undefined) notes.error(`${memberPath(`${path}.static`, mac)}.ip`, 'is required');
    return [mac, { address: ip ?? '' }];
  });
  return { reservations: Object.fromEntries(entries) };
};

type Options = NonNullable<DhcpSpec['options']>;

const optionsOf = (options: Options, path: string, notes: Notes): Dhcp => ({
  ...optional('dnsServers', options.dnsServers),
  ...optional('ntpServers', options.timeServers),
  ...optional('mtu', options.interfaceMTU),
  ...optional('leaseSeconds', leaseOf(options.leaseTimeSeconds, `${path}.options.leaseTimeSeconds`, notes)),
  ...(options.pxeURL === undefined ? {} : { boot: { file: options.pxeURL } }),
  ...(options.disableDefaultRoute === true && { defaultRoute: false }),
  ...optional('routes', options.advertisedRoutes?.map(({ destination = '', gateway = '' }) => ({ destination, gateway }))),
});

const shortestLease = 120;

const leaseOf = (seconds: number | undefined, path: string, notes: Notes): number | undefined => {
  if (seconds === undefined || seconds >= shortestLease) return seconds;
  notes.changed(path, `${seconds} s is too short; it is ${shortestLease} s now`);
  return shortestLease;
};
