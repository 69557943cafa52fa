/** The calls of etcd that the store makes, in its own types. Each throws a GrpcFault. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Cluster } from './cluster.ts';
import {
  CompactionRequestSchema,
  PutRequestSchema,
  PutResponseSchema,
  type RangeRequest,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
  TxnResponseSchema,
} from './gen/etcd/etcd_pb.ts';

/** Linearizable: what was committed before the call anywhere is in the answer. */
export const range = async (cluster: Cluster, wanted: Partial<Omit<RangeRequest, '$typeName' | '$unknown'>>): Promise<RangeResponse> => {
  const question = toBinary(RangeRequestSchema, create(RangeRequestSchema, wanted));
  return fromBinary(RangeResponseSchema, await cluster.call('/etcdserverpb.KV/Range', question, true));
};

/** `mayRepeat` only for a transaction that cannot take effect twice. */
export const transact = async (cluster: Cluster, request: TxnRequest, mayRepeat: boolean): Promise<TxnResponse> => {
  const answer = await cluster.call('/etcdserverpb.KV/Txn', toBinary(TxnRequestSchema, request), mayRepeat);
  return fromBinary(TxnResponseSchema, answer);
};

/** Writes where a second time does no harm; answers the revision. */
export const put = async (cluster: Cluster, key: Uint8Array, value: Uint8Array): Promise<bigint> => {
  const question = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value }));
  const answer = fromBinary(PutResponseSchema, await cluster.call('/etcdserverpb.KV/Put', question, true));
  return answer.header?.revision ?? 0n;
};

export const compact = async (cluster: Cluster, revision: bigint): Promise<void> => {
  const question = toBinary(CompactionRequestSchema, create(CompactionRequestSchema, { revision }));
  await cluster.call('/etcdserverpb.KV/Compact', question, true);
};
