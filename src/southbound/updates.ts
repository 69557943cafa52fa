/**
 * Encoded updates. One change of a scope shared by thousands of devices is encoded once; the buffer is kept, within a bound,
 * for as long as the scope stays at that version.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeRow, splitRowId, tableNumber } from '../goal/codec.ts';
import { FromServerSchema, RowKeySchema, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { RowId } from '../goal/rows.ts';
import type { GoalState, ScopeDelta, Version } from '../goal/state.ts';

/** What an absent or unusable copy is updated from: nothing the log reaches back to, so the whole scope. */
export const fromNothing: Version = -1;

const defaultLimitBytes = 16 * 1024 * 1024;

export class EncodedUpdates {
  readonly #goal: GoalState;
  readonly #term: number;
  readonly #limitBytes: number;
  /** By scope, from and to; oldest use first. */
  readonly #buffers = new Map<string, Buffer>();
  #bytes = 0;
  #encoded = 0;

  constructor(goal: GoalState, term: number, limitBytes = defaultLimitBytes) {
    this.#goal = goal;
    this.#term = term;
    this.#limitBytes = limitBytes;
  }

  /** How many updates were encoded so far, for the metric that shows that fan-out does not encode. */
  get encoded(): number {
    return this.#encoded;
  }

  /** A FromServer message that brings a subscriber of a scope from a version to now. */
  update(scope: string, from: Version): Buffer {
    const to = this.#goal.scope(scope).version;
    const key = `${scope} ${from} ${to}`;
    const found = this.#buffers.get(key);
    if (found !== undefined) return found;
    const buffer = encodeUpdate(this.#goal.delta(scope, from), this.#term);
    this.#encoded += 1;
    this.#keep(key, buffer);
    return buffer;
  }

  #keep(key: string, buffer: Buffer): void {
    this.#buffers.set(key, buffer);
    this.#bytes += buffer.length;
    for (const [oldest, { length }] of this.#buffers) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#buffers.delete(oldest);
      this.#bytes -= length;
    }
  }
}

/** A FromServer message with this delta; rows go in as their canonical bytes, without a detour through message objects. */
export const encodeUpdate = (delta: ScopeDelta, term: number): Buffer => {
  const head = create(UpdateSchema, {
    scope: delta.scope,
    fromVersion: BigInt(Math.max(0, delta.from)),
    toVersion: BigInt(delta.to),
    full: delta.full,
    digest: delta.digest,
    term: BigInt(term),
  });
  const update = new BinaryWriter().raw(toBinary(UpdateSchema, head));
  const { upserts, deletes } = UpdateSchema.field;
  for (const row of delta.upserts) update.tag(upserts.number, WireType.LengthDelimited).bytes(encodeRow(row));
  for (const id of delta.deletes) update.tag(deletes.number, WireType.LengthDelimited).bytes(encodeRowKey(id));
  const message = new BinaryWriter().tag(FromServerSchema.field.update.number, WireType.LengthDelimited).bytes(update.finish());
  return Buffer.from(message.finish());
};

const encodeRowKey = (id: RowId): Uint8Array => {
  const parts = splitRowId(id);
  if (parts === undefined) throw new Error(`not a row id: '${id}'`);
  return toBinary(RowKeySchema, create(RowKeySchema, { ...parts, number: tableNumber(parts.table) }));
};
