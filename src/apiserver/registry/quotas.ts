/**
 * Limits of a namespace, exactly: what is used stands in the ResourceQuota and is written in the same commit as the object that
 * is created or removed, so that no number of clients and servers can get past it. Namespaces without a quota pay nothing.
 */
import { amountsIn, countedResource } from '../../api/core/resourcequota.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import type { Change, Entry, Revision, Store, Write } from '../../store/store.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { forbidden } from '../status.ts';
import { encodeStored, readStored, type Stored } from './stored.ts';

/** What a commit writes beside the object so that it is counted. */
export interface Count {
  readonly writes: readonly Write[];
  /** The commit was made. */
  done(changes: readonly Change[]): void;
  /** Whether the commit failed because a quota was written meanwhile: what there is has been read again. */
  failed(): Promise<boolean>;
}

/** Of what no quota counts. */
export const nothingCounted: Count = { writes: [], done: () => undefined, failed: () => Promise.resolve(false) };

interface Quota {
  readonly key: string;
  readonly revision: Revision;
  readonly stored: Stored;
  readonly hard: ReadonlyMap<string, number>;
  /** Undefined until it has been counted. */
  readonly used: ReadonlyMap<string, number>;
}

/** Counted once more, whatever was told, in milliseconds. */
const recountMilliseconds = 5 * 60_000;
const recountAttempts = 32;

export class Quotas {
  readonly #store: Store;
  readonly #scheme: Scheme;
  readonly #settled: (namespace: string) => Promise<void>;
  /** By namespace and key. */
  readonly #quotas = new Map<string, Map<string, Quota>>();
  /** What is under way in a namespace; the next waits for it. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #onError: (error: HeddleError) => void = () => undefined;

  /** `settled` resolves when creations in a namespace that are under way have landed. */
  constructor(store: Store, scheme: Scheme, settled: (namespace: string) => Promise<void>) {
    this.#store = store;
    this.#scheme = scheme;
    this.#settled = settled;
  }

  /** Knows all quotas when it resolves, and follows them until the signal aborts. */
  async follow(signal: AbortSignal, onError: (error: HeddleError) => void): Promise<void> {
    this.#onError = onError;
    const timer = setInterval(() => this.#recountAll(), recountMilliseconds);
    timer.unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    void this.#goOn(await this.#readAll(), signal);
  }

  /**
   * Does the work that creates (`change` 1) or removes (-1) an object; where a quota counts it, one at a time in a namespace.
   * The work asks for a new count with every attempt, which throws `Forbidden` for one object too many.
   */
  counting<Result>(served: ServedKind, object: Resource, change: 1 | -1, work: (count: () => Count) => Promise<Result>): Promise<Result> {
    const { namespace = '' } = object.metadata;
    if (this.#concerned(served, namespace).length === 0) return work(() => nothingCounted);
    return this.#inTurn(namespace, () => work(() => this.#count(served, object, change)));
  }

  /** Throws `Forbidden` where one more would be too many. */
  check(served: ServedKind, object: Resource): void {
    if (this.#quotas.size > 0) this.#count(served, object, 1);
  }

  #concerned(served: ServedKind, namespace: string): Quota[] {
    const quotas = this.#quotas.get(namespace);
    if (quotas === undefined || !served.namespaced) return [];
    return [...quotas.values()].filter(({ hard }) => [...hard.keys()].some((member) => countedResource(member) === served.resource));
  }

  #count(served: ServedKind, object: Resource, change: 1 | -1): Count {
    const { namespace = '', name } = object.metadata;
    const own = served.key(namespace, name);
    // Its own coming and going is counted afterwards: a commit writes a key once.
    const quotas = this.#concerned(served, namespace).filter(({ key }) => key !== own);
    if (quotas.length === 0) return nothingCounted;
    const counted = quotas.map((quota) => ({ quota, used: changed(served, name, quota, change) }));
    const writes = counted.map(({ quota, used }) => writeOf(quota, used));
    return {
      writes,
      done: (changes) => {
        for (const { entry } of changes) if (quotas.some(({ key }) => key === entry.key)) this.#put(namespace, entry);
      },
      failed: async () => {
        const found = await Promise.all(quotas.map(async ({ key, revision }) => ({ key, revision, entry: await this.#store.get(key) })));
        const stale = found.filter(({ entry, revision }) => entry?.revision !== revision);
        for (const { key, entry } of stale) {
          if (entry === undefined) this.#remove(namespace, key);
          else this.#put(namespace, entry);
        }
        return stale.length > 0;
      },
    };
  }

  /** After whatever is under way in the namespace. */
  #inTurn<Result>(namespace: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(namespace) ?? Promise.resolve();
    const mine = before.then(work, work);
    const quiet: Promise<unknown> = mine.catch(() => undefined).finally(() => {
      if (this.#turns.get(namespace) === quiet) this.#turns.delete(namespace);
    });
    this.#turns.set(namespace, quiet);
    return mine;
  }

  get #served(): ServedKind {
    return this.#scheme.byKind('ResourceQuota');
  }

  #put(namespace: string, entry: Entry): void {
    const known = this.#quotas.get(namespace)?.get(entry.key);
    if (known !== undefined && known.revision >= entry.revision) return;
    const stored = readStored(this.#served, { ...entry });
    const [spec, status] = [objectOr(stored.object.spec), objectOr(stored.object.status)];
    const quota = { key: entry.key, revision: entry.revision, stored, hard: amountsIn(spec['hard']), used: amountsIn(status['used']) };
    const quotas = this.#quotas.get(namespace) ?? new Map<string, Quota>();
    quotas.set(entry.key, quota);
    this.#quotas.set(namespace, quotas);
  }

  #remove(namespace: string, key: string): void {
    const quotas = this.#quotas.get(namespace);
    quotas?.delete(key);
    if (quotas?.size === 0) this.#quotas.delete(namespace);
  }

  async #readAll(): Promise<Revision> {
    const { entries, revision } = await this.#store.list(this.#served.key('', ''));
    const there = new Set(entries.map(({ key }) => key));
    for (const [namespace, quotas] of this.#quotas) for (const key of quotas.keys()) if (!there.has(key)) this.#remove(namespace, key);
    for (const entry of entries) this.#put(namespaceOf(entry.key), entry);
    this.#recountAll();
    return revision;
  }

  async #goOn(first: Revision, signal: AbortSignal): Promise<void> {
    for (let after: Revision | undefined = first; !signal.aborted; after = undefined) {
      try {
        after ??= await this.#readAll();
        for await (const { type, entry } of this.#store.watch({ prefix: this.#served.key('', ''), after, signal })) {
          const namespace = namespaceOf(entry.key);
          if (type === 'delete') this.#remove(namespace, entry.key);
          else {
            const isNew = this.#quotas.get(namespace)?.has(entry.key) !== true;
            this.#put(namespace, entry);
            // Whoever counted it knows nothing of what this server let in before it heard of it.
            if (isNew || !isCounted(this.#quotas.get(namespace)?.get(entry.key))) this.#recount(namespace, entry.key);
          }
        }
      } catch (thrown) {
        if (signal.aborted) return;
        const error = HeddleError.from(thrown);
        if (error.code !== 'Expired') {
          this.#onError(error);
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
    }
  }

  #recountAll(): void {
    for (const [namespace, quotas] of this.#quotas) for (const key of quotas.keys()) this.#recount(namespace, key);
  }

  #recount(namespace: string, key: string): void {
    const count = (): Promise<void> => this.#inTurn(namespace, () => this.#countAnew(namespace, key));
    // Not in turn: what is under way may be waiting for its own.
    void this.#settled(namespace).then(count).catch((thrown: unknown) => this.#onError(HeddleError.from(thrown)));
  }

  /** Until what is written is what there is: an object that was let in before the quota was known may land in between. */
  async #countAnew(namespace: string, key: string): Promise<void> {
    for (let attempt = 1; attempt <= recountAttempts; attempt += 1) {
      const quota = this.#quotas.get(namespace)?.get(key);
      if (quota === undefined) return;
      const used = await this.#counts(namespace, quota);
      if (isSame(used, quota.used) && isCounted(quota)) return;
      try {
        const [change] = await this.#store.commit([writeOf(quota, used)]);
        if (change !== undefined) this.#put(namespace, change.entry);
      } catch (thrown) {
        if (!['Conflict', 'NotFound'].includes(HeddleError.from(thrown).code)) throw thrown;
        const entry = await this.#store.get(key);
        if (entry === undefined) this.#remove(namespace, key);
        else this.#put(namespace, entry);
      }
    }
  }

  async #counts(namespace: string, { hard }: Quota): Promise<Map<string, number>> {
    const counts = [...hard.keys()].map(async (member): Promise<[string, number]> => {
      const resource = countedResource(member);
      const served = this.#scheme.stored.find((kind) => kind.resource === resource);
      if (served === undefined || !served.namespaced) return [member, 0];
      const { entries, remaining = 0 } = await this.#store.list(served.key(namespace, ''), { limit: 1 });
      return [member, entries.length + remaining];
    });
    return new Map(await Promise.all(counts));
  }
}

/** Keys are `resourcequotas/<namespace>/<name>`. */
const namespaceOf = (key: string): string => key.split('/')[1] ?? '';

const isSame = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean =>
  a.size === b.size && [...a].every(([member, amount]) => b.get(member) === amount);

/** Whether the status speaks of the limits that are set. */
const isCounted = (quota: Quota | undefined): boolean => {
  if (quota === undefined) return true;
  const told = amountsIn(objectOr(quota.stored.object.status)['hard']);
  return isSame(told, quota.hard) && [...quota.hard.keys()].every((member) => quota.used.has(member));
};

/** What is used after the change; throws `Forbidden`, in the words of Kubernetes. */
const changed = (served: ServedKind, name: string, quota: Quota, change: 1 | -1): Map<string, number> => {
  const counts = [...quota.hard].filter(([member]) => countedResource(member) === served.resource);
  const used = new Map(quota.used);
  for (const [member, limit] of counts) {
    const before = used.get(member);
    const { name: quotaName } = quota.stored.object.metadata;
    if (before === undefined && change > 0) throw forbidden(served, name, `status unknown for quota: ${quotaName}, resources: ${member}`);
    if (before === undefined) continue;
    if (change > 0 && before + 1 > limit) {
      throw forbidden(served, name, `exceeded quota: ${quotaName}, requested: ${member}=1, used: ${member}=${before}, limited: ${member}=${limit}`);
    }
    used.set(member, Math.max(0, before + change));
  }
  return used;
};

const writeOf = ({ key, revision, stored, hard }: Quota, used: ReadonlyMap<string, number>): Write => {
  const texts = (amounts: ReadonlyMap<string, number>): object => Object.fromEntries([...amounts].map(([member, amount]) => [member, String(amount)]));
  const known = new Map([...used].filter(([member]) => hard.has(member)));
  const object = { ...stored.object, status: { hard: texts(hard), used: texts(known) } };
  const next = { object, owners: stored.owners };
  return { type: 'put', key, value: encodeStored(next), expected: revision, note: next };
};
