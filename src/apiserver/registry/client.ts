/** The resource API for controllers in the same process: no sockets, the same rules. */
import type { ResourceClient } from '../../api/client.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { mergePatch } from '../patch/patch.ts';
import type { Registry } from './registry.ts';

/** Objects are copied on the way in (`prune`); what comes out may be shared with other controllers and is not to be changed. */
export const createInProcessClient = (registry: Registry, fieldManager = 'heddle-controller'): ResourceClient => {
  const { scheme } = registry;
  return {
    async list(kind) {
      const { items, revision } = await registry.list(scheme.byKind(kind));
      return { items, resourceVersion: String(revision) };
    },

    watch(kind, resourceVersion, signal) {
      const after = Number(resourceVersion);
      if (!Number.isSafeInteger(after) || after < 0) {
        throw new HeddleError('BadRequest', `resourceVersion "${resourceVersion}" is not one of this server`);
      }
      return registry.watch(scheme.byKind(kind), { after, signal, buffer: 100_000, bufferCharacters: 1024 * 1024 * 1024 });
    },

    get: (ref) => registry.get(scheme.byKind(ref.kind), ref.namespace, ref.name),
    create: (object) => registry.create(scheme.byKind(object.kind), object, { fieldManager }),
    update: (object) => registry.update(scheme.byKind(object.kind), object, { fieldManager }),

    patch: (ref, patch) =>
      registry.modify(scheme.byKind(ref.kind), ref.namespace, ref.name, (current) => mergePatch(current, patch)),

    patchStatus(ref, status, uid) {
      const change = (current: Resource): unknown => ({
        ...current,
        metadata: uid === undefined ? current.metadata : { ...current.metadata, uid },
        status: mergePatch(current.status, status),
      });
      return registry.modify(scheme.byKind(ref.kind), ref.namespace, ref.name, change, { subresource: 'status', fieldManager });
    },

    async delete(ref) {
      await registry.delete(scheme.byKind(ref.kind), ref.namespace, ref.name);
    },
  };
};
