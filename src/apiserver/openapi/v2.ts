/**
 * OpenAPI v2: mandatory for kubectl up to 1.28, and read by newer ones for client-side apply. kubectl takes it as a protobuf
 * message (gnostic openapi.v2.Document, field numbers of OpenAPIv2.proto); others as JSON. The wrong one of the two breaks
 * kubectl, and so does the content type that it asks for itself.
 */
import { createHash } from 'node:crypto';
import type { Answer, Exchange } from '../exchange.ts';
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';
import { parseAccept } from '../body/media.ts';
import { parameterText, pathsOf, type OperationShape } from './paths.ts';
import { definitions } from './schema.ts';
import { MessageWriter } from '../body/protobuf.ts';
import type { Scheme } from '../scheme.ts';
import { HeddleError } from '../../kit/error.ts';
import { yamlText } from '../../kit/yaml.ts';

const askedProtobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** Without the `@`, which kubectl 1.20 cannot parse in an answer. */
const answeredProtobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Answers `/openapi/v2`; both forms are made at first use and kept. */
export const createOpenApiV2 = (scheme: Scheme): ((exchange: Exchange) => Answer) => {
  const started = new Date().toUTCString();
  const forms = new Map<string, Uint8Array>();
  const form = (type: string): Uint8Array => {
    const found = forms.get(type);
    if (found !== undefined) return found;
    const made = type === answeredProtobuf ? encodeDocument(scheme) : new TextEncoder().encode(JSON.stringify(swagger(scheme)));
    forms.set(type, made);
    return made;
  };
  return (exchange) => {
    const type = answeredType(exchange.request.headers.accept);
    const body = form(type);
    const headers = {
      etag: `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`,
      'last-modified': started,
      vary: 'Accept',
    };
    if (exchange.request.headers['if-none-match'] === headers.etag) return { status: 304, type, body: '', headers };
    return { status: 200, type, body, headers };
  };
};

const answeredType = (accept: string | undefined): string => {
  for (const { type } of parseAccept(accept)) {
    if (type === askedProtobuf || type === answeredProtobuf) return answeredProtobuf;
    if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'application/json';
  }
  throw new HeddleError('NotAcceptable', `OpenAPI v2 is answered as application/json or ${askedProtobuf}`);
};

const reference = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });

const swagger = (scheme: Scheme): JsonObject => ({
  swagger: '2.0',
  info: { title: 'Heddle', version: 'unversioned' },
  paths: Object.fromEntries(
    scheme.kinds.flatMap(pathsOf).map(({ path, operations }) => [path, Object.fromEntries(operations.map((operation) => [operation.method, jsonOperation(operation)]))]),
  ),
  definitions: definitions(scheme.kinds, false, reference),
});

const jsonOperation = (operation: OperationShape): JsonObject => ({
  operationId: operation.id,
  parameters: operation.parameters.map((name) => ({ name, in: 'query', type: 'string', uniqueItems: true, description: parameterText[name] })),
  responses: { 200: { description: 'OK' } },
  'x-kubernetes-action': operation.action,
  'x-kubernetes-group-version-kind': operation.kind,
});

const encodeDocument = (scheme: Scheme): Uint8Array =>
  new MessageWriter()
    .string(1, '2.0')
    .message(2, (info) => info.string(1, 'Heddle').string(2, 'unversioned'))
    .message(8, (paths) => {
      for (const { path, operations } of scheme.kinds.flatMap(pathsOf)) {
        paths.message(2, (named) => named.string(1, path).message(2, (item) => writeOperations(item, operations)));
      }
    })
    .message(9, (all) => writeNamedSchemas(all, definitions(scheme.kinds, false, reference)))
    .finish();

const methodField = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

const writeOperations = (item: MessageWriter, operations: readonly OperationShape[]): void => {
  for (const operation of operations) {
    item.message(methodField[operation.method], (message) => {
      message.string(5, operation.id);
      for (const name of operation.parameters) message.message(8, (parameter) => writeQueryParameter(parameter, name));
      message.message(9, (responses) =>
        responses.message(1, (named) => named.string(1, '200').message(2, (value) => value.message(1, (response) => response.string(1, 'OK')))),
      );
      writeExtension(message, 13, 'x-kubernetes-action', operation.action);
      writeExtension(message, 13, 'x-kubernetes-group-version-kind', operation.kind);
    });
  }
};

/** ParametersItem → parameter → non_body_parameter → query_parameter_sub_schema. */
const writeQueryParameter = (item: MessageWriter, name: string): void => {
  item.message(1, (parameter) =>
    parameter.message(2, (nonBody) =>
      nonBody.message(3, (query) =>
        query.string(2, 'query').string(3, parameterText[name] ?? '').string(4, name).string(6, 'string').boolean(20, true),
      ),
    ),
  );
};

const writeExtension = (message: MessageWriter, field: number, name: string, value: unknown): void => {
  message.message(field, (named) => named.string(1, name).message(2, (any) => any.string(2, yamlText(value))));
};

const writeNamedSchemas = (target: MessageWriter, schemas: JsonObject): void => {
  for (const [name, schema] of Object.entries(schemas)) {
    target.message(1, (named) => named.string(1, name).message(2, (value) => writeSchema(value, objectOr(schema))));
  }
};

const textFields: { readonly [keyword: string]: number } = { $ref: 1, format: 2, description: 4, pattern: 13 };
const doubleFields: { readonly [keyword: string]: number } = { maximum: 7, minimum: 9 };
const integerFields: { readonly [keyword: string]: number } = { maxLength: 11, minLength: 12 };

const writeSchema = (message: MessageWriter, schema: JsonObject): void => {
  writeScalars(message, schema);
  const { required, properties, items, type, additionalProperties } = schema;
  if (schema['default'] !== undefined) message.message(5, (any) => any.string(2, yamlText(schema['default'])));
  if (Array.isArray(required)) for (const name of required) message.string(19, String(name));
  if (Array.isArray(schema['enum'])) for (const value of schema['enum']) message.message(20, (any) => any.string(2, yamlText(value)));
  if (isJsonObject(additionalProperties)) message.message(21, (item) => item.message(1, (child) => writeSchema(child, additionalProperties)));
  if (typeof type === 'string') message.message(22, (item) => item.string(1, type));
  if (isJsonObject(items)) message.message(23, (item) => item.message(1, (child) => writeSchema(child, items)));
  if (isJsonObject(properties)) message.message(25, (all) => writeNamedSchemas(all, properties));
  for (const [name, value] of Object.entries(schema)) if (name.startsWith('x-')) writeExtension(message, 31, name, value);
};

const writeScalars = (message: MessageWriter, schema: JsonObject): void => {
  for (const [keyword, value] of Object.entries(schema)) {
    const [text, double, integer] = [textFields[keyword], doubleFields[keyword], integerFields[keyword]];
    if (typeof value === 'string' && text !== undefined) message.string(text, value);
    if (typeof value === 'number' && double !== undefined) message.double(double, value);
    if (typeof value === 'number' && integer !== undefined) message.integer(integer, value);
  }
};
