/**
 * Encoded updates. One change of a scope shared by thousands of devices is encoded once; the bytes are kept, within a bound,
 * and go as they are to every subscriber. A large scope is made of parts, each encoded when somebody is ready to take it.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeRow, splitRowId, tableNumber } from '../goal/codec.ts';
import { CommitSchema, FromServerSchema, RowKeySchema, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { RowId } from '../goal/rows.ts';
import type { GoalState, ScopeDelta, Version } from '../goal/state.ts';
import { frameOf } from '../kit/frames.ts';
import { Payload } from './http2/payload.ts';
import { encodeFromServer } from './service.ts';

/** What an absent or unusable copy is updated from: nothing the log reaches back to, so the whole scope. */
export const fromNothing: Version = -1;

/** What brings a subscriber of a scope from one version to another, in one or more messages. Stays as it is when the scope changes. */
export interface EncodedUpdate {
  readonly scope: string;
  readonly version: Version;
  /** It takes something away, and so goes before what only adds. */
  readonly withdraws: boolean;
  /** The framed message number `index`; undefined after the last. */
  part(index: number): Buffer | undefined;
  /** The whole transaction, with its Commit, when there is nothing in it but this one message. */
  alone(): Payload | undefined;
}

export interface EncodedUpdatesOptions {
  /** Bytes of encoded parts to keep. Default 32 MiB. */
  readonly limitBytes?: number;
  /** A part is closed when it has reached this size. Default 64 KiB. */
  readonly partBytes?: number;
  /** Rows in updates that are remembered for the next subscriber; these are references, not copies. Default 1,000,000. */
  readonly rememberedRows?: number;
}

/** What an update without rows counts for. */
const rowsOfUpdate = 64;

export const commitFrame = frameOf(encodeFromServer({ case: 'commit', value: create(CommitSchema) }));

export class EncodedUpdates {
  readonly #goal: GoalState;
  readonly #term: number;
  readonly #cache: PartCache;
  readonly #partBytes: number;
  readonly #rememberedRows: number;
  /** By scope, from and to; oldest first. */
  readonly #updates = new Map<string, PartedUpdate>();
  #rows = 0;
  #encoded = 0;
  #made = 0;

  constructor(goal: GoalState, term: number, options: EncodedUpdatesOptions = {}) {
    const { limitBytes = 32 * 1024 * 1024, partBytes = 64 * 1024, rememberedRows = 1_000_000 } = options;
    this.#goal = goal;
    this.#term = term;
    this.#cache = new PartCache(limitBytes);
    this.#partBytes = partBytes;
    this.#rememberedRows = rememberedRows;
  }

  /** How many messages were encoded so far, for the metric that shows that fan-out does not encode. */
  get encoded(): number {
    return this.#encoded;
  }

  /** Brings a subscriber of a scope from a version to now. */
  update(scope: string, from: Version): EncodedUpdate {
    const to = this.#goal.scope(scope).version;
    const key = `${scope} ${from} ${to}`;
    const found = this.#updates.get(key);
    if (found !== undefined) return found;
    this.#made += 1;
    const made = new PartedUpdate({
      number: this.#made,
      delta: this.#goal.delta(scope, from),
      term: this.#term,
      partBytes: this.#partBytes,
      cache: this.#cache,
      onEncoded: () => (this.#encoded += 1),
    });
    this.#remember(key, made);
    return made;
  }

  #remember(key: string, update: PartedUpdate): void {
    this.#updates.set(key, update);
    this.#rows += update.weight;
    for (const [oldest, { weight }] of this.#updates) {
      if (this.#rows <= this.#rememberedRows || oldest === key) break;
      this.#updates.delete(oldest);
      this.#rows -= weight;
    }
  }
}

interface PartedUpdateOptions {
  /** Its parts are cached under it: an update made anew after it was forgotten shares none with the one before. */
  readonly number: number;
  readonly delta: ScopeDelta;
  readonly term: number;
  readonly partBytes: number;
  readonly cache: PartCache;
  readonly onEncoded: () => void;
}

class PartedUpdate implements EncodedUpdate {
  readonly #options: PartedUpdateOptions;
  /** Where each part begins among deletes and then upserts; one more than there are parts that are known. */
  readonly #starts = [0];
  #alone: WeakRef<Payload> | undefined;

  constructor(options: PartedUpdateOptions) {
    this.#options = options;
  }

  get scope(): string {
    return this.#options.delta.scope;
  }

  get version(): Version {
    return this.#options.delta.to;
  }

  get withdraws(): boolean {
    const { full, deletes } = this.#options.delta;
    return full || deletes.length > 0;
  }

  get weight(): number {
    const { upserts, deletes } = this.#options.delta;
    return rowsOfUpdate + upserts.length + deletes.length;
  }

  part(index: number): Buffer | undefined {
    const { number, cache, delta, term, partBytes, onEncoded } = this.#options;
    const start = this.#starts[index];
    if (start === undefined) throw new Error(`part ${index} of '${delta.scope}' is asked for before the one before it`);
    if (start === finished) return undefined;
    const known = cache.get(`${number} ${index}`);
    if (known !== undefined) return known;
    const { bytes, end } = encodePart(delta, term, start, partBytes);
    this.#starts[index + 1] = end;
    onEncoded();
    const frame = frameOf(bytes);
    cache.put(`${number} ${index}`, frame);
    return frame;
  }

  alone(): Payload | undefined {
    const known = this.#alone?.deref();
    if (known !== undefined) return known;
    const first = this.part(0);
    if (first === undefined || this.#starts[1] !== finished) return undefined;
    const made = new Payload(Buffer.concat([first, commitFrame]));
    this.#alone = new WeakRef(made);
    return made;
  }
}

/** In the place of a start: there is no such part. */
const finished = -1;

/** Parts by name, the one used last at the end. */
class PartCache {
  readonly #limitBytes: number;
  readonly #parts = new Map<string, Buffer>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(name: string): Buffer | undefined {
    const found = this.#parts.get(name);
    if (found === undefined) return undefined;
    this.#parts.delete(name);
    this.#parts.set(name, found);
    return found;
  }

  put(name: string, part: Buffer): void {
    this.#parts.set(name, part);
    this.#bytes += part.length;
    for (const [oldest, { length }] of this.#parts) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#parts.delete(oldest);
      this.#bytes -= length;
    }
  }
}

interface EncodedPart {
  /** A FromServer message. */
  readonly bytes: Uint8Array;
  /** Where the next part begins, or `finished`. */
  readonly end: number;
}

/** The part of a delta that begins at a row; rows go in as their canonical bytes, without a detour through message objects. */
const encodePart = (delta: ScopeDelta, term: number, start: number, partBytes: number): EncodedPart => {
  const { upserts, deletes } = delta;
  const total = deletes.length + upserts.length;
  const { upserts: upsertField, deletes: deleteField } = UpdateSchema.field;
  const rows = new BinaryWriter();
  let bytes = 0;
  let end = start;
  for (; end < total && bytes < partBytes; end += 1) {
    const id = deletes[end];
    const row = upserts[end - deletes.length];
    const encoded = id !== undefined ? encodeRowKey(id) : row === undefined ? undefined : encodeRow(row);
    if (encoded === undefined) throw new Error(`${delta.scope}: there is no row ${end}`);
    rows.tag((id === undefined ? upsertField : deleteField).number, WireType.LengthDelimited).bytes(encoded);
    bytes += encoded.length + 4;
  }
  const more = end < total;
  const update = new BinaryWriter().raw(encodeHead(delta, term, more)).raw(rows.finish());
  const message = new BinaryWriter().tag(FromServerSchema.field.update.number, WireType.LengthDelimited).bytes(update.finish());
  return { bytes: message.finish(), end: more ? end : finished };
};

const encodeHead = (delta: ScopeDelta, term: number, more: boolean): Uint8Array => {
  const head = create(UpdateSchema, {
    scope: delta.scope,
    fromVersion: BigInt(Math.max(0, delta.from)),
    toVersion: BigInt(delta.to),
    full: delta.full,
    digest: more ? 0n : delta.digest,
    term: BigInt(term),
    more,
  });
  return toBinary(UpdateSchema, head);
};

/** A FromServer message with the whole of a delta. */
export const encodeUpdate = (delta: ScopeDelta, term: number): Buffer =>
  Buffer.from(encodePart(delta, term, 0, Number.POSITIVE_INFINITY).bytes);

const encodeRowKey = (id: RowId): Uint8Array => {
  const parts = splitRowId(id);
  if (parts === undefined) throw new Error(`not a row id: '${id}'`);
  return toBinary(RowKeySchema, create(RowKeySchema, { ...parts, number: tableNumber(parts.table) }));
};
