/**
 * Answers to questions about access: may I, may somebody, what may I, who am I, whose token is this; and tokens of
 * ServiceAccounts. What cannot be read is refused, never answered with a default.
 */
import type { PolicyRule } from '../../api/core/rbac.ts';
import { tokenRequestKind } from '../../api/core/reviews.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';
import { decodeBody } from '../body/decode.ts';
import { readBody, jsonAnswer, type Answer, type Exchange } from '../exchange.ts';
import { pruneFields } from '../registry/admit.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceRoute } from '../route.ts';
import { createScheme, type ServedKind } from '../scheme.ts';
import { invalidObject } from '../status.ts';
import type { Attributes, Authorize } from './attributes.ts';
import { denied } from './attributes.ts';
import type { Authenticator } from './authentication.ts';
import type { Roles } from './rbac/roles.ts';
import { defaultAudience, type TokenIssuer } from './tokens.ts';
import { userInfo, type User } from './user.ts';

export interface ReviewOptions {
  readonly registry: Registry;
  readonly authorize: Authorize;
  readonly authenticator: Authenticator;
  readonly roles: Roles;
  readonly issuer: TokenIssuer;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Answers a POST on a kind that keeps nothing, or on an action. */
export type Answers = (exchange: Exchange, route: ResourceRoute) => Promise<Answer>;

/** Groups that a token of a ServiceAccount is to have beside its own; who asks must be allowed to impersonate them. */
export const groupsAnnotation = 'heddle.dev/groups';

const tokenRequests = createScheme([tokenRequestKind]).byKind('TokenRequest');

export const createAnswers = (options: ReviewOptions): Answers => {
  const byKind: { readonly [kind: string]: (exchange: Exchange, body: Resource, route: ResourceRoute) => JsonObject | Promise<JsonObject> } = {
    SelfSubjectAccessReview: ({ user, path }, body) => accessStatus(options.authorize, attributesIn(body, user, path)),
    SubjectAccessReview: ({ path }, body) => accessStatus(options.authorize, attributesIn(body, subjectIn(body), path)),
    LocalSubjectAccessReview: ({ path }, body, { namespace }) => accessStatus(options.authorize, localAttributes(body, path, namespace)),
    SelfSubjectRulesReview: ({ user }, body) => rulesStatus(options.roles, user, body),
    SelfSubjectReview: ({ user }) => ({ userInfo: userInfo(user) }),
    TokenReview: (_, body) => tokenStatus(options.authenticator, body),
  };
  return async (exchange, route) => {
    const { kind } = route.served.kind;
    if (route.subresource !== '') return jsonAnswer(await issueToken(options, exchange, route), 201);
    const answer = Object.hasOwn(byKind, kind) ? byKind[kind] : undefined;
    if (answer === undefined) throw new HeddleError('Internal', `nobody answers ${kind}`);
    const body = await bodyOf(exchange, route.served);
    return jsonAnswer({ ...body, status: await answer(exchange, body, route) }, 201);
  };
};

/** The question, of the right kind and shape; throws `BadRequest` or `Invalid`. */
export const bodyOf = async (exchange: Exchange, served: ServedKind): Promise<Resource> => {
  const bytes = await readBody(exchange.request);
  const { value } = decodeBody(bytes, exchange.request.headers['content-type']);
  if (!isJsonObject(value)) throw new HeddleError('BadRequest', 'the body must be one object');
  const { apiVersion = served.apiVersion, kind = served.kind.kind } = value;
  if (apiVersion !== served.apiVersion || kind !== served.kind.kind) {
    throw new HeddleError('BadRequest', `the body is "${String(apiVersion)}, Kind=${String(kind)}", this path takes "${served.apiVersion}, Kind=${served.kind.kind}"`);
  }
  const { status: _, ...question } = value;
  const { given } = pruneFields(served, { ...question, apiVersion, kind }, { fieldValidation: 'Warn', warn: (text) => exchange.warnings.add(text) });
  const findings = served.check(given);
  if (findings.length > 0) throw invalidObject(served, given.metadata.name, findings);
  return given;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const attributesIn = (body: Resource, user: User, requestPath: string): Attributes => {
  const { resourceAttributes, nonResourceAttributes } = objectOr(body.spec);
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    throw new HeddleError('BadRequest', 'exactly one of spec.resourceAttributes and spec.nonResourceAttributes must be given');
  }
  if (nonResourceAttributes !== undefined) {
    const { path, verb } = objectOr(nonResourceAttributes);
    return { user, verb: text(verb), path: text(path) };
  }
  const { namespace, verb, group, resource, subresource, name } = objectOr(resourceAttributes);
  const target = { group: text(group), plural: text(resource), subresource: text(subresource), namespace: text(namespace), name: text(name) };
  return { user, verb: text(verb), resource: target, path: requestPath };
};

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

const subjectIn = ({ spec }: Resource): User => {
  const { user, groups, uid } = objectOr(spec);
  const [name, members] = [text(user), texts(groups)];
  if (name === '' && members.length === 0) throw new HeddleError('BadRequest', 'at least one of spec.user and spec.groups must be given');
  return { name, groups: members, ...(text(uid) === '' ? {} : { uid: text(uid) }) };
};

const localAttributes = (body: Resource, path: string, namespace: string): Attributes => {
  const attributes = attributesIn(body, subjectIn(body), path);
  if (attributes.resource === undefined) throw new HeddleError('BadRequest', 'a LocalSubjectAccessReview asks about resources: give spec.resourceAttributes');
  if (attributes.resource.namespace !== namespace) {
    throw new HeddleError('BadRequest', `spec.resourceAttributes.namespace must be the namespace of the request, "${namespace}"`);
  }
  return attributes;
};

const accessStatus = (authorize: Authorize, attributes: Attributes): JsonObject => {
  const { allowed, reason } = authorize(attributes);
  return { allowed, ...(reason === '' ? {} : { reason }) };
};

const rulesStatus = (roles: Roles, user: User, { spec }: Resource): JsonObject => {
  const namespace = text(objectOr(spec)['namespace']);
  if (namespace === '') throw new HeddleError('BadRequest', 'no namespace on request: give spec.namespace');
  const isPath = ({ nonResourceURLs = [] }: PolicyRule): boolean => nonResourceURLs.length > 0;
  const rules = roles.rulesFor(user, namespace);
  return { resourceRules: rules.filter((rule) => !isPath(rule)), nonResourceRules: rules.filter(isPath), incomplete: false };
};

const tokenStatus = async ({ userOfToken }: Authenticator, { spec }: Resource): Promise<JsonObject> => {
  const { token, audiences } = objectOr(spec);
  if (text(token) === '') throw new HeddleError('BadRequest', 'no token on request: give spec.token');
  const asked = texts(audiences);
  const user = await userOfToken(text(token), asked);
  if (user === undefined) return { authenticated: false, error: 'the token is not good, or not for these audiences' };
  return { authenticated: true, user: userInfo(user), audiences: asked.length === 0 ? [defaultAudience] : asked };
};

const shortest = 600;
/** A year. */
const longest = 365 * 86_400;
const usual = 3600;

const issueToken = async (options: ReviewOptions, exchange: Exchange, { served, namespace, name }: ResourceRoute): Promise<JsonObject> => {
  const body = await bodyOf(exchange, tokenRequests);
  const { audiences, expirationSeconds = usual, boundObjectRef } = objectOr(body.spec);
  if (boundObjectRef !== undefined) throw refused(name, 'spec.boundObjectRef', 'tokens are bound to their ServiceAccount only');
  const seconds = Number(expirationSeconds);
  if (seconds < shortest) throw refused(name, 'spec.expirationSeconds', 'may not be less than 10 minutes');
  const groups = groupsIn(options.authorize, exchange, body);
  const account = await options.registry.get(served, namespace, name);
  const now = Math.floor((options.now ?? Date.now)() / 1000);
  const expires = now + Math.min(seconds, longest);
  const meant = texts(audiences);
  const token = options.issuer.issue({ namespace, name, uid: account.metadata.uid ?? '', groups, audiences: meant.length === 0 ? [defaultAudience] : meant }, now, expires);
  return {
    ...body,
    metadata: { ...body.metadata, name, namespace },
    spec: { ...objectOr(body.spec), audiences: meant.length === 0 ? [defaultAudience] : meant, expirationSeconds: expires - now },
    status: { token, expirationTimestamp: new Date(expires * 1000).toISOString().replace('.000Z', 'Z') },
  };
};

const groupsIn = (authorize: Authorize, { user, path }: Exchange, { metadata }: Resource): string[] => {
  const groups = (metadata.annotations?.[groupsAnnotation] ?? '').split(',').map((group) => group.trim()).filter((group) => group !== '');
  for (const group of groups) {
    const attributes = { user, verb: 'impersonate', resource: { group: '', plural: 'groups', subresource: '', namespace: '', name: group }, path };
    if (!authorize(attributes).allowed) throw denied(attributes);
  }
  return groups;
};

const refused = (name: string, path: string, message: string): HeddleError => invalidObject(tokenRequests, name, [{ path, code: 'FieldValueInvalid', message }]);
