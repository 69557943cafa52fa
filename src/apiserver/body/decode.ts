/** Request bodies to JSON values: JSON (also when no type is given), YAML, and protobuf for core kinds. */
import { isUtf8 } from 'node:buffer';
import { HeddleError } from '../../kit/error.ts';
import { parseMediaType } from './media.ts';
import { decodeProtobuf } from './protobufkinds.ts';
import { scanJson } from './scan.ts';
import { decodeYaml } from './yaml.ts';

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
  if (type === 'application/yaml') return decodeYaml(textOf(body));
  if (type === 'application/json' || type === '') return decodeJson(textOf(body));
  throw new HeddleError('UnsupportedMediaType', `the body media type is "${type}"; send application/json, application/yaml, or ${protobuf} for core kinds`);
};

/** Throws `BadRequest` for what is not UTF-8. A byte order mark is no part of the text (RFC 8259 §8.1). */
export const textOf = (body: Buffer): string => {
  if (!isUtf8(body)) throw new HeddleError('BadRequest', 'the body is not UTF-8');
  const text = body.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
};

/** Bodies of server-side apply: YAML by name, and mostly JSON, which is read a hundred times as fast. */
export const decodeJsonOrYaml = (text: string): Decoded => {
  if (!text.trimStart().startsWith('{')) return decodeYaml(text);
  try {
    return decodeJson(text);
  } catch (thrown) {
    // YAML knows more that begins with a brace.
    if (HeddleError.from(thrown).cause instanceof SyntaxError) return decodeYaml(text);
    throw thrown;
  }
};

/** JSON text; patches come this way whatever their type. */
export const decodeJson = (text: string): Decoded => {
  try {
    const duplicates = scanJson(text);
    const value: unknown = JSON.parse(text);
    return { value, duplicates };
  } catch (thrown) {
    if (thrown instanceof HeddleError) throw thrown;
    throw new HeddleError('BadRequest', `the body is not JSON${placeOf(text, thrown)}`, { cause: thrown });
  }
};

/** Where it goes wrong; not the piece of text there, which may be a secret. */
const placeOf = (text: string, thrown: unknown): string => {
  if (text.trim() === '') return ': it is empty';
  const position = / at position (\d+)/.exec(HeddleError.from(thrown).message)?.[1];
  return position === undefined ? ': it ends too early' : `: unexpected character at position ${position}`;
};
