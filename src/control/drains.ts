/**
 * Links between switches are drained before they go. A Connection of the underlay is given a finalizer while it is accepted;
 * when it is deleted, the compiler says of its sessions that they are drained, and it is let go once every device has
 * acknowledged that and routing had time to follow. A device that does not answer holds a deletion up, but not for ever.
 * Cables that are taken out of a Connection go the same way: the compiler is handed them on, as drained, for as long. The
 * status of a Connection names the cables in use, so that the next controller finds out which of them its spec has lost.
 * A Switch or Gateway with such Connections has the finalizer too, and goes when the last of them has gone.
 */
import type { ResourceClient } from '../api/client.ts';
import { drainFinalizer, isDraining, isHeldForDrain, withLeaving } from '../api/drain.ts';
import type { ConnectionSpec, ConnectionStatus } from '../api/kinds/connection.ts';
import { parsePortRef } from '../api/port.ts';
import { refOf, type ObjectMeta, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { byText } from '../kit/order.ts';
import { deviceKinds } from './safeguard.ts';

export interface DrainsOptions {
  readonly client: ResourceClient;
  readonly log: Logger;
  /** What the ends of a Connection make of it. */
  readonly typeOf: (object: Resource) => unknown;
  /** The Switch or Gateway of this name, as it is now. */
  readonly deviceOf: (name: string) => { readonly key: string; readonly object: Resource } | undefined;
  /** The status of this object may be another one. */
  readonly mark: (key: string) => void;
  /** Whether no device owes an answer about the object. */
  readonly isSettled: (key: string) => boolean;
  /** Cables are drained: what `released` gives is to be compiled as it is. */
  readonly onReleased: () => void;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (milliseconds: number, action: () => void) => void;
}

type Links = ConnectionSpec['links'];

/** A device acknowledges what it was told, not what its neighbours have made of it: withdrawals cross a fabric in less. */
const settleMilliseconds = 1000;
/** As long as a device that is away can hold up that a link is taken away. */
const patienceMilliseconds = 30_000;
const retryMilliseconds = 1000;
const mostInFlight = 16;

const drained: ReadonlySet<unknown> = new Set(['fabric', 'mesh', 'gateway']);

interface Draining {
  /** All devices have answered, and the time to settle runs. */
  settling: boolean;
  /** Lets go of what is drained. */
  readonly release: () => void;
}

/** Cables that were taken out of a Connection. */
interface Leaving {
  readonly links: Links;
  draining?: Draining;
}

export class Drains {
  readonly #options: DrainsOptions;
  readonly #draining = new Map<string, Draining>();
  readonly #leaving = new Map<string, Leaving>();
  /** Names of devices, with the keys of the Connections that lead to them and are not gone before they are drained. */
  readonly #lines = new Map<string, Set<string>>();
  /** The other way round. */
  readonly #devices = new Map<string, readonly string[]>();
  /** Connections whose cables are drained. */
  readonly #released = new Set<string>();
  /** Objects that wait for a finalizer to be put on or taken off, with what is to be done. */
  readonly #due = new Map<string, () => Promise<void>>();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  /** A changed object as the compiler is to be handed it: with the cables that it has lost, while they are drained. */
  accompany(key: string, before: Resource | undefined, after: Resource | undefined): Resource | undefined {
    const isSame = after?.kind === 'Connection' && (before === undefined || before.metadata.uid === after.metadata.uid);
    if (!isSame) {
      this.#leaving.delete(key);
      return after;
    }
    const known = this.#leaving.get(key);
    const lost = without(this.#usedBefore(before, after), linksOf(after));
    const links = [...without(known?.links ?? [], linksOf(after)), ...lost];
    if (links.length === 0) this.#leaving.delete(key);
    else if (known === undefined || lost.length > 0 || links.length < known.links.length) this.#leaving.set(key, { links });
    return withLeaving(after, links);
  }

  /** Of a Connection that is heard of for the first time its status says what was in use. */
  #usedBefore(before: Resource | undefined, after: Resource): Links {
    if (before === undefined) return cablesOf(after);
    return drained.has(this.#options.typeOf(before)) ? linksOf(before) : [];
  }

  /** Cables of the Connection that are in use or being drained; undefined when it goes without that. */
  cables(key: string, object: Resource): Links | undefined {
    if (!drained.has(this.#options.typeOf(object))) return undefined;
    return [...linksOf(object), ...(this.#leaving.get(key)?.links ?? [])];
  }

  /** Names of the Connections that a Switch or Gateway which is being deleted waits for, in order. */
  waitedFor(object: Resource): readonly string[] {
    if (!isDraining(object.metadata)) return [];
    return [...(this.#lines.get(object.metadata.name) ?? [])].map((key) => key.slice(key.indexOf('/') + 1)).sort(byText);
  }

  /** Keys of Connections whose cables are drained now, each once. */
  released(): readonly string[] {
    const keys = [...this.#released];
    this.#released.clear();
    return keys;
  }

  /** The object as it is now, after what follows from it was published. */
  observe(key: string, object: Resource | undefined): void {
    if (object !== undefined && deviceKinds.has(object.kind)) this.#guard(object.metadata.name);
    if (key.startsWith('Connection/')) this.#follow(key, object);
    if (object?.kind !== 'Connection' || !isDraining(object.metadata)) this.#draining.delete(key);
    if (object?.kind !== 'Connection') return;
    this.#drainCables(key);
    const { deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) {
      if (!isHeldForDrain(object.metadata) && drained.has(this.#options.typeOf(object))) this.#write(key, object, withFinalizer);
      return;
    }
    if (!isDraining(object.metadata) || this.#draining.has(key)) return;
    const release = (): void => {
      if (this.#draining.get(key) === draining) this.#write(key, object, withoutFinalizer);
    };
    const draining: Draining = { settling: false, release };
    this.#draining.set(key, draining);
    this.#begin(key, draining);
  }

  /** Keeps what is known of who leads where, and sees to the devices for which it is different now. */
  #follow(key: string, object: Resource | undefined): void {
    const before = this.#devices.get(key) ?? [];
    const after = object !== undefined && isHeldForDrain(object.metadata) ? devicesOf(object) : [];
    if (after.length === 0) this.#devices.delete(key);
    else this.#devices.set(key, after);
    for (const device of before) if (!after.includes(device)) this.#leave(device, key);
    for (const device of after) if (!before.includes(device)) this.#lines.set(device, (this.#lines.get(device) ?? new Set()).add(key));
    for (const device of new Set([...before, ...after])) this.#guard(device);
  }

  #leave(device: string, key: string): void {
    const lines = this.#lines.get(device);
    lines?.delete(key);
    if (lines?.size === 0) this.#lines.delete(device);
  }

  /** Puts the finalizer on a device that Connections lead to, and takes it off one that is deleted when none does any more. */
  #guard(name: string): void {
    const { key, object } = this.#options.deviceOf(name) ?? {};
    if (key === undefined || object === undefined) return;
    const isLed = this.#lines.has(name);
    const isDeleted = object.metadata.deletionTimestamp !== undefined;
    if (isDeleted) this.#options.mark(key);
    if (isDeleted && !isLed && isHeldForDrain(object.metadata)) this.#write(key, object, withoutFinalizer);
    if (!isDeleted && isLed && !isHeldForDrain(object.metadata)) this.#write(key, object, withFinalizer);
  }

  /** What `accompany` gave is published. */
  #drainCables(key: string): void {
    const leaving = this.#leaving.get(key);
    if (leaving === undefined || leaving.draining !== undefined) return;
    const release = (): void => {
      if (this.#leaving.get(key) !== leaving) return;
      this.#leaving.delete(key);
      this.#released.add(key);
      this.#options.onReleased();
    };
    leaving.draining = { settling: false, release };
    this.#begin(key, leaving.draining);
  }

  #begin(key: string, draining: Draining): void {
    this.#options.later(patienceMilliseconds, draining.release);
    this.#settle(key, draining);
  }

  /** Devices have answered. */
  review(): void {
    for (const [key, draining] of this.#draining) this.#settle(key, draining);
    for (const [key, { draining }] of this.#leaving) if (draining !== undefined) this.#settle(key, draining);
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#due.clear();
    await Promise.all(this.#inFlight);
  }

  #settle(key: string, draining: Draining): void {
    if (draining.settling || !this.#options.isSettled(key)) return;
    draining.settling = true;
    this.#options.later(settleMilliseconds, draining.release);
  }

  /** What others write meanwhile makes ours fail: the object is then read again, by the watch or here. */
  #write(key: string, object: Resource, change: (metadata: ObjectMeta) => readonly string[] | undefined): void {
    const ref = refOf(object);
    this.#due.set(key, async () => {
      const current = await this.#options.client.get(ref);
      const { uid, resourceVersion } = current.metadata;
      const finalizers = uid === object.metadata.uid ? change(current.metadata) : undefined;
      if (finalizers !== undefined) await this.#options.client.patch(ref, { metadata: { uid, resourceVersion, finalizers } });
    });
    this.#pump();
  }

  #pump(): void {
    for (const [key, write] of this.#due) {
      if (this.#inFlight.size >= mostInFlight) return;
      this.#due.delete(key);
      const watched = write()
        .catch((thrown: unknown) => this.#failed(key, write, HeddleError.from(thrown)))
        .finally(() => {
          this.#inFlight.delete(watched);
          this.#pump();
        });
      this.#inFlight.add(watched);
    }
  }

  #failed(key: string, write: () => Promise<void>, error: HeddleError): void {
    if (error.code === 'NotFound') return;
    if (error.code !== 'Conflict') this.#options.log.warn({ object: key, error: error.message }, 'finalizer not written, will try again');
    this.#options.later(retryMilliseconds, () => {
      if (!this.#due.has(key)) this.#due.set(key, write);
      this.#pump();
    });
  }
}

const cablesOf = ({ status }: Resource): Links => (status as ConnectionStatus | undefined)?.cables ?? [];

/** Whatever is there: only of Switches and Gateways is anything made. */
const devicesOf = (object: Resource): readonly string[] => [
  ...new Set(linksOf(object).flatMap(({ ends }) => ends.flatMap((end) => {
    const port = parsePortRef(end);
    return port.ok ? [port.value.device] : [];
  }))),
];

const linksOf = ({ spec }: Resource): Links => (spec as ConnectionSpec).links;

/** Those of the first that are not among the second, whichever end is named first. */
const without = (links: Links, others: Links): Links => {
  const named = new Set(others.map(textOf));
  return links.filter((link) => !named.has(textOf(link)));
};

const textOf = ({ ends }: Links[number]): string => ends.toSorted(byText).join('--');

const withFinalizer = (metadata: ObjectMeta): readonly string[] | undefined =>
  metadata.deletionTimestamp !== undefined || isHeldForDrain(metadata) ? undefined : [...(metadata.finalizers ?? []), drainFinalizer];

const withoutFinalizer = (metadata: ObjectMeta): readonly string[] | undefined =>
  isHeldForDrain(metadata) ? (metadata.finalizers ?? []).filter((name) => name !== drainFinalizer) : undefined;
