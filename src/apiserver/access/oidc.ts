/** Users of an identity provider: ID tokens of OpenID Connect, checked by issuer, audience, time and signature. */
import { HeddleError } from '../../kit/error.ts';
import { endOf, isFor, isInTime, isSignedBy, type Jwt } from './jwt.ts';
import { createKeySet, type KeySet } from './keyset.ts';
import { authenticated, type User } from './user.ts';

export interface OidcOptions {
  /** As tokens name it in `iss`. */
  readonly issuer: string;
  /** As tokens name it in `aud`. */
  readonly clientId: string;
  /** File or URL of the keys; default: what the issuer's discovery document says. */
  readonly jwks?: string;
  /** Default `sub`. */
  readonly usernameClaim?: string;
  /** Default: `<issuer>#`, for `email` nothing. `-` means nothing. */
  readonly usernamePrefix?: string;
  /** Default `groups`. */
  readonly groupsClaim?: string;
  readonly groupsPrefix?: string;
}

export interface OidcAuthenticator {
  readonly issuer: string;
  /** See KeySet.generation. */
  generation(): number;
  /** Undefined for a token that is not good. */
  userOf(jwt: Jwt, now: number): Promise<User | undefined>;
}

/** Throws `BadRequest` for options that make no sense together. */
export const createOidc = (options: OidcOptions, keys: KeySet = createKeySet(options)): OidcAuthenticator => {
  if (options.clientId === '') throw new HeddleError('BadRequest', 'an OIDC issuer needs a client id: give --oidc-client-id, as tokens name it in aud');
  return {
    issuer: options.issuer,
    generation: () => keys.generation(),
    async userOf(jwt, now) {
      if (jwt.claims['iss'] !== options.issuer || !isInTime(jwt, now) || !isFor(jwt, [options.clientId])) return undefined;
      const keyId = jwt.header['kid'];
      const candidates = await keys.keysFor(typeof keyId === 'string' ? keyId : undefined);
      return candidates.some((key) => isSignedBy(jwt, key)) ? userIn(jwt, options) : undefined;
    },
  };
};

/** Names that begin with `system:` are the server's own: a provider cannot hand them out. */
const isOurs = (name: string): boolean => name.startsWith('system:');

const userIn = (jwt: Jwt, options: OidcOptions): User | undefined => {
  const { claims } = jwt;
  const { usernameClaim = 'sub', groupsClaim = 'groups', groupsPrefix = '' } = options;
  const name = claims[usernameClaim];
  if (typeof name !== 'string' || name === '') return undefined;
  // An address that nobody has proved to own is no name.
  if (usernameClaim === 'email' && claims['email_verified'] === false) return undefined;
  const user = prefixOf(options, usernameClaim) + name;
  const claimed = claims[groupsClaim];
  const groups = (Array.isArray(claimed) ? claimed : [claimed]).filter((group) => typeof group === 'string' && group !== '').map((group) => groupsPrefix + String(group));
  return isOurs(user) ? undefined : authenticated(user, groups.filter((group) => !isOurs(group)), { until: endOf(jwt) });
};

const prefixOf = ({ issuer, usernamePrefix }: OidcOptions, claim: string): string => {
  if (usernamePrefix === '-') return '';
  return usernamePrefix ?? (claim === 'email' ? '' : `${issuer}#`);
};
