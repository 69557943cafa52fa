/**
 * A device's right to its name: a bearer token `<device>.<base64url HMAC-SHA256(secret, device)>`. The server keeps one secret
 * and no list of tokens; whoever can read the secret can name any device.
 */
import { type KeyObject, createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { HeddleError } from '../kit/error.ts';

/** At least 32 bytes. */
export type TokenSecret = Uint8Array;

const secretBytes = 32;

export const deviceToken = (secret: TokenSecret, device: string): string =>
  `${device}.${createHmac('sha256', keyOf(secret)).update(device).digest('base64url')}`;

const keys = new WeakMap<TokenSecret, KeyObject>();

/** Made once: Node makes a key of the bytes for every HMAC, which costs more than the HMAC. */
const keyOf = (secret: TokenSecret): KeyObject => {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const made = createSecretKey(secret);
  keys.set(secret, made);
  return made;
};

/** The device a token was made for; undefined when the token is not one of this secret's. Compares in constant time. */
export const deviceOfToken = (secret: TokenSecret, token: string): string | undefined => {
  const device = token.slice(0, Math.max(0, token.lastIndexOf('.')));
  if (device === '') return undefined;
  const expected = Buffer.from(deviceToken(secret, device));
  const given = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected) ? device : undefined;
};

/**
 * The secret in a file of its owner's eyes only; made on first use. Two servers that start at once end up with the same one.
 * @throws HeddleError `Internal` when the file holds no secret or cannot be made.
 */
export const loadTokenSecret = (file: string): TokenSecret => {
  const found = readSecret(file);
  if (found !== undefined) return found;
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(secretBytes).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw HeddleError.from(error);
  } finally {
    rmSync(draft);
  }
  const made = readSecret(file);
  if (made === undefined) throw new HeddleError('Internal', `the token secret '${file}' vanished while it was made`);
  return made;
};

const readSecret = (file: string): TokenSecret | undefined => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw HeddleError.from(error);
  }
  const secret = Buffer.from(text.trim(), 'base64url');
  if (secret.length >= secretBytes) return secret;
  throw new HeddleError('Internal', `the token secret '${file}' is damaged: remove it, restart, and give every device its new token`);
};

const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
