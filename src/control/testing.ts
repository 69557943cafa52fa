/** A control plane without sockets for tests: a real store, registry, compiler and goal state, and devices that are words. */
import { Registry as MetricsRegistry } from 'prom-client';
import { Type } from 'typebox';
import { coreKinds } from '../api/core/index.ts';
import type { ResourceClient } from '../api/client.ts';
import { kinds } from '../api/kinds.ts';
import type { Condition, Kind, ObjectRef, Resource } from '../api/object.ts';
import { createInProcessClient } from '../apiserver/registry/client.ts';
import { createRegistry } from '../apiserver/registry/registry.ts';
import { createScheme } from '../apiserver/scheme.ts';
import type { Compiler } from '../compile/engine.ts';
import { GoalState, type ChangedScope, type Version } from '../goal/state.ts';
import { optional } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import type { RowFailure } from '../southbound/events.ts';
import type { Answer } from '../southbound/pending.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createController, type Controller, type Outlet } from './controller.ts';
import type { CreateVerifier } from './verification/verification.ts';
import type { Prepared } from './standby/standby.ts';

/** Devices as the southbound service shows them: what is published reaches those online, which answer when told to. */
export class Fleet implements Outlet {
  readonly goal: GoalState;
  readonly published: ChangedScope[][] = [];
  declared: ReadonlySet<string> | undefined;
  /** Devices that nothing is sent to. */
  held: ReadonlySet<string> = new Set();
  /** Whether devices answer at once. */
  answering = true;
  /** What devices were asked to probe. */
  readonly probed: string[] = [];
  /** By device that probes: leaves that do not answer it. */
  readonly #deaf = new Map<string, readonly string[]>();
  readonly #online = new Map<string, Map<string, Version>>();
  readonly #failing = new Map<string, readonly RowFailure[]>();
  #controller: Controller | undefined;

  constructor(goal: GoalState) {
    this.goal = goal;
  }

  attach(controller: Controller): void {
    this.#controller = controller;
  }

  publish(changed: readonly ChangedScope[]): void {
    this.published.push([...changed]);
    if (this.answering) this.answerAll();
  }

  setDevices(names: Iterable<string>): void {
    this.declared = new Set(names);
    if (this.answering) this.answerAll();
  }

  hold(devices: ReadonlySet<string>): void {
    this.held = devices;
    if (this.answering) this.answerAll();
  }

  /** @param foreignRows what it says that it brings from another control plane */
  connect(device: string, bootEpoch = 'boot-1', foreignRows = 0): void {
    this.#online.set(device, new Map());
    const hello = { device, bootEpoch, agentVersion: '0.1.0', driver: 'fake', capabilities: [], foreignRows };
    this.#controller?.events.onConnected?.(device, hello);
    if (this.answering) this.answer(device);
  }

  /** The device hears these at the other ends of its cables: `[port, system, remote port]`. */
  hear(device: string, ...neighbours: readonly (readonly [string, string, string])[]): void {
    const seen = { neighbours: neighbours.map(([port, system, remotePort]) => ({ port, system, remotePort })) };
    this.#controller?.events.onObservation?.(device, seen);
  }

  /** The device tells how its sessions are, by port. */
  tellSessions(device: string, sessions: Readonly<Record<string, boolean>>): void {
    const underlay = Object.entries(sessions).map(([port, established]) => ({ port, established }));
    this.#controller?.events.onObservation?.(device, { underlay });
  }

  /** From now on the device probes: these leaves do not answer it, all others do. */
  probes(device: string, ...deaf: readonly string[]): void {
    this.#deaf.set(device, deaf);
  }

  probe(device: string, targets: readonly string[]): Promise<Answer<ReadonlyMap<string, boolean>>> {
    const deaf = this.#deaf.get(device);
    if (deaf === undefined) return Promise.resolve({ ok: false, reason: 'devices of driver "fake" do not probe' });
    this.probed.push(`${device}: ${targets.join(' ')}`);
    const silent = new Set(deaf.map((name) => vtepOf(this.goal, name)));
    return Promise.resolve({ ok: true, found: new Map(targets.map((target) => [target, !silent.has(target)])) });
  }

  disconnect(device: string): void {
    if (this.#online.delete(device)) this.#controller?.events.onDisconnected?.(device);
  }

  /** From now on the device answers with these failures in its own scope. */
  fail(device: string, ...failed: RowFailure[]): void {
    this.#failing.set(device, failed);
    this.#online.get(device)?.clear();
  }

  answerAll(): void {
    for (const device of this.#online.keys()) this.answer(device);
  }

  /** The device takes and programs everything it holds. */
  answer(device: string): void {
    const held = this.#online.get(device);
    if (held === undefined || this.held.has(device) || this.declared?.has(device) !== true || this.goal.scope(`device/${device}`).version === 0) return;
    const events = this.#controller?.events;
    const scopes = this.goal.subscriptions(device);
    // What it gave up it has to be given again.
    for (const scope of held.keys()) if (!scopes.includes(scope)) held.delete(scope);
    for (const scope of scopes) {
      const { version } = this.goal.scope(scope);
      if (held.get(scope) === version) continue;
      held.set(scope, version);
      const failed = scope.startsWith('device/') ? (this.#failing.get(device) ?? []) : [];
      events?.onResult?.(device, { scope, version, phase: 'received', failed: [], reason: '' });
      events?.onResult?.(device, { scope, version, phase: 'programmed', failed, reason: '' });
    }
  }
}

/** Address of the VTEP of a leaf. */
export const vtepOf = (goal: GoalState, device: string): string | undefined => {
  const [row] = goal.scope(`device/${device}`).rows.in('vtep');
  return row?.table === 'vtep' ? row.value.address : undefined;
};

export interface House {
  readonly store: Store;
  readonly client: ResourceClient;
  readonly goal: GoalState;
  readonly fleet: Fleet;
  readonly controller: Controller;
  readonly metrics: MetricsRegistry;
  stop(): Promise<void>;
}

export interface HouseOptions {
  readonly store?: Store;
  readonly devices?: readonly string[];
  readonly patienceMilliseconds?: number;
  readonly missingMilliseconds?: number;
  readonly compiler?: Compiler;
  readonly createVerifier?: CreateVerifier;
  /** The API server knows nothing of our kinds but their names, and the controller judges what it hears. */
  readonly lax?: boolean;
  /** Taken over from a server that compiled along. */
  readonly prepared?: Prepared;
}

/** Started when it resolves. `stop` leaves the store open, so that a second house can go on with it. */
export const buildHouse = async (options: HouseOptions = {}): Promise<House> => {
  const { store = createMemoryStore(), devices = [], patienceMilliseconds = 0, missingMilliseconds = 0 } = options;
  const { lax = false, prepared, createVerifier } = options;
  const client = createInProcessClient(createRegistry(store, createScheme([...coreKinds, ...(lax ? kinds.map(laxKind) : kinds)])));
  await ensureNamespace(client, 'default');
  const goal = new GoalState();
  const fleet = new Fleet(goal);
  const metrics = new MetricsRegistry();
  const log = createLogger({ name: 'test', level: 'silent' });
  const pace = { progressMilliseconds: 5, graceMilliseconds: 5, refreshMilliseconds: 5 };
  const listing = prepared?.over(client) ?? client;
  const given = { ...optional('compiler', options.compiler ?? prepared?.compiler), ...optional('createVerifier', createVerifier) };
  const controller = createController({ client: listing, ...given, goal, log, registry: metrics, patienceMilliseconds, missingMilliseconds, settleMilliseconds: 5, pace, vets: lax, proofRetryMilliseconds: 20 });
  fleet.attach(controller);
  for (const device of devices) fleet.connect(device);
  await controller.start(fleet);
  return { store, client, goal, fleet, controller, metrics, stop: () => controller.stop() };
};

/** As a definition that says nothing: everything is stored as it comes. */
const laxKind = (strict: Kind): Kind => {
  const { references: _, strands: __, ...kind } = strict;
  const { status = Type.Any() } = kind.properties;
  return { ...kind, properties: { spec: Type.Any(), status }, defaults: (object) => object, validate: () => [] };
};

const ensureNamespace = async (client: ResourceClient, name: string): Promise<void> => {
  try {
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch {
    // There already.
  }
};

/** Without what the server fills in. */
export const fresh = (object: Resource): Resource => {
  const { name, namespace } = object.metadata;
  return { ...object, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
};

export const createAll = async (client: ResourceClient, objects: readonly Resource[]): Promise<void> => {
  for (const object of objects) await client.create(fresh(object));
};

export const conditionOf = (object: Resource, type: string): Condition | undefined =>
  (object.status as { conditions?: Condition[] } | undefined)?.conditions?.find((condition) => condition.type === type);

export const tenant = (kind: string, name: string): ObjectRef => ({ kind, namespace: 'default', name });
export const cluster = (kind: string, name: string): ObjectRef => ({ kind, namespace: '', name });

/** The object once its condition says so for its newest generation. */
export const waitFor = async (client: ResourceClient, ref: ObjectRef, type: string, status: string, reason?: string): Promise<Resource> => {
  let last: Resource | undefined;
  try {
    return await until(`${ref.kind} ${ref.name} ${type}=${status} ${reason ?? ''}`, async () => {
      last = await client.get(ref);
      const condition = conditionOf(last, type);
      const right = condition?.status === status && condition.observedGeneration === last.metadata.generation;
      return right && (reason === undefined || condition.reason === reason) ? last : undefined;
    });
  } catch (thrown) {
    throw new Error(`${String(thrown)}: ${JSON.stringify(last?.status)}`, { cause: thrown });
  }
};

/** Digest of every scope that holds rows, in the order of their names. */
export const digests = (goal: GoalState): Record<string, string> =>
  Object.fromEntries(
    [...goal.scopes()]
      .filter((scope) => goal.scope(scope).rows.size > 0)
      .toSorted()
      .map((scope) => [scope, String(goal.scope(scope).digest)]),
  );

/** Deletes an object and lets nothing hold it up: what the controller keeps a Switch back for is passed over. */
export const removeAtOnce = async (client: ResourceClient, ref: ObjectRef): Promise<void> => {
  await client.delete(ref);
  await client.patch(ref, { metadata: { finalizers: [] } }).catch(ignoreMissing);
};

const ignoreMissing = (thrown: unknown): void => {
  if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
};
