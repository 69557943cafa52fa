/**
 * One watch of etcd: everything below the prefix of a store from a revision on, commit by commit. One that begins in the past
 * begins one revision early, because etcd tells only so that the revision itself was compacted, and drops what was known.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { HeddleError } from '../../kit/error.ts';
import { type Change, expired, type Revision } from '../store.ts';
import type { Cluster } from './cluster.ts';
import type { EtcdStream } from './connection.ts';
import { errorOf } from './fault.ts';
import { type Event, Event_EventType, WatchRequestSchema, type WatchResponse, WatchResponseSchema } from './gen/etcd/etcd_pb.ts';
import { type Layout, rangeEnd, unstamped } from './layout.ts';

export interface Watching {
  /** Every change after it is wanted. */
  readonly after: Revision;
  /** That revision was the latest a moment ago. etcd looks after a watch from the past every 100 ms only until it has caught up. */
  readonly isPresent?: boolean;
  /** Whole commits in order, and how far the watch has come with them; `changes` is empty when only that is known. */
  readonly onChanges: (changes: readonly Change[], until: Revision) => void;
  /** etcd has begun. */
  readonly onCreated?: () => void;
  /** The writer's note for a stamp and key, and the text it wrote. */
  readonly noteOf?: (stamp: string, key: string) => object | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs until the signal aborts (resolves) or the watch ends otherwise.
 * @throws HeddleError `Expired` when the revision was compacted, `Unavailable` when the connection was lost
 */
export const watchEtcd = async (cluster: Cluster, layout: Layout, watching: Watching): Promise<void> => {
  const { signal, after, isPresent = false } = watching;
  const start = layout.etcdRevision(after) + (isPresent ? 1n : 0n);
  let stream: EtcdStream | undefined;
  let onAbort = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      const reader = new Reader(layout, watching);
      const onMessage = (bytes: Uint8Array): void => {
        try {
          reader.read(fromBinary(WatchResponseSchema, bytes));
        } catch (thrown) {
          reject(HeddleError.from(thrown));
        }
      };
      const opening = cluster.stream('/etcdserverpb.Watch/Watch', { onMessage, onEnd: (fault) => reject(errorOf(fault)) });
      opening.then((opened) => {
        stream = opened;
        if (signal.aborted) return resolve();
        return opened.send(request(layout, start));
      }).catch((thrown: unknown) => reject(errorOf(thrown)));
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream?.close();
  }
};

const request = (layout: Layout, start: bigint): Uint8Array => {
  const key = Buffer.from(layout.prefix, 'latin1');
  const startRevision = start > 0n ? start : 1n;
  const value = { key, rangeEnd: rangeEnd(layout.prefix), startRevision, prevKv: true, progressNotify: true, fragment: true };
  return toBinary(WatchRequestSchema, create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value } }));
};

class Reader {
  readonly #layout: Layout;
  readonly #watching: Watching;
  /** Of a response that comes in several parts. */
  #events: Event[] = [];

  constructor(layout: Layout, watching: Watching) {
    this.#layout = layout;
    this.#watching = watching;
  }

  /** @throws HeddleError when the response says that the watch is over */
  read(response: WatchResponse): void {
    const { header, compactRevision, cancelReason, events } = response;
    const { after, onChanges } = this.#watching;
    const revision = this.#layout.revisionOf(header?.revision);
    if (compactRevision > 0n) throw expired(after, this.#layout.revisionOf(compactRevision));
    if (response.canceled) throw new HeddleError('Unavailable', `etcd ended the watch: ${cancelReason}`);
    if (response.created) return this.#watching.onCreated?.();
    this.#events.push(...events);
    if (response.fragment) return;
    const whole = this.#events;
    this.#events = [];
    // Without events it is a progress report: whatever comes is later than its revision.
    const until = whole.length === 0 ? revision : this.#layout.revisionOf(whole.at(-1)?.kv?.modRevision);
    if (until > after) onChanges(whole.flatMap((event) => this.#changeOf(event) ?? []), until);
  }

  #changeOf({ type, kv, prevKv }: Event): Change | undefined {
    const layout = this.#layout;
    const key = kv === undefined ? undefined : layout.objectKey(kv.key);
    const revision = layout.revisionOf(kv?.modRevision);
    if (kv === undefined || key === undefined || revision <= this.#watching.after) return undefined;
    const previous = prevKv === undefined ? undefined : layout.entryOf(prevKv);
    const before = previous === undefined ? {} : { previous };
    if (type === Event_EventType.DELETE) {
      const entry = { key, value: previous?.value ?? '', revision, createRevision: previous?.createRevision ?? revision };
      return { type: 'delete', entry, ...before };
    }
    const { text, stamp } = unstamped(kv.value);
    const note = this.#watching.noteOf?.(stamp, key);
    const entry = { key, value: text, revision, createRevision: layout.revisionOf(kv.createRevision), ...(note === undefined ? {} : { note }) };
    return { type: 'put', entry, ...before };
  }
}
