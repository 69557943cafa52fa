/**
 * The messages of core kinds by field number, as the published generated.proto files of k8s.io/api and k8s.io/apimachinery
 * have them. What is not named here is skipped, as unknown fields are in protobuf.
 */
import { HeddleError } from '../../kit/error.ts';
import { objectOr, type JsonObject } from '../../kit/json.ts';
import { malformed, readMessage, readText, type WireField } from './protobuf.ts';

type Decode = (value: WireField['value']) => unknown;

interface Field {
  readonly name: string;
  readonly decode: Decode;
  readonly form?: 'list' | 'map';
}

export type Message = { readonly [number: number]: Field };

const bytesOf = (value: WireField['value']): Uint8Array => {
  if (typeof value === 'number') throw malformed();
  return value;
};

const string = (name: string): Field => ({ name, decode: readText });
const strings = (name: string): Field => ({ name, decode: readText, form: 'list' });
const integer = (name: string): Field => ({ name, decode: wholeNumber });
const boolean = (name: string): Field => ({ name, decode: (value) => value === 1 });
const message = (name: string, type: Message): Field => ({ name, decode: (value) => decodeFields(type, bytesOf(value)) });
const messages = (name: string, type: Message): Field => ({ ...message(name, type), form: 'list' });
/** Maps are lists of entries: 1 key, 2 value. */
const mapOf = (name: string, value: Field): Field => ({ ...message(name, { 1: string('key'), 2: { ...value, name: 'value' } }), form: 'map' });
const map = (name: string): Field => mapOf(name, string('value'));
/** Bytes, which JSON has as base64. */
const bytes = (name: string): Field => ({ name, decode: (value) => Buffer.from(bytesOf(value)).toString('base64') });
const raw = (name: string): Field => ({ name, decode: bytesOf });

const wholeNumber = (value: WireField['value']): number => {
  if (Number.isSafeInteger(value)) return Number(value);
  throw typeof value === 'number' ? new HeddleError('BadRequest', 'the protobuf body has a number beyond 2^53, which cannot be kept exactly') : malformed();
};

/** Time and MicroTime: 1 seconds, 2 nanos. An empty message is "no time". */
const time = (name: string): Field => ({
  name,
  decode: (value) => {
    const fields = new Map(readMessage(bytesOf(value)).map((field) => [field.number, wholeNumber(field.value)]));
    const seconds = fields.get(1) ?? 0;
    const microseconds = Math.floor((fields.get(2) ?? 0) / 1000);
    if (seconds === 0 && microseconds === 0) return null;
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime()) || microseconds < 0 || microseconds > 999_999) throw malformed();
    const whole = date.toISOString().slice(0, -5);
    return microseconds === 0 ? `${whole}Z` : `${whole}.${String(microseconds).padStart(6, '0')}Z`;
  },
});

/** An object of another kind of JSON, as text. */
const json = (name: string): Field => ({
  name,
  decode: (value) => {
    const { raw: text } = decodeFields({ 1: string('raw') }, bytesOf(value));
    try {
      const parsed: unknown = JSON.parse(String(text));
      return parsed;
    } catch {
      throw malformed();
    }
  },
});

/** Go sends empty strings for what is not set; JSON leaves them out, and so do we. Nulls go the same way. */
export const decodeFields = (type: Message, encoded: Uint8Array): JsonObject => {
  const result: JsonObject = {};
  for (const { number, value } of readMessage(encoded)) {
    const field = type[number];
    if (field === undefined) continue;
    const decoded = field.decode(value);
    if (field.form === 'list') listAt(result, field.name).push(decoded);
    else if (field.form === 'map') setMember(result, field.name, objectOr(decoded));
    else if (decoded !== '' && decoded !== null) result[field.name] = decoded;
  }
  return result;
};

const listAt = (owner: JsonObject, name: string): unknown[] => {
  const found = owner[name];
  if (Array.isArray(found)) return found;
  const list: unknown[] = [];
  owner[name] = list;
  return list;
};

const setMember = (owner: JsonObject, name: string, entry: JsonObject): void => {
  const members = objectOr(owner[name]);
  owner[name] = members;
  // Not by assignment: `__proto__` is a name like any other here, and is refused where all unknown fields are.
  Object.defineProperty(members, String(entry['key'] ?? ''), { value: entry['value'] ?? '', enumerable: true, configurable: true, writable: true });
};

/** runtime.Unknown, which holds every object. */
export const envelope: Message = { 1: message('type', { 1: string('apiVersion'), 2: string('kind') }), 2: raw('raw') };

const ownerReference: Message = { 1: string('kind'), 3: string('name'), 4: string('uid'), 5: string('apiVersion'), 6: boolean('controller'), 7: boolean('blockOwnerDeletion') };

const managedFields: Message = {
  1: string('manager'),
  2: string('operation'),
  3: string('apiVersion'),
  4: time('time'),
  6: string('fieldsType'),
  7: json('fieldsV1'),
  8: string('subresource'),
};

const objectMeta: Message = {
  1: string('name'),
  2: string('generateName'),
  3: string('namespace'),
  5: string('uid'),
  6: string('resourceVersion'),
  7: integer('generation'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  10: integer('deletionGracePeriodSeconds'),
  11: map('labels'),
  12: map('annotations'),
  13: messages('ownerReferences', ownerReference),
  14: strings('finalizers'),
  17: messages('managedFields', managedFields),
};

const metadata = message('metadata', objectMeta);

const objectReference: Message = {
  1: string('kind'),
  2: string('namespace'),
  3: string('name'),
  4: string('uid'),
  5: string('apiVersion'),
  6: string('resourceVersion'),
  7: string('fieldPath'),
};

const condition: Message = { 1: string('type'), 2: string('status'), 4: time('lastTransitionTime'), 5: string('reason'), 6: string('message') };

const labelSelector: Message = {
  1: map('matchLabels'),
  2: messages('matchExpressions', { 1: string('key'), 2: string('operator'), 3: strings('values') }),
};

const rule: Message = { 1: strings('verbs'), 2: strings('apiGroups'), 3: strings('resources'), 4: strings('resourceNames'), 5: strings('nonResourceURLs') };
const subject: Message = { 1: string('kind'), 2: string('apiGroup'), 3: string('name'), 4: string('namespace') };
const binding: Message = { 1: metadata, 2: messages('subjects', subject), 3: message('roleRef', { 1: string('apiGroup'), 2: string('kind'), 3: string('name') }) };

const extra = (name: string): Field => {
  const entries = messages(name, { 1: string('key'), 2: message('value', { 1: strings('items') }) });
  const entry = (value: WireField['value']): JsonObject => {
    const decoded = objectOr(entries.decode(value));
    return { key: decoded['key'], value: objectOr(decoded['value'])['items'] ?? [] };
  };
  return { name, form: 'map', decode: entry };
};

const resourceAttributes: Message = {
  1: string('namespace'),
  2: string('verb'),
  3: string('group'),
  4: string('version'),
  5: string('resource'),
  6: string('subresource'),
  7: string('name'),
  8: message('fieldSelector', { 1: string('rawSelector'), 2: messages('requirements', { 1: string('key'), 2: string('operator'), 3: strings('values') }) }),
  9: message('labelSelector', { 1: string('rawSelector'), 2: messages('requirements', { 1: string('key'), 2: string('operator'), 3: strings('values') }) }),
};

const attributes: Message = { 1: message('resourceAttributes', resourceAttributes), 2: message('nonResourceAttributes', { 1: string('path'), 2: string('verb') }) };

const accessReview: Message = {
  1: metadata,
  2: message('spec', { ...attributes, 3: string('user'), 4: strings('groups'), 5: extra('extra'), 6: string('uid') }),
};

/** resource.Quantity travels as its text. */
const quantity: Field = { name: 'quantity', decode: (value) => decodeFields({ 1: string('text') }, bytesOf(value))['text'] ?? '' };

export const messagesOfKinds: { readonly [kind: string]: Message } = {
  Namespace: {
    1: metadata,
    2: message('spec', { 1: strings('finalizers') }),
    3: message('status', { 1: string('phase'), 2: messages('conditions', condition) }),
  },
  ConfigMap: { 1: metadata, 2: map('data'), 3: mapOf('binaryData', bytes('value')), 4: boolean('immutable') },
  Secret: { 1: metadata, 2: mapOf('data', bytes('value')), 3: string('type'), 4: map('stringData'), 5: boolean('immutable') },
  ServiceAccount: {
    1: metadata,
    2: messages('secrets', objectReference),
    3: messages('imagePullSecrets', { 1: string('name') }),
    4: boolean('automountServiceAccountToken'),
  },
  ResourceQuota: { 1: metadata, 2: message('spec', { 1: mapOf('hard', quantity), 2: strings('scopes') }) },
  Event: {
    1: metadata,
    2: message('involvedObject', objectReference),
    3: string('reason'),
    4: string('message'),
    5: message('source', { 1: string('component'), 2: string('host') }),
    6: time('firstTimestamp'),
    7: time('lastTimestamp'),
    8: integer('count'),
    9: string('type'),
    10: time('eventTime'),
    11: message('series', { 1: integer('count'), 2: time('lastObservedTime') }),
    12: string('action'),
    13: message('related', objectReference),
    14: string('reportingComponent'),
    15: string('reportingInstance'),
  },
  Lease: {
    1: metadata,
    2: message('spec', {
      1: string('holderIdentity'),
      2: integer('leaseDurationSeconds'),
      3: time('acquireTime'),
      4: time('renewTime'),
      5: integer('leaseTransitions'),
      6: string('strategy'),
      7: string('preferredHolder'),
    }),
  },
  Role: { 1: metadata, 2: messages('rules', rule) },
  ClusterRole: { 1: metadata, 2: messages('rules', rule), 3: message('aggregationRule', { 1: messages('clusterRoleSelectors', labelSelector) }) },
  RoleBinding: binding,
  ClusterRoleBinding: binding,
  SelfSubjectAccessReview: { 1: metadata, 2: message('spec', attributes) },
  SubjectAccessReview: accessReview,
  LocalSubjectAccessReview: accessReview,
  SelfSubjectRulesReview: { 1: metadata, 2: message('spec', { 1: string('namespace') }) },
  SelfSubjectReview: { 1: metadata },
  TokenReview: { 1: metadata, 2: message('spec', { 1: string('token'), 2: strings('audiences') }) },
  TokenRequest: {
    1: metadata,
    2: message('spec', {
      1: strings('audiences'),
      3: message('boundObjectRef', { 1: string('kind'), 2: string('apiVersion'), 3: string('name'), 4: string('uid') }),
      4: integer('expirationSeconds'),
    }),
  },
  DeleteOptions: {
    1: integer('gracePeriodSeconds'),
    2: message('preconditions', { 1: string('uid'), 2: string('resourceVersion') }),
    3: boolean('orphanDependents'),
    4: string('propagationPolicy'),
    5: strings('dryRun'),
  },
};
