/** Access put together: who is asking, what they may do by the roles in the store, and answers to questions about both. */
import { join } from 'node:path';
import { HeddleError } from '../../kit/error.ts';
import type { Registry } from '../registry/registry.ts';
import type { Authorize } from './attributes.ts';
import { createAuthenticator, readTokenFile, type Authenticator } from './authentication.ts';
import { follow } from './follow.ts';
import { createGuard, type Guard } from './guard.ts';
import { createOidc, type OidcOptions } from './oidc.ts';
import { Aggregator } from './rbac/aggregate.ts';
import { reconcileRoles } from './rbac/reconcile.ts';
import { Roles } from './rbac/roles.ts';
import { createAnswers, type Answers } from './reviews.ts';
import { openTokenIssuer } from './tokens.ts';
import { mastersGroup } from './user.ts';

export interface AccessOptions {
  readonly registry: Registry;
  /** Holds `pki/`. */
  readonly dataDir: string;
  /** Static bearer tokens, see readTokenFile. */
  readonly tokenFile?: string;
  readonly oidc?: OidcOptions;
  readonly onError: (error: HeddleError) => void;
}

export interface Access {
  readonly authenticator: Authenticator;
  readonly authorize: Authorize;
  readonly roles: Roles;
  readonly guard: Guard;
  readonly answers: Answers;
  close(): void;
}

/** Shipped roles are there, and all roles are known, when it resolves. */
export const openAccess = async ({ registry, dataDir, tokenFile, oidc, onError }: AccessOptions): Promise<Access> => {
  const stop = new AbortController();
  const roles = new Roles();
  const aggregator = new Aggregator(registry, onError);
  await reconcileRoles(registry);
  const followed = (['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'] as const).map((kind) =>
    follow(registry, kind, roles.follower(kind), stop.signal, onError),
  );
  await Promise.all([...followed, follow(registry, 'ClusterRole', aggregator, stop.signal, onError)]);
  await aggregator.settled();
  await registry.followQuotas(stop.signal, onError);
  const issuer = await openTokenIssuer(join(dataDir, 'pki'));
  const accounts = registry.scheme.byKind('ServiceAccount');
  const accountUid = (namespace: string, name: string): Promise<string | undefined> =>
    registry.get(accounts, namespace, name).then(
      ({ metadata }) => (metadata.deletionTimestamp === undefined ? metadata.uid : undefined),
      (thrown: unknown) => {
        if (HeddleError.from(thrown).code === 'NotFound') return undefined;
        throw thrown;
      },
    );
  const authenticator = createAuthenticator({
    tokens: tokenFile === undefined ? new Map() : await readTokenFile(tokenFile),
    issuer,
    accountUid,
    ...(oidc === undefined ? {} : { oidc: createOidc(oidc) }),
  });
  const authorize: Authorize = (attributes) =>
    attributes.user.groups.includes(mastersGroup) ? { allowed: true, reason: `group "${mastersGroup}" may do everything` } : roles.decide(attributes);
  const guard = createGuard({ authenticator, authorize });
  const unlisten = roles.onChange(() => guard.rolesChanged());
  await follow(registry, 'ServiceAccount', guard.accounts, stop.signal, onError);
  return {
    authenticator,
    authorize,
    roles,
    guard,
    answers: createAnswers({ registry, authorize, authenticator, roles, issuer }),
    close: () => {
      unlisten();
      stop.abort();
    },
  };
};
