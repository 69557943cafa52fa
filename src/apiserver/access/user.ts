/** Who asks: a name, the groups it is in, and what else the authenticator says. Names that begin with `system:` are ours. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: { readonly [key: string]: readonly string[] };
  /** When the credentials end by themselves, in milliseconds since 1970. */
  readonly until?: number;
}

export const anonymousName = 'system:anonymous';
export const authenticatedGroup = 'system:authenticated';
export const unauthenticatedGroup = 'system:unauthenticated';
/** May do everything, whatever roles there are: the way back in when roles were lost. */
export const mastersGroup = 'system:masters';
/** May write what only the controller writes. */
export const controllersGroup = 'system:heddle:controllers';

export const anonymous: User = { name: anonymousName, groups: [unauthenticatedGroup] };

/** A user that has shown who it is. */
export const authenticated = (name: string, groups: readonly string[], more: Pick<User, 'uid' | 'extra' | 'until'> = {}): User => ({
  name,
  groups: [...new Set([...groups, authenticatedGroup])],
  ...more,
});

const serviceAccountPrefix = 'system:serviceaccount:';

export const serviceAccountName = (namespace: string, name: string): string => `${serviceAccountPrefix}${namespace}:${name}`;

export const serviceAccountGroups = (namespace: string): readonly string[] => ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];

/** Namespace and name of a user that is a ServiceAccount. */
export const serviceAccountOf = (userName: string): { readonly namespace: string; readonly name: string } | undefined => {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(userName) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
};

/** A user as reviews, audit and messages show it. */
export const userInfo = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra }),
});
