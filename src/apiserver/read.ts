/** GET of objects and collections, as JSON, YAML, tables or metadata only. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Revision } from '../store/store.ts';
import type { Answer, Exchange } from './exchange.ts';
import { optional, type JsonObject } from '../kit/json.ts';
import { representation, write, type Representation } from './body/media.ts';
import { decodeContinue, encodeContinue, type ListQuery } from './query.ts';
import type { ListObjectsOptions, ObjectList, Registry } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';
import { ApiError } from './status.ts';
import { partialMetadata, tableOf, type IncludeObject } from './table.ts';

/** How long a request for a resourceVersion of the future waits for it, in milliseconds. */
const futurePatience = 3000;

/** `Timeout` with cause ResourceVersionTooLarge when the revision does not arrive in time. */
export const awaitRevision = async (registry: Registry, revision: Revision, signal: AbortSignal): Promise<void> => {
  const deadline = Date.now() + futurePatience;
  while (registry.revision < revision) {
    if (Date.now() > deadline || signal.aborted) {
      const message = `Too large resource version: ${revision}, current: ${registry.revision}`;
      throw new ApiError('Timeout', message, { retryAfterSeconds: 1 }, { findings: [{ path: '', code: 'ResourceVersionTooLarge', message: 'Too large resource version' }] });
    }
    await sleep(25);
  }
};

export const includeObjectOf = (query: URLSearchParams): IncludeObject => {
  const asked = query.get('includeObject') ?? '';
  if (asked === '' || asked === 'Metadata') return 'Metadata';
  if (asked === 'None' || asked === 'Object') return asked;
  throw new HeddleError('BadRequest', `includeObject "${asked}" is not None, Metadata or Object`);
};

const answer = (value: unknown, form: Representation, status = 200): Answer => ({ status, type: form.type, body: write(value, form.type) });

/** One object in the form that was asked for. */
export const objectAnswer = (exchange: Exchange, served: ServedKind, object: Resource, status = 200): Answer => {
  const form = representation(exchange.request.headers.accept);
  const { metaVersion } = form;
  if (form.transform === 'metadata') return answer(partialMetadata(object, metaVersion), form, status);
  if (form.transform === 'none') return answer(object, form, status);
  const includeObject = includeObjectOf(exchange.query);
  return answer(tableOf(served.kind, [object], { includeObject, metaVersion, now: Date.now() }), form, status);
};

export const getObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const version = exchange.query.get('resourceVersion') ?? '';
  if (version !== '' && !/^\d{1,15}$/.test(version)) throw new HeddleError('BadRequest', `resourceVersion "${version}" is not a whole number`);
  if (version !== '') await awaitRevision(registry, Number(version), exchange.signal);
  return objectAnswer(exchange, route.served, await registry.get(route.served, route.namespace, route.name, { managedFields: true }));
};

export const listObjects = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<Answer> => {
  const list = await readPage(registry, exchange, route, query);
  return listAnswer(exchange, route, list);
};

const readPage = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<ObjectList> => {
  const { served, namespace } = route;
  const prefix = served.key(namespace, '');
  // Nobody looks at the owners of rows.
  const managedFields = representation(exchange.request.headers.accept).transform !== 'table';
  if (query.continueToken !== '') {
    const token = decodeContinue(query.continueToken);
    const options = { ...pageOptions(route, query, query.limit), from: prefix + token.start, managedFields };
    if (token.revision < 0) return registry.list(served, options);
    return registry.list(served, { ...options, revision: token.revision }).catch((thrown: unknown) => {
      throw expiredPage(thrown, token.start);
    });
  }
  const asked = query.resourceVersion ?? 0;
  await awaitRevision(registry, asked, exchange.signal);
  // Version 0 means "any state you have": stock servers answer it from a cache that cannot page.
  const limit = query.resourceVersion === 0 ? undefined : query.limit;
  const exact = asked > 0 && (query.match === 'Exact' || (query.match === '' && limit !== undefined));
  const named = query.field?.name;
  if (named !== undefined && !exact && (namespace !== '' || !served.namespaced)) return listOne(registry, route, named, query);
  return registry.list(served, { ...pageOptions(route, query, limit), managedFields, ...(exact ? { revision: asked } : {}) });
};

const pageOptions = (route: ResourceRoute, query: ListQuery, limit: number | undefined): ListObjectsOptions => ({
  namespace: route.namespace,
  ...optional('limit', limit),
  ...optional('select', query.select),
});

/** A selector that names one object needs no scan; the revision is read first, so that a watch from it misses nothing. */
const listOne = async (registry: Registry, { served, namespace }: ResourceRoute, name: string, query: ListQuery): Promise<ObjectList> => {
  const { revision } = registry;
  const found = await registry.get(served, namespace, name, { managedFields: true }).catch((thrown: unknown) => {
    if (thrown instanceof HeddleError && thrown.code === 'NotFound') return undefined;
    throw thrown;
  });
  const items = found !== undefined && (query.select?.(found) ?? true) ? [found] : [];
  return { items, revision: Math.max(revision, ...items.map((item) => Number(item.metadata.resourceVersion))) };
};

/** A page whose revision was compacted: 410 with a token that goes on from here at the present. */
const expiredPage = (thrown: unknown, start: string): unknown => {
  if (!(thrown instanceof HeddleError) || thrown.code !== 'Expired') return thrown;
  const message = 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results, which may be inconsistent';
  return new ApiError('Expired', message, {}, { continueToken: encodeContinue({ revision: -1, start }) });
};

/** A list in the form that was asked for. */
export const listAnswer = (exchange: Exchange, { served, namespace }: ResourceRoute, list: ObjectList): Answer => {
  const form = representation(exchange.request.headers.accept);
  const prefix = served.key(namespace, '');
  const metadata: JsonObject = {
    resourceVersion: String(list.revision),
    ...(list.next === undefined ? {} : { continue: encodeContinue({ revision: list.revision, start: list.next.slice(prefix.length) }) }),
    ...optional('remainingItemCount', list.remaining),
  };
  const { metaVersion } = form;
  if (form.transform === 'table') {
    const includeObject = includeObjectOf(exchange.query);
    return answer(tableOf(served.kind, list.items, { includeObject, metaVersion, now: Date.now(), metadata }), form);
  }
  if (form.transform === 'metadata') {
    const items = list.items.map((item) => partialMetadata(item, metaVersion));
    return answer({ kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${metaVersion}`, metadata, items }, form);
  }
  return answer({ kind: `${served.kind.kind}List`, apiVersion: served.apiVersion, metadata, items: list.items }, form);
};
