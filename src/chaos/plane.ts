/**
 * One control plane: controller and goal-state service on a store that it shares with others. It can be cut off from the store
 * and go on talking to devices, as a leader does that lost office without knowing, and it can die in the middle of anything.
 */
import { Registry as MetricsRegistry } from 'prom-client';
import type { ResourceClient, WatchEvent } from '../api/client.ts';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import { createInProcessClient } from '../apiserver/registry/client.ts';
import { createRegistry } from '../apiserver/registry/registry.ts';
import { createScheme } from '../apiserver/scheme.ts';
import { createController, type Controller } from '../control/controller.ts';
import { takeTerm } from '../control/term.ts';
import { GoalState } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger } from '../kit/log.ts';
import { type Southbound, startSouthbound } from '../southbound/server.ts';
import type { Store } from '../store/store.ts';

export interface PlaneOptions {
  readonly store: Store;
  readonly tls: { readonly key: string; readonly certificate: string };
  readonly tokenSecret: Uint8Array;
  /** Milliseconds by which its clock is wrong. */
  readonly clockSkew: number;
  readonly version: string;
}

export interface Plane {
  readonly name: string;
  readonly term: number;
  readonly port: number;
  readonly controller: Controller;
  readonly southbound: Southbound;
  readonly goal: GoalState;
  readonly partitioned: boolean;
  /** It hears nothing more of the store and can write nothing there. */
  partition(): void;
  /** It is gone at once; resolves when nothing of it runs any more. */
  crash(): Promise<void>;
}

export const apiOf = (store: Store): ResourceClient =>
  createInProcessClient(createRegistry(store, createScheme([...coreKinds, ...kinds])));

export const startPlane = async ({ store, tls, tokenSecret, clockSkew, version }: PlaneOptions): Promise<Plane> => {
  const link = new StoreLink(apiOf(store));
  const goal = new GoalState();
  const log = createLogger({ name: version, level: process.env['HEDDLE_CHAOS_LOG'] === undefined ? 'silent' : 'debug' });
  const controller = createController({ client: link, goal, log, registry: new MetricsRegistry(), patienceMilliseconds: 300 });
  const { term } = await takeTerm(store, (Date.now() + clockSkew) / 1000);
  const southbound = await startSouthbound({
    goal,
    listen: ['127.0.0.1:0'],
    tls,
    tokenSecret,
    log,
    term,
    events: controller.events,
    serverVersion: version,
    patienceMilliseconds: 500,
    digestMilliseconds: 700,
  });
  await controller.start(southbound);
  return {
    name: version,
    term,
    port: Number(southbound.addresses[0]?.split(':')[1]),
    controller,
    southbound,
    goal,
    get partitioned() {
      return link.isCut;
    },
    partition: () => link.cut(),
    crash: async () => {
      link.cut();
      await Promise.all([southbound.close(), controller.stop()]);
    },
  };
};

/** The way to the store, until it is cut. */
class StoreLink implements ResourceClient {
  readonly #client: ResourceClient;
  readonly #cut = new AbortController();

  constructor(client: ResourceClient) {
    this.#client = client;
  }

  get isCut(): boolean {
    return this.#cut.signal.aborted;
  }

  cut(): void {
    this.#cut.abort();
  }

  readonly list: ResourceClient['list'] = (kind) => this.#pass((client) => client.list(kind));
  readonly get: ResourceClient['get'] = (ref) => this.#pass((client) => client.get(ref));
  readonly create: ResourceClient['create'] = (object) => this.#pass((client) => client.create(object));
  readonly update: ResourceClient['update'] = (object) => this.#pass((client) => client.update(object));
  readonly patch: ResourceClient['patch'] = (ref, patch) => this.#pass((client) => client.patch(ref, patch));
  readonly delete: ResourceClient['delete'] = (ref) => this.#pass((client) => client.delete(ref));
  readonly patchStatus: ResourceClient['patchStatus'] = (ref, status, uid) =>
    this.#pass((client) => client.patchStatus(ref, status, uid));

  /** After the cut it is as when the other end does not answer: nothing comes, and nobody says so. */
  async *watch(kind: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const either = AbortSignal.any([signal, this.#cut.signal]);
    for await (const event of this.#client.watch(kind, resourceVersion, either)) {
      if (this.isCut) break;
      yield event;
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  async #pass<Answer>(ask: (client: ResourceClient) => Promise<Answer>): Promise<Answer> {
    if (this.isCut) throw new HeddleError('Unavailable', 'the store cannot be reached');
    return ask(this.#client);
  }
}
