/** What a check tries: every ordered pair of parties with every service that is worth it, and what must become of it. Pure. */
import { contains, parsePrefix } from '../net/prefix.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { acceptedVpcs, oracleOf, type Announced, type End, type Endpoint, type Intent, type Oracle, type Party } from './oracle.ts';
import type { Probe } from './probe.ts';
import { familyOfText, usualPorts, type Family, type Protocol, type Service, type Verdict } from './service.ts';

export interface CheckedPair {
  readonly from: string;
  readonly to: string;
  readonly proto: Protocol;
  /** `oneway`: it must arrive, and no answer may come back. */
  readonly expected: Verdict;
  readonly actual: Verdict;
  /** Left out: 4. */
  readonly family?: 6;
  /** Destination port; left out: 80 of TCP, 53 of UDP. */
  readonly port?: number;
  /** The one that was tried, of a target with several. */
  readonly address?: string;
  /** Why there was nothing to probe. */
  readonly note?: string;
}

export interface ProbeOptions {
  /** Default all. */
  readonly protocols?: readonly Protocol[];
  /** Tried beside 80 and 53 and what policies name. */
  readonly ports?: { readonly tcp: readonly number[]; readonly udp: readonly number[] };
  /** Leaves out the pairs that must not connect: what a wait for connectivity needs. */
  readonly onlyAllowed?: boolean;
  /** What servers announce by BGP. */
  readonly announced?: Announced;
  readonly signal?: AbortSignal;
}

/** Addresses by node and interface. */
export type Addresses = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface Planned {
  readonly from: Party;
  readonly to: Party;
  readonly pair: Omit<CheckedPair, 'actual'>;
  /** Left out when the target has no address: then nothing can reach it. */
  readonly probe?: Probe;
}

/** Every ordered pair of parties on different nodes, with everything that is worth trying. */
export const planOf = (intent: Intent, nodes: readonly string[], known: Addresses, options: ProbeOptions = {}): Planned[] => {
  const oracle = oracleOf(intent);
  const outside = new Set(oracle.externals.map(({ name }) => name));
  const parties = oracle.parties(nodes.filter((node) => !outside.has(node)), options.announced);
  const subnets = subnetsOf(intent);
  const addressed = parties.map((party): Addressed => ({ party, addresses: addressesAt(party, known, subnets) }));
  const services = servicesOf(oracle, options);
  return addressed.flatMap((from) =>
    addressed.filter((to) => nodeOf(to.party) !== nodeOf(from.party)).flatMap((to) => pairsOf(oracle, from, to, services)),
  );
};

interface Addressed {
  readonly party: Party;
  readonly addresses: readonly string[];
}

const nodeOf = ({ server, external }: Party): string => server ?? external ?? '';

type Subnets = (endpoint: Endpoint) => readonly Prefix[];

const subnetsOf = (intent: Intent): Subnets => {
  const vpcs = acceptedVpcs(intent);
  return ({ namespace, vpc, subnet }) => {
    const found = vpcs.get(`${namespace}/${vpc}`)?.subnets[subnet];
    return [found?.cidr, found?.ipv6?.cidr].flatMap((cidr) => {
      const prefix = parsePrefix(cidr ?? '');
      return prefix.ok ? [prefix.value] : [];
    });
  };
};

/** By the name of the interface; of a bundle, which has a name of its own, by the subnet. */
const addressesAt = (party: Party, known: Addresses, subnets: Subnets): readonly string[] => {
  if (party.addresses !== undefined) return party.addresses;
  const { server = '', endpoint } = party;
  const interfaces = known.get(server) ?? new Map<string, readonly string[]>();
  if (endpoint === undefined) return [...interfaces.values()].flat();
  const { port, vlan } = endpoint;
  const named = interfaces.get(vlan === undefined ? port : `${port}.${vlan}`) ?? [...interfaces.values()].flat();
  const prefixes = subnets(endpoint);
  return named.filter((address) => prefixes.some((prefix) => contains(prefix, address as Address)));
};

const families: readonly Family[] = [4, 6];

const servicesOf = (oracle: Oracle, { protocols = ['icmp', 'tcp', 'udp'], ports }: ProbeOptions): Service[] =>
  families.flatMap((family): Service[] =>
    protocols.flatMap((proto): Service[] => {
      if (proto === 'icmp') return [{ family, proto }];
      return [...new Set([usualPorts[proto], ...oracle.ports(proto), ...(ports?.[proto] ?? [])])].map((port) => ({ family, proto, port }));
    }),
  );

const pairsOf = (oracle: Oracle, from: Addressed, to: Addressed, services: readonly Service[]): Planned[] => {
  const of = ({ addresses }: Addressed, family: Family): readonly string[] => addresses.filter((each) => familyOfText(each) === family);
  return services.flatMap((service): Planned[] => {
    const { family } = service;
    const [source] = of(from, family);
    const targets = of(to, family);
    // IPv6 is tried where both have it or should; an IPv4 pair always has its line.
    if (family === 6 && (targets.length === 0 || source === undefined) && !isExpected(oracle, from, to, service)) return [];
    const wanted = targets.length === 0 ? [undefined] : targets;
    return wanted.map((address) => plan(oracle, from, to, service, source, address, targets.length > 1));
  });
};

const isExpected = (oracle: Oracle, from: Addressed, to: Addressed, service: Service): boolean =>
  oracle.judge({ party: from.party }, { party: to.party }, service) !== 'deny';

const plan = (oracle: Oracle, from: Addressed, to: Addressed, service: Service, source: string | undefined, address: string | undefined, isOneOfMany: boolean): Planned => {
  const expected = oracle.judge(end(from.party, source), end(to.party, address), service);
  const { proto, family, port } = service;
  const parties = { from: from.party, to: to.party };
  const pair = {
    from: from.party.label,
    to: to.party.label,
    proto,
    expected,
    ...(family === 6 && { family: 6 as const }),
    ...(proto !== 'icmp' && port !== usualPorts[proto] && port !== undefined && { port }),
    ...(isOneOfMany && address !== undefined && { address }),
  };
  if (address === undefined) return { ...parties, pair: { ...pair, note: `"${to.party.label}" has no ${family === 6 ? 'IPv6 ' : ''}address` } };
  const probe = { from: nodeOf(from.party), to: nodeOf(to.party), address, ...(source !== undefined && { source }), service };
  return { ...parties, pair, probe };
};

const end = (party: Party, address: string | undefined): End => (address === undefined ? { party } : { party, address: address as Address });
