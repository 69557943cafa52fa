/**
 * The public keys of an identity provider (JSON Web Key Set, RFC 7517), from a file or a URL. They are read again when a token
 * names a key that is not among them, and every few minutes, so that keys come and go without a restart.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';

export interface KeySet {
  /** Keys that may have signed a token with this `kid` header (undefined: it names none). `Unavailable` when there are none to be had. */
  keysFor(keyId: string | undefined): Promise<readonly KeyObject[]>;
  /** Changes whenever keys do: what was verified with others counts no more. When it is time, looks for new ones meanwhile. */
  generation(): number;
}

/** Where the keys are: a path, or a URL; for an issuer alone its discovery document says. */
export interface KeySource {
  readonly issuer: string;
  readonly jwks?: string;
}

interface Key {
  readonly id: string | undefined;
  readonly key: KeyObject;
}

const oftenest = 10_000;
const refreshMilliseconds = 5 * 60_000;
const fetchMilliseconds = 10_000;
const mostBytes = 1024 * 1024;

/** `now` in milliseconds. */
export const createKeySet = (source: KeySource, now: () => number = Date.now): KeySet => {
  let [keys, tried, read, generation]: [readonly Key[], number, number, number] = [[], Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let [text, problem]: [string, HeddleError | undefined] = ['', undefined];
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    tried = now();
    try {
      const found = await readKeys(source);
      problem = undefined;
      read = now();
      if (found === text) return;
      [keys, text, generation] = [keysIn(found), found, generation + 1];
    } catch (thrown) {
      problem = HeddleError.from(thrown);
    }
  };
  /** Not more often than every few seconds, whoever asks for whatever key; one at a time. */
  const refresh = async (): Promise<void> => {
    if (loading === undefined && now() - tried < oftenest) return;
    await (loading ??= load().finally(() => (loading = undefined)));
  };
  const matching = (keyId: string | undefined): KeyObject[] => keys.filter(({ id }) => keyId === undefined || id === keyId).map(({ key }) => key);
  return {
    generation() {
      // Who is known comes in without waiting for the provider, but not forever.
      if (now() - read > refreshMilliseconds) void refresh();
      return generation;
    },
    async keysFor(keyId) {
      if (now() - read > refreshMilliseconds) await refresh();
      const found = matching(keyId);
      if (found.length > 0) return found;
      await refresh();
      if (keys.length === 0 && problem !== undefined) throw new HeddleError('Unavailable', `the keys of the identity provider cannot be read: ${problem.message}`);
      return matching(keyId);
    },
  };
};

const readKeys = async ({ issuer, jwks }: KeySource): Promise<string> => {
  if (jwks !== undefined && !/^https?:\/\//.test(jwks)) return readFile(jwks, 'utf8');
  if (jwks !== undefined) return fetchText(jwks);
  const discovery = objectOr(JSON.parse(await fetchText(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)));
  const { issuer: named, jwks_uri: uri } = discovery;
  // A document of somebody else must not bring in keys for this issuer (OpenID Connect Discovery 1.0 §4.3).
  if (named !== issuer || typeof uri !== 'string') throw new HeddleError('Unavailable', `the discovery document of "${issuer}" is not its own or names no keys`);
  return fetchText(uri);
};

const fetchText = async (url: string): Promise<string> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchMilliseconds), redirect: 'error' });
  if (!response.ok || response.body === null) throw new HeddleError('Unavailable', `"${url}" answered ${response.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body) {
    bytes += part.byteLength;
    if (bytes > mostBytes) throw new HeddleError('Unavailable', `"${url}" answered more than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** Keys for encryption, and of kinds that are not known here, are passed over. */
const keysIn = (text: string): Key[] => {
  const list = objectOr(JSON.parse(text))['keys'];
  if (!Array.isArray(list)) throw new HeddleError('Unavailable', 'the key set has no "keys"');
  return list.filter(isJsonObject).flatMap(keyOf);
};

const keyOf = (jwk: JsonObject): Key[] => {
  if (jwk['use'] === 'enc' || jwk['kty'] === 'oct') return [];
  try {
    return [{ id: typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined, key: createPublicKey({ key: jwk, format: 'jwk' }) }];
  } catch {
    return [];
  }
};
