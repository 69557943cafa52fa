/** Objects as the server has them now: one, many, or followed as they change. */
import type { Resource } from '../api/object.ts';
import { isJsonObject, objectOr } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import type { ApiClient } from './http.ts';
import { pathOf, type ResourceType } from './discovery.ts';

export interface Place {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

/** The object, or undefined when there is none. */
export const getObject = async (client: ApiClient, { type, namespace, name }: Place): Promise<Resource | undefined> => {
  try {
    return asObject((await client.call({ path: pathOf(type, namespace, name) })).body);
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'NotFound') return undefined;
    throw error;
  }
};

/** An answer of the server taken as an object; `Internal` when it is something else. */
export const asObject = (value: unknown): Resource => {
  if (isObject(value)) return value;
  throw new HeddleError('Internal', 'the server answered something that is not an object');
};

const isObject = (value: unknown): value is Resource =>
  isJsonObject(value) && typeof value['kind'] === 'string' && typeof objectOr(value['metadata'])['name'] === 'string';

/** Items of a list answer; lists leave out kind and apiVersion of their items, so they are filled in. */
export const itemsOf = (list: unknown, type: ResourceType, apiVersion: string): Resource[] => {
  const items: unknown = objectOr(list)['items'];
  const objects: unknown[] = Array.isArray(items) ? items : [];
  return objects.map((item) => asObject({ apiVersion, kind: type.kind, ...objectOr(item) }));
};

export interface Change {
  readonly type: string;
  readonly object: unknown;
}

/** Watch events from a revision on, one object (`name`) or a whole collection. Ends when the server ends the stream. */
export const changes = async function* (
  client: ApiClient,
  place: Place,
  resourceVersion: string,
  signal: AbortSignal,
  options: { readonly accept?: string; readonly query?: string } = {},
): AsyncGenerator<Change> {
  const only = place.name === '' ? '' : `&fieldSelector=metadata.name%3D${encodeURIComponent(place.name)}`;
  const path = `${pathOf(place.type, place.namespace)}?watch=true&resourceVersion=${resourceVersion}${only}${options.query ?? ''}`;
  for await (const event of client.stream({ path, signal, ...(options.accept === undefined ? {} : { accept: options.accept }) })) {
    const { type, object } = objectOr(event);
    if (type === 'ERROR') throw new HeddleError('Expired', String(objectOr(object)['message']));
    if (type !== 'BOOKMARK') yield { type: String(type), object };
  }
};
