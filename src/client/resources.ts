/**
 * The resource API over HTTPS as controllers want it: what `src/api/client.ts` promises, kept over pages, watches that end, busy
 * servers and connections that break. A controller cannot tell it from the one in process.
 */
import { randomInt } from 'node:crypto';
import type { ResourceClient, ResourceList, WatchEvent } from '../api/client.ts';
import type { Kind, ObjectRef, Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { mergePatchType, refusal, type ApiClient, type Call } from './http.ts';
import { asObject } from './live.ts';

export interface ResourceClientOptions {
  /** Objects of one page of a list. Default 500, as kubectl. */
  readonly page?: number;
  /** How long a watch is asked for, in seconds: between the first and the second, so that not all come back at once. */
  readonly watchSeconds?: readonly [least: number, most: number];
}

const usualPage = 500;
/** As client-go. */
const usualWatch = [300, 600] as const;
/** How often a list is begun anew because its pages were compacted away under it; then it is asked for in one. */
const listAttempts = 3;

/** `kinds` are all that the client will be asked for. The ApiClient stays the caller's, who closes it. */
export const createResourceClient = (api: ApiClient, kinds: readonly Kind[], options: ResourceClientOptions = {}): ResourceClient =>
  new HttpsResources(api, kinds, options);

class HttpsResources implements ResourceClient {
  readonly #api: ApiClient;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #options: ResourceClientOptions;

  constructor(api: ApiClient, kinds: readonly Kind[], options: ResourceClientOptions) {
    this.#api = api;
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
    this.#options = options;
  }

  async list(name: string): Promise<ResourceList> {
    const kind = this.#kind(name);
    const { page = usualPage } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#listPages(kind, attempt > listAttempts ? 0 : page);
      } catch (thrown) {
        if (HeddleError.from(thrown).code !== 'Expired' || attempt > listAttempts) throw thrown;
      }
    }
  }

  async *watch(name: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const kind = this.#kind(name);
    const [least, most] = this.#options.watchSeconds ?? usualWatch;
    const query = new URLSearchParams({ watch: 'true', resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: String(randomInt(least, most + 1)) });
    try {
      for await (const event of this.#api.stream({ path: `${pathOf(kind, '')}?${query.toString()}`, signal })) yield eventOf(kind, event);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  async get(ref: ObjectRef): Promise<Resource> {
    return this.#ask(ref, {});
  }

  async create(object: Resource): Promise<Resource> {
    const kind = this.#kind(object.kind);
    const { body } = await this.#api.call({ method: 'POST', path: pathOf(kind, object.metadata.namespace ?? ''), body: object });
    return asObject(body);
  }

  async update(object: Resource): Promise<Resource> {
    const { kind, metadata: { namespace = '', name } } = object;
    return this.#ask({ kind, namespace, name }, { method: 'PUT', body: object });
  }

  async patch(ref: ObjectRef, patch: object): Promise<Resource> {
    return this.#patch(ref, patch, '');
  }

  async patchStatus(ref: ObjectRef, status: unknown, uid?: string): Promise<Resource> {
    return this.#patch(ref, { ...(uid === undefined ? {} : { metadata: { uid } }), status }, '/status');
  }

  async delete(ref: ObjectRef): Promise<void> {
    await this.#api.call({ method: 'DELETE', path: this.#pathOf(ref) });
  }

  async #listPages(kind: Kind, limit: number): Promise<ResourceList> {
    const items: Resource[] = [];
    let [next, resourceVersion] = ['', ''];
    do {
      const query = new URLSearchParams({ ...(limit === 0 ? {} : { limit: String(limit) }), ...(next === '' ? {} : { continue: next }) }).toString();
      const { body } = await this.#api.call({ path: `${pathOf(kind, '')}${query === '' ? '' : `?${query}`}` });
      const { metadata, items: page } = objectOr(body);
      for (const item of Array.isArray(page) ? page : []) items.push(typed(kind, item));
      ({ continue: next = '', resourceVersion = '' } = objectOr(metadata) as { continue?: string; resourceVersion?: string });
    } while (next !== '');
    return { items, resourceVersion };
  }

  async #patch(ref: ObjectRef, patch: object, subresource: string): Promise<Resource> {
    try {
      return await this.#ask(ref, { method: 'PATCH', body: patch, contentType: mergePatchType }, subresource);
    } catch (thrown) {
      const error = HeddleError.from(thrown);
      // Of an object that took the name; some servers say so as of a field that cannot be changed.
      const isOther = error.code === 'Invalid' && error.findings.some(({ path }) => path === 'metadata.uid');
      throw isOther ? new HeddleError('Conflict', error.message, { cause: error }) : error;
    }
  }

  async #ask(ref: ObjectRef, call: Omit<Call, 'path'>, subresource = ''): Promise<Resource> {
    const { body } = await this.#api.call({ ...call, path: `${this.#pathOf(ref)}${subresource}` });
    return typed(this.#kind(ref.kind), body);
  }

  #kind(name: string): Kind {
    const kind = this.#kinds.get(name);
    if (kind === undefined) throw new HeddleError('NotFound', `kind "${name}" is not known to this client`);
    return kind;
  }

  #pathOf({ kind, namespace, name }: ObjectRef): string {
    return `${pathOf(this.#kind(kind), namespace)}/${encodeURIComponent(name)}`;
  }
}

/** Path of a collection; of a namespaced kind without a namespace that of all namespaces. */
const pathOf = ({ group, version, plural, scope }: Kind, namespace: string): string => {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${scope === 'Namespaced' && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${plural}`;
};

/** Lists of Kubernetes leave out what their items are. */
const typed = ({ group, version, kind }: Kind, item: unknown): Resource =>
  asObject({ apiVersion: group === '' ? version : `${group}/${version}`, kind, ...objectOr(item) });

const eventOf = (kind: Kind, event: unknown): WatchEvent => {
  const { type, object } = objectOr(event);
  if (type === 'ERROR') throw failureOf(objectOr(object));
  if (type === 'BOOKMARK') return { type, resourceVersion: String(objectOr(objectOr(object)['metadata'])['resourceVersion'] ?? '') };
  if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') && isJsonObject(object)) return { type, object: typed(kind, object) };
  throw new HeddleError('Unavailable', `the server sent a watch event that is none: "${String(type)}"`);
};

/** A `Status` in the stream; 410 in any of its spellings means that one has to list again. */
const failureOf = (status: JsonObject): HeddleError => {
  const error = refusal(typeof status['code'] === 'number' ? status['code'] : 500, status);
  return status['code'] === 410 && error.code !== 'Expired' ? new HeddleError('Expired', error.message) : error;
};
