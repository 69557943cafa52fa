/**
 * What one rule of a role allows, and whether rules cover others (Kubernetes RBAC, as its published evaluation defines it).
 * Pure: no roles, no bindings, no users.
 */
import type { PolicyRule } from '../../../api/core/rbac.ts';
import type { Target } from '../attributes.ts';

const has = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes(value) || list.includes('*'));

/** A subresource is named as `robots/status`, for every resource with a star before the slash, or by a star alone. */
const hasResource = (list: readonly string[] | undefined, plural: string, subresource: string): boolean => {
  if (list === undefined) return false;
  if (list.includes('*')) return true;
  return subresource === '' ? list.includes(plural) : list.includes(`${plural}/${subresource}`) || list.includes(`*/${subresource}`);
};

const hasName = (names: readonly string[] | undefined, name: string): boolean => names === undefined || names.length === 0 || names.includes(name);

export const allowsResource = (rule: PolicyRule, verb: string, { group, plural, subresource, name }: Target): boolean =>
  has(rule.verbs, verb) && has(rule.apiGroups, group) && hasResource(rule.resources, plural, subresource) && hasName(rule.resourceNames, name);

export const allowsPath = (rule: PolicyRule, verb: string, path: string): boolean =>
  has(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((url) => coversPath(url, path));

/** A trailing `*` stands for anything, nothing included. */
const coversPath = (url: string, path: string): boolean => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)));

/** Rules of one verb, one group, one resource and at most one name, or of one verb and one path. */
const atomsOf = (rule: PolicyRule): PolicyRule[] => {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [[]] : resourceNames.map((name) => [name]);
  return verbs.flatMap((verb) => [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) => names.map((name) => ({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: name }))),
    ),
    ...nonResourceURLs.map((url) => ({ verbs: [verb], nonResourceURLs: [url] })),
  ]);
};

/** Whether `held` allows all that the atom does: wildcards of the atom only by the same wildcard. */
const coversAtom = (held: PolicyRule, atom: PolicyRule): boolean => {
  if (!has(held.verbs, atom.verbs[0] ?? '')) return false;
  const url = atom.nonResourceURLs?.[0];
  if (url !== undefined) return (held.nonResourceURLs ?? []).some((known) => known === '*' || coversPath(known, url));
  if (!has(held.apiGroups, atom.apiGroups?.[0] ?? '')) return false;
  const [plural = '', subresource = ''] = (atom.resources?.[0] ?? '').split('/');
  if (!hasResource(held.resources, plural, subresource)) return false;
  const name = atom.resourceNames?.[0];
  const names = held.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
};

/** What of `wanted` nobody who holds `held` may hand on, as atoms put together by resource; empty when all is covered. */
export const missingRules = (held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] => {
  const missing = wanted.flatMap(atomsOf).filter((atom) => !held.some((rule) => coversAtom(rule, atom)));
  return compacted(missing);
};

/** Rules that differ in their verbs only, as one. */
const compacted = (rules: readonly PolicyRule[]): PolicyRule[] => {
  const groups = Map.groupBy(rules, (rule) => JSON.stringify({ ...rule, verbs: undefined }));
  return [...groups.values()].map((alike) => ({ ...alike[0], verbs: [...new Set(alike.flatMap(({ verbs }) => verbs))] }));
};

const quoted = (list: readonly string[] = []): string => `[${list.map((text) => JSON.stringify(text)).join(' ')}]`.replaceAll('" "', '", "');

/** A rule as Kubernetes prints it in messages. */
export const formatRule = ({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string => {
  const parts = [
    ...(apiGroups.length > 0 ? [`APIGroups:${quoted(apiGroups)}`] : []),
    ...(resources.length > 0 ? [`Resources:${quoted(resources)}`] : []),
    ...(resourceNames.length > 0 ? [`ResourceNames:${quoted(resourceNames)}`] : []),
    ...(nonResourceURLs.length > 0 ? [`NonResourceURLs:${quoted(nonResourceURLs)}`] : []),
    `Verbs:${quoted(verbs)}`,
  ];
  return `{${parts.join(', ')}}`;
};
