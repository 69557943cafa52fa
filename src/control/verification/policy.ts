/** What `Fabric.spec.verification` of all Fabrics comes to: goal state is one, so it is checked by the strictest of them. Pure. */
import { defaultFabricSpec, type DefaultedFabricSpec, type FabricSpec } from '../../api/kinds/fabric.ts';
import type { Resource } from '../../api/object.ts';

export type Policy = DefaultedFabricSpec['verification'];

const strictness = ['off', 'warn', 'block'] as const;

export const standardPolicy: Policy = defaultFabricSpec({}).verification;

export const policyOf = (fabrics: Iterable<Resource>): Policy => {
  const policies = [...fabrics].map(({ spec }) => defaultFabricSpec((spec ?? {}) as FabricSpec).verification);
  return policies.length === 0 ? standardPolicy : policies.reduce(strictest);
};

const strictest = (one: Policy, other: Policy): Policy => {
  const classes = Math.max(one.budget.classes ?? Number.POSITIVE_INFINITY, other.budget.classes ?? Number.POSITIVE_INFINITY);
  return {
    mode: strictness.indexOf(one.mode) > strictness.indexOf(other.mode) ? one.mode : other.mode,
    budget: {
      milliseconds: Math.max(one.budget.milliseconds, other.budget.milliseconds),
      ...(Number.isFinite(classes) ? { classes } : {}),
    },
    whenExhausted: one.whenExhausted === 'block' ? 'block' : other.whenExhausted,
  };
};
