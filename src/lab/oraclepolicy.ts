/** What SecurityPolicies let pass: everything until a policy selects an end, and from then on what some rule permits. Pure. */
import { contains } from '../net/prefix.ts';
import { prefixOf, type AcceptedVpc, type End, type Endpoint, type Intent } from './oracle.ts';
import type { Service } from './service.ts';

export interface Selector {
  readonly matchLabels?: { readonly [name: string]: string };
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
  readonly names?: readonly string[];
}

export interface Peer {
  readonly vpc?: string;
  readonly subnets?: Selector;
  readonly attachments?: Selector;
  readonly cidr?: string;
  readonly except?: readonly string[];
}

export interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number; readonly endPort?: number }[];
}

export interface PolicySpec {
  readonly vpc: string;
  readonly subjects?: { readonly subnets?: Selector; readonly attachments?: Selector; readonly all?: boolean };
  readonly directions?: readonly string[];
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
}

export interface Policy {
  readonly namespace: string;
  readonly spec: PolicySpec;
}

type Vpcs = ReadonlyMap<string, AcceptedVpc>;

export const policiesOf = (intent: Intent): Policy[] =>
  (intent.SecurityPolicy ?? []).map(({ metadata: { namespace = '' }, spec }) => ({ namespace, spec: spec as PolicySpec }));

/** The sender's egress and the receiver's ingress, each when somebody selects it. */
export const policyAllows = (policies: readonly Policy[], vpcs: Vpcs, from: End, to: End, service: Service): boolean =>
  passes(policies, vpcs, 'Egress', from, to, service) && passes(policies, vpcs, 'Ingress', to, from, service);

const passes = (policies: readonly Policy[], vpcs: Vpcs, direction: 'Ingress' | 'Egress', subject: End, peer: End, service: Service): boolean => {
  const concerning = policies.filter((policy) => directionsOf(policy.spec).includes(direction) && selects(policy, vpcs, subject));
  const rules = concerning.flatMap((policy) =>
    ((direction === 'Ingress' ? policy.spec.ingress : policy.spec.egress) ?? []).map((rule) => ({ policy, rule })),
  );
  return concerning.length === 0 || rules.some(({ policy, rule }) => permits(policy, vpcs, rule, peer, service));
};

/** Those that have a list of rules, though it be empty, unless it is said. */
const directionsOf = ({ directions, ingress, egress }: PolicySpec): readonly string[] =>
  directions ?? [...(ingress === undefined ? [] : ['Ingress']), ...(egress === undefined ? [] : ['Egress'])];

const selects = ({ namespace, spec: { vpc, subjects } }: Policy, vpcs: Vpcs, { party: { endpoint } }: End): boolean => {
  if (endpoint?.namespace !== namespace || endpoint.vpc !== vpc) return false;
  const { subnets, attachments, all } = subjects ?? {};
  if (all === true) return true;
  return isOneOf(vpcs, endpoint, subnets, attachments);
};

/** With both selectors, the attachments in the subnets. */
const isOneOf = (vpcs: Vpcs, endpoint: Endpoint, subnets: Selector | undefined, attachments: Selector | undefined): boolean =>
  (subnets !== undefined || attachments !== undefined) &&
  (subnets === undefined || matches(subnets, endpoint.subnet, subnetLabels(vpcs, endpoint))) &&
  (attachments === undefined || matches(attachments, endpoint.attachment, endpoint.labels));

const subnetLabels = (vpcs: Vpcs, { namespace, vpc, subnet }: Endpoint): Readonly<Record<string, string>> =>
  vpcs.get(`${namespace}/${vpc}`)?.subnets[subnet]?.labels ?? {};

/** Kubernetes label selection; everything in a selector must match, and an empty one selects all. */
const matches = ({ matchLabels = {}, matchExpressions = [], names }: Selector, name: string, labels: Readonly<Record<string, string>>): boolean =>
  (names === undefined || names.length === 0 || names.includes(name)) &&
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    return operator === 'In' ? value !== undefined && values.includes(value) : value === undefined || !values.includes(value);
  });

const permits = (policy: Policy, vpcs: Vpcs, rule: PolicyRule, end: End, { proto, port }: Service): boolean => {
  const peers = rule.from ?? rule.to ?? [];
  const { ports = [] } = rule;
  const isPort = ports.some(
    (each) =>
      (each.protocol?.toLowerCase() ?? proto) === proto &&
      (each.port === undefined || (port !== undefined && port >= each.port && port <= (each.endPort ?? each.port))),
  );
  return (ports.length === 0 || isPort) && (peers.length === 0 || peers.some((peer) => isPeer(policy, vpcs, peer, end)));
};

const isPeer = ({ namespace, spec }: Policy, vpcs: Vpcs, { vpc, subnets, attachments, cidr, except = [] }: Peer, { party: { endpoint }, address }: End): boolean => {
  if (cidr !== undefined) {
    const isIn = (text: string): boolean => address !== undefined && prefixOf(text).some((prefix) => contains(prefix, address));
    return isIn(cidr) && !except.some(isIn);
  }
  if (endpoint?.namespace !== namespace || endpoint.vpc !== (vpc ?? spec.vpc)) return false;
  return (subnets === undefined && attachments === undefined) || isOneOf(vpcs, endpoint, subnets, attachments);
};
