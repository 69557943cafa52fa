/**
 * Protobuf bodies of core kinds: kubectl from 1.32 on sends `create namespace`, and Go controllers send Events, as
 * `application/vnd.kubernetes.protobuf`: the bytes `k8s\0`, then runtime.Unknown. Field numbers are those of the published
 * generated.proto files of k8s.io/api/core/v1 and k8s.io/apimachinery.
 */
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';
import { readMessage, readText, type WireField } from './protobuf.ts';

type Decode = (value: WireField['value']) => unknown;

interface Field {
  readonly name: string;
  readonly decode: Decode;
  readonly repeated?: boolean;
  readonly map?: boolean;
}

type Message = { readonly [number: number]: Field };

const bytesOf = (value: WireField['value']): Uint8Array => {
  if (typeof value === 'number') throw new HeddleError('BadRequest', 'the protobuf body is malformed');
  return value;
};

const string = (name: string): Field => ({ name, decode: readText });
const strings = (name: string): Field => ({ name, decode: readText, repeated: true });
const integer = (name: string): Field => ({ name, decode: Number });
const boolean = (name: string): Field => ({ name, decode: (value) => value === 1 });
const message = (name: string, type: Message): Field => ({ name, decode: (value) => decodeFields(type, bytesOf(value)) });
const messages = (name: string, type: Message): Field => ({ ...message(name, type), repeated: true });
const map = (name: string): Field => ({ name, map: true, decode: (value) => decodeFields(mapEntry, bytesOf(value)) });
/** Time and MicroTime: 1 seconds, 2 nanos. An empty message is "no time". */
const time = (name: string): Field => ({
  name,
  decode: (value) => {
    const fields = new Map(readMessage(bytesOf(value)).map((field) => [field.number, Number(field.value)]));
    const seconds = fields.get(1) ?? 0;
    const microseconds = Math.floor((fields.get(2) ?? 0) / 1000);
    if (seconds === 0 && microseconds === 0) return null;
    const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
    return microseconds === 0 ? `${whole}Z` : `${whole}.${String(microseconds).padStart(6, '0')}Z`;
  },
});

const mapEntry: Message = { 1: string('key'), 2: string('value') };

const ownerReference: Message = {
  1: string('kind'),
  3: string('name'),
  4: string('uid'),
  5: string('apiVersion'),
  6: boolean('controller'),
  7: boolean('blockOwnerDeletion'),
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
};

const objectReference: Message = {
  1: string('kind'),
  2: string('namespace'),
  3: string('name'),
  4: string('uid'),
  5: string('apiVersion'),
  6: string('resourceVersion'),
  7: string('fieldPath'),
};

const kinds: { readonly [kind: string]: Message } = {
  Namespace: {
    1: message('metadata', objectMeta),
    2: message('spec', { 1: strings('finalizers') }),
    3: message('status', { 1: string('phase') }),
  },
  Event: {
    1: message('metadata', objectMeta),
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
  DeleteOptions: {
    1: integer('gracePeriodSeconds'),
    2: message('preconditions', { 1: string('uid'), 2: string('resourceVersion') }),
    3: boolean('orphanDependents'),
    4: string('propagationPolicy'),
    5: strings('dryRun'),
  },
};

/** Go sends empty strings for what is not set; JSON leaves them out, and so do we. Nulls go the same way. */
const decodeFields = (type: Message, bytes: Uint8Array): JsonObject => {
  const result: JsonObject = {};
  for (const { number, value } of readMessage(bytes)) {
    const field = type[number];
    if (field === undefined) continue;
    const decoded = field.decode(value);
    if (decoded === '' || decoded === null) continue;
    const before = result[field.name];
    if (field.repeated === true) result[field.name] = [...(Array.isArray(before) ? before : []), decoded];
    else if (field.map === true) result[field.name] = { ...objectOr(before), ...mapMember(decoded) };
    else result[field.name] = decoded;
  }
  return result;
};

const mapMember = (entry: unknown): JsonObject =>
  isJsonObject(entry) ? { [String(entry['key'] ?? '')]: String(entry['value'] ?? '') } : {};

const magic = Buffer.from('k8s\0', 'latin1');

/** The object in the body; `UnsupportedMediaType` for a kind whose messages are not known, never a guess. */
export const decodeProtobuf = (body: Buffer): JsonObject => {
  if (!body.subarray(0, magic.length).equals(magic)) throw new HeddleError('BadRequest', 'the protobuf body does not start with "k8s"');
  const unknown = decodeFields({ 1: message('type', { 1: string('apiVersion'), 2: string('kind') }), 2: { name: 'raw', decode: bytesOf } }, body.subarray(magic.length));
  const type = objectOr(unknown['type']);
  const kind = String(type['kind'] ?? '');
  const known = kinds[kind];
  if (known === undefined) {
    throw new HeddleError('UnsupportedMediaType', `kind "${kind}" cannot be sent as protobuf here; send application/json`);
  }
  const raw = unknown['raw'];
  const decoded = raw instanceof Uint8Array ? decodeFields(known, raw) : {};
  return { apiVersion: String(type['apiVersion'] ?? ''), kind, ...decoded };
};
