/** How full the tables of a device are, as its profile counts them. Pure. */
import { capacityTables, capacityWords, type Capacity, type CapacityTable } from '../../api/capacity.ts';
import { entriesOf } from '../../api/policyparts.ts';
import { deviceScope } from '../../goal/rows.ts';
import { ref, type Fault, type Scene } from '../fault.ts';

export const capacityOf = (name: string, { spec }: Scene): Capacity | undefined => {
  const device = spec.device(name);
  const capacity: Capacity = (device && spec.objects.get('SwitchProfile', device.profile)?.spec.capacity) ?? {};
  return capacityTables.some((table) => capacity[table] !== undefined) ? capacity : undefined;
};

export const checkCapacity = (name: string, scene: Scene): readonly Fault[] => {
  const capacity = capacityOf(name, scene);
  if (capacity === undefined) return [];
  const scope = deviceScope(name);
  // Externals are the operator's and are never refused for want of room.
  for (const _ of scene.state.rows(scope, 'vrfPort')) return [];
  const used = usedOn(name, scene);
  return capacityTables.flatMap((table): Fault[] => {
    const [of, is] = [capacity[table], used[table]];
    if (of === undefined || is <= of) return [];
    return [{ code: 'OverCapacity', message: `"${name}" holds ${of} ${capacityWords[table]} and is given ${is}`, rows: [ref(scope, 'system', 'self')], objects: [`Switch/${name}`] }];
  });
};

const usedOn = (name: string, scene: Scene): { readonly [Table in CapacityTable]: number } => {
  const { state } = scene;
  const used = { vrfs: 0, segments: 0, hosts: 0, routes: 0, mappings: 0, aclRules: 0 };
  const scopes = [deviceScope(name)];
  for (const { value } of state.rows(deviceScope(name), 'member')) scopes.push(value.scope);
  for (const scope of scopes) {
    used.vrfs += state.count(scope, 'vrf');
    used.segments += state.count(scope, 'segment');
    used.hosts += state.count(scope, 'host');
    used.mappings += state.count(scope, 'mapping');
    used.routes += state.count(scope, 'route');
    for (const { value: { gateways } } of state.rows(scope, 'segment')) used.routes += gateways.length;
    for (const { value: { pairings } } of state.rows(scope, 'leak')) used.routes += pairings.reduce((sum, { remote }) => sum + remote.length, 0);
    if (scope.startsWith('vpc/')) used.aclRules += filterEntries(scope, scene);
  }
  return used;
};

/** A policy that was refused has a filter without rules. */
const filterEntries = (scope: string, { spec }: Scene): number => {
  const network = spec.networkOfVni(Number(scope.slice('vpc/'.length)));
  if (network === undefined || !('subnets' in network)) return 0;
  return [...spec.policiesByVpc.of(network.key)].reduce((sum, key) => {
    const held = spec.objects.get('SecurityPolicy', key);
    const isOwn = held !== undefined && `${held.namespace}/${held.spec.vpc}` === network.key && spec.refusals.of('SecurityPolicy', key).every(({ path }) => path !== 'spec');
    return sum + (isOwn ? entriesOf(held.spec) : 0);
  }, 0);
};
