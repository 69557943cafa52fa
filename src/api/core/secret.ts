/**
 * Secret (core/v1): passwords, keys and tokens. Values are shown to those who may read the object and to nobody else: no
 * message, table, event or log has them.
 */
import { Type } from 'typebox';
import { Findings } from '../findings.ts';
import type { Kind, Resource } from '../object.ts';
import { checkKeys, decodedBytes, immutableFindings, isBase64, maxDataBytes } from './datakeys.ts';

interface Secret extends Resource {
  readonly type?: string;
  readonly data?: { readonly [key: string]: string };
  readonly stringData?: { readonly [key: string]: string };
}

/** Keys that each type of Secret must have (Kubernetes, "Types of Secret"). */
const requiredKeys: { readonly [type: string]: readonly string[] } = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
};

const base64 = (text: string): string => {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** What was written as text becomes part of `data`, which is all that is kept. */
const defaults = (object: Resource): Resource => {
  const { stringData, ...rest } = object as Secret;
  const typed = { ...rest, type: rest.type ?? 'Opaque' };
  if (stringData === undefined) return typed;
  const added = Object.fromEntries(Object.entries(stringData).map(([key, value]) => [key, base64(value)]));
  const whole: Secret = { ...typed, data: { ...typed.data, ...added } };
  return whole;
};

const validate: Kind['validate'] = (object, old) => {
  const { data = {}, type = '' } = object as Secret;
  const found = new Findings();
  checkKeys('data', data, found);
  for (const [key, value] of Object.entries(data)) {
    if (!isBase64(value)) found.add(`data[${key}]`, 'FieldValueInvalid', 'is not base64; text can be written under `stringData`');
  }
  const bytes = Object.values(data).reduce((sum, value) => sum + decodedBytes(value), 0);
  if (bytes > maxDataBytes) found.add('data', 'FieldValueTooLong', `holds ${bytes} bytes; at most ${maxDataBytes} are kept`);
  checkType(type, data, found);
  if (type === 'kubernetes.io/service-account-token' && object.metadata.annotations?.['kubernetes.io/service-account.name'] === undefined) {
    found.add('metadata.annotations[kubernetes.io/service-account.name]', 'FieldValueRequired', 'is required for this type');
  }
  if (old !== undefined && (old as Secret).type !== type) found.add('type', 'FieldValueInvalid', 'cannot be changed');
  return [...found.list, ...immutableFindings(['data'], object, old)];
};

const checkType = (type: string, data: object, found: Findings): void => {
  for (const key of requiredKeys[type] ?? []) {
    if (!Object.hasOwn(data, key)) found.add(`data[${key}]`, 'FieldValueRequired', `is required for type "${type}"`);
  }
  const hasLogin = Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password');
  if (type === 'kubernetes.io/basic-auth' && !hasLogin) {
    found.add('data[username]', 'FieldValueRequired', `"username" or "password" is required for type "${type}"`);
  }
};

const values = (description: string) => Type.Record(Type.String(), Type.String(), { description });

export const secretKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  description: 'Passwords, keys and tokens, for those who may read Secrets.',
  properties: {
    data: values('Bytes, base64-encoded, under names of letters, digits, "-", "_" and ".".'),
    stringData: values('Text that is added to `data`; only written, never shown.'),
    type: Type.String({ description: 'What the keys mean; default Opaque, cannot be changed.' }),
    immutable: Type.Boolean({ description: 'Nothing but metadata can be changed any more.' }),
  },
  required: [],
  defaults,
  validate,
  confidential: ['data', 'stringData'],
  selectableFields: ['.type'],
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.type', description: 'What the keys mean', priority: 0 },
    { name: 'Data', type: 'integer', jsonPath: '.data', counts: ['data'], description: 'How many values', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 },
  ],
  hasStatus: false,
};
