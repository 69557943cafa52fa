/** Which namespaces take new objects. */
import type { HeddleError } from '../../kit/error.ts';
import type { Revision, Store } from '../../store/store.ts';
import type { Scheme } from '../scheme.ts';
import { ApiError, notFound } from '../status.ts';
import { NamespaceGate } from './namespaces.ts';
import { decodeStored } from './stored.ts';

/**
 * Namespaces known to take new content. Alone on the store, all writes go through one registry, and one of a namespace takes it
 * out again, so that it is looked at anew; what was let in just before a deletion is the gate's business. With others on the
 * store, the revision that was found goes into the commit (shared.ts), which fails when it is old.
 */
export class Welcome {
  readonly gate = new NamespaceGate();
  readonly #store: Store;
  readonly #scheme: Scheme;
  /** By name, the revision at which it was found so. */
  readonly #known = new Map<string, Revision>();
  #writes = 0;

  constructor(store: Store, scheme: Scheme) {
    this.#store = store;
    this.#scheme = scheme;
  }

  /** The namespace was written: what was known of it counts no more. */
  forget(namespace: string): void {
    this.#writes += 1;
    this.#known.delete(namespace);
  }

  /** The revision that is known to take new content. Throws `NotFound` for a namespace that is not there, `Forbidden` for one that is being deleted. */
  async check(namespace: string): Promise<Revision> {
    const known = this.#known.get(namespace);
    if (known !== undefined) return known;
    const namespaces = this.#scheme.byKind('Namespace');
    const writes = this.#writes;
    const entry = await this.#store.get(namespaces.key('', namespace));
    if (entry === undefined) throw notFound(namespaces, namespace);
    if (decodeStored(namespaces, entry).metadata.deletionTimestamp !== undefined) throw terminating(namespace);
    if (writes === this.#writes) this.#known.set(namespace, entry.revision);
    return entry.revision;
  }
}

const terminating = (namespace: string): HeddleError => {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return new ApiError('Forbidden', why, { name: namespace, kind: 'namespaces' }, {
    findings: [{ path: 'metadata.namespace', code: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated` }],
  });
};
