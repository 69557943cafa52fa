/** What policies permit: whom they are about, and with whom those may exchange what. Pure. */
import type { Peer, PolicyPort } from '../api/kinds/securitypolicy.ts';
import type { Selector } from '../api/kinds/selector.ts';
import { rulesOf } from '../api/policyparts.ts';
import { hostPrefix } from '../net/address.ts';
import type { Prefix } from '../net/brand.ts';
import { exclude } from '../net/exclude.ts';
import { textPrefix, type Vpc } from './networks.ts';
import type { Held, Specs } from './objects.ts';
import type { Specification } from './specification.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface Permission {
  /** Undefined: everybody. */
  readonly peers: readonly Prefix[] | undefined;
  /** Undefined: all. */
  readonly protocol: 'tcp' | 'udp' | 'icmp' | undefined;
  /** None: all. */
  readonly ports: readonly PortRange[];
}

/** One direction of a policy. */
export interface Filter {
  /** Name of the policy. */
  readonly policy: string;
  readonly direction: 'ingress' | 'egress';
  readonly subjects: readonly Prefix[];
  readonly permissions: readonly Permission[];
}

/** All filters of a VPC. */
export const filtersOf = (vpc: Vpc, spec: Specification): readonly Filter[] => {
  const selection: Selection = new Map();
  return [...spec.policiesByVpc.of(vpc.key)].flatMap((key) => {
    const held = spec.objects.get('SecurityPolicy', key);
    if (held === undefined || `${held.namespace}/${held.spec.vpc}` !== vpc.key) return [];
    const said = spec.refusals.of('SecurityPolicy', key);
    if (said.some(({ path }) => path === 'spec.vpc')) return [];
    // One that no device can take closes what it is about and opens nothing.
    const isBarred = said.some(({ path, severity }) => path === 'spec' && severity === 'error');
    const subjects = subjectsOf(held, vpc, spec, selection);
    return held.spec.directions.map((direction): Filter => ({
      policy: held.name,
      direction: direction === 'Ingress' ? 'ingress' : 'egress',
      subjects,
      permissions: isBarred ? [] : rulesOf(held.spec, direction).flatMap(({ peers, ports }) => permissionsOf(peers?.flatMap((peer) => endsOf(held, peer, spec, selection)), ports)),
    }));
  });
};

/** What was selected in this round, by VPC and selectors: policies of a VPC mostly speak of the same servers. */
type Selection = Map<string, readonly Prefix[]>;

const subjectsOf = ({ spec: { subjects } }: Held<Specs['SecurityPolicy']>, vpc: Vpc, spec: Specification, selection: Selection): readonly Prefix[] => {
  const { all, subnets, attachments } = subjects;
  return all === true ? selected(vpc, {}, spec, selection) : selected(vpc, { ...(subnets !== undefined && { subnets }), ...(attachments !== undefined && { attachments }) }, spec, selection);
};

const permissionsOf = (peers: readonly Prefix[] | undefined, ports: readonly PolicyPort[] | undefined): readonly Permission[] => {
  // Nobody is not everybody.
  if (peers?.length === 0) return [];
  if (ports === undefined) return [{ peers, protocol: undefined, ports: [] }];
  return [...Map.groupBy(ports, ({ protocol }) => protocol)].map(([protocol, list]) => ({
    peers, protocol, ports: list.some(({ port }) => port === undefined) ? [] : list.map(({ port = 0, endPort }) => ({ from: port, to: endPort ?? port })),
  }));
};

const endsOf = ({ namespace, spec: { vpc: own } }: Held<Specs['SecurityPolicy']>, peer: Peer, spec: Specification, selection: Selection): readonly Prefix[] => {
  if (peer.cidr !== undefined) return exclude(textPrefix(peer.cidr), (peer.except ?? []).map(textPrefix));
  const vpc = spec.vpc(`${namespace}/${peer.vpc ?? own}`);
  return vpc === undefined ? [] : selected(vpc, peer, spec, selection);
};

const selected = (vpc: Vpc, given: Pick<Peer, 'subnets' | 'attachments'>, spec: Specification, selection: Selection): readonly Prefix[] => {
  const key = `${vpc.key} ${JSON.stringify([given.subnets, given.attachments])}`;
  let found = selection.get(key);
  if (found === undefined) selection.set(key, (found = select(vpc, given, spec)));
  return found;
};

/** Subnets with all that is in them, or servers by the labels of their attachments. */
const select = (vpc: Vpc, { subnets, attachments }: Pick<Peer, 'subnets' | 'attachments'>, spec: Specification): readonly Prefix[] => {
  const isChosen = (name: string): boolean => subnets === undefined || matches(subnets, name, vpc.spec.subnets[name]?.labels ?? {});
  if (attachments === undefined) return [...vpc.subnets.values()].filter(({ name }) => isChosen(name)).flatMap(({ reach }) => reach);
  return [...spec.attachmentsByVpc.of(vpc.key)].flatMap((key) => {
    const [held, placement] = [spec.objects.get('VPCAttachment', key), spec.placement(key)];
    if (held === undefined || placement === undefined || !isChosen(held.spec.subnet) || !matches(attachments, held.name, held.labels ?? {})) return [];
    return placement.addresses.map(hostPrefix);
  });
};

const matches = ({ matchLabels = {}, matchExpressions = [], names }: Selector, name: string, labels: Readonly<Record<string, string>>): boolean => {
  const valueOf = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  if (names !== undefined && !names.includes(name)) return false;
  if (!Object.entries(matchLabels).every(([key, value]) => valueOf(key) === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = valueOf(key);
    if (operator === 'Exists' || operator === 'DoesNotExist') return (value !== undefined) === (operator === 'Exists');
    return (value !== undefined && values.includes(value)) === (operator === 'In');
  });
};
