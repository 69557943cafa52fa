/** From a request to its answer: what is asked, may this user ask it, who answers. */
import type { Registry as MetricsRegistry } from 'prom-client';
import { isBuiltIn } from '../api/object.ts';
import { planKind } from '../api/plankind.ts';
import { HeddleError } from '../kit/error.ts';
import type { JsonObject } from '../kit/json.ts';
import type { Access } from './access/access.ts';
import { denied, type Attributes, type Decision } from './access/attributes.ts';
import { rightsOf, type Rights } from './access/rights.ts';
import { controllersGroup } from './access/user.ts';
import { representation, write } from './body/media.ts';
import { deleteCollection, deleteObject } from './deletion.ts';
import { aggregated, aggregatedVersion, coreVersions, groupDocument, groupList, resourceList } from './discovery.ts';
import { jsonAnswer, textAnswer, type Answer, type Exchange } from './exchange.ts';
import { createOpenApiV2 } from './openapi/v2.ts';
import { createOpenApiV3 } from './openapi/v3.ts';
import { parseListQuery } from './query.ts';
import { answerPlan, type Plans } from './plans.ts';
import { getObject, listObjects } from './read.ts';
import type { Registry } from './registry/registry.ts';
import { isAction, isView, type ResourceRoute } from './route.ts';
import { forbidden } from './status.ts';
import { streamWatch } from './stream.ts';
import { createObject, patchObject, updateObject } from './write.ts';

export interface DispatchOptions {
  readonly registry: Registry;
  readonly access: Access;
  readonly metrics: MetricsRegistry;
  readonly version: string;
  /** HOST:PORT that clients reach. */
  readonly address: () => string;
  readonly views: Views;
  readonly plans: Plans;
  /** Answers what is asked of the server's health. */
  readonly health: (exchange: Exchange) => Promise<Answer | undefined>;
}

/** Answers a read of a view (`Kind.views`) of an object that is there; throws a HeddleError where it cannot. */
export type Views = (route: ResourceRoute, query: URLSearchParams, rights: Rights) => unknown;

/** Undefined: the answer was streamed. */
export type Dispatch = (exchange: Exchange, route: ResourceRoute | undefined, allowed: (decision: Decision) => void) => Promise<Answer | undefined>;

export const createDispatch = (options: DispatchOptions): Dispatch => {
  const paths = createPaths(options);
  const { access, registry } = options;
  const rights = { ...access, scheme: registry.scheme };
  return async (asked, route, allowed) => {
    if (asked.method === 'OPTIONS') throw methodNotAllowed();
    const attributes = attributesOf(asked, route);
    const decision = access.authorize(attributes);
    if (!decision.allowed) throw denied(attributes);
    allowed(decision);
    const exchange = { ...asked, rights: rightsOf(rights, asked.user, asked.path) };
    if (route !== undefined && (isAction(route) || route.served.kind.createOnly === true)) return actionAnswer(options, exchange, route, attributes.verb);
    if (route !== undefined && isView(route)) return viewAnswer(options, exchange, route, attributes.verb);
    if (route !== undefined && attributes.verb === 'watch') return watchAnswer(options, exchange, route, attributes);
    if (route !== undefined) return dispatchResource(registry, exchange, route, attributes.verb);
    const answer = await paths(exchange);
    if (answer !== undefined) return answer;
    throw new HeddleError('NotFound', 'the server could not find the requested resource');
  };
};

const methodNotAllowed = (): HeddleError => new HeddleError('MethodNotAllowed', 'the server does not allow this method on the requested resource');

const itemVerbs: { readonly [method: string]: string } = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const collectionVerbs: { readonly [method: string]: string } = { GET: 'list', POST: 'create', DELETE: 'deletecollection' };

/** The Kubernetes verb of a request on a resource, or the method in lower case for other paths. */
export const verbOf = ({ method, query }: Exchange, route: ResourceRoute | undefined): string => {
  if (route === undefined) return method.toLowerCase();
  const verb = (route.name === '' || isAction(route) ? collectionVerbs : itemVerbs)[method];
  if (verb === 'list' && /^(true|1)$/i.test(query.get('watch') ?? '')) return 'watch';
  return verb ?? method.toLowerCase();
};

const attributesOf = (exchange: Exchange, route: ResourceRoute | undefined): Attributes => {
  const { user, path } = exchange;
  const verb = verbOf(exchange, route);
  if (route === undefined) return { user, verb, path };
  const { group, plural } = route.served.kind;
  const { subresource, name } = route;
  // A namespace is in itself: who may something in a namespace may be allowed to see what it is.
  const namespace = group === '' && plural === 'namespaces' ? name : route.namespace;
  const named = name === '' && (verb === 'list' || verb === 'watch') ? nameIn(exchange.query.get('fieldSelector')) : name;
  return { user, verb, path, resource: { group, plural, subresource, namespace, name: named } };
};

/** The one name that a field selector leaves; empty when it leaves more. */
const nameIn = (selector: string | null): string => /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(selector ?? '')?.[1] ?? '';

const actionAnswer = ({ access, registry, plans }: DispatchOptions, exchange: Exchange, route: ResourceRoute, verb: string): Promise<Answer> => {
  const isMissing = route.subresource === '' && route.served.namespaced && route.namespace === '';
  if (exchange.method !== 'POST' || (verb !== 'create' && !isAction(route)) || isMissing) throw methodNotAllowed();
  return route.served.kind.kind === planKind.kind ? answerPlan(registry, plans, exchange, route) : access.answers(exchange, route);
};

/** Ends when whoever watches may do so no more. */
const watchAnswer = async ({ registry, access }: DispatchOptions, exchange: Exchange, route: ResourceRoute, attributes: Attributes): Promise<undefined> => {
  const withdrawn = new AbortController();
  const { request, asker } = exchange;
  const forget = access.guard.admit({ request, asker, attributes, end: () => withdrawn.abort() });
  const signal = AbortSignal.any([exchange.signal, withdrawn.signal]);
  await streamWatch(registry, { ...exchange, signal }, route, parseListQuery(route.served, exchange.query)).finally(forget);
};

const viewAnswer = async (options: DispatchOptions, { query, rights }: Exchange, route: ResourceRoute, verb: string): Promise<Answer> => {
  if (verb !== 'get') throw methodNotAllowed();
  await options.registry.get(route.served, route.namespace, route.name);
  return jsonAnswer(await options.views(route, query, rights));
};

const changing: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

const dispatchResource = async (registry: Registry, exchange: Exchange, route: ResourceRoute, verb: string): Promise<Answer | undefined> => {
  const { served } = route;
  const needsNamespace = served.namespaced && route.namespace === '';
  if (served.kind.readOnly === true && changing.has(verb) && !exchange.user.groups.includes(controllersGroup)) {
    throw forbidden(served, route.name, isBuiltIn(served.kind) ? 'it shows what this server is, and cannot be changed' : 'only the controller writes it, from what devices tell');
  }
  if (route.subresource === 'finalize' && verb !== 'update') throw methodNotAllowed();
  switch (verb) {
    case 'get':
      return getObject(registry, exchange, route);
    case 'list':
      return listObjects(registry, exchange, route, parseListQuery(route.served, exchange.query));
    case 'update':
      return updateObject(registry, exchange, route);
    case 'patch':
      if (route.name === '') throw methodNotAllowed();
      return patchObject(registry, exchange, route);
    case 'create':
      if (needsNamespace) throw methodNotAllowed();
      return createObject(registry, exchange, route);
    case 'delete':
      if (route.subresource !== '') throw methodNotAllowed();
      return deleteObject(registry, exchange, route);
    case 'deletecollection':
      if (needsNamespace || served.kind.finalizes === true) throw methodNotAllowed();
      return deleteCollection(registry, exchange, route, parseListQuery(route.served, exchange.query));
    default:
      throw methodNotAllowed();
  }
};

type Paths = (exchange: Exchange) => Promise<Answer | undefined>;

/** Everything that is not a resource; only GET. */
const createPaths = (options: DispatchOptions): Paths => {
  const { scheme } = options.registry;
  const openApiV2 = createOpenApiV2(scheme);
  const openApiV3 = createOpenApiV3(scheme);
  const discovery = (exchange: Exchange, core: boolean): Answer => {
    const version = aggregatedVersion(exchange.request.headers.accept);
    if (version === undefined) return documentAnswer(exchange, core ? coreVersions(options.address()) : groupList(scheme));
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return { ...jsonAnswer(aggregated(scheme, core, version), 200, { vary: 'Accept' }), type };
  };
  const exact: { readonly [path: string]: (exchange: Exchange) => Answer | Promise<Answer> } = {
    '/': () => jsonAnswer({ paths: ['/api', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] }),
    '/api': (exchange) => discovery(exchange, true),
    '/apis': (exchange) => discovery(exchange, false),
    '/version': () => jsonAnswer(versionDocument(options.version)),
    '/metrics': async () => textAnswer(await options.metrics.metrics(), 200, 'text/plain; version=0.0.4; charset=utf-8'),
    '/openapi/v2': openApiV2,
  };
  return async (exchange) => {
    const path = exchange.path.length > 1 ? exchange.path.replace(/\/+$/, '') : exchange.path;
    if (exchange.method !== 'GET') {
      if (Object.hasOwn(exact, path)) throw methodNotAllowed();
      return undefined;
    }
    if (Object.hasOwn(exact, path)) return exact[path]?.(exchange);
    if (path === '/openapi/v3' || path.startsWith('/openapi/v3/')) return openApiV3(exchange);
    return groupAnswer(options.registry, exchange, path) ?? options.health(exchange);
  };
};

/** As JSON or YAML; `NotAcceptable` for those who read neither. */
const documentAnswer = ({ request }: Exchange, document: JsonObject): Answer => {
  const { type } = representation(request.headers.accept);
  return { status: 200, type, body: write(document, type), headers: { vary: 'Accept' } };
};

const groupAnswer = ({ scheme }: Registry, exchange: Exchange, path: string): Answer | undefined => {
  const [, root, first, second, ...rest] = path.split('/');
  // Below /api there are no groups: the third part would name a resource.
  if (rest.length > 0 || (root === 'api' && second !== undefined)) return undefined;
  const [group, version] = root === 'api' ? ['', first] : [first, second];
  if (root !== 'apis' && root !== 'api') return undefined;
  if (version === undefined) {
    const found = groupDocument(scheme, group ?? '');
    return found === undefined ? undefined : documentAnswer(exchange, found);
  }
  const entry = scheme.groupVersions.find((candidate) => candidate.group === group && candidate.version === version);
  return entry === undefined ? undefined : documentAnswer(exchange, resourceList(entry));
};

/** kubectl compares minor versions with its own and warns when they are far apart. */
const versionDocument = (version: string) => ({
  major: '1',
  minor: '32',
  gitVersion: `v1.32.0+heddle-${version}`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch}`,
});
