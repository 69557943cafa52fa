/** Lists of objects: pages of the store, decoded and selected. */
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import type { Store } from '../../store/store.ts';
import type { ServedKind } from '../scheme.ts';
import type { ListObjectsOptions, ObjectList } from './registry.ts';
import { readStored, withManagedFields } from './stored.ts';

/** Pages of the store until `limit` objects were selected. */
export const listObjects = async (store: Store, served: ServedKind, options: ListObjectsOptions): Promise<ObjectList> => {
  const items: Resource[] = [];
  let { from, revision } = options;
  for (;;) {
    const room = options.limit === undefined ? undefined : options.limit - items.length;
    const page = await store.list(served.key(options.namespace ?? '', ''), { ...optional('limit', room), ...optional('from', from), ...optional('revision', revision) });
    revision = page.revision;
    for (const entry of page.entries) {
      const stored = readStored(served, entry);
      const { object } = stored;
      if (options.select?.(object) ?? true) items.push(options.managedFields === true ? withManagedFields(served, stored) : object);
    }
    if (page.next === undefined) return { items, revision };
    if (items.length === options.limit) {
      return { items, revision, next: page.next, ...(options.select === undefined ? optional('remaining', page.remaining) : {}) };
    }
    from = page.next;
  }
};
