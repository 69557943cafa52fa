/** What the server serves, asked of the server itself: so the CLI works with kinds it has never heard of. */
import type { Kind } from '../api/object.ts';
import { nearest } from '../api/spelling.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import type { ApiClient } from './http.ts';

type Names = Pick<Kind, 'group' | 'version' | 'kind' | 'plural' | 'singular' | 'shortNames' | 'categories'>;

export interface ResourceType extends Names {
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** All resource types, core first, in the server's order; subresources left out. */
export const discover = async (client: ApiClient): Promise<ResourceType[]> => {
  const groups = objectOr((await client.call({ path: '/apis' })).body)['groups'];
  const groupVersions = listOf(groups).map((group) => String(objectOr(group['preferredVersion'])['groupVersion']));
  const lists = await Promise.all(
    ['v1', ...groupVersions].map(async (groupVersion) => {
      const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
      const resources = listOf(objectOr((await client.call({ path })).body)['resources']);
      return resources.filter((resource) => !String(resource['name']).includes('/')).map((resource) => typeOf(groupVersion, resource));
    }),
  );
  return lists.flat();
};

const listOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : []);
const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const typeOf = (groupVersion: string, resource: JsonObject): ResourceType => {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
  const kind = String(resource['kind']);
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural: String(resource['name']),
    singular: String(resource['singularName'] || kind.toLowerCase()),
    shortNames: words(resource['shortNames']),
    categories: words(resource['categories']),
    namespaced: resource['namespaced'] === true,
    verbs: words(resource['verbs']),
  };
};

/** `vpcs.heddle.dev`, or `namespaces` for core types. */
export const resourceName = (type: ResourceType): string => (type.group === '' ? type.plural : `${type.plural}.${type.group}`);

/** `vpc.heddle.dev/shop`: how an object is called in messages and with `-o name`. */
export const objectName = (type: ResourceType, name: string): string =>
  `${type.kind.toLowerCase()}${type.group === '' ? '' : `.${type.group}`}/${name}`;

const namesOf = (type: ResourceType): string[] =>
  [type.plural, type.singular, type.kind.toLowerCase(), ...type.shortNames].flatMap((name) =>
    type.group === '' ? [name] : [name, `${name}.${type.group}`, `${name}.${type.version}.${type.group}`],
  );

/** The type called `word`: plural, singular, short name or kind, with or without its group, in any case. */
export const findType = (types: readonly ResourceType[], word: string): ResourceType => {
  const found = types.find((type) => namesOf(type).includes(word.toLowerCase()));
  if (found !== undefined) return found;
  const near = nearest(word, types.flatMap((type) => [type.singular, type.plural, ...type.shortNames]));
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  throw new HeddleError('NotFound', `the server has no kind "${word}"${hint} ("heddle api-resources" lists them)`);
};

/** Types named by a list such as `vpc,vpcpeering`, or by a category such as `all`. */
export const findTypes = (types: readonly ResourceType[], list: string): ResourceType[] =>
  list.split(',').flatMap((word) => {
    const members = types.filter((type) => type.categories.includes(word) && type.verbs.includes('list'));
    return members.length > 0 ? members : [findType(types, word)];
  });

/** The type of an object, by its apiVersion and kind. */
export const typeOfObject = (types: readonly ResourceType[], apiVersion: string, kind: string): ResourceType => {
  const found = types.find((type) => type.kind === kind && apiVersionOf(type) === apiVersion);
  if (found !== undefined) return found;
  throw new HeddleError('NotFound', `the server does not serve ${kind} of "${apiVersion}" ("heddle api-resources" lists what it does)`);
};

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** Path of a collection (no name) or an object; a namespaced type without a namespace means all namespaces. */
export const pathOf = (type: ResourceType, namespace: string, name = ''): string => {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const space = type.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${space}/${type.plural}${name === '' ? '' : `/${encodeURIComponent(name)}`}`;
};
