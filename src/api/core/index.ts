/** The core kinds that every client expects to find beside ours. */
import type { Kind } from '../object.ts';
import { configMapKind } from './configmap.ts';
import { customResourceDefinitionKind } from './customresourcedefinition.ts';
import { eventKind } from './event.ts';
import { leaseKind } from './lease.ts';
import { namespaceKind } from './namespace.ts';
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from './rbac.ts';
import { resourceQuotaKind } from './resourcequota.ts';
import { reviewKinds } from './reviews.ts';
import { secretKind } from './secret.ts';
import { serviceAccountKind } from './serviceaccount.ts';

export { configMapKind, eventKind, leaseKind, namespaceKind, secretKind };

export const coreKinds: readonly Kind[] = [
  namespaceKind,
  eventKind,
  configMapKind,
  secretKind,
  customResourceDefinitionKind,
  serviceAccountKind,
  resourceQuotaKind,
  leaseKind,
  roleKind,
  clusterRoleKind,
  roleBindingKind,
  clusterRoleBindingKind,
  ...reviewKinds,
];
