/** Faults of filters that SecurityPolicies ask for. */
import type { AclRow, AclRule } from '../../goal/rows.ts';
import type { Edits } from './testing-edits.ts';
import { type Fault, less, prefix, replaced, without } from './testing-fault.ts';

const [services, routed] = ['default/services', 'default/routed'];
const database = ['SecurityPolicy/default/database'];
const outwards = ['SecurityPolicy/default/outwards'];

const ingress = (goal: Edits): string => `${goal.vrf(services).name}/database/ingress`;
const egress = (goal: Edits): string => `${goal.vrf(routed).name}/outwards/egress`;

const editDatabase = (goal: Edits, change: (row: AclRow) => AclRow): void => goal.edit(goal.vpc(services), 'acl', ingress(goal), change);
const editRules = (goal: Edits, change: (rule: AclRule) => AclRule): void => editDatabase(goal, (row) => ({ ...row, rules: row.rules.map(change) }));

/** Set and name of the member of a set of the VPC's with that prefix. */
const memberOf = (goal: Edits, which: 'subjects' | 'peers', of: string): string => {
  const { subjectSets, rules } = goal.get(goal.vpc(services), 'acl', ingress(goal)).value;
  const [set = ''] = which === 'subjects' ? subjectSets : rules.flatMap(({ sets }) => sets);
  return `${goal.vrf(services).name}/${set}/${of}`;
};

export const policyFaults: readonly Fault[] = [
  { name: 'the filter of a policy is missing', make: (goal) => goal.drop(goal.vpc(services), 'acl', ingress(goal)), blames: database },
  {
    name: 'a filter permits one port too many',
    make: (goal) => editRules(goal, (rule) => ({ ...rule, ports: rule.ports.map(({ from, to }) => ({ from, to: to + 1 })) })),
    blames: database,
  },
  {
    name: 'a filter permits every port',
    make: (goal) => editRules(goal, (rule) => ({ ...rule, ports: [] })),
    blames: database,
  },
  {
    name: 'a filter permits every protocol',
    make: (goal) => editRules(goal, (rule) => less(rule, 'protocol')),
    blames: database,
  },
  {
    name: 'a filter permits a prefix too wide (IPv4)',
    make: (goal) => editRules(goal, (rule) => (rule.peers.length === 0 ? rule : { ...rule, peers: replaced(rule.peers, '10.1.1.0/24', '10.1.0.0/22') })),
    blames: database,
  },
  {
    name: 'a filter permits a prefix too wide (IPv6)',
    make: (goal) => editRules(goal, (rule) => (rule.peers.length === 0 ? rule : { ...rule, peers: replaced(rule.peers, 'fd00:1:1::/64', 'fd00:1::/46') })),
    blames: database,
  },
  {
    name: 'a filter permits everybody',
    make: (goal) => editRules(goal, (rule) => ({ ...rule, peers: [], sets: [] })),
    blames: database,
  },
  {
    name: 'a filter permits one address too few',
    make: (goal) => editRules(goal, (rule) => (rule.peers.length === 0 ? rule : { ...rule, peers: replaced(rule.peers, '10.1.1.0/24', '10.1.1.0/25') })),
    blames: database,
  },
  {
    name: 'a rule of a policy is missing',
    make: (goal) => editDatabase(goal, (row) => ({ ...row, rules: row.rules.slice(1) })),
    blames: database,
  },
  {
    name: 'a rule has one port too few',
    make: (goal) => editRules(goal, (rule) => ({ ...rule, ports: rule.ports.map(({ from, to }) => ({ from: from + 1, to: to + 1 })) })),
    blames: database,
  },
  {
    name: 'the filter of a policy is turned around',
    make: (goal) => editDatabase(goal, (row) => ({ ...row, direction: 'egress' })),
    blames: database,
  },
  {
    name: 'the filter of a policy is in the VRF of another VPC',
    make: (goal) => {
      const row = goal.get(goal.vpc(services), 'acl', ingress(goal));
      goal.drop(goal.vpc(services), 'acl', ingress(goal));
      const { name } = goal.vrf(routed);
      goal.put(goal.vpc(routed), { ...row, key: `${name}/database/ingress`, value: { ...row.value, vrf: name } });
    },
    blames: database,
  },
  {
    name: 'a server is no subject of its policy (IPv4)',
    make: (goal) => goal.drop(goal.vpc(services), 'aclMember', memberOf(goal, 'subjects', '10.3.1.3/32')),
    blames: [...database, 'VPCAttachment/default/d3'],
  },
  {
    name: 'a server is no subject of its policy (IPv6)',
    make: (goal) => goal.drop(goal.vpc(services), 'aclMember', memberOf(goal, 'subjects', 'fd00:3:1::3/128')),
    blames: [...database, 'VPCAttachment/default/d3'],
  },
  {
    name: 'a server that a policy permits is in none of its sets',
    make: (goal) => goal.drop(goal.vpc(services), 'aclMember', memberOf(goal, 'peers', '10.3.1.2/32')),
    blames: [...database, 'VPCAttachment/default/a1-services'],
  },
  {
    name: 'the subjects of a policy are one subnet too few',
    make: (goal) => goal.edit(goal.vpc(routed), 'acl', egress(goal), (row) => ({ ...row, subjects: row.subjects.filter((each) => each !== '10.2.2.0/24') })),
    blames: outwards,
  },
  {
    name: 'the subjects of a policy are one bit too few',
    make: (goal) => goal.edit(goal.vpc(routed), 'acl', egress(goal), (row) => ({ ...row, subjects: replaced(row.subjects, '10.2.1.0/24', '10.2.1.128/25') })),
    blames: outwards,
  },
  {
    name: 'the subjects of a policy are none in IPv6',
    make: (goal) => goal.edit(goal.vpc(routed), 'acl', egress(goal), (row) => ({ ...row, subjects: without(row.subjects, 'fd00:2:1::/64') })),
    blames: outwards,
  },
  {
    name: 'a filter of what servers send permits one bit too much outside',
    make: (goal) =>
      goal.edit(goal.vpc(routed), 'acl', egress(goal), (row) => ({
        ...row,
        rules: row.rules.map((rule) => (rule.ports.length === 0 ? rule : { ...rule, peers: replaced(rule.peers, '198.51.100.0/25', '198.51.100.0/24') })),
      })),
    blames: outwards,
  },
  {
    name: 'a policy has subjects that it does not select',
    make: (goal) => editDatabase(goal, (row) => ({ ...row, subjects: [prefix('10.3.1.0/24')] })),
    blames: database,
  },
];
