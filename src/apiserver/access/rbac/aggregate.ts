/**
 * ClusterRoles that are made of others: `admin`, `edit` and `view` hold the rules of all ClusterRoles with their label, so
 * that a new kind is added to them by adding a role. The rules are written into the role, for people and clients to see.
 */
import { isDeepStrictEqual } from 'node:util';
import { aggregationOf, rulesOf, type LabelSelector, type PolicyRule } from '../../../api/core/rbac.ts';
import type { Resource } from '../../../api/object.ts';
import { HeddleError } from '../../../kit/error.ts';
import { compareKeys } from '../../../store/key.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Follower } from '../follow.ts';

type Labels = { readonly [key: string]: string };

/** An empty selector selects everything, as Kubernetes' do. */
export const selects = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const isIn = value !== undefined && values.includes(value);
    return operator === 'In' ? isIn : !isIn;
  });

/** The rules that a role made of others should hold; undefined for a role that is not. */
export const aggregatedRules = (role: Resource, roles: Iterable<Resource>): PolicyRule[] | undefined => {
  const aggregation = aggregationOf(role);
  if (aggregation === undefined) return undefined;
  const { clusterRoleSelectors = [] } = aggregation;
  const chosen = [...roles].filter(
    ({ metadata }) => metadata.name !== role.metadata.name && clusterRoleSelectors.some((selector) => selects(selector, metadata.labels ?? {})),
  );
  const rules = chosen.toSorted((a, b) => compareKeys(a.metadata.name, b.metadata.name)).flatMap(rulesOf);
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
};

/** Follows ClusterRoles and writes the rules of those that are made of others, until what is there is what should be. */
export class Aggregator implements Follower {
  readonly #roles = new Map<string, Resource>();
  readonly #registry: Registry;
  readonly #onError: (error: HeddleError) => void;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(registry: Registry, onError: (error: HeddleError) => void) {
    this.#registry = registry;
    this.#onError = onError;
  }

  reset(items: readonly Resource[]): void {
    this.#roles.clear();
    for (const role of items) this.#roles.set(role.metadata.name, role);
    this.#run();
  }

  put(role: Resource): void {
    this.#roles.set(role.metadata.name, role);
    this.#run();
  }

  remove(role: Resource): void {
    this.#roles.delete(role.metadata.name);
    this.#run();
  }

  /** Resolves when nothing is left to be written of what is known. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #run(): void {
    this.#again = true;
    this.#running ??= this.#work().finally(() => (this.#running = undefined));
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      for (const role of Array.from(this.#roles.values())) {
        const rules = aggregatedRules(role, this.#roles.values());
        if (rules === undefined || isDeepStrictEqual(rules, rulesOf(role))) continue;
        await this.#write(role, rules).catch((thrown: unknown) => this.#onError(HeddleError.from(thrown)));
      }
    }
  }

  async #write({ metadata }: Resource, rules: readonly PolicyRule[]): Promise<void> {
    const change = (current: Resource): unknown => (aggregationOf(current) === undefined ? current : { ...current, rules });
    try {
      const written = await this.#registry.modify(this.#registry.scheme.byKind('ClusterRole'), '', metadata.name, change);
      // Roles of roles: what was written counts before the watch tells of it.
      this.#roles.set(metadata.name, written);
      this.#again = true;
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
    }
  }
}
