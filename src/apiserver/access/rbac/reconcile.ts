/**
 * Brings the shipped roles and bindings up to date at start, as Kubernetes does: what is missing is added, what people added
 * stays, and an object annotated `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
 */
import { isDeepStrictEqual } from 'node:util';
import { aggregationOf, rulesOf, subjectsOf, type Subject } from '../../../api/core/rbac.ts';
import type { Resource } from '../../../api/object.ts';
import { HeddleError } from '../../../kit/error.ts';
import type { Registry } from '../../registry/registry.ts';
import { autoUpdate, bootstrapBindings, bootstrapRoles } from './bootstrap.ts';
import { missingRules } from './rules.ts';

export const reconcileRoles = async (registry: Registry): Promise<void> => {
  for (const wanted of bootstrapRoles(registry.scheme)) await ensure(registry, wanted, withRules);
  for (const wanted of bootstrapBindings) await ensure(registry, wanted, withSubjects);
};

type Complete = (current: Resource, wanted: Resource) => Resource;

const ensure = async (registry: Registry, wanted: Resource, complete: Complete): Promise<void> => {
  const served = registry.scheme.byKind(wanted.kind);
  const change = (current: Resource): unknown =>
    current.metadata.annotations?.[autoUpdate] === 'false' ? current : withLabels(complete(current, wanted), wanted);
  try {
    await registry.modify(served, '', wanted.metadata.name, change);
  } catch (thrown) {
    if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
    await registry.create(served, wanted).catch(ignoreExisting);
  }
};

/** Another server on the same store starts at the same moment. */
const ignoreExisting = (thrown: unknown): void => {
  if (HeddleError.from(thrown).code !== 'AlreadyExists') throw thrown;
};

/** Labels decide which roles others are made of. */
const withLabels = (current: Resource, { metadata }: Resource): Resource => ({
  ...current,
  metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...metadata.labels } },
});

const withRules: Complete = (current, wanted) => {
  const aggregationRule = aggregationOf(wanted);
  if (aggregationRule !== undefined) return { ...current, aggregationRule } as Resource;
  const missing = missingRules(rulesOf(current), rulesOf(wanted));
  return missing.length === 0 ? current : ({ ...current, rules: [...rulesOf(current), ...missing] } as Resource);
};

const withSubjects: Complete = (current, wanted) => {
  const isMissing = (subject: Subject): boolean => !subjectsOf(current).some((known) => isDeepStrictEqual(known, subject));
  const missing = subjectsOf(wanted).filter(isMissing);
  return missing.length === 0 ? current : ({ ...current, subjects: [...subjectsOf(current), ...missing] } as Resource);
};
