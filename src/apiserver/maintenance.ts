/** What keeps the store from growing for ever: history is compacted after a few minutes, events expire after an hour. */
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Revision, Store } from '../store/store.ts';
import type { Registry } from './registry/registry.ts';

/** How long a client may be away and still go on with its watch, in milliseconds. */
export const historyMilliseconds = 5 * 60 * 1000;
/** Revisions kept whatever their age. */
const minimumHistory = 1000;
export const eventMilliseconds = 60 * 60 * 1000;

export interface Maintenance {
  /** One round, `now` in milliseconds since 1970. Called every `historyMilliseconds`. */
  run(now: number): Promise<void>;
  close(): void;
}

/** `onError` hears of rounds that failed; the next one tries again. */
export const startMaintenance = (store: Store, registry: Registry, onError: (error: HeddleError) => void): Maintenance => {
  let lastRound: Revision = store.revision;
  const run = async (now: number): Promise<void> => {
    await expireEvents(registry, now);
    const target = Math.min(lastRound, store.revision - minimumHistory);
    lastRound = store.revision;
    if (target > 0) await store.compact(target);
  };
  const timer = setInterval(() => void run(Date.now()).catch((thrown: unknown) => onError(HeddleError.from(thrown))), historyMilliseconds);
  timer.unref();
  return { run, close: () => clearInterval(timer) };
};

const expireEvents = async (registry: Registry, now: number): Promise<void> => {
  const events = registry.scheme.kinds.find((served) => served.kind.group === '' && served.kind.kind === 'Event');
  if (events === undefined) return;
  const { items } = await registry.list(events, { select: (event) => now - lastSeen(event) > eventMilliseconds });
  for (const { metadata } of items) {
    await registry.delete(events, metadata.namespace ?? '', metadata.name).catch((thrown: unknown) => {
      if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
    });
  }
};

const lastSeen = (event: Resource): number => {
  const seen: unknown = Reflect.get(event, 'lastTimestamp') ?? Reflect.get(event, 'eventTime') ?? event.metadata.creationTimestamp;
  return Date.parse(String(seen)) || 0;
};
