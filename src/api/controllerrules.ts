/**
 * What the controller asks of an API server, as RBAC rules: no more than it does. Manifests for a cluster and the roles of our own
 * server are made of them, and a test plays a scenario and compares the requests with them.
 */
import type { PolicyRule } from './core/rbac.ts';
import { kinds } from './kinds.ts';
import { group } from './object.ts';

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[], resourceNames: readonly string[] = []): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: [...resources],
  verbs: [...verbs],
  ...(resourceNames.length === 0 ? {} : { resourceNames: [...resourceNames] }),
});

/** In all namespaces. */
export const controllerRules: readonly PolicyRule[] = [
  rule(group, kinds.map(({ plural }) => plural), ['list', 'watch']),
  rule(group, kinds.filter(({ hasStatus }) => hasStatus).map(({ plural }) => `${plural}/status`), ['patch']),
  // Ids and addresses in use.
  rule(group, ['claims'], ['get', 'create', 'delete']),
  // The finalizer that a link is drained by before it goes, and a device after its links.
  rule(group, ['connections', 'gateways', 'switches'], ['get', 'patch']),
  rule(group, ['dhcpleases'], ['create', 'patch', 'delete']),
  rule(group, ['rollouts'], ['create', 'patch', 'delete']),
  // The built-in one.
  rule(group, ['switchprofiles'], ['create']),
  rule('', ['events'], ['create', 'patch']),
];

/** In the namespace that it runs in: who leads, and the keys by which devices know the control plane. */
export const controllerOwnRules = (lease: string, secret: string): readonly PolicyRule[] => [
  // A name cannot be asked for when something is created.
  rule('coordination.k8s.io', ['leases'], ['create']),
  rule('coordination.k8s.io', ['leases'], ['get', 'patch'], [lease]),
  rule('', ['secrets'], ['create']),
  rule('', ['secrets'], ['get'], [secret]),
];
