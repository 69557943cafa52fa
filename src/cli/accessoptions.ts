/** Options of `heddle server` that say who may come in, how much at once, and where it is written down. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FairnessOptions } from '../apiserver/access/fairness.ts';
import type { OidcOptions } from '../apiserver/access/oidc.ts';
import type { ApiServerOptions } from '../apiserver/server.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';

/** As the command line has them. */
export interface AccessOptions {
  /** Static bearer tokens. */
  readonly tokenFile?: string;
  readonly auditLog?: string;
  /** Megabytes. */
  readonly auditLogMaxSize?: number;
  readonly auditLogMaxBackups?: number;
  readonly maxRequests?: number;
  readonly maxRequestsOfOne?: number;
  readonly maxWaitingOfOne?: number;
  readonly maxConnections?: number;
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcJwks?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
}

const wholeNumber = (least: number) => (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`it takes a whole number from ${least}.`);
};

const limit = (flags: string, description: string, least = 1): Option => new Option(flags, description).argParser(wholeNumber(least));

export const addAccessOptions = (command: Command): Command =>
  command
    .option('--token-file <file>', 'static bearer tokens, one token,user,uid,"groups" a line')
    .option('--audit-log <file>', 'write one line of JSON for every request; opened anew on SIGHUP')
    .addOption(limit('--audit-log-max-size <MB>', 'begin a new file when it would be larger (default: leave that to log rotation)'))
    .addOption(limit('--audit-log-max-backups <n>', 'files kept beside it, the latest as <file>.1 (default: 5)'))
    .addOption(limit('--max-requests <n>', 'requests carried out at once (default: 128)'))
    .addOption(limit('--max-requests-of-one <n>', 'of these by one client, which is a user or all ServiceAccounts of a namespace (default: half of them)'))
    .addOption(limit('--max-waiting-of-one <n>', 'requests of one client that may wait for their turn; more get a 429 (default: 256)', 0))
    .addOption(limit('--max-connections <n>', 'connections at once; beyond, the address that has most loses one (default: 12000)'))
    .option('--oidc-issuer <url>', 'take ID tokens of this identity provider')
    .option('--oidc-client-id <id>', 'the audience that they must be for')
    .option('--oidc-jwks <file|url>', 'keys of the provider (default: what its discovery document says)')
    .option('--oidc-username-claim <claim>', 'claim that names the user (default: sub)')
    .option('--oidc-username-prefix <text>', 'put before it; "-" for nothing (default: the issuer and "#", for email nothing)')
    .option('--oidc-groups-claim <claim>', 'claim that names the groups (default: groups)')
    .option('--oidc-groups-prefix <text>', 'put before each');

/** What the API server is told. @throws HeddleError `BadRequest` for options of a provider that is not named */
export const apiAccess = (options: AccessOptions): Pick<ApiServerOptions, 'tokenFile' | 'auditLog' | 'auditRotation' | 'oidc' | 'fairness' | 'limits'> => ({
  ...optional('tokenFile', options.tokenFile),
  ...optional('auditLog', options.auditLog),
  ...optional('auditRotation', rotationOf(options)),
  ...optional('oidc', oidcOf(options)),
  fairness: fairnessOf(options),
  limits: optional('connections', options.maxConnections),
});

const megabyte = 1_000_000;

const rotationOf = ({ auditLog, auditLogMaxSize, auditLogMaxBackups }: AccessOptions): ApiServerOptions['auditRotation'] => {
  if (auditLogMaxSize === undefined && auditLogMaxBackups === undefined) return undefined;
  if (auditLog === undefined || auditLogMaxSize === undefined) {
    throw new HeddleError('BadRequest', 'files of an audit log are kept back by size: give --audit-log and --audit-log-max-size');
  }
  return { bytes: auditLogMaxSize * megabyte, ...optional('backups', auditLogMaxBackups) };
};

const fairnessOf = ({ maxRequests = 128, maxRequestsOfOne = Math.ceil(maxRequests / 2), maxWaitingOfOne }: AccessOptions): FairnessOptions => {
  if (maxRequestsOfOne > maxRequests) {
    throw new HeddleError('BadRequest', `one client cannot have ${maxRequestsOfOne} of ${maxRequests} requests: lower --max-requests-of-one or raise --max-requests`);
  }
  return { seats: maxRequests, seatsOfOne: maxRequestsOfOne, ...optional('queueOfOne', maxWaitingOfOne) };
};

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
