/** DELETE over HTTP, of one object or of all that selectors select. */
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { isJsonObject, objectOr, optional, type JsonObject } from '../kit/json.ts';
import { decodeBody } from './body/decode.ts';
import { jsonAnswer, readBody, type Answer, type Exchange } from './exchange.ts';
import type { ListQuery } from './query.ts';
import { awaitRevision, listAnswer, objectAnswer } from './read.ts';
import { propagations, type Propagation } from './registry/propagation.ts';
import type { DeleteOptions, Registry } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import { successStatus } from './status.ts';
import { badOption, dryRunOf } from './write.ts';

const kind = 'DeleteOptions';

/** Options come in the body, the query, or both; a grace period is taken and means nothing here. */
const deleteOptions = async (exchange: Exchange): Promise<DeleteOptions> => {
  const body = await bodyOf(exchange);
  const inBody = Array.isArray(body['dryRun']) ? body['dryRun'].map(String) : [];
  const { uid, resourceVersion } = objectOr(body['preconditions']);
  const grace = exchange.query.get('gracePeriodSeconds') ?? body['gracePeriodSeconds'] ?? 0;
  if (grace === '' || !Number.isInteger(Number(grace))) throw badOption(kind, 'gracePeriodSeconds', `"${String(grace)}" is not a whole number`, 'FieldValueInvalid');
  return {
    refuseInUse: true,
    sees: exchange.rights.sees,
    dryRun: dryRunOf(kind, [...exchange.query.getAll('dryRun'), ...inBody]),
    ...optional('propagation', propagationOf(exchange.query, body)),
    preconditions: {
      ...optional('uid', typeof uid === 'string' ? uid : undefined),
      ...optional('resourceVersion', typeof resourceVersion === 'string' ? resourceVersion : undefined),
    },
  };
};

const bodyOf = async ({ request }: Exchange): Promise<JsonObject> => {
  const bytes = await readBody(request);
  if (bytes.byteLength === 0) return {};
  const { value } = decodeBody(bytes, request.headers['content-type']);
  const named = isJsonObject(value) ? (value['kind'] ?? kind) : undefined;
  if (!isJsonObject(value) || named !== kind) throw new HeddleError('BadRequest', `the body of a DELETE is a ${kind}, not "${String(named)}"`);
  return value;
};

/** Kubernetes had `orphanDependents` before it had three ways. */
const propagationOf = (query: URLSearchParams, body: JsonObject): Propagation | undefined => {
  const asked = query.get('propagationPolicy') ?? body['propagationPolicy'] ?? '';
  const orphans = query.get('orphanDependents') ?? body['orphanDependents'] ?? '';
  if (asked !== '' && orphans !== '') throw badOption(kind, 'propagationPolicy', 'orphanDependents and propagationPolicy cannot be set both', 'FieldValueInvalid');
  if (orphans !== '') return /^(true|1)$/i.test(String(orphans)) ? 'Orphan' : 'Background';
  if (asked === '') return undefined;
  const found = propagations.find((propagation) => propagation === asked);
  if (found === undefined) throw badOption(kind, 'propagationPolicy', `"${String(asked)}" is not supported; use ${propagations.join(', ')}`);
  return found;
};

export const deleteObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const options = await deleteOptions(exchange);
  const { object, removed } = await registry.delete(route.served, route.namespace, route.name, options);
  if (removed) return jsonAnswer(successStatus(route.served, route.name, object.metadata.uid));
  return objectAnswer(exchange, route.served, object);
};

/**
 * Deletes what the selectors select, as far as `limit` goes, and answers the list of it. One that cannot be deleted keeps none
 * of the others from it; the first of such faults is the answer.
 */
export const deleteCollection = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<Answer> => {
  const options = await deleteOptions(exchange);
  const { served, namespace } = route;
  await awaitRevision(registry, query.resourceVersion ?? 0, exchange.signal);
  const list = await registry.list(served, { namespace, ...optional('limit', query.limit), ...optional('select', query.select) });
  const deleted: Resource[] = [];
  let fault: unknown;
  for (const { metadata } of list.items) {
    try {
      deleted.push((await registry.delete(served, metadata.namespace ?? '', metadata.name, options)).object);
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'NotFound') fault ??= thrown;
    }
  }
  if (fault !== undefined) throw fault;
  return listAnswer(exchange, route, { items: deleted, revision: list.revision });
};
