/**
 * The operations of the OpenAPI documents. kubectl reads from them which query parameters a kind's writes take: without
 * `dryRun` and `fieldValidation` on its patch it refuses `--dry-run=server`.
 */
import type { JsonObject } from '../../kit/json.ts';
import { groupVersionKind } from './schema.ts';
import type { ServedKind } from '../scheme.ts';

export interface OperationShape {
  /** `get`, `list`, `post`, `put`, `patch`, `delete`: the value of x-kubernetes-action. */
  readonly action: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly id: string;
  readonly parameters: readonly string[];
  readonly kind: JsonObject;
  readonly served: ServedKind;
}

export interface PathShape {
  readonly path: string;
  readonly operations: readonly OperationShape[];
}

export const parameterText: { readonly [name: string]: string } = {
  dryRun: 'All: run everything but the commit.',
  fieldManager: 'Name of who makes the change.',
  force: 'true: take fields that others own, when applying.',
  fieldValidation: 'Ignore, Warn or Strict: what to do with unknown and duplicate fields.',
  limit: 'Most objects to answer; the rest by continue.',
  continue: 'Token of the next page.',
  labelSelector: 'Labels that objects must have.',
  fieldSelector: 'Fields that objects must have.',
  resourceVersion: 'Where to start.',
  watch: 'true: stream changes.',
};

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'];
const listParameters = ['limit', 'continue', 'labelSelector', 'fieldSelector', 'resourceVersion', 'watch'];

export const basePath = ({ kind }: ServedKind): string =>
  kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;

/** Collection, object and status paths of one kind. */
export const pathsOf = (served: ServedKind): PathShape[] => {
  const collection = `${basePath(served)}${served.namespaced ? '/namespaces/{namespace}' : ''}/${served.kind.plural}`;
  const item = `${collection}/{name}`;
  const operation = (action: string, method: OperationShape['method'], parameters: readonly string[], suffix = ''): OperationShape => ({
    action,
    method,
    id: `${action}${served.kind.kind}${suffix}${served.kind.group.replaceAll('.', '')}${served.kind.version}`,
    parameters,
    kind: groupVersionKind(served),
    served,
  });
  const changes = (suffix: string) => [
    operation('get', 'get', [], suffix),
    operation('put', 'put', writeParameters, suffix),
    operation('patch', 'patch', [...writeParameters, 'force'], suffix),
  ];
  if (served.kind.createOnly === true) return [{ path: collection, operations: [operation('post', 'post', writeParameters)] }];
  return [
    { path: collection, operations: [operation('list', 'get', listParameters), operation('post', 'post', writeParameters)] },
    { path: item, operations: [...changes(''), operation('delete', 'delete', ['dryRun'])] },
    ...(served.kind.hasStatus ? [{ path: `${item}/status`, operations: changes('Status') }] : []),
  ];
};
