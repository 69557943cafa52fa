/**
 * SecurityPolicy: what servers of a VPC may be sent and may send, in the manner of Kubernetes NetworkPolicy. Policies only
 * permit: who is a subject of one in a direction gets what some policy permits there and nothing else, so their order and
 * that of their rules never matters.
 */
import { type Static, Type } from 'typebox';
import { cidr, name, statusBase } from './common.ts';
import { canonicalPrefix } from './canonical.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { selector } from './selector.ts';
import { peerPaths } from '../policyparts.ts';
import { securityPolicyRules } from '../rules/securitypolicy.ts';
import { asSet } from '../fieldtype.ts';

const peerSchema = Type.Object(
  {
    vpc: Type.Optional(name('VPC of this namespace that is peered with that of the policy; left out, that of the policy.')),
    subnets: Type.Optional(selector('Subnets of the VPC, by the labels that it gives them.')),
    attachments: Type.Optional(selector('VPCAttachments to the VPC, by their labels; with subnets, those in the subnets.')),
    cidr: Type.Optional(cidr('Prefix, inside the fabric or outside.')),
    except: Type.Optional(Type.Array(cidr('Prefix inside cidr.'), { minItems: 1, maxItems: 64, description: 'What of cidr is not meant.' })),
  },
  { additionalProperties: false, description: 'Servers of a VPC by selectors, or a cidr.' },
);
export type Peer = Static<typeof peerSchema>;

const portSchema = Type.Object(
  {
    protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('icmp')], { description: 'icmp: of IPv4 and IPv6.' }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Destination port; left out, all.' })),
    endPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Last of a range that begins at port.' })),
  },
  { additionalProperties: false },
);
export type PolicyPort = Static<typeof portSchema>;

const peers = (description: string) => Type.Optional(Type.Array(peerSchema, { minItems: 1, maxItems: 64, description }));
const ports = Type.Optional(Type.Array(portSchema, { minItems: 1, maxItems: 64, description: 'Left out: every protocol and port.' }));

const ingressRule = Type.Object({ from: peers('Left out: everybody.'), ports }, { additionalProperties: false });
const egressRule = Type.Object({ to: peers('Left out: everybody.'), ports }, { additionalProperties: false });

export const securityPolicySpec = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 256, description: 'Free text.' })),
    vpc: name('VPC of this namespace.'),
    subjects: Type.Object(
      {
        all: Type.Optional(Type.Literal(true, { description: 'Everything in the VPC.' })),
        subnets: Type.Optional(selector('Subnets of the VPC, and with them everything inside.')),
        attachments: Type.Optional(selector('Servers by the labels of their VPCAttachment; with subnets, those in the subnets.')),
      },
      { additionalProperties: false, description: 'Whom the policy is about.' },
    ),
    directions: Type.Optional(
      Type.Array(Type.Union([Type.Literal('Ingress'), Type.Literal('Egress')]), {
        ...asSet,
        maxItems: 2,
        description: 'Directions in which subjects get only what is permitted; default those that have a list of rules, though it be empty.',
      }),
    ),
    ingress: Type.Optional(Type.Array(ingressRule, { maxItems: 128, description: 'What subjects may be sent, and they may answer.' })),
    egress: Type.Optional(Type.Array(egressRule, { maxItems: 128, description: 'What subjects may send, and they may be answered.' })),
  },
  { additionalProperties: false },
);

export type SecurityPolicySpec = Static<typeof securityPolicySpec>;

export type Direction = 'Ingress' | 'Egress';

export const securityPolicyStatus = Type.Object({
  ...statusBase,
  selected: Type.Optional(Type.Integer({ description: 'Subnets or servers that are subjects.' })),
});

const canonicalPeer = (peer: Peer): Peer => ({
  ...peer,
  ...(peer.cidr === undefined ? {} : { cidr: canonicalPrefix(peer.cidr) }),
  ...(peer.except === undefined ? {} : { except: peer.except.map(canonicalPrefix) }),
});

export function defaultSecurityPolicySpec(spec: SecurityPolicySpec) {
  const { ingress, egress } = spec;
  const given: Direction[] = [...(ingress === undefined ? [] : ['Ingress' as const]), ...(egress === undefined ? [] : ['Egress' as const])];
  return {
    ...spec,
    directions: spec.directions ?? given,
    ...(ingress === undefined ? {} : { ingress: ingress.map((rule) => (rule.from === undefined ? rule : { ...rule, from: rule.from.map(canonicalPeer) })) }),
    ...(egress === undefined ? {} : { egress: egress.map((rule) => (rule.to === undefined ? rule : { ...rule, to: rule.to.map(canonicalPeer) })) }),
  };
}
export type DefaultedSecurityPolicySpec = ReturnType<typeof defaultSecurityPolicySpec>;

export const securityPolicy = defineKind({
  kind: 'SecurityPolicy',
  plural: 'securitypolicies',
  shortNames: ['secpol'],
  scope: 'Namespaced',
  description:
    'What servers of a VPC may be sent and may send. Once a server is the subject of a policy in a direction, it gets what some policy permits and answers to that, nothing else. Neither policies nor rules have an order.',
  spec: securityPolicySpec,
  status: securityPolicyStatus,
  defaults: defaultSecurityPolicySpec,
  rules: securityPolicyRules,
  references: (spec, namespace) =>
    [...new Set([spec.vpc, ...peerPaths(spec).flatMap(({ peer }) => peer.vpc ?? [])])].map((vpc) => ({ kind: 'VPC', namespace, name: vpc })),
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('Directions', '.spec.directions[*]', 'Directions in which subjects get only what is permitted.'),
    column('Selected', '.status.selected', 'Subnets or servers that are subjects.', 'integer'),
    readyColumn,
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
