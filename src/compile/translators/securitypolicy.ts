/**
 * SecurityPolicy -> a row a direction, and one a member of every set it speaks of, in the scope of its VPC: said once,
 * whatever the number of devices, and a server whose labels change is a row of a set and no rule.
 */
import type { AclRow, AclRule, Row } from '../../goal/rows.ts';
import type { CompileFinding } from '../finding.ts';
import { error } from '../finding.ts';
import { specOf, tenantKey, tenantRef } from '../intent.ts';
import { refusalsOf } from '../resolve/capacity.ts';
import { isEmpty, resolvedRules, subjectsOf, type ChosenSet, type Direction, type Ends, type ResolvedRule } from '../resolve/policy.ts';
import { shadowedRules } from '../resolve/policyshadow.ts';
import { unready } from '../resolve/resolution.ts';
import { knownVpc, type Overlay } from '../resolve/vpc.ts';
import type { ScopedRow, Translator } from '../view.ts';

export const securityPolicyTranslator: Translator = {
  name: 'securitypolicy',
  kind: 'SecurityPolicy',
  translate: (object, view) => {
    const spec = specOf('SecurityPolicy', object);
    const vpc = tenantRef('VPC', `${object.metadata.namespace ?? ''}/${spec.vpc}`);
    const resolution = view.query(knownVpc, `${vpc.namespace}/${vpc.name}`);
    if (resolution.value === undefined) {
      const isMissing = view.get(vpc.kind, vpc.namespace, vpc.name) === undefined;
      const missing = error('UnknownVPC', 'spec.vpc', `there is no VPC "${vpc.name}" in namespace "${vpc.namespace}"; create it or name another`);
      return { rows: [], findings: [isMissing ? missing : unready(vpc, 'spec.vpc', resolution)] };
    }
    const findings: CompileFinding[] = [];
    const { overlay } = resolution.value;
    const subjects = subjectsOf(object, view, findings);
    const refusals = refusalsOf(view, 'SecurityPolicy', tenantKey(object), 'spec');
    findings.push(...refusals);
    const resolved = spec.directions.map((direction) => ({ direction, rules: resolvedRules(object, direction, view, findings) }));
    // A policy that does not fit must not open what it is there to close: its subjects are permitted nothing.
    const directions = refusals.length === 0 ? resolved : spec.directions.map((direction) => ({ direction, rules: [] }));
    findings.push(...directions.flatMap(({ direction, rules }) => shadowedRules(rules, subjects, direction)));
    const rows = [
      ...directions.map(({ direction, rules }) => aclRow(tenantKey(object), overlay, direction, subjects, rules)),
      ...memberRows(overlay, [...subjects.sets, ...directions.flatMap(({ rules }) => rules.flatMap(({ peers }) => peers?.sets ?? []))]),
    ];
    const selected = subjects.prefixes.length + subjects.sets.reduce((sum, { members }) => sum + members.length, 0);
    return { rows, findings, facts: { selected } };
  },
};

const aclRow = (policy: string, { scope, vrf, vpc }: Overlay, direction: Direction, subjects: Ends, rules: readonly ResolvedRule[]): ScopedRow => {
  const way = direction === 'Ingress' ? 'ingress' : 'egress';
  const value: AclRow = {
    vrf,
    direction: way,
    description: policy,
    subjects: subjects.prefixes,
    subjectSets: subjects.sets.map(({ name }) => name),
    rules: rules.flatMap(aclRules),
  };
  return { scope, row: { table: 'acl', key: `${vrf}/${tenantRef('', policy).name}/${way}`, value }, from: [vpc] };
};

/** None for a rule whose peers are nobody: in a row, no peers are everybody. */
const aclRules = ({ peers, ports }: ResolvedRule): readonly AclRule[] => {
  if (peers !== undefined && peers.sets.length === 0 && isEmpty(peers)) return [];
  const ends = { peers: peers?.prefixes ?? [], sets: peers?.sets.map(({ name }) => name) ?? [] };
  if (ports === undefined) return [{ ...ends, ports: [] }];
  return [...ports].map(([protocol, ranges]) => ({ ...ends, protocol, ports: ranges }));
};

const memberRows = ({ scope, vrf, vpc }: Overlay, sets: readonly ChosenSet[]): ScopedRow[] =>
  [...new Map(sets.map((set) => [set.name, set])).values()].flatMap(({ name, members }) =>
    members.flatMap(({ attachment, prefixes }) =>
      prefixes.map((prefix): ScopedRow => {
        const row: Row = { table: 'aclMember', key: `${vrf}/${name}/${prefix}`, value: { vrf, set: name, prefix } };
        return { scope, row, from: [tenantRef('VPCAttachment', attachment), vpc] };
      }),
    ),
  );
