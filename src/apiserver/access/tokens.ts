/**
 * Tokens of ServiceAccounts: JWTs signed with a key of the data directory. They name the account's UID, so that deleting it
 * ends them, and they end by themselves.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { writeDurably } from '../pki/durable.ts';
import { endOf, isFor, isInTime, isSignedBy, signJwt, type Jwt } from './jwt.ts';

export const tokenIssuer = 'https://heddle.dev/serviceaccounts';
/** Who tokens are for unless somebody else is asked for. */
export const defaultAudience = 'https://heddle.dev';

export interface AccountToken {
  readonly namespace: string;
  readonly name: string;
  /** Of the ServiceAccount. */
  readonly uid: string;
  /** Groups beside those that every ServiceAccount has. */
  readonly groups: readonly string[];
  readonly audiences: readonly string[];
  /** Of this token; audit tells it. */
  readonly id: string;
  /** See User.until. */
  readonly until: number;
}

export interface TokenIssuer {
  /** `expires` in seconds since 1970. */
  issue(token: Omit<AccountToken, 'id' | 'until'>, now: number, expires: number): string;
  /** What a token says that this issuer signed, that has not ended at `now` (seconds) and is for one of the audiences. */
  verify(jwt: Jwt, now: number, audiences: readonly string[]): AccountToken | undefined;
}

/** Opens the key kept in `directory`, made there when it is not. */
export const openTokenIssuer = async (directory: string): Promise<TokenIssuer> => createTokenIssuer(await keptKey(join(directory, 'serviceaccount.key')));

/** `key` is a private key of P-256. */
export const createTokenIssuer = (key: KeyObject): TokenIssuer => {
  const publicKey = createPublicKey(key);
  const keyId = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url').slice(0, 16);
  return {
    issue({ namespace, name, uid, groups, audiences }, now, expires) {
      return signJwt(key, keyId, {
        iss: tokenIssuer,
        sub: `system:serviceaccount:${namespace}:${name}`,
        aud: audiences,
        iat: now,
        nbf: now,
        exp: expires,
        jti: randomUUID(),
        'heddle.dev': { namespace, serviceaccount: { name, uid }, groups },
      });
    },
    verify: (jwt, now, audiences) =>
      isSignedBy(jwt, publicKey) && jwt.claims['iss'] === tokenIssuer && isInTime(jwt, now) && isFor(jwt, audiences) ? accountIn(jwt) : undefined,
  };
};

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

const accountIn = (jwt: Jwt): AccountToken | undefined => {
  const { claims } = jwt;
  const { namespace, serviceaccount, groups } = objectOr(claims['heddle.dev']);
  const { name, uid } = objectOr(serviceaccount);
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string') return undefined;
  return { namespace, name, uid, groups: texts(groups), audiences: texts(claims['aud']), id: String(claims['jti'] ?? ''), until: endOf(jwt) };
};

const keptKey = async (file: string): Promise<KeyObject> => {
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw HeddleError.from(thrown);
  });
  if (text !== undefined) return readKey(file, text);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeDurably(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
  return privateKey;
};

const readKey = (file: string, text: string): KeyObject => {
  try {
    return createPrivateKey(text);
  } catch (thrown) {
    const message = `the key "${file}" cannot be read: restore it, or remove it and give every ServiceAccount a new token`;
    throw new HeddleError('Internal', message, { cause: thrown });
  }
};
