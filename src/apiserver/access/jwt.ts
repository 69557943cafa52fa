/**
 * JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, signed with the algorithms that identity providers use. The
 * algorithm must be one of the table and fit the key: `none` and secrets shared with the client are never taken.
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';

export interface Jwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signingInput: string;
  readonly signature: Buffer;
}

interface Algorithm {
  /** Null where the key says it (Ed25519). */
  readonly hash: string | null;
  readonly keyType: string;
  readonly curve?: string;
}

const algorithms: ReadonlyMap<unknown, Algorithm> = new Map<unknown, Algorithm>([
  ['RS256', { hash: 'sha256', keyType: 'rsa' }],
  ['RS384', { hash: 'sha384', keyType: 'rsa' }],
  ['RS512', { hash: 'sha512', keyType: 'rsa' }],
  ['ES256', { hash: 'sha256', keyType: 'ec', curve: 'prime256v1' }],
  ['ES384', { hash: 'sha384', keyType: 'ec', curve: 'secp384r1' }],
  ['EdDSA', { hash: null, keyType: 'ed25519' }],
]);

/** Longer tokens are no tokens. */
const mostCharacters = 16 * 1024;

/** The parts of a token, nothing of it checked; undefined when the text is none. */
export const parseJwt = (text: string): Jwt | undefined => {
  const [head, body, signature, ...rest] = text.length > mostCharacters ? [] : text.split('.');
  if (head === undefined || body === undefined || signature === undefined || signature === '' || rest.length > 0) return undefined;
  const [header, claims] = [jsonOf(head), jsonOf(body)];
  if (header === undefined || claims === undefined) return undefined;
  return { header, claims, signingInput: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') };
};

const jsonOf = (part: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const fits = ({ keyType, curve }: Algorithm, key: KeyObject): boolean =>
  key.type === 'public' && key.asymmetricKeyType === keyType && (curve === undefined || key.asymmetricKeyDetails?.namedCurve === curve);

/** Whether the key made the signature, by an algorithm that is of the key's own kind. */
export const isSignedBy = ({ header, signingInput, signature }: Jwt, key: KeyObject): boolean => {
  const algorithm = algorithms.get(header['alg']);
  // What a header calls critical must be understood (RFC 7515 §4.1.11), and we understand none of it.
  if (algorithm === undefined || header['crit'] !== undefined || !fits(algorithm, key)) return false;
  return verify(algorithm.hash, Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' }, signature);
};

/** A token signed with an ES256 key. */
export const signJwt = (key: KeyObject, keyId: string, claims: JsonObject): string => {
  const encode = (value: JsonObject): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'ES256', typ: 'JWT', kid: keyId })}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};

/** Clocks of two machines differ, in seconds. */
const leeway = 10;

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Whether the token is good at `now` (seconds since 1970): it must say when it ends, and may say when it begins. */
export const isInTime = ({ claims }: Jwt, now: number): boolean => {
  const { exp, nbf } = claims;
  if (!isTime(exp) || now >= exp + leeway) return false;
  return nbf === undefined || (isTime(nbf) && now >= nbf - leeway);
};

/** When a token that says when it ends is good no more, in milliseconds since 1970. */
export const endOf = ({ claims }: Jwt): number => (Number(claims['exp']) + leeway) * 1000;

/** Whether one of the audiences is meant. */
export const isFor = ({ claims }: Jwt, audiences: readonly string[]): boolean => {
  const { aud } = claims;
  const meant: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audiences.some((audience) => meant.includes(audience));
};
