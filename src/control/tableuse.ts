/** How much of a device's tables its goal state needs, as its profile counts them (`spec.capacity`). */
import { capacityTables, type Capacity, type CapacityTable } from '../api/capacity.ts';
import { defaultSecurityPolicySpec, type SecurityPolicySpec } from '../api/kinds/securitypolicy.ts';
import type { SwitchProfileSpec } from '../api/kinds/switchprofile.ts';
import type { SwitchSpec, SwitchStatus } from '../api/kinds/switch.ts';
import type { Resource } from '../api/object.ts';
import { entriesOf } from '../api/policyparts.ts';
import type { GoalState } from '../goal/state.ts';

type Find = (kind: string, namespace: string, name: string) => Resource | undefined;

/** Of the tables whose size is known; undefined when that is none. */
export const tableUse = (device: Resource, goal: Pick<GoalState, 'scope' | 'subscriptions'>, find: Find): SwitchStatus['capacity'] | undefined => {
  const { profile = 'linux-soft' } = device.spec as SwitchSpec;
  const capacity: Capacity = (find('SwitchProfile', '', profile)?.spec as SwitchProfileSpec | undefined)?.capacity ?? {};
  const known = capacityTables.flatMap((table) => (capacity[table] === undefined ? [] : [[table, capacity[table]] as const]));
  if (known.length === 0) return undefined;
  const used = usedOn(device.metadata.name, goal, find);
  return Object.fromEntries(known.map(([table, of]) => [table, { used: used[table] ?? 0, of }]));
};

/** Tables with very many rows are not looked through. */
const usedOn = (device: string, goal: Pick<GoalState, 'scope' | 'subscriptions'>, find: Find): { readonly [Table in CapacityTable]: number } => {
  const used = { vrfs: 0, segments: 0, hosts: 0, routes: 0, mappings: 0, aclRules: 0 };
  const policies = new Set<string>();
  for (const scope of goal.subscriptions(device)) {
    const { rows } = goal.scope(scope);
    used.vrfs += rows.count('vrf');
    used.segments += rows.count('segment');
    used.hosts += rows.count('host');
    used.mappings += rows.count('mapping');
    used.routes += rows.count('route');
    for (const row of rows.in('segment')) if (row.table === 'segment') used.routes += row.value.gateways.length;
    for (const row of rows.in('leak')) if (row.table === 'leak') used.routes += row.value.pairings.reduce((sum, { remote }) => sum + remote.length, 0);
    for (const row of rows.in('acl')) if (row.table === 'acl') policies.add(row.value.description);
  }
  for (const policy of policies) used.aclRules += entriesOfPolicy(policy, find);
  return used;
};

const entriesOfPolicy = (policy: string, find: Find): number => {
  const slash = policy.indexOf('/');
  const object = find('SecurityPolicy', policy.slice(0, slash), policy.slice(slash + 1));
  return object === undefined ? 0 : entriesOf(defaultSecurityPolicySpec(object.spec as SecurityPolicySpec));
};
