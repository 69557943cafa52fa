/** OpenAPI v3: an index, and one document a group version whose URL carries its hash, so that clients fetch it once. */
import { createHash } from 'node:crypto';
import type { Answer, Exchange } from '../exchange.ts';
import { jsonAnswer } from '../exchange.ts';
import { representation } from '../body/media.ts';
import type { JsonObject } from '../../kit/json.ts';
import { basePath, parameterText, pathsOf, type OperationShape } from './paths.ts';
import { definitionName, definitions } from './schema.ts';
import type { GroupVersion, Scheme } from '../scheme.ts';

interface Document {
  readonly text: string;
  readonly hash: string;
}

export type OpenApiV3 = (exchange: Exchange) => Answer | undefined;

const yearSeconds = 31_536_000;

/** Answers `/openapi/v3` and what is below it; documents are made at first use and kept as text. */
export const createOpenApiV3 = (scheme: Scheme): OpenApiV3 => {
  const documents = new Map<string, Document>();
  const entries = new Map(scheme.groupVersions.map((entry) => [pathOf(entry), entry]));

  const documentOf = (path: string): Document | undefined => {
    const entry = entries.get(path);
    const found = documents.get(path);
    if (entry === undefined || found !== undefined) return found;
    const text = JSON.stringify(document(entry));
    const made = { text, hash: createHash('sha256').update(text).digest('hex').toUpperCase() };
    documents.set(path, made);
    return made;
  };
  const index = (): Answer => {
    const paths = [...entries.keys()].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${documentOf(path)?.hash}` }]);
    return jsonAnswer({ paths: Object.fromEntries(paths) });
  };

  return (exchange) => {
    const path = exchange.path.replace(/^\/openapi\/v3\/?/, '').replace(/\/$/, '');
    if (path === '') return index();
    const found = documentOf(path);
    return found === undefined ? undefined : documentAnswer(exchange, path, found);
  };
};

const pathOf = ({ kinds }: GroupVersion): string => {
  const first = kinds[0];
  return first === undefined ? '' : basePath(first).slice(1);
};

const documentAnswer = (exchange: Exchange, path: string, { text, hash }: Document): Answer => {
  // Who reads protobuf alone would take JSON for it.
  representation(exchange.request.headers.accept, ['application/json']);
  const asked = exchange.query.get('hash');
  const etag = `"${hash}"`;
  if (asked !== null && asked !== hash) {
    return { status: 301, type: 'text/plain', body: '', headers: { location: `/openapi/v3/${path}?hash=${hash}` } };
  }
  const headers = {
    etag,
    ...(asked === null
      ? {}
      : { 'cache-control': 'public, immutable', expires: new Date(Date.now() + yearSeconds * 1000).toUTCString() }),
  };
  if (exchange.request.headers['if-none-match'] === etag) return { status: 304, type: 'application/json', body: '', headers };
  return { status: 200, type: 'application/json', body: text, headers };
};

const reference = (name: string): JsonObject => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] });
const content = (name: string): JsonObject => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });

const document = ({ kinds }: GroupVersion): JsonObject => ({
  openapi: '3.0.0',
  info: { title: 'Heddle', version: 'unversioned' },
  paths: Object.fromEntries(kinds.flatMap(pathsOf).map(({ path, operations }) => [path, { parameters: pathParameters(path), ...methods(operations) }])),
  components: { schemas: definitions(kinds, true, reference) },
});

const pathParameters = (path: string): JsonObject[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));

const methods = (operations: readonly OperationShape[]): JsonObject =>
  Object.fromEntries(operations.map((operation) => [operation.method, operationOf(operation)]));

const operationOf = (operation: OperationShape): JsonObject => {
  const name = definitionName(operation.served);
  const answer = operation.action === 'list' ? `${name}List` : name;
  const body = operation.action === 'patch' ? 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch' : name;
  return {
    operationId: operation.id,
    parameters: operation.parameters.map((parameter) => ({
      name: parameter,
      in: 'query',
      description: parameterText[parameter],
      schema: { type: 'string', uniqueItems: true },
    })),
    ...(['post', 'put', 'patch'].includes(operation.method) ? { requestBody: { required: true, content: content(body) } } : {}),
    responses: { 200: { description: 'OK', content: content(answer) } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
};
