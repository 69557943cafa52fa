/**
 * Acting as somebody else (`kubectl --as`): the headers Impersonate-User, -Group, -Uid and -Extra-*, each guarded by the verb
 * `impersonate` on what it names.
 */
import type { IncomingMessage } from 'node:http';
import { HeddleError } from '../../kit/error.ts';
import { denied, type Authorize, type Target } from './attributes.ts';
import { anonymousName, authenticated, serviceAccountGroups, serviceAccountOf, unauthenticatedGroup, type User } from './user.ts';

const authentication = 'authentication.k8s.io';

/** The user that the request is to be carried out as; undefined when it names none. Throws `Forbidden`. */
export const impersonated = (request: IncomingMessage, user: User, path: string, authorize: Authorize): User | undefined => {
  const { headersDistinct } = request;
  const name = headersDistinct['impersonate-user']?.[0] ?? '';
  const groups = (headersDistinct['impersonate-group'] ?? []).filter((group) => group !== '');
  const uid = headersDistinct['impersonate-uid']?.[0] ?? '';
  const extra = extraIn(headersDistinct);
  if (name === '') {
    if (groups.length + extra.size > 0 || uid !== '') throw new HeddleError('BadRequest', 'groups, uid or extra are impersonated without a user: give Impersonate-User too');
    return undefined;
  }
  const account = serviceAccountOf(name);
  const asked = [
    account === undefined ? target('', 'users', name) : { ...target('', 'serviceaccounts', account.name), namespace: account.namespace },
    ...groups.map((group) => target('', 'groups', group)),
    ...(uid === '' ? [] : [target(authentication, 'uids', uid)]),
    ...[...extra].flatMap(([key, values]) => values.map((value) => ({ ...target(authentication, 'userextras', value), subresource: key }))),
  ];
  for (const resource of asked) {
    const attributes = { user, verb: 'impersonate', resource, path };
    if (!authorize(attributes).allowed) throw denied(attributes);
  }
  const more = { ...(uid === '' ? {} : { uid }), ...(extra.size === 0 ? {} : { extra: Object.fromEntries(extra) }) };
  if (name === anonymousName) return { name, groups: groups.length === 0 ? [unauthenticatedGroup] : groups, ...more };
  return authenticated(name, account === undefined || groups.length > 0 ? groups : serviceAccountGroups(account.namespace), more);
};

const target = (group: string, plural: string, name: string): Target => ({ group, plural, subresource: '', namespace: '', name });

const extraPrefix = 'impersonate-extra-';

/** Header names are lower case, and percent-encoded where a key has what headers cannot. */
const extraIn = (headers: NodeJS.Dict<string[]>): Map<string, string[]> =>
  new Map(
    Object.entries(headers)
      .filter(([header]) => header.startsWith(extraPrefix))
      .map(([header, values = []]) => [unescaped(header.slice(extraPrefix.length)), values]),
  );

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
