/** POST, PUT, PATCH and DELETE over HTTP: options and bodies to registry calls. */
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { FieldValidation } from './registry/admit.ts';
import { decodeBody, decodeJson, decodeJsonOrYaml, textOf, type Decoded } from './body/decode.ts';
import { jsonAnswer, readBody, type Answer, type Exchange } from './exchange.ts';
import { isJsonObject, objectOr, optional } from '../kit/json.ts';
import { parseMediaType } from './body/media.ts';
import { jsonPatch, mergePatch } from './patch/patch.ts';
import type { ListQuery } from './query.ts';
import { objectAnswer } from './read.ts';
import type { DeleteOptions, Registry, WriteOptions } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';
import { ApiError, successStatus } from './status.ts';
import { checkedManagerName } from './patch/managername.ts';
import { strategicPatch } from './patch/strategic.ts';

const badOption = (kind: string, path: string, message: string, code = 'FieldValueNotSupported'): HeddleError =>
  new ApiError('Invalid', `${kind}.meta.k8s.io "" is invalid: ${path}: ${message}`, { group: 'meta.k8s.io', kind }, { findings: [{ path, code, message }] });

const dryRunOf = (kind: string, values: readonly string[]): boolean => {
  const wrong = values.find((value) => value !== 'All' && value !== '');
  if (wrong !== undefined) throw badOption(kind, 'dryRun', `"${wrong}" is not supported; use All`);
  return values.includes('All');
};

const fieldValidationOf = (kind: string, asked: string): FieldValidation => {
  if (asked === '') return 'Warn';
  if (asked === 'Strict' || asked === 'Warn' || asked === 'Ignore') return asked;
  throw badOption(kind, 'fieldValidation', `"${asked}" is not supported; use Ignore, Warn or Strict`);
};

const writeOptions = (kind: string, exchange: Exchange, route: ResourceRoute, duplicates: readonly string[]): WriteOptions => ({
  dryRun: dryRunOf(kind, exchange.query.getAll('dryRun')),
  fieldValidation: fieldValidationOf(kind, exchange.query.get('fieldValidation') ?? ''),
  duplicates,
  warn: (text) => exchange.warnings.add(text),
  fieldManager: fieldManagerOf(kind, exchange),
  managedFields: true,
  ...(route.subresource === 'status' ? { subresource: 'status' } : {}),
});

/** The `fieldManager` that was given, else what the client calls itself before the first `/`. */
const fieldManagerOf = (kind: string, { query, request }: Exchange): string => {
  const given = query.get('fieldManager') ?? '';
  if (given !== '') return checkedManagerName(kind, given);
  const agent = (request.headers['user-agent'] ?? '').split('/')[0]?.replace(/[^\x20-\x7e]/g, '').slice(0, 128) ?? '';
  return agent === '' ? 'unknown' : agent;
};

const decodedBody = async ({ request }: Exchange): Promise<Decoded> => decodeBody(await readBody(request), request.headers['content-type']);

/** The body with the namespace of the URL; one that names another namespace, or another object, is a mistake. */
const placed = (route: ResourceRoute, value: unknown): unknown => {
  if (!isJsonObject(value)) throw new HeddleError('BadRequest', 'the body must be one object');
  const metadata = objectOr(value['metadata']);
  const { namespace = '', name = '' } = metadata;
  if (route.served.namespaced && namespace !== '' && namespace !== route.namespace) {
    throw new HeddleError('BadRequest', `the namespace of the object ("${String(namespace)}") does not match the namespace on the request ("${route.namespace}")`);
  }
  if (route.name !== '' && name !== '' && name !== route.name) {
    throw new HeddleError('BadRequest', `the name of the object ("${String(name)}") does not match the name on the URL ("${route.name}")`);
  }
  const { namespace: _, ...rest } = metadata;
  const where = route.served.namespaced ? { namespace: route.namespace } : {};
  return { ...value, metadata: { ...rest, ...where, ...(route.name === '' ? {} : { name: route.name }) } };
};

export const createObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const { value, duplicates } = await decodedBody(exchange);
  const options = writeOptions('CreateOptions', exchange, route, duplicates);
  const object = await registry.create(route.served, withType(route.served, placed(route, value)), options);
  return objectAnswer(exchange, route.served, object, 201);
};

/** Typed Go clients may leave kind and apiVersion out; the URL says them. */
const withType = (served: ServedKind, value: unknown): unknown =>
  isJsonObject(value) ? { ...value, apiVersion: value['apiVersion'] ?? served.apiVersion, kind: value['kind'] ?? served.kind.kind } : value;

export const updateObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const { value, duplicates } = await decodedBody(exchange);
  const options = writeOptions('UpdateOptions', exchange, route, duplicates);
  const object = await registry.update(route.served, withType(route.served, placed(route, value)), options);
  return objectAnswer(exchange, route.served, object);
};

type ApplyPatch = (current: Resource, patch: unknown) => unknown;

const merge: ApplyPatch = (current, patch) => mergePatch(current, patch);

const patchTypes = (served: ServedKind): { readonly [type: string]: ApplyPatch } => ({
  'application/merge-patch+json': merge,
  'application/json-patch+json': (current, patch) => jsonPatch(current, patch),
  ...(served.kind.group === '' ? { 'application/strategic-merge-patch+json': (current: Resource, patch: unknown) => strategicPatch(current, patch) } : {}),
});

const applyType = 'application/apply-patch+yaml';

const unsupportedPatch = (types: readonly string[]): HeddleError => {
  const list = [...types, applyType].join(', ');
  return new HeddleError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${list}`);
};

export const patchObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const { type } = parseMediaType(exchange.request.headers['content-type'] ?? '');
  if (type === applyType) return applyObject(registry, exchange, route);
  const types = patchTypes(route.served);
  const apply = Object.hasOwn(types, type) ? types[type] : undefined;
  if (apply === undefined) throw unsupportedPatch(Object.keys(types));
  if (exchange.query.has('force')) throw badOption('PatchOptions', 'force', 'may not be specified for non-apply patch', 'FieldValueForbidden');
  const { value, duplicates } = decodeJson(textOf(await readBody(exchange.request)));
  if (type !== 'application/json-patch+json' && !isJsonObject(value)) throw new HeddleError('BadRequest', 'the patch must be a JSON object');
  const options = writeOptions('PatchOptions', exchange, route, duplicates);
  const change = (current: Resource): unknown => placed(route, apply(current, value));
  const object = await registry.modify(route.served, route.namespace, route.name, change, options);
  return objectAnswer(exchange, route.served, object);
};

/** Server-side apply. The body is YAML, or the JSON that kubectl sends under that name. */
const applyObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const { query, request } = exchange;
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager === '') throw badOption('PatchOptions', 'fieldManager', 'is required for apply patch', 'FieldValueRequired');
  const { value, duplicates } = decodeJsonOrYaml(textOf(await readBody(request)));
  const force = /^(true|1)$/i.test(query.get('force') ?? '');
  const options = { ...writeOptions('PatchOptions', exchange, route, duplicates), fieldManager, force };
  const { object, created } = await registry.apply(route.served, route.namespace, route.name, placed(route, value), options);
  return objectAnswer(exchange, route.served, object, created ? 201 : 200);
};

const propagationPolicies = ['Background', 'Foreground', 'Orphan'];

/** Options come in the body, the query, or both. Owners are not followed yet, so all policies delete just the object. */
const deleteOptions = async (exchange: Exchange): Promise<DeleteOptions> => {
  const bytes = await readBody(exchange.request);
  const body = bytes.byteLength === 0 ? {} : objectOr(decodeBody(bytes, exchange.request.headers['content-type']).value);
  const policy = exchange.query.get('propagationPolicy') ?? body['propagationPolicy'];
  if (policy !== undefined && policy !== null && policy !== '' && !propagationPolicies.includes(String(policy))) {
    throw badOption('DeleteOptions', 'propagationPolicy', `"${String(policy)}" is not supported; use ${propagationPolicies.join(', ')}`);
  }
  const inBody = Array.isArray(body['dryRun']) ? body['dryRun'].map(String) : [];
  const { uid, resourceVersion } = objectOr(body['preconditions']);
  return {
    refuseInUse: true,
    dryRun: dryRunOf('DeleteOptions', [...exchange.query.getAll('dryRun'), ...inBody]),
    preconditions: {
      ...optional('uid', typeof uid === 'string' ? uid : undefined),
      ...optional('resourceVersion', typeof resourceVersion === 'string' ? resourceVersion : undefined),
    },
  };
};

export const deleteObject = async (registry: Registry, exchange: Exchange, route: ResourceRoute): Promise<Answer> => {
  const options = await deleteOptions(exchange);
  const { object, removed } = await registry.delete(route.served, route.namespace, route.name, options);
  if (removed) return jsonAnswer(successStatus(route.served, route.name, object.metadata.uid));
  return objectAnswer(exchange, route.served, object);
};

/** Deletes what the selectors select, one by one, and answers the list of it. */
export const deleteCollection = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<Answer> => {
  const options = await deleteOptions(exchange);
  const { served } = route;
  const { items, revision } = await registry.list(served, { namespace: route.namespace, ...optional('select', query.select) });
  for (const { metadata } of items) {
    await registry.delete(served, metadata.namespace ?? '', metadata.name, options).catch((thrown: unknown) => {
      if (!(thrown instanceof HeddleError) || thrown.code !== 'NotFound') throw thrown;
    });
  }
  return jsonAnswer({ kind: `${served.kind.kind}List`, apiVersion: served.apiVersion, metadata: { resourceVersion: String(revision) }, items });
};
