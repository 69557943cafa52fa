/**
 * The life of a namespace. It is held by the finalizer `kubernetes` in its spec until everything in it is gone; deleting it
 * only marks it Terminating, and the lifecycle here empties it and takes the finalizer away. It resumes after a restart.
 */
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import type { Registry } from './registry.ts';
import type { ServedKind } from '../scheme.ts';
import type { ObjectEvent } from './watch.ts';

export const builtInNamespaces: readonly string[] = ['default', 'kube-system'];

export const isNamespace = (served: ServedKind): boolean => served.kind.group === '' && served.kind.kind === 'Namespace';

export const markTerminating = (object: Resource): Resource => ({
  ...object,
  status: { ...objectOr(object.status), phase: 'Terminating' },
});

/** Counts creations under way in each namespace, so that emptying one does not race with a creation already let in. */
export class NamespaceGate {
  readonly #inside = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Answers the function to call when the creation has ended, well or not. */
  enter(namespace: string): () => void {
    this.#inside.set(namespace, (this.#inside.get(namespace) ?? 0) + 1);
    return () => this.#leave(namespace);
  }

  /** Resolves when every creation that has entered by now has left. */
  async settled(namespace: string): Promise<void> {
    if (!this.#inside.has(namespace)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(namespace, [...(this.#waiting.get(namespace) ?? []), resolve]);
    });
  }

  #leave(namespace: string): void {
    const left = (this.#inside.get(namespace) ?? 1) - 1;
    if (left > 0) {
      this.#inside.set(namespace, left);
      return;
    }
    this.#inside.delete(namespace);
    for (const resolve of this.#waiting.get(namespace) ?? []) resolve();
    this.#waiting.delete(namespace);
  }
}

export interface NamespaceLifecycle {
  close(): Promise<void>;
}

/**
 * Makes the built-in namespaces and works on Terminating ones until closed. `onError` hears of attempts that failed; they
 * are tried again at the next change in that namespace.
 */
export const runNamespaceLifecycle = async (registry: Registry, onError: (error: HeddleError) => void): Promise<NamespaceLifecycle> => {
  const namespaces = registry.scheme.byKind('Namespace');
  await createBuiltIns(registry, namespaces);
  const stop = new AbortController();
  const terminating = new Set<string>();
  const attempt = async (name: string): Promise<void> => {
    if (await emptyNamespace(registry, name)) terminating.delete(name);
  };
  const tried = (name: string): Promise<void> => attempt(name).catch((thrown: unknown) => onError(HeddleError.from(thrown)));

  const { items, revision } = await registry.list(namespaces);
  const loops = registry.scheme.stored
    .filter((served) => served.namespaced || served === namespaces)
    .map((served) => watchKind(registry, served, revision, stop.signal, async (event) => {
      const deleted = event.type === 'DELETED';
      // Most events end here: they are not looked into.
      if (served !== namespaces && (!deleted || terminating.size === 0)) return;
      const { metadata } = event.object;
      const name = served.namespaced ? (metadata.namespace ?? '') : metadata.name;
      if (served === namespaces && deleted) terminating.delete(name);
      else if (served === namespaces && metadata.deletionTimestamp !== undefined) terminating.add(name);
      else if (!deleted || !terminating.has(name)) return;
      if (terminating.has(name)) await tried(name);
    }));
  const started = items.filter((object) => object.metadata.deletionTimestamp !== undefined).map((object) => object.metadata.name);
  for (const name of started) {
    terminating.add(name);
    await tried(name);
  }
  return {
    async close() {
      stop.abort();
      await Promise.all(loops);
    },
  };
};

const createBuiltIns = async (registry: Registry, namespaces: ServedKind): Promise<void> => {
  for (const name of builtInNamespaces) {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await registry.create(namespaces, body).catch((thrown: unknown) => {
      if (!(thrown instanceof HeddleError) || thrown.code !== 'AlreadyExists') throw thrown;
    });
  }
};

/** Follows one kind for ever; a watch that was cut off goes on from the present, where `tried` sees the whole state anyway. */
const watchKind = async (
  registry: Registry,
  served: ServedKind,
  after: number,
  signal: AbortSignal,
  handle: (event: ObjectEvent) => Promise<void>,
): Promise<void> => {
  let from = after;
  while (!signal.aborted) {
    try {
      for await (const event of registry.watch(served, { after: from, signal })) {
        await handle(event);
      }
      return;
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Expired') return;
      from = registry.revision;
    }
  }
};

/** Deletes what is in the namespace, and the namespace itself once nothing is left; true when it is gone. */
const emptyNamespace = async (registry: Registry, name: string): Promise<boolean> => {
  const namespaces = registry.scheme.byKind('Namespace');
  // Deleting it once more changes nothing, and returns when creations that were let in before have landed.
  await ifPresent(registry.delete(namespaces, '', name));
  const left: Resource[] = [];
  for (const served of registry.scheme.stored.filter((kind) => kind.namespaced)) {
    const { items } = await registry.list(served, { namespace: name });
    for (const object of items) {
      const deleted = await ifPresent(registry.delete(served, name, object.metadata.name));
      if (deleted?.removed === false) left.push(deleted.object);
    }
  }
  if (left.length > 0) {
    const tell = (current: Resource): Resource => withConditions(current, remaining(registry, left));
    await ifPresent(registry.modify(namespaces, '', name, tell, { subresource: 'status' }));
    return false;
  }
  const release = (current: Resource): unknown => ({ ...current, spec: { finalizers: finalizersOf(current).filter((held) => held !== 'kubernetes') } });
  await ifPresent(registry.modify(namespaces, '', name, release, { subresource: 'finalize' }));
  return true;
};

const finalizersOf = ({ spec }: Resource): unknown[] => {
  const { finalizers } = objectOr(spec);
  return Array.isArray(finalizers) ? finalizers : [];
};

interface Told {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** What holds the deletion up, in the words of Kubernetes. */
const remaining = ({ scheme }: Registry, left: readonly Resource[]): Told[] => {
  const kinds = counted(left.map((object) => scheme.byKind(object.kind).resource)).map(([resource, count]) => `${resource} has ${count} resource instances`);
  const finalizers = counted(left.flatMap(({ metadata }) => metadata.finalizers ?? [])).map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
  return [
    { type: 'NamespaceContentRemaining', reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${kinds.join(', ')}` },
    { type: 'NamespaceFinalizersRemaining', reason: 'SomeFinalizersRemain', message: `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}` },
  ];
};

const counted = (names: readonly string[]): [name: string, count: number][] =>
  [...Map.groupBy(names, (name) => name)].map(([name, same]): [string, number] => [name, same.length]).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Conditions that were True before keep the time since when. */
const withConditions = (namespace: Resource, told: readonly Told[]): Resource => {
  const status = objectOr(namespace.status);
  const before = Array.isArray(status['conditions']) ? status['conditions'].map(objectOr) : [];
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const conditions = told.map((condition) => {
    const since = before.find(({ type }) => type === condition.type)?.['lastTransitionTime'] ?? now;
    return { ...condition, status: 'True', lastTransitionTime: since };
  });
  return { ...namespace, status: { ...status, conditions } };
};

const ifPresent = async <Result>(work: Promise<Result>): Promise<Result | undefined> => {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === 'NotFound') return undefined;
    throw thrown;
  }
};
