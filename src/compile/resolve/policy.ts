/**
 * Rules of a SecurityPolicy as prefixes, sets and ports. A peer that cannot be resolved permits nothing, and the policy stands
 * all the same: its subjects must not become open because of a slip in a rule.
 */
import type { Peer, PolicyPort } from '../../api/kinds/securitypolicy.ts';
import type { PolicyRule } from '../../api/policyparts.ts';
import { directionMembers, rulesOf } from '../../api/policyparts.ts';
import type { Resource } from '../../api/object.ts';
import type { AclRule, PortRange } from '../../goal/rows.ts';
import type { Prefix } from '../../net/brand.ts';
import { exclude } from '../../net/exclude.ts';
import { comparePrefixes } from '../../net/prefix.ts';
import { error, warning, type CompileFinding } from '../finding.ts';
import { prefixOf, specOf, tenantRef, type Specs } from '../intent.ts';
import type { View } from '../view.ts';
import { peersOfVpc } from './admission.ts';
import { unready } from './resolution.ts';
import { choiceOf, selectedBy, setName, subnetsSelected, type Choice, type Selected } from './selected.ts';
import { knownVpc, prefixesOf } from './vpc.ts';

export type Direction = Specs['SecurityPolicy']['directions'][number];

/** Servers chosen by label: a set with its members of now. */
export interface ChosenSet {
  readonly name: string;
  readonly choice: Choice;
  readonly members: readonly Selected[];
}

/** One end of what is permitted. */
export interface Ends {
  /** In order. */
  readonly prefixes: readonly Prefix[];
  readonly sets: readonly ChosenSet[];
}

export interface ResolvedRule {
  readonly path: string;
  /** Undefined: everybody. */
  readonly peers: Ends | undefined;
  /** Undefined: everything. By protocol; no ranges stands for all ports. */
  readonly ports: ReadonlyMap<Protocol, readonly PortRange[]> | undefined;
}

export type Protocol = NonNullable<AclRule['protocol']>;

/** Whom the policy is about. */
export const subjectsOf = (object: Resource, view: View, findings: CompileFinding[]): Ends => {
  const { vpc, subjects: { all, subnets, attachments } } = specOf('SecurityPolicy', object);
  const given = { ...(subnets === undefined ? {} : { subnets }), ...(attachments === undefined ? {} : { attachments }) };
  const ends = select(object.metadata.namespace ?? '', vpc, all === true ? {} : given, view);
  if (isEmpty(ends)) {
    const what = attachments === undefined ? `subnet of VPC "${vpc}"` : `server in VPC "${vpc}"`;
    findings.push(warning('NothingSelected', 'spec.subjects', `no ${what} is selected, so the policy has no effect; see the labels`));
  }
  return ends;
};

export const resolvedRules = (object: Resource, direction: Direction, view: View, findings: CompileFinding[]): readonly ResolvedRule[] => {
  const spec = specOf('SecurityPolicy', object);
  const [list, member] = directionMembers[direction];
  return rulesOf(spec, direction).map(({ peers, ports }: PolicyRule, index): ResolvedRule => {
    const path = `spec.${list}[${index}]`;
    const ends = peers?.map((peer, position) => endsOf(object, peer, `${path}.${member}[${position}]`, view, findings));
    return { path, peers: ends && together(ends), ports: ports && portsOf(ports) };
  });
};

const noEnds: Ends = { prefixes: [], sets: [] };

export const isEmpty = ({ prefixes, sets }: Ends): boolean => prefixes.length === 0 && sets.every(({ members }) => members.length === 0);

const together = (ends: readonly Ends[]): Ends => ({
  prefixes: [...new Set(ends.flatMap(({ prefixes }) => prefixes))].sort(comparePrefixes),
  sets: [...new Map(ends.flatMap(({ sets }) => sets.map((set) => [set.name, set] as const))).values()],
});

const endsOf = (object: Resource, peer: Peer, at: string, view: View, findings: CompileFinding[]): Ends => {
  if (peer.cidr !== undefined) return { prefixes: exclude(prefixOf(peer.cidr), (peer.except ?? []).map(prefixOf)), sets: [] };
  const namespace = object.metadata.namespace ?? '';
  const own = specOf('SecurityPolicy', object).vpc;
  const vpc = peer.vpc ?? own;
  const fault = vpc === own ? undefined : vpcFault(namespace, own, vpc, at, view);
  if (fault !== undefined) findings.push(fault);
  if (fault?.severity === 'error') return noEnds;
  const ends = select(namespace, vpc, peer, view);
  if (isEmpty(ends)) findings.push(warning('NothingSelected', at, `nothing in VPC "${vpc}" is selected, so this permits nothing; see the labels`));
  return ends;
};

const vpcFault = (namespace: string, own: string, name: string, at: string, view: View): CompileFinding | undefined => {
  const key = `${namespace}/${name}`;
  const ref = tenantRef('VPC', key);
  if (view.at('VPC', key) === undefined) {
    return error('UnknownVPC', `${at}.vpc`, `there is no VPC "${name}" in namespace "${namespace}"; create it or name another`);
  }
  const resolution = view.query(knownVpc, key);
  if (resolution.value === undefined) return unready(ref, `${at}.vpc`, resolution);
  const isPeered = view.list(peersOfVpc, `${namespace}/${own}`).some(({ vpc }) => vpc.name === name && vpc.namespace === namespace);
  if (isPeered) return undefined;
  return warning('NotPeered', `${at}.vpc`, `VPC "${name}" is not peered with "${own}", so nothing reaches it or comes from it; create a VPCPeering`);
};

type Given = Pick<Peer, 'subnets' | 'attachments'>;

/** Subnets as prefixes, servers as a set. */
const select = (namespace: string, vpc: string, { subnets, attachments }: Given, view: View): Ends => {
  if (attachments !== undefined) {
    const choice = choiceOf(namespace, vpc, { ...(subnets === undefined ? {} : { subnets }), attachments });
    return { prefixes: [], sets: [{ name: setName(choice), choice, members: selectedBy(view, choice) }] };
  }
  const key = `${namespace}/${vpc}`;
  const { value } = view.query(knownVpc, key);
  const names = subnetsSelected(view.at('VPC', key), subnets);
  const prefixes = names.flatMap((name) => (value !== undefined && Object.hasOwn(value.subnets, name) ? [value.subnets[name]] : []));
  return { prefixes: prefixes.flatMap((subnet) => (subnet === undefined ? [] : prefixesOf(subnet))).sort(comparePrefixes), sets: [] };
};

const portsOf = (ports: readonly PolicyPort[]): ReadonlyMap<Protocol, readonly PortRange[]> => {
  const byProtocol = Map.groupBy(ports, ({ protocol }) => protocol);
  return new Map([...byProtocol].map(([protocol, list]) => [protocol, list.some(({ port }) => port === undefined) ? [] : rangesOf(list)]));
};

/** Sorted, those that touch made one. */
const rangesOf = (ports: readonly PolicyPort[]): PortRange[] => {
  const sorted = ports
    .flatMap(({ port, endPort }) => (port === undefined ? [] : [{ from: port, to: endPort ?? port }]))
    .sort((left, right) => left.from - right.from);
  const ranges: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else ranges.push({ from, to });
  }
  return ranges;
};
