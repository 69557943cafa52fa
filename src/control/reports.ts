/**
 * What people are told of each object: its status, the events about it, and how long its last change took to reach all
 * devices. Keeps what must be remembered of an object for that, and nothing that decides what devices do.
 */
import type { ResourceClient } from '../api/client.ts';
import { refKey, refOf, type ObjectMeta, type Resource } from '../api/object.ts';
import { same } from '../compile/same.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Barrier } from './barrier.ts';
import { Events } from './events.ts';
import { happenings, isFault, newFault } from './happenings.ts';
import type { Metrics } from './metrics.ts';
import { appliedAnnotation, type Objects } from './objects.ts';
import { StatusWriter, type WantedStatus } from './status.ts';
import type { Verdict } from './verdict.ts';
import type { Vetting } from './vetting.ts';

export interface ReportsOptions {
  readonly client: ResourceClient;
  readonly log: Logger;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly barrier: Barrier;
  readonly metrics: Metrics;
  readonly verdictOn: (object: Resource) => Verdict;
  readonly vetting?: Vetting;
  readonly pace: Pace;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (milliseconds: number, action: () => void) => void;
}

/** How long what is not news to anybody waits for what is. */
export interface Pace {
  /** How often it is told how many of an object's devices have answered. */
  readonly progressMilliseconds: number;
  /** Most changes are on all devices before this: then one status says so, instead of two. */
  readonly graceMilliseconds: number;
  /** How old a figure may be. */
  readonly refreshMilliseconds: number;
}

export const usualPace: Pace = { progressMilliseconds: 500, graceMilliseconds: 300, refreshMilliseconds: 10_000 };

/** Objects applied together arrive one by one: only what is still a fault when they are all there is worth an event. */
const faultMilliseconds = 2000;
/** Kinds that the controller writes itself, and says nothing about. */
const unjudged: ReadonlySet<string> = new Set(['Claim', 'DHCPLease', 'Rollout']);

export class Reports {
  readonly events: Events;
  readonly #options: ReportsOptions;
  readonly #status: StatusWriter;
  /** When a change that is not programmed yet was heard of, monotonic milliseconds. */
  readonly #since = new Map<string, number>();
  #progressed = new Set<string>();
  #stirred = new Set<string>();
  #telling = false;
  /** Objects with figures that are out of date. */
  #stale = new Set<string>();
  /** Objects whose devices have not answered yet, and those that had their time to. */
  #young = new Set<string>();
  readonly #ripe = new Set<string>();
  /** Objects whose status waits for the end of the patience after the start; undefined when that is over. */
  #tentative: Set<string> | undefined = new Set();

  constructor(options: ReportsOptions) {
    this.#options = options;
    const { client, log, clock } = options;
    this.events = new Events({ client, log, clock });
    this.#status = new StatusWriter({
      client,
      log,
      clock,
      wanted: (key) => this.#wanted(key),
      onWritten: (before, after) => this.#written(before, after),
    });
  }

  /** The status of the object may be another one now. */
  mark(key: string): void {
    this.#status.mark(key);
  }

  /** A figure in the status of the object may be another one: worth writing at some time, with whatever else changes by then. */
  refresh(key: string): void {
    if (this.#stale.size === 0) this.#options.later(this.#options.pace.refreshMilliseconds, () => this.#refreshAll());
    this.#stale.add(key);
  }

  #refreshAll(): void {
    const keys = this.#stale;
    this.#stale = new Set();
    for (const key of keys) this.#status.mark(key);
  }

  /** Between `pause` and `resume` no status is written: what changes together is told together. */
  pause(): void {
    this.#status.pause();
  }

  resume(): void {
    this.#status.resume();
  }

  /** A new generation of the object was heard of, at this moment in monotonic milliseconds. */
  heard(key: string, at: number): void {
    this.#since.set(key, at);
  }

  /** Devices have answered something that the object waited for. */
  answered(key: string): void {
    const { barrier, clock, metrics } = this.#options;
    this.#status.mark(key);
    const since = this.#since.get(key);
    if (since === undefined || !barrier.isSettled(key)) return;
    this.#since.delete(key);
    metrics.applyToAck.observe((clock.monotonic() - since) / 1000);
  }

  /**
   * Devices have answered something that these objects, and those with rows in these scopes, wait for, but not everything.
   * Thousands of devices answer a change one by one: their number is told only every now and then.
   */
  progressed(objects: Iterable<string>, scopes: Iterable<string>): void {
    for (const key of objects) this.#progressed.add(key);
    for (const scope of scopes) this.#stirred.add(scope);
    if (this.#telling || this.#progressed.size + this.#stirred.size === 0) return;
    this.#telling = true;
    this.#options.later(this.#options.pace.progressMilliseconds, () => this.#tellProgress());
  }

  #tellProgress(): void {
    const keys = this.#progressed;
    for (const scope of this.#stirred) for (const key of this.#options.barrier.waitersOf(scope)) keys.add(key);
    this.#progressed = new Set();
    this.#stirred = new Set();
    this.#telling = false;
    for (const key of keys) this.answered(key);
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#since.delete(key);
  }

  /** From now on a status is taken back also when devices have merely not been heard of. */
  endPatience(): void {
    const waiting = this.#tentative ?? new Set<string>();
    this.#tentative = undefined;
    for (const key of waiting) this.#status.mark(key);
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    await Promise.all([this.#status.close(), this.events.close()]);
  }

  #wanted(key: string): WantedStatus | undefined {
    const isRipe = this.#ripe.delete(key);
    const object = this.#options.objects.get(key) ?? this.#options.vetting?.aside(key);
    if (object === undefined || unjudged.has(object.kind)) return undefined;
    const { status, tentative, waiting } = this.#options.verdictOn(object);
    if (tentative && this.#tentative !== undefined) {
      this.#tentative.add(key);
      return undefined;
    }
    return waiting && !isRipe && this.#ripen(key, object) ? undefined : { object, status };
  }

  /** Whether the status may wait a moment for the devices: when it says that they run what they were given before. */
  #ripen(key: string, { status, metadata }: Resource): boolean {
    const { observedGeneration } = (status ?? {}) as { observedGeneration?: number };
    if (observedGeneration === metadata.generation && !this.#young.has(key)) return false;
    if (this.#young.size === 0) this.#options.later(this.#options.pace.graceMilliseconds, () => this.#ripenAll());
    this.#young.add(key);
    return true;
  }

  /** Those that were ripe before and are not looked at yet stay so: else thousands would take turns being young for ever. */
  #ripenAll(): void {
    const keys = this.#young;
    this.#young = new Set();
    for (const key of keys) {
      this.#ripe.add(key);
      this.#status.mark(key);
    }
  }

  #written(before: Resource, after: Resource): void {
    const { objects, metrics, later, vetting } = this.#options;
    metrics.statusWrites.inc();
    const held = objects.get(refKey(refOf(after)));
    // An answer that holds more than what was written is left to the watch, which brings it to everybody.
    if (held !== undefined && isAsHeard(held.metadata, after.metadata)) {
      objects.put({ ref: refOf(after), object: vetting === undefined ? after : vetting.refit(after, held) });
    }
    for (const happening of happenings(before, after)) this.events.record(after, happening);
    const fault = newFault(before, after);
    if (fault === undefined) return;
    later(faultMilliseconds, () => {
      const now = objects.get(refKey(refOf(after)));
      if (now !== undefined && isFault(now, fault)) this.events.record(now, fault);
    });
  }
}

/** Whether nothing but the status is another one. */
const isAsHeard = (held: ObjectMeta, after: ObjectMeta): boolean =>
  held.uid === after.uid &&
  held.generation === after.generation &&
  held.deletionTimestamp === after.deletionTimestamp &&
  same(held.finalizers ?? [], after.finalizers ?? []) &&
  same(held.labels ?? {}, after.labels ?? {}) &&
  same(heardAnnotations(held), heardAnnotations(after));

const heardAnnotations = ({ annotations = {} }: ObjectMeta): Record<string, string> => {
  const { [appliedAnnotation]: _, ...others } = annotations;
  return others;
};
