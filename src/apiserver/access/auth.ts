/**
 * Who is asking, and whether they may. Users come from client certificates signed by our authority (CN = name, O = groups)
 * or from a file of static bearer tokens. What they may do is behind one function, where RBAC will go.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { HeddleError } from '../../kit/error.ts';
import type { User } from '../exchange.ts';

export type Authenticate = (request: IncomingMessage) => User;

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** `Unauthorized` when credentials are shown but wrong; without any the user is anonymous. */
export const createAuthenticator =
  (tokens: ReadonlyMap<string, User>): Authenticate =>
  (request) =>
    byToken(request, tokens) ?? byCertificate(request) ?? anonymous;

const authenticated = (name: string, groups: readonly string[]): User => ({ name, groups: [...groups, 'system:authenticated'] });

const byToken = (request: IncomingMessage, tokens: ReadonlyMap<string, User>): User | undefined => {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  // Looked up by digest, so that the time taken tells nothing of a token.
  const user = token === undefined ? undefined : tokens.get(digest(token));
  if (user === undefined) throw new HeddleError('Unauthorized', 'Unauthorized');
  return user;
};

/** A connection shows its certificate once; reading it costs as much as a small request. */
const usersOfSockets = new WeakMap<TLSSocket, User>();

const byCertificate = ({ socket }: IncomingMessage): User | undefined => {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = usersOfSockets.get(socket) ?? userOfCertificate(socket);
  if (known !== undefined) usersOfSockets.set(socket, known);
  return known;
};

const userOfCertificate = (socket: TLSSocket): User | undefined => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (!socket.authorized) throw new HeddleError('Unauthorized', 'Unauthorized');
  const { CN, O = [] } = certificate.toLegacyObject().subject;
  const name = Array.isArray(CN) ? CN[0] : CN;
  if (name === undefined || name === '') throw new HeddleError('Unauthorized', 'Unauthorized');
  return authenticated(name, Array.isArray(O) ? O : [O]);
};

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * Reads a token file: one `token,user,uid,"group,group"` a line, as the stock server takes. The answer maps token digests to
 * users.
 */
export const readTokenFile = async (path: string): Promise<ReadonlyMap<string, User>> => {
  const tokens = new Map<string, User>();
  for (const line of (await readFile(path, 'utf8')).split('\n').filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
    const [token = '', name = '', , ...groups] = line.trim().split(',').map((part) => part.replaceAll('"', '').trim());
    if (token === '' || name === '') throw new HeddleError('BadRequest', `token file "${path}" needs lines of token,user,uid,"groups"`);
    tokens.set(digest(token), authenticated(name, groups.filter((group) => group !== '')));
  }
  return tokens;
};

export interface Attributes {
  readonly user: User;
  /** get list watch create update patch delete deletecollection; for other paths the method in lower case. */
  readonly verb: string;
  /** Absent for paths that are not resources. */
  readonly resource?: { readonly group: string; readonly plural: string; readonly subresource: string; readonly namespace: string; readonly name: string };
  readonly path: string;
}

/** True allows. */
export type Authorize = (attributes: Attributes) => boolean;

const open = /^\/(version|healthz|livez|readyz)(\/|$)/;

/** Until roles exist: members of system:masters may do everything, everyone may see version and health. */
export const authorizeMasters: Authorize = ({ user, path, verb }) =>
  user.groups.includes('system:masters') || (verb === 'get' && open.test(path));

/** The 403, its parts in the order that people and scripts look for. */
export const denied = ({ user, verb, resource, path }: Attributes): HeddleError => {
  if (resource === undefined) return new HeddleError('Forbidden', `forbidden: User "${user.name}" cannot ${verb} path "${path}"`);
  const { group, plural, subresource, namespace, name } = resource;
  const target = group === '' ? plural : `${plural}.${group}`;
  const object = name === '' ? target : `${target} "${name}"`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = subresource === '' ? plural : `${plural}/${subresource}`;
  return new HeddleError('Forbidden', `${object} is forbidden: User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}`);
};
