/** Which parts of an object a write may change; the rest is the server's or what it was. */
import type { ObjectMeta, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr, optional } from '../../kit/json.ts';
import type { ServedKind } from '../scheme.ts';
import type { Subresource } from './registry.ts';
import { conflict, invalidObject, staleVersion } from '../status.ts';

/** What a client may set; the rest is the server's. Owners of fields are kept beside the object. */
export const keptMetadata = ({ name, namespace, generateName, labels, annotations, ownerReferences, finalizers }: ObjectMeta): ObjectMeta => ({
  name,
  ...optional('namespace', namespace),
  ...optional('generateName', generateName),
  ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
  ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
  ...(ownerReferences === undefined || ownerReferences.length === 0 ? {} : { ownerReferences }),
  ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
});

/** Throws `BadRequest` for a body of another kind than the path. */
export const checkType = (served: ServedKind, object: Resource): void => {
  if (object.kind === served.kind.kind && object.apiVersion === served.apiVersion) return;
  throw new HeddleError(
    'BadRequest',
    `the body is "${object.apiVersion}, Kind=${object.kind}", this path takes "${served.apiVersion}, Kind=${served.kind.kind}"`,
  );
};

/** Throws `Conflict` when the body means another object or version, `Invalid` for finalizers that come too late. */
export const checkIdentity = (served: ServedKind, current: Resource, given: Resource): void => {
  const { name, uid, resourceVersion } = given.metadata;
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    throw conflict(served, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`);
  }
  const version = resourceVersion ?? '';
  if (version !== '' && version !== current.metadata.resourceVersion) throw staleVersion(served, name);
  if (current.metadata.deletionTimestamp === undefined) return;
  const added = (given.metadata.finalizers ?? []).filter((finalizer) => !(current.metadata.finalizers ?? []).includes(finalizer));
  if (added.length > 0) {
    const message = `no new finalizers can be added if the object is being deleted, found "${added.join('", "')}"`;
    throw invalidObject(served, name, [{ path: 'metadata.finalizers', code: 'FieldValueForbidden', message }]);
  }
};

/** The next state: the half that the write may change from `given`, everything else from `current`. */
export const merged = (served: ServedKind, current: Resource, given: Resource, subresource: Subresource | undefined): Resource => {
  const { resourceVersion: _, ...currentMetadata } = current.metadata;
  if (subresource === 'status') {
    const { status: __, ...rest } = current;
    return { ...rest, metadata: currentMetadata, ...optional('status', given.status) };
  }
  if (subresource === 'finalize') return { ...current, metadata: currentMetadata, spec: { ...objectOr(current.spec), ...optional('finalizers', objectOr(given.spec)['finalizers']) } };
  const metadata: ObjectMeta = {
    ...keptMetadata(given.metadata),
    name: current.metadata.name,
    ...optional('namespace', current.metadata.namespace),
    ...optional('uid', current.metadata.uid),
    ...optional('generation', current.metadata.generation),
    ...optional('creationTimestamp', current.metadata.creationTimestamp),
    ...optional('generateName', current.metadata.generateName),
    ...optional('deletionTimestamp', current.metadata.deletionTimestamp),
    ...optional('deletionGracePeriodSeconds', current.metadata.deletionGracePeriodSeconds),
  };
  if (!served.kind.hasStatus) return { ...given, metadata };
  const { status: ___, ...rest } = given;
  // Finalizers of a namespace are let go through a subresource of their own.
  const spec = served.kind.finalizes === true ? { spec: current.spec } : {};
  return { ...rest, ...spec, metadata, ...optional('status', current.status) };
};
