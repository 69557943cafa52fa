/** Filters of a VPC: what rows let through against what policies permit, compared as sets of packets. Pure. */
import { vpcScope, type AclRule } from '../../goal/rows.ts';
import { familyOf, hostPrefix } from '../../net/address.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { filtersOf, type Filter, type Permission, type PortRange } from '../../specify/policies.ts';
import type { Vpc } from '../../specify/networks.ts';
import { isIn, representatives, setText } from '../atoms.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import type { Of } from '../state.ts';
import type { Protocol } from '../packet.ts';
import { addressesIn } from './ports.ts';
import { vrfNameOf } from './vrf.ts';

export const checkPolicies = (vni: number, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  if (network === undefined) return [];
  const rows = [...state.rows(scope, 'acl')];
  const sets = membersOf(state.rows(scope, 'aclMember'));
  if ('inside' in network) {
    const message = `"${network.network}" has no servers that a policy could be about`;
    const strays = [...rows, ...state.rows(scope, 'aclMember')];
    return strays.map(({ table, key }) => ({ code: 'StaleRow', message, rows: [ref(scope, table, key)], objects: [network.network] }));
  }
  const vrf = vrfNameOf(vni, state) ?? `vrf${vni}`;
  const wanted = new Map(filtersOf(network, spec).map((filter) => [`${vrf}/${filter.policy}/${filter.direction}`, filter]));
  const found = new Map(rows.map((row) => [row.key, filterOf(row, sets)]));
  const faults: Fault[] = rows.flatMap((row) => rowFaults(row, vrf, wanted.has(row.key), network, scope));
  const differing = [...new Set([...wanted.keys(), ...found.keys()])].filter((key) => textOf(wanted.get(key)) !== textOf(found.get(key)));
  for (const key of differing) faults.push(...compare(key, [...wanted.values()], [...found.values()], wanted.get(key) ?? found.get(key), network, scope, knownTo(network, spec)));
  return [...faults, ...strayMembers(rows, state.rows(scope, 'aclMember'), vrf, scope, network)];
};

const membersOf = (rows: Iterable<Of<'aclMember'>>): ReadonlyMap<string, readonly Prefix[]> => {
  const sets = new Map<string, Prefix[]>();
  for (const { value: { set, prefix } } of rows) {
    const members = sets.get(set);
    if (members === undefined) sets.set(set, [prefix]);
    else members.push(prefix);
  }
  return sets;
};

const filterOf = ({ key, value }: Of<'acl'>, sets: ReadonlyMap<string, readonly Prefix[]>): Filter => {
  const inSets = (names: readonly string[]): readonly Prefix[] => names.flatMap((name) => sets.get(name) ?? []);
  const permissionOf = ({ peers, sets: names, protocol, ports }: AclRule): Permission =>
    ({ peers: peers.length === 0 && names.length === 0 ? undefined : [...peers, ...inSets(names)], protocol, ports });
  const policy = key.slice(key.indexOf('/') + 1, key.lastIndexOf('/'));
  return { policy, direction: value.direction, subjects: [...value.subjects, ...inSets(value.subjectSets)], permissions: value.rules.map(permissionOf) };
};

/** Equal for filters that say the same in nearly the same words. */
const textOf = (filter: Filter | undefined): string => {
  if (filter === undefined) return '';
  const permissions = filter.permissions.filter(({ peers }) => peers === undefined || peers.length > 0);
  return `${filter.direction} ${setText(filter.subjects)} / ${setText(permissions.map(({ peers, protocol, ports }) => `${peers === undefined ? '*' : setText(peers)} ${protocol ?? '*'} ${portsText(ports)}`))}`;
};

const portsText = (ports: readonly PortRange[]): string => {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of ports.toSorted((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged.map(({ from, to }) => `${from}-${to}`).join();
};

const rowFaults = ({ key, value }: Of<'acl'>, vrf: string, isWanted: boolean, { network }: Vpc, scope: string): Fault[] => {
  const [rows, objects] = [[ref(scope, 'acl', key)], [network]];
  if (!isWanted) return [{ code: 'StaleRow', message: `filter "${key}" of "${network}" is of no policy that is in force`, rows, objects }];
  if (value.vrf === vrf && key.endsWith(`/${value.direction}`)) return [];
  return [{ code: 'WrongIdentity', message: `filter "${key}" of "${network}" is for ${value.direction} of VRF "${value.vrf}"`, rows, objects }];
};

/** Members of sets that no filter speaks of any more. */
const strayMembers = (acls: readonly Of<'acl'>[], members: Iterable<Of<'aclMember'>>, vrf: string, scope: string, { network }: Vpc): Fault[] => {
  const named = new Set(acls.flatMap(({ value: { subjectSets, rules } }) => [...subjectSets, ...rules.flatMap(({ sets }) => sets)]));
  const faults: Fault[] = [];
  for (const { key, value: { vrf: own, set, prefix } } of members) {
    const [rows, objects] = [[ref(scope, 'aclMember', key)], [network]];
    if (!named.has(set)) faults.push({ code: 'StaleRow', message: `"${prefix}" is in set "${set}" of "${network}", which no filter speaks of`, rows, objects });
    else if (own !== vrf || key !== `${vrf}/${set}/${prefix}`) faults.push({ code: 'WrongIdentity', message: `the member "${key}" of "${network}" is "${prefix}" in VRF "${own}"`, rows, objects });
  }
  return faults;
};

/** Addresses of servers of the VPC and of its peers. */
const knownTo = (vpc: Vpc, spec: Scene['spec']): readonly Address[] =>
  [vpc.network, ...spec.namedPeers(vpc.network)].flatMap((network) => addressesIn(spec.network(network), spec));

interface Flow {
  readonly subject: Address;
  readonly peer: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

const permits = (filters: readonly Filter[], direction: Filter['direction'], { subject, peer, protocol, port }: Flow): boolean => {
  const concerning = filters.filter((filter) => filter.direction === direction && isIn(filter.subjects, subject));
  return concerning.length === 0 || concerning.some((filter) => does(filter, { peer, protocol, port }));
};

/** Whether some permission of one filter is about it. */
const does = ({ permissions }: Filter, { peer, protocol, port }: Omit<Flow, 'subject'>): boolean =>
  permissions.some((each) =>
    (each.peers === undefined || isIn(each.peers, peer)) && (each.protocol ?? protocol) === protocol &&
    (each.ports.length === 0 || (protocol !== 'icmp' && each.ports.some(({ from, to }) => port >= from && port <= to))));

/** Looks for a packet that shows the difference; two ways of saying the same are none. */
const compare = (key: string, wanted: readonly Filter[], found: readonly Filter[], about: Filter | undefined, vpc: Vpc, scope: string, known: readonly Address[]): Fault[] => {
  if (about === undefined) return [];
  const all = [...wanted, ...found].filter(({ policy, direction }) => policy === about.policy && direction === about.direction);
  const permissions = all.flatMap((filter) => filter.permissions);
  const subjects = representatives(all.flatMap((filter) => filter.subjects), known);
  // Whom no policy speaks of are a class too.
  const strangers = ['0.0.0.0/0' as Prefix, '::/0' as Prefix, ...[...vpc.subnets.values()].flatMap(({ prefixes }) => prefixes)];
  const peers = representatives([...permissions.flatMap((each) => each.peers ?? []), ...strangers, ...subjects.map(hostPrefix)], known);
  const ports = [...new Set([1, ...permissions.flatMap((each) => each.ports.flatMap(({ from, to }) => [from, to, to + 1, from - 1]))])].filter((port) => port > 0 && port < 65536);
  const faults: Fault[] = [];
  for (const subject of subjects) for (const peer of peers) {
    if (familyOf(subject) !== familyOf(peer)) continue;
    for (const protocol of ['tcp', 'udp', 'icmp'] as const) for (const port of protocol === 'icmp' ? [1] : ports) {
      const flow = { subject, peer, protocol, port };
      const [is, must] = [permits(found, about.direction, flow), permits(wanted, about.direction, flow)];
      if (is === must || faults.some(({ code }) => code === (is ? 'PolicyWider' : 'PolicyNarrower'))) continue;
      faults.push(faultOf(key, about, flow, is, vpc, scope));
    }
  }
  return faults.length > 0 ? faults : latentFaults(key, wanted, found, about, { peers, ports }, vpc, scope);
};

/** What makes no difference now, since nobody is a subject or another policy says the same, would as soon as that changes. */
const latentFaults = (
  key: string, wanted: readonly Filter[], found: readonly Filter[], about: Filter, { peers, ports }: { readonly peers: readonly Address[]; readonly ports: readonly number[] }, vpc: Vpc, scope: string,
): Fault[] => {
  const isAbout = ({ policy, direction }: Filter): boolean => policy === about.policy && direction === about.direction;
  const [must, is] = [wanted.find(isAbout), found.find(isAbout)];
  const objects = [`SecurityPolicy/${vpc.key.slice(0, vpc.key.indexOf('/'))}/${about.policy}`, vpc.network];
  if (must === undefined) return [];
  if (is === undefined) return [{ code: 'MissingRow', message: `policy "${about.policy}" of "${vpc.network}" has no filter for ${about.direction}`, rows: [ref(scope, 'acl', key)], objects }];
  for (const peer of peers) for (const protocol of ['tcp', 'udp', 'icmp'] as const) for (const port of protocol === 'icmp' ? [1] : ports) {
    const flow = { peer, protocol, port };
    if (does(must, flow) === does(is, flow)) continue;
    const message = `the filter "${key}" of "${vpc.network}" ${does(is, flow) ? 'lets' : 'does not let'} ${protocol} pass with "${peer}", its policy says otherwise; nobody is hurt by it yet`;
    return [{ code: 'WrongRow', message, rows: [ref(scope, 'acl', key)], objects }];
  }
  return [];
};

const faultOf = (key: string, { policy, direction }: Filter, { subject, peer, protocol, port }: Flow, isOpen: boolean, { network, key: vpc }: Vpc, scope: string): Fault => {
  const [source, destination] = direction === 'ingress' ? [peer, subject] : [subject, peer];
  const what = `${protocol}${protocol === 'icmp' ? '' : `/${port}`} from "${source}" to "${destination}"`;
  const message = isOpen ? `${what} passes in "${network}" although no policy permits it` : `${what} is stopped in "${network}" although policies permit it`;
  return {
    code: isOpen ? 'PolicyWider' : 'PolicyNarrower', message, rows: [ref(scope, 'acl', key)], objects: [`SecurityPolicy/${vpc.slice(0, vpc.indexOf('/'))}/${policy}`, network],
    probe: { source, destination, protocol, network, ...(protocol === 'icmp' ? {} : { port }) },
  };
};
