/** What Secret and ConfigMap have in common: named pieces of data, frozen on request, small enough for any store. */
import type { Finding } from '../../kit/error.ts';
import type { Findings } from '../findings.ts';

/** Of all values of one object together; what a Kubernetes API server takes. */
export const maxDataBytes = 1024 * 1024;

const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/;

/** `InvalidKey` for names that could not be names of files. */
export const checkKeys = (member: string, data: object | undefined, found: Findings): void => {
  for (const key of Object.keys(data ?? {})) {
    const usable = keyPattern.test(key) && key !== '.' && !key.startsWith('..');
    if (!usable) found.add(`${member}[${key}]`, 'FieldValueInvalid', 'a key must be at most 253 letters, digits, "-", "_" and ".", and must not be "." or begin with ".."');
  }
};

export const isBase64 = (text: string): boolean => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);

/** Decoded length of base64. */
export const decodedBytes = (text: string): number => Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

export const utf8Bytes = (text: string): number => new TextEncoder().encode(text).byteLength;

/** An object whose `immutable` is set keeps these members, and `immutable` itself. */
export const immutableFindings = (members: readonly string[], object: object, old: object | undefined): Finding[] => {
  if (old === undefined || Reflect.get(old, 'immutable') !== true) return [];
  const changed = [...members, 'immutable'].filter((member) => JSON.stringify(sorted(Reflect.get(object, member))) !== JSON.stringify(sorted(Reflect.get(old, member))));
  return changed.map((path) => ({ path, code: 'FieldValueForbidden', message: 'cannot be changed when `immutable` is set; delete the object and create it anew' }));
};

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) : value;
