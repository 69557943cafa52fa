/** Tables (meta.k8s.io Table): the columns of a kind filled in, so that every kubectl prints what a user of the kind wants. */
import { compileJsonPath, type JsonPath } from '../api/jsonpath.ts';
import type { Column, Kind, Resource } from '../api/object.ts';
import { shortDuration } from './age.ts';
import { objectOr, type JsonObject } from '../kit/json.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly includeObject: IncludeObject;
  /** Version of meta.k8s.io asked for. */
  readonly metaVersion: string;
  /** Milliseconds since 1970, for ages. */
  readonly now: number;
  /** Of the list; a table of one object takes that object's. */
  readonly metadata?: JsonObject;
  /** False on a watch after the first event. */
  readonly withColumns?: boolean;
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 };

interface CompiledColumn {
  readonly definition: JsonObject;
  readonly type: Column['type'];
  readonly path: JsonPath;
  readonly counts: readonly string[] | undefined;
}

const compiled = new WeakMap<Kind, readonly CompiledColumn[]>();

const columnsOf = (kind: Kind): readonly CompiledColumn[] => {
  const found = compiled.get(kind);
  if (found !== undefined) return found;
  const columns = (kind.columns.length > 0 ? kind.columns : [age]).map(compileColumn);
  compiled.set(kind, columns);
  return columns;
};

const compileColumn = ({ name, type, description, priority, jsonPath, counts }: Column): CompiledColumn => ({
  definition: { name, type, format: '', description, priority },
  type,
  path: compileJsonPath(jsonPath),
  counts,
});

const nameDefinition: JsonObject = { name: 'Name', type: 'string', format: 'name', description: 'Name of the object', priority: 0 };

export const tableOf = (kind: Kind, objects: readonly Resource[], options: TableOptions): JsonObject => {
  const columns = columnsOf(kind);
  const definitions = [nameDefinition, ...columns.map((column) => column.definition)];
  const version = objects[0]?.metadata.resourceVersion;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata: options.metadata ?? { resourceVersion: version },
    columnDefinitions: options.withColumns === false ? null : definitions,
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ...columns.map((column) => cell(column, object, options.now))],
      object: included(object, options),
    })),
  };
};

const included = (object: Resource, options: TableOptions): unknown => {
  if (options.includeObject === 'None') return null;
  return options.includeObject === 'Object' ? object : partialMetadata(object, options.metaVersion);
};

export const partialMetadata = (object: Resource, metaVersion: string): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${metaVersion}`,
  metadata: object.metadata,
});

/** A path that finds several values shows them all; one that finds none is null, which kubectl prints as `<none>`. */
const cell = ({ type, path, counts }: CompiledColumn, object: Resource, now: number): unknown => {
  if (counts !== undefined) return counts.reduce((sum, member) => sum + Object.keys(objectOr(Reflect.get(object, member))).length, 0);
  const values = path(object).filter((value) => value !== null && value !== undefined);
  const first = values[0];
  if (first === undefined) return null;
  if (type === 'date') return dateCell(first, now);
  if (type === 'string') return values.map(textOf).join(',');
  return first;
};

const dateCell = (value: unknown, now: number): string => {
  const time = Date.parse(String(value));
  return Number.isNaN(time) ? '<invalid>' : shortDuration(now - time);
};

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
