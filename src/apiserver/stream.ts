/** Watches over HTTP: one JSON object a line, bookmarks, deadlines, and the end of consumers that do not read. */
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Revision } from '../store/store.ts';
import { startHeaders, type Exchange } from './exchange.ts';
import { optional, type JsonObject } from '../kit/json.ts';
import { representation, type Representation } from './body/media.ts';
import type { ListQuery } from './query.ts';
import { includeObjectOf } from './read.ts';
import type { ListObjectsOptions, ObjectList, Registry } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';
import { statusOf } from './status.ts';
import { partialMetadata, tableOf, type IncludeObject } from './table.ts';
import type { ObjectWatch } from './registry/watch.ts';

const bookmarkMilliseconds = 60_000;
/** A client that takes nothing for this long is cut off. */
const stallMilliseconds = 30_000;
/** Objects of one page of what a watch begins with. */
const initialPage = 200;
/** Without `timeoutSeconds` the server chooses, spread out so that clients do not all come back at once. */
const timeoutRange = [1800, 3600] as const;

/** Runs until the client, the deadline or the server ends it; never throws once the stream has begun. */
export const streamWatch = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<void> => {
  const form = representation(exchange.request.headers.accept);
  const start = await startOf(registry, route, query);
  const stream = new WatchStream(exchange, route.served, form);
  const seconds = query.timeoutSeconds ?? randomInt(...timeoutRange);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), seconds * 1000);
  const signal = AbortSignal.any([exchange.signal, deadline.signal]);
  const watch = registry.watch(route.served, { namespace: route.namespace, after: start.revision, signal, ...optional('select', query.select) });
  const bookmarks = setInterval(() => query.bookmarks && stream.bookmarkIfIdle(watch.delivered), bookmarkMilliseconds);
  try {
    await sendInitial(registry, stream, start, route, query);
    await stream.pump(watch);
    // The last word before a deadline tells the client where to go on.
    if (query.bookmarks && deadline.signal.aborted) await stream.bookmark(watch.delivered);
  } catch (thrown) {
    await stream.send('ERROR', statusOf(HeddleError.from(thrown)));
  } finally {
    clearTimeout(timer);
    clearInterval(bookmarks);
    exchange.response.end();
  }
};

interface Start {
  readonly revision: Revision;
  /** The first of what is to be told as ADDED before anything live; undefined: nothing is. */
  readonly first?: ObjectList;
}

/** A watch from nowhere, or from 0, begins with everything there is. */
const startOf = async (registry: Registry, route: ResourceRoute, query: ListQuery): Promise<Start> => {
  const from = query.resourceVersion ?? 0;
  if (from > 0 && !query.initialEvents) return { revision: from };
  const first = await registry.list(route.served, pageOptions(route, query));
  return { revision: first.revision, first };
};

const pageOptions = (route: ResourceRoute, query: ListQuery): ListObjectsOptions => ({
  namespace: route.namespace,
  limit: initialPage,
  ...optional('select', query.select),
});

/** Page by page, all at the revision of the first: who reads slowly must not make the server hold everything there is. */
const sendInitial = async (registry: Registry, stream: WatchStream, { revision, first }: Start, route: ResourceRoute, query: ListQuery): Promise<void> => {
  for (let page = first; page !== undefined && !stream.isGone; ) {
    for (const object of page.items) await stream.send('ADDED', stream.represent(object));
    const { next: from } = page;
    page = from === undefined ? undefined : await registry.list(route.served, { ...pageOptions(route, query), from, revision });
  }
  if (query.initialEvents) await stream.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
};

class WatchStream {
  readonly #exchange: Exchange;
  readonly #served: ServedKind;
  readonly #form: Representation;
  readonly #includeObject: IncludeObject;
  #columnsSent = false;
  #writing = false;

  constructor(exchange: Exchange, served: ServedKind, form: Representation) {
    this.#exchange = exchange;
    this.#served = served;
    this.#form = form;
    this.#includeObject = includeObjectOf(exchange.query);
    startHeaders(exchange);
    exchange.response.setHeader('Cache-Control', 'no-cache, private');
    exchange.response.writeHead(200, { 'Content-Type': 'application/json' });
    exchange.response.flushHeaders();
  }

  represent(object: Resource): unknown {
    const { transform, metaVersion } = this.#form;
    if (transform === 'metadata') return partialMetadata(object, metaVersion);
    if (transform === 'none') return object;
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    return tableOf(this.#served.kind, [object], { includeObject: this.#includeObject, metaVersion, now: Date.now(), withColumns });
  }

  get isGone(): boolean {
    return this.#exchange.response.destroyed;
  }

  async pump(watch: ObjectWatch): Promise<void> {
    for await (const event of watch) await this.send(event.type, this.represent(event.object));
  }

  /** Waits while the client is slower than we are; meanwhile its store subscription fills up and may end with Expired. */
  async send(type: string, object: unknown): Promise<void> {
    const { response } = this.#exchange;
    if (response.destroyed) return;
    this.#writing = true;
    if (!response.write(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)) await this.#drained();
    this.#writing = false;
  }

  async bookmark(revision: Revision, annotations?: JsonObject): Promise<void> {
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...optional('annotations', annotations) };
    const object = { kind: this.#served.kind.kind, apiVersion: this.#served.apiVersion, metadata };
    const isTable = this.#form.transform === 'table';
    const table = { kind: 'Table', apiVersion: `meta.k8s.io/${this.#form.metaVersion}`, metadata: { resourceVersion: String(revision) }, columnDefinitions: null, rows: [{ cells: [], object }] };
    await this.send('BOOKMARK', isTable ? table : object);
  }

  /** In the middle of a write the revision is behind what was just sent; the next interval will do. */
  bookmarkIfIdle(revision: Revision): void {
    if (!this.#writing) void this.bookmark(revision);
  }

  async #drained(): Promise<void> {
    const { response } = this.#exchange;
    try {
      await once(response, 'drain', { signal: AbortSignal.any([this.#exchange.signal, AbortSignal.timeout(stallMilliseconds)]) });
    } catch {
      response.destroy();
    }
  }
}
