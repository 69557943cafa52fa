/** What `apply`, `diff`, `delete` and `wait` do first: read the files, refuse them all if one is bad, find their types. */
import { HeddleError } from '../kit/error.ts';
import type { Resource } from '../api/object.ts';
import { apiVersionOf, findType, objectName, pathOf, typeOfObject, type ResourceType } from '../client/discovery.ts';
import { itemsOf } from '../client/live.ts';
import type { Io } from './io.ts';
import { checkSources, formatFaults, inDependencyOrder } from './offline.ts';
import type { Session } from './session.ts';
import { readSources, type Source } from './source.ts';

export interface Target {
  readonly type: ResourceType;
  /** Empty for cluster-scoped types. */
  readonly namespace: string;
  readonly name: string;
  /** `vpc.heddle.dev/shop`. */
  readonly label: string;
}

export interface FileTarget extends Target {
  /** With its namespace filled in. */
  readonly object: Resource;
}

/** Sources in dependency order; prints every fault on `note` and throws `Invalid` when there is one. */
export const readChecked = async (io: Io, files: readonly string[]): Promise<Source[]> => {
  const { sources, faults } = await readSources(files, io.stdin);
  const all = [...faults, ...checkSources(sources)];
  if (all.length > 0) {
    io.note(formatFaults(all));
    throw new HeddleError('Invalid', `${all.length} ${all.length === 1 ? 'fault' : 'faults'}, nothing was sent`);
  }
  return inDependencyOrder(sources);
};

export const fileTargets = async (session: Session, files: readonly string[]): Promise<FileTarget[]> => {
  const sources = await readChecked(session.io, files);
  return targetsOf(session, await session.types(), sources.map(({ object }) => object));
};

/** Every object of a kind that there is now, of the session's namespace where it has one. */
export const allTargets = async (session: Session, kind: string): Promise<Target[]> => {
  const type = findType(await session.types(), kind);
  const namespace = type.namespaced ? session.namespace : '';
  const { body } = await session.client.call({ path: pathOf(type, namespace) });
  return itemsOf(body, type, apiVersionOf(type)).map(({ metadata: { name } }) => ({ type, namespace, name, label: objectName(type, name) }));
};

/** Objects with their type and place; a namespaced one without a namespace goes into the session's. */
export const targetsOf = (session: Session, types: readonly ResourceType[], objects: readonly Resource[]): FileTarget[] =>
  objects.map((object) => {
    const type = typeOfObject(types, object.apiVersion, object.kind);
    const namespace = type.namespaced ? (object.metadata.namespace ?? session.namespace) : '';
    const { namespace: _, ...metadata } = object.metadata;
    const placed = { ...object, metadata: type.namespaced ? { ...metadata, namespace } : metadata };
    return { type, namespace, name: object.metadata.name, label: objectName(type, object.metadata.name), object: placed };
  });
