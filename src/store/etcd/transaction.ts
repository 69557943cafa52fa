/** A commit as one transaction of etcd, and what its answer says. */
import { create } from '@bufbuild/protobuf';
import type { HeddleError } from '../../kit/error.ts';
import { absent, conflict } from '../commit.ts';
import type { Change, Entry, Revision, Write } from '../store.ts';
import {
  type Compare,
  CompareSchema,
  Compare_CompareResult,
  Compare_CompareTarget,
  type KeyValue,
  type RequestOp,
  RequestOpSchema,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
} from './gen/etcd/etcd_pb.ts';
import { type Layout, stamped } from './layout.ts';

/** The writes all or none; when a comparison fails, how things are is read instead. */
export const transactionOf = (layout: Layout, writes: readonly Write[], stamp: string): TxnRequest => {
  const guarded = writes.filter(isGuarded);
  return create(TxnRequestSchema, {
    compare: guarded.map((write) => comparisonOf(layout, write)),
    success: writes.flatMap((write) => operationOf(layout, write, stamp) ?? []),
    failure: guarded.map(({ key }) => readingOf(layout, key)),
  });
};

/** Deleting what is absent is an error, so a deletion is always on a condition. */
const isGuarded = (write: Write): boolean => write.expected !== undefined || write.type === 'delete';

const comparisonOf = (layout: Layout, { key, expected }: Write): Compare =>
  create(CompareSchema, {
    result: expected === undefined ? Compare_CompareResult.GREATER : Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    key: layout.keyOf(key),
    targetUnion: { case: 'modRevision', value: modRevision(layout, expected ?? 0) },
  });

/** 0 is absence; what was before the offset is at no revision of this etcd. */
const modRevision = (layout: Layout, expected: Revision): bigint => {
  if (expected === 0) return 0n;
  return expected > layout.offset ? BigInt(expected - layout.offset) : -1n;
};

const operationOf = (layout: Layout, write: Write, stamp: string): RequestOp | undefined => {
  const key = layout.keyOf(write.key);
  switch (write.type) {
    case 'put': {
      // What is created has no predecessor to ask for.
      const value = { key, value: stamped(write.value, stamp), prevKv: write.expected !== 0 };
      return create(RequestOpSchema, { request: { case: 'requestPut', value } });
    }
    case 'delete':
      return create(RequestOpSchema, { request: { case: 'requestDeleteRange', value: { key, prevKv: true } } });
    case 'check':
      return undefined;
  }
};

const readingOf = (layout: Layout, key: string): RequestOp =>
  create(RequestOpSchema, { request: { case: 'requestRange', value: { key: layout.keyOf(key), keysOnly: true } } });

/** The changes of a transaction that was carried out. */
export const changesOf = (layout: Layout, writes: readonly Write[], answer: TxnResponse): readonly Change[] => {
  const revision = layout.revisionOf(answer.header?.revision);
  const written = writes.filter(({ type }) => type !== 'check');
  return written.flatMap((write, index) => {
    const previous = previousOf(answer, index);
    return changeOf(write, revision, previous === undefined ? undefined : layout.entryOf(previous)) ?? [];
  });
};

const previousOf = (answer: TxnResponse, index: number): KeyValue | undefined => {
  const response = answer.responses[index]?.response;
  if (response?.case === 'responsePut') return response.value.prevKv;
  return response?.case === 'responseDeleteRange' ? response.value.prevKvs[0] : undefined;
};

/** What a write is once it has a revision; nothing for a check. */
export const changeOf = (write: Write, revision: Revision, previous: Entry | undefined): Change | undefined => {
  if (write.type === 'check') return undefined;
  const entry: Entry = {
    key: write.key,
    value: write.type === 'put' ? write.value : (previous?.value ?? ''),
    revision,
    createRevision: previous?.createRevision ?? revision,
    ...(write.type === 'put' && write.note !== undefined ? { note: write.note } : {}),
  };
  return { type: write.type, entry, ...(previous === undefined ? {} : { previous }) };
};

/** Which condition did not hold, in the order of the writes. */
export const refusalOf = (layout: Layout, writes: readonly Write[], answer: TxnResponse): HeddleError => {
  const guarded = writes.filter(isGuarded);
  for (const [index, { type, key, expected }] of guarded.entries()) {
    const found = revisionFound(layout, answer, index);
    if (type === 'delete' && found === 0) return absent(key);
    if (expected !== undefined && expected !== found) return conflict(key, found, expected);
  }
  // Of several keys none differs only when what the transaction compared is not what it read.
  return conflict(guarded[0]?.key ?? '', 0, guarded[0]?.expected ?? 0);
};

const revisionFound = (layout: Layout, answer: TxnResponse, index: number): Revision => {
  const response = answer.responses[index]?.response;
  const found = response?.case === 'responseRange' ? response.value.kvs[0] : undefined;
  return found === undefined ? 0 : layout.revisionOf(found.modRevision);
};
