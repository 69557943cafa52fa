/**
 * Who is asking: a client certificate of our authority (CN = name, O = groups), or a bearer token: of the static file, of a
 * ServiceAccount, or of an identity provider.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { HeddleError } from '../../kit/error.ts';
import { parseJwt, type Jwt } from './jwt.ts';
import type { OidcAuthenticator } from './oidc.ts';
import { defaultAudience, tokenIssuer, type TokenIssuer } from './tokens.ts';
import { anonymous, authenticated, serviceAccountGroups, serviceAccountName, type User } from './user.ts';

export interface Authenticator {
  /** `Unauthorized` when credentials are shown but wrong; without any the user is anonymous. */
  userOf(request: IncomingMessage): Promise<User>;
  /** The user of a bearer token that is for one of the audiences (default: this server); undefined when it is not good. */
  userOfToken(token: string, audiences?: readonly string[]): Promise<User | undefined>;
}

export interface AuthenticatorOptions {
  /** Static tokens by digest, see readTokenFile. */
  readonly tokens: ReadonlyMap<string, User>;
  readonly issuer: TokenIssuer;
  /** UID of a ServiceAccount; undefined when there is none. */
  readonly accountUid: (namespace: string, name: string) => Promise<string | undefined>;
  readonly oidc?: OidcAuthenticator;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export const createAuthenticator = (options: AuthenticatorOptions): Authenticator => {
  const byToken = createTokenReader(options);
  return {
    async userOf(request) {
      const header = request.headers.authorization;
      if (header === undefined) return byCertificate(request, (options.now ?? Date.now)()) ?? anonymous;
      const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
      const user = token === undefined ? undefined : await byToken(token, [defaultAudience]);
      if (user === undefined) throw new HeddleError('Unauthorized', 'Unauthorized');
      return user;
    },
    userOfToken: (token, audiences = [defaultAudience]) => byToken(token, audiences.length === 0 ? [defaultAudience] : audiences),
  };
};

/** As many verified tokens as are remembered, so that a signature is checked once and not with every request. */
const mostRemembered = 10_000;

interface Remembered {
  readonly user: User;
  readonly jwt: Jwt;
  readonly generation: number;
}

const createTokenReader = ({ tokens, issuer, accountUid, oidc, now = Date.now }: AuthenticatorOptions) => {
  const remembered = new Map<string, Remembered>();
  const ofAccount = async (jwt: Jwt, audiences: readonly string[]): Promise<User | undefined> => {
    const account = issuer.verify(jwt, now() / 1000, audiences);
    if (account === undefined) return undefined;
    const { namespace, name, uid, groups, id, until } = account;
    if ((await accountUid(namespace, name)) !== uid) return undefined;
    const extra = { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] };
    return authenticated(serviceAccountName(namespace, name), [...serviceAccountGroups(namespace), ...groups], { uid, extra, until });
  };
  const ofProvider = async (provider: OidcAuthenticator, jwt: Jwt, key: string): Promise<User | undefined> => {
    const known = remembered.get(key);
    if (known !== undefined && known.generation === provider.generation() && Number(known.jwt.claims['exp']) > now() / 1000) return known.user;
    remembered.delete(key);
    const user = await provider.userOf(jwt, now() / 1000);
    if (user === undefined) return undefined;
    const oldest = remembered.size < mostRemembered ? undefined : remembered.keys().next().value;
    if (oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, { user, jwt, generation: provider.generation() });
    return user;
  };
  return async (token: string, audiences: readonly string[]): Promise<User | undefined> => {
    // Looked up by digest, so that the time taken tells nothing of a token.
    const key = digest(token);
    const known = tokens.get(key);
    if (known !== undefined) return known;
    const jwt = parseJwt(token);
    if (jwt === undefined) return undefined;
    if (jwt.claims['iss'] === tokenIssuer) return ofAccount(jwt, audiences);
    return oidc !== undefined && jwt.claims['iss'] === oidc.issuer ? ofProvider(oidc, jwt, key) : undefined;
  };
};

/** A connection shows its certificate once; reading it costs as much as a small request. */
const usersOfSockets = new WeakMap<TLSSocket, User>();

const byCertificate = ({ socket }: IncomingMessage, now: number): User | undefined => {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = usersOfSockets.get(socket) ?? userOfCertificate(socket);
  if (known === undefined) return undefined;
  usersOfSockets.set(socket, known);
  // A connection may last longer than what it began with.
  if (known.until !== undefined && now >= known.until) throw new HeddleError('Unauthorized', 'Unauthorized');
  return known;
};

const userOfCertificate = (socket: TLSSocket): User | undefined => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (!socket.authorized) throw new HeddleError('Unauthorized', 'Unauthorized');
  const { CN, O = [] } = certificate.toLegacyObject().subject;
  const name = Array.isArray(CN) ? CN[0] : CN;
  if (name === undefined || name === '') throw new HeddleError('Unauthorized', 'Unauthorized');
  return authenticated(name, Array.isArray(O) ? O : [O], { until: Date.parse(certificate.validTo) });
};

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * Reads a token file: one `token,user,uid,"group,group"` a line, as the stock server takes. The answer maps token digests to
 * users.
 */
export const readTokenFile = async (path: string): Promise<ReadonlyMap<string, User>> => {
  const tokens = new Map<string, User>();
  for (const line of (await readFile(path, 'utf8')).split('\n').filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
    const [token = '', name = '', uid = '', ...groups] = line.trim().split(',').map((part) => part.replaceAll('"', '').trim());
    if (token === '' || name === '') throw new HeddleError('BadRequest', `token file "${path}" needs lines of token,user,uid,"groups"`);
    const more = uid === '' ? {} : { uid };
    tokens.set(digest(token), authenticated(name, groups.filter((group) => group !== ''), more));
  }
  return tokens;
};
