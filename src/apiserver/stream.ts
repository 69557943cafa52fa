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
import { awaitRevision, includeObjectOf } from './read.ts';
import type { ListObjectsOptions, ObjectList, Registry } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';
import { statusOf } from './status.ts';
import { partialMetadata, tableOf, type IncludeObject } from './table.ts';
import type { ObjectEvent, ObjectWatch } from './registry/watch.ts';
import { Pace, type Paced } from './pace.ts';

const bookmarkMilliseconds = 60_000;
/** A client that takes nothing for this long is cut off. */
const stallMilliseconds = 30_000;
/** Objects of one page of what a watch begins with. */
const initialPage = 200;
/** Without `timeoutSeconds` the server chooses, spread out so that clients do not all come back at once. */
const timeoutRange = [1800, 3600] as const;
/** Timers of Node go no further than 24 days. */
const longestSeconds = 86_400;

/** Runs until the client, the deadline or the server ends it; never throws once the stream has begun. */
export const streamWatch = async (registry: Registry, exchange: Exchange, route: ResourceRoute, query: ListQuery): Promise<void> => {
  const form = representation(exchange.request.headers.accept, ['application/json']);
  if (query.initialEvents) await awaitRevision(registry, query.resourceVersion ?? 0, exchange.signal);
  const start = await startOf(registry, route, query, form);
  exchange.begun();
  const stream = new WatchStream(exchange, route.served, form);
  const seconds = Math.min(query.timeoutSeconds ?? randomInt(...timeoutRange), longestSeconds);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), seconds * 1000);
  const signal = AbortSignal.any([exchange.signal, deadline.signal]);
  const watch = registry.watch(route.served, { namespace: route.namespace, after: start.revision, signal, ...optional('select', query.select) });
  // Until everything was told that it begins with, a version would promise too much.
  let isLive = false;
  const bookmarks = setInterval(() => query.bookmarks && isLive && stream.bookmarkIfIdle(watch.delivered), bookmarkMilliseconds);
  try {
    await sendInitial(registry, stream, start, route, query);
    isLive = true;
    await stream.pump(watch);
    // The last word before a deadline tells the client where to go on.
    if (query.bookmarks && deadline.signal.aborted) await stream.bookmark(watch.delivered);
  } catch (thrown) {
    await stream.send('ERROR', statusOf(HeddleError.from(thrown)));
  } finally {
    clearTimeout(timer);
    clearInterval(bookmarks);
    stream.end();
  }
};

interface Start {
  readonly revision: Revision;
  /** The first of what is to be told as ADDED before anything live; undefined: nothing is. */
  readonly first?: ObjectList;
}

/** A watch from nowhere, or from 0, begins with everything there is. */
const startOf = async (registry: Registry, route: ResourceRoute, query: ListQuery, form: Representation): Promise<Start> => {
  const from = query.resourceVersion ?? 0;
  if (from > 0 && !query.initialEvents) return { revision: from };
  const first = await registry.list(route.served, pageOptions(route, query, form));
  return { revision: first.revision, first };
};

const pageOptions = (route: ResourceRoute, query: ListQuery, form: Representation): ListObjectsOptions => ({
  namespace: route.namespace,
  // Nobody looks at the owners of rows.
  managedFields: form.transform !== 'table',
  limit: initialPage,
  ...optional('select', query.select),
});

/** Page by page, all at the revision of the first: who reads slowly must not make the server hold everything there is. */
const sendInitial = async (registry: Registry, stream: WatchStream, { revision, first }: Start, route: ResourceRoute, query: ListQuery): Promise<void> => {
  for (let page = first; page !== undefined && !stream.isGone; ) {
    for (const object of page.items) await stream.send('ADDED', stream.represent(object));
    const { next: from } = page;
    page = from === undefined ? undefined : await registry.list(route.served, { ...pageOptions(route, query, stream.form), from, revision });
  }
  if (query.initialEvents && query.bookmarks) await stream.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
};

const pace = new Pace();
/** More does not wait for company. */
const mostGathered = 64 * 1024;

const lines = new WeakMap<ObjectEvent, Buffer>();

const lineOf = (type: string, object: unknown): Buffer => Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);

class WatchStream implements Paced {
  readonly #exchange: Exchange;
  readonly #served: ServedKind;
  readonly form: Representation;
  readonly #includeObject: IncludeObject;
  #columnsSent = false;
  #writing = false;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #uncounted = 0;
  /** Settles when the client takes more; undefined while it does. */
  #full: Promise<void> | undefined;

  constructor(exchange: Exchange, served: ServedKind, form: Representation) {
    this.#exchange = exchange;
    this.#served = served;
    this.form = form;
    this.#includeObject = includeObjectOf(exchange.query);
    startHeaders(exchange);
    exchange.response.setHeader('Cache-Control', 'no-cache, private');
    exchange.response.writeHead(200, { 'Content-Type': 'application/json' });
    exchange.response.flushHeaders();
  }

  represent(object: Resource): unknown {
    const { transform, metaVersion } = this.form;
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
    for await (const event of watch) await this.#write(this.#lineOf(event));
  }

  /** Waits while the client is slower than we are; meanwhile its store subscription fills up and may end with Expired. */
  async send(type: string, object: unknown): Promise<void> {
    await this.#write(lineOf(type, object));
  }

  /** Who sees objects as they are shares one encoding of each event with all others who do. */
  #lineOf(event: ObjectEvent): Buffer {
    if (this.form.transform === 'table') return lineOf(event.type, this.represent(event.object));
    if (this.form.transform === 'metadata') return lineOf(event.type, this.represent(event.managed));
    const known = lines.get(event);
    if (known !== undefined) return known;
    const line = lineOf(event.type, event.managed);
    lines.set(event, line);
    return line;
  }

  async #write(line: Buffer): Promise<void> {
    if (this.#exchange.response.destroyed) return;
    this.#gathered.push(line);
    this.#uncounted += 1;
    this.#gatheredBytes += line.byteLength;
    if (this.#gatheredBytes > mostGathered) this.flush();
    else pace.request(this);
    if (this.#full === undefined) return;
    this.#writing = true;
    await this.#full;
    this.#writing = false;
  }

  /** Hands what has gathered to the connection. */
  flush(): void {
    pace.forget(this);
    const { response } = this.#exchange;
    const [first] = this.#gathered;
    if (first === undefined || this.#full !== undefined || response.destroyed) return;
    const { group, version, kind } = this.#served.kind;
    this.#exchange.countEvents(group, version, kind, this.#uncounted);
    this.#uncounted = 0;
    const bytes = this.#gathered.length === 1 ? first : Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (response.write(bytes)) return;
    this.#full = this.#untilDrained();
  }

  async #untilDrained(): Promise<void> {
    await this.#drained();
    this.#full = undefined;
    this.flush();
  }

  /** Ends the stream after what has gathered. */
  end(): void {
    this.#full = undefined;
    this.flush();
    this.#exchange.response.end();
  }

  async bookmark(revision: Revision, annotations?: JsonObject): Promise<void> {
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...optional('annotations', annotations) };
    const object = { kind: this.#served.kind.kind, apiVersion: this.#served.apiVersion, metadata };
    const isTable = this.form.transform === 'table';
    if (this.form.transform === 'metadata') {
      const { metaVersion } = this.form;
      return this.send('BOOKMARK', { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata });
    }
    const table = { kind: 'Table', apiVersion: `meta.k8s.io/${this.form.metaVersion}`, metadata: { resourceVersion: String(revision) }, columnDefinitions: null, rows: [{ cells: [], object }] };
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
