/** POST, PUT and PATCH over HTTP: options and bodies to registry calls. */
import { isBuiltIn, type Resource } from '../api/object.ts';
import { fieldTypeOf } from '../api/fieldtype.ts';
import { HeddleError } from '../kit/error.ts';
import type { FieldValidation } from './registry/admit.ts';
import { decodeBody, decodeJson, decodeJsonOrYaml, textOf, type Decoded } from './body/decode.ts';
import { readBody, type Answer, type Exchange } from './exchange.ts';
import { isJsonObject, objectOr } from '../kit/json.ts';
import { parseMediaType } from './body/media.ts';
import { jsonPatch, mergePatch } from './patch/patch.ts';
import { objectAnswer } from './read.ts';
import type { Registry, WriteOptions } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';
import { ApiError } from './status.ts';
import { checkedManagerName } from './patch/managername.ts';
import { strategicPatch } from './patch/strategic.ts';

/** `Invalid`, of an option of a request. */
export const badOption = (kind: string, path: string, message: string, code = 'FieldValueNotSupported'): HeddleError =>
  new ApiError('Invalid', `${kind}.meta.k8s.io "" is invalid: ${path}: ${message}`, { group: 'meta.k8s.io', kind }, { findings: [{ path, code, message }] });

/** Whether nothing is to be written; `Invalid` for values other than All. */
export const dryRunOf = (kind: string, values: readonly string[]): boolean => {
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
  ...(route.subresource === 'status' || route.subresource === 'finalize' ? { subresource: route.subresource } : {}),
  review: (next, before) => exchange.rights.review(route.served, next, before),
  sees: exchange.rights.sees,
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
  ...(isBuiltIn(served.kind) ? { 'application/strategic-merge-patch+json': (current: Resource, patch: unknown) => strategicPatch(fieldTypeOf(served.schema), current, patch) } : {}),
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
