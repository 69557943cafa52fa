/** Request bodies to JSON values: JSON (also when no type is given), YAML, and protobuf for core kinds. */
import { parseDocument } from 'yaml';
import { HeddleError } from '../../kit/error.ts';
import { duplicateMembers } from './duplicates.ts';
import { parseMediaType } from './media.ts';
import { decodeProtobuf } from './protobufkinds.ts';

export interface Decoded {
  readonly value: unknown;
  /** Members that the text names twice; the last one won. */
  readonly duplicates: readonly string[];
}

const protobuf = 'application/vnd.kubernetes.protobuf';

/** `BadRequest` when the body cannot be read, `UnsupportedMediaType` for other types. kubectl 1.20 sends none: JSON. */
export const decodeBody = (body: Buffer, contentType: string | undefined): Decoded => {
  const { type } = parseMediaType(contentType ?? 'application/json');
  if (type === protobuf) return { value: decodeProtobuf(body), duplicates: [] };
  if (type === 'application/yaml') return decodeYaml(body.toString('utf8'));
  if (type === 'application/json' || type === '') return decodeJson(body.toString('utf8'));
  throw new HeddleError('UnsupportedMediaType', `the body media type is "${type}"; send application/json or application/yaml`);
};

/** JSON text; patches come this way whatever their type. */
export const decodeJson = (text: string): Decoded => {
  try {
    const value: unknown = JSON.parse(text);
    return { value, duplicates: duplicateMembers(text) };
  } catch (thrown) {
    throw new HeddleError('BadRequest', `the body is not JSON: ${HeddleError.from(thrown).message}`, { cause: thrown });
  }
};

const decodeYaml = (text: string): Decoded => {
  const document = parseDocument(text, { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new HeddleError('BadRequest', `the body is not YAML: ${problem.message}`);
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return { value, duplicates: [] };
};
