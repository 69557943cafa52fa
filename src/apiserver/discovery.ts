/** Discovery: which groups, versions and resources there are, plain and aggregated. kubectl asks before anything else. */
import type { Kind } from '../api/object.ts';
import { parseAccept } from './body/media.ts';
import type { GroupVersion, Scheme, ServedKind } from './scheme.ts';
import type { JsonObject } from '../kit/json.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const readVerbs = ['get', 'list', 'watch'];
const statusVerbs = ['get', 'patch', 'update'];

const groupVersionOf = ({ group, version }: GroupVersion): string => (group === '' ? version : `${group}/${version}`);

/** `/api`. */
export const coreVersions = (host: string): JsonObject => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
});

/** `/apis`. */
export const groupList = (scheme: Scheme): JsonObject => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupNames(scheme).map((group) => groupOf(scheme, group)),
});

/** `/apis/GROUP`; undefined when there is none. */
export const groupDocument = (scheme: Scheme, group: string): JsonObject | undefined =>
  groupNames(scheme).includes(group) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(scheme, group) } : undefined;

const groupNames = (scheme: Scheme): string[] =>
  [...new Set(scheme.groupVersions.map((entry) => entry.group))].filter((group) => group !== '');

const groupOf = (scheme: Scheme, name: string): JsonObject => {
  const versions = scheme.groupVersions
    .filter((entry) => entry.group === name)
    .map((entry) => ({ groupVersion: groupVersionOf(entry), version: entry.version }));
  return { name, versions, preferredVersion: versions[0] };
};

const viewVerbs = ['get'];
const finalizeVerbs = ['update'];
const actionVerbs = ['create'];

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export const resourceList = (entry: GroupVersion): JsonObject => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: groupVersionOf(entry),
  resources: entry.kinds.flatMap(plainResources),
});

const verbsOf = (kind: Kind): string[] => (kind.createOnly === true ? actionVerbs : kind.readOnly === true ? readVerbs : fullVerbs(kind));

/** Namespaces are deleted one by one. */
const fullVerbs = ({ finalizes }: Kind): string[] => (finalizes === true ? verbs.filter((verb) => verb !== 'deletecollection') : verbs);

const plainResources = (served: ServedKind): JsonObject[] => {
  const { kind, plural, singular, shortNames, categories, hasStatus, views = {}, actions = {} } = served.kind;
  const resource = { name: plural, singularName: singular, namespaced: served.namespaced, kind, verbs: verbsOf(served.kind), shortNames, categories };
  const status = { name: `${plural}/status`, singularName: '', namespaced: served.namespaced, kind, verbs: statusVerbs };
  const read = Object.entries(views).map(([view, answer]) => ({ ...status, name: `${plural}/${view}`, kind: answer, verbs: viewVerbs }));
  const asked = Object.entries(actions).map(([action, answer]) => ({ ...status, name: `${plural}/${action}`, ...answer, verbs: actionVerbs }));
  const finalize = { ...status, name: `${plural}/finalize`, verbs: finalizeVerbs };
  return [resource, ...(hasStatus ? [status] : []), ...(served.kind.finalizes === true ? [finalize] : []), ...read, ...asked];
};

/**
 * The version of aggregated discovery that an Accept header wants before plain JSON. Exactly that version must be answered:
 * kubectl 1.27 to 1.29 ask for v2beta1 and find no resources at all in a v2 document.
 */
export const aggregatedVersion = (accept: string | undefined): 'v2' | 'v2beta1' | undefined => {
  for (const { type, parameters } of parseAccept(accept)) {
    const isAggregated = parameters['as'] === 'APIGroupDiscoveryList' && parameters['g'] === 'apidiscovery.k8s.io';
    const version = parameters['v'];
    if (type === 'application/json' && isAggregated && (version === 'v2' || version === 'v2beta1')) return version;
    if (type === 'application/json' && parameters['as'] === undefined) return undefined;
  }
  return undefined;
};

/** `/api` (`core`) or `/apis` in one document. */
export const aggregated = (scheme: Scheme, core: boolean, version: 'v2' | 'v2beta1'): JsonObject => {
  const names = core ? [''] : groupNames(scheme);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: names.map((name) => ({
      metadata: name === '' ? {} : { name },
      versions: scheme.groupVersions.filter((entry) => entry.group === name).map(aggregatedGroupVersion),
    })),
  };
};

const aggregatedGroupVersion = ({ version, kinds }: GroupVersion): JsonObject => ({
  version,
  freshness: 'Current',
  resources: kinds.map(aggregatedResource),
});

const subresourcesOf = ({ hasStatus, finalizes, views = {}, actions = {} }: Kind, responseKind: { readonly group: string; readonly version: string }): JsonObject => {
  const status = hasStatus ? [{ subresource: 'status', responseKind, verbs: statusVerbs }] : [];
  const finalize = finalizes === true ? [{ subresource: 'finalize', responseKind, verbs: finalizeVerbs }] : [];
  const read = Object.entries(views).map(([view, kind]) => ({ subresource: view, responseKind: { ...responseKind, kind }, verbs: viewVerbs }));
  const asked = Object.entries(actions).map(([action, kind]) => ({ subresource: action, responseKind: kind, verbs: actionVerbs }));
  const subresources = [...status, ...finalize, ...read, ...asked];
  return subresources.length === 0 ? {} : { subresources };
};

const aggregatedResource = ({ kind }: ServedKind): JsonObject => {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    shortNames: kind.shortNames,
    categories: kind.categories,
    ...subresourcesOf(kind, responseKind),
  };
};
