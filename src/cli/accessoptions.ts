/** Options of `heddle server` that say who may come in and where it is written down. */
import type { Command } from 'commander';
import type { OidcOptions } from '../apiserver/access/oidc.ts';
import type { ApiServerOptions } from '../apiserver/server.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';

/** As the command line has them. */
export interface AccessOptions {
  /** Static bearer tokens. */
  readonly tokenFile?: string;
  readonly auditLog?: string;
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcJwks?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
}

export const addAccessOptions = (command: Command): Command =>
  command
    .option('--token-file <file>', 'static bearer tokens, one token,user,uid,"groups" a line')
    .option('--audit-log <file>', 'write one line of JSON for every request; opened anew on SIGHUP')
    .option('--oidc-issuer <url>', 'take ID tokens of this identity provider')
    .option('--oidc-client-id <id>', 'the audience that they must be for')
    .option('--oidc-jwks <file|url>', 'keys of the provider (default: what its discovery document says)')
    .option('--oidc-username-claim <claim>', 'claim that names the user (default: sub)')
    .option('--oidc-username-prefix <text>', 'put before it; "-" for nothing (default: the issuer and "#", for email nothing)')
    .option('--oidc-groups-claim <claim>', 'claim that names the groups (default: groups)')
    .option('--oidc-groups-prefix <text>', 'put before each');

/** What the API server is told. @throws HeddleError `BadRequest` for options of a provider that is not named */
export const apiAccess = (options: AccessOptions): Pick<ApiServerOptions, 'tokenFile' | 'auditLog' | 'oidc'> => ({
  ...optional('tokenFile', options.tokenFile),
  ...optional('auditLog', options.auditLog),
  ...optional('oidc', oidcOf(options)),
});

const oidcOf = (options: AccessOptions): OidcOptions | undefined => {
  const { oidcIssuer: issuer, oidcClientId: clientId } = options;
  const more = {
    ...optional('jwks', options.oidcJwks),
    ...optional('usernameClaim', options.oidcUsernameClaim),
    ...optional('usernamePrefix', options.oidcUsernamePrefix),
    ...optional('groupsClaim', options.oidcGroupsClaim),
    ...optional('groupsPrefix', options.oidcGroupsPrefix),
  };
  if (issuer !== undefined && clientId !== undefined) return { issuer, clientId, ...more };
  if (issuer === undefined && clientId === undefined && Object.keys(more).length === 0) return undefined;
  throw new HeddleError('BadRequest', 'an identity provider needs both --oidc-issuer and --oidc-client-id');
};
