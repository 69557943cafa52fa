/**
 * Protobuf bodies of core kinds: kubectl from 1.32 on sends what its typed commands create, and Go controllers send theirs, as
 * `application/vnd.kubernetes.protobuf`: the bytes `k8s\0`, then runtime.Unknown.
 */
import { HeddleError } from '../../kit/error.ts';
import { objectOr, type JsonObject } from '../../kit/json.ts';
import { decodeFields, envelope, messagesOfKinds } from './messages.ts';

const magic = Buffer.from('k8s\0', 'latin1');

/** The object in the body; `UnsupportedMediaType` for a kind whose messages are not known, never a guess. */
export const decodeProtobuf = (body: Buffer): JsonObject => {
  if (!body.subarray(0, magic.length).equals(magic)) throw new HeddleError('BadRequest', 'the protobuf body does not start with "k8s"');
  const unknown = decodeFields(envelope, body.subarray(magic.length));
  const type = objectOr(unknown['type']);
  const kind = String(type['kind'] ?? '');
  const known = Object.hasOwn(messagesOfKinds, kind) ? messagesOfKinds[kind] : undefined;
  if (known === undefined) {
    throw new HeddleError('UnsupportedMediaType', `kind "${kind}" cannot be sent as protobuf here; send application/json`);
  }
  const raw = unknown['raw'];
  const decoded = raw instanceof Uint8Array ? decodeFields(known, raw) : {};
  return { apiVersion: String(type['apiVersion'] ?? ''), kind, ...decoded };
};
