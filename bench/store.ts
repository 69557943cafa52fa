/** Creations of 2 KB objects at 32 in flight: the etcd store beside a bare gRPC client on the same etcd, and the SQLite store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { Compare_CompareResult, Compare_CompareTarget, TxnRequestSchema } from '../src/store/etcd/gen/etcd/etcd_pb.ts';
import { startCluster } from '../src/store/etcd/testing.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { type Benchmark, percentile } from './figure.ts';

const value = 'x'.repeat(2000);
const inFlight = 32;
const writes = 6_000;
const rounds = 5;

/** Writes a second. */
const rate = async (write: (n: number) => Promise<unknown>): Promise<number> => {
  let n = 0;
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (n < writes) await write(n++);
  }));
  return (writes * 1000) / (performance.now() - began);
};

const bareCreate = (client: Client, key: string): Promise<unknown> => {
  const bytes = Buffer.from(key);
  const request = create(TxnRequestSchema, {
    compare: [{ result: Compare_CompareResult.EQUAL, target: Compare_CompareTarget.MOD, key: bytes, targetUnion: { case: 'modRevision', value: 0n } }],
    success: [{ request: { case: 'requestPut', value: { key: bytes, value: Buffer.from(value) } } }],
  });
  const send = (message: Uint8Array): Buffer => Buffer.from(message);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/etcdserverpb.KV/Txn', send, (answer) => answer, toBinary(TxnRequestSchema, request), (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
};

export const run: Benchmark = async (report) => {
  const cluster = await startCluster();
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const [store, sqlite] = [await cluster.open(), openSqliteStore(join(folder, 'store.db'))];
  const client = new Client(new URL(cluster.endpoints[0] ?? '').host, credentials.createInsecure());
  const measured: { ours: number[]; bare: number[]; sqlite: number[] } = { ours: [], bare: [], sqlite: [] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      measured.bare.push(await rate((n) => bareCreate(client, `/bare/${round}/${n}`)));
      measured.ours.push(await rate((n) => store.commit([{ type: 'put', key: `k/${round}/${n}`, value, expected: 0 }])));
      measured.sqlite.push(await rate((n) => sqlite.commit([{ type: 'put', key: `k/${round}/${n}`, value, expected: 0 }])));
    }
    const bare = percentile(measured.bare, 0.5);
    const subject = `creations of 2 KB at ${inFlight} in flight`;
    report({ figure: `${subject}, etcd store`, value: percentile(measured.ours, 0.5), unit: '1/s', n: rounds, limit: 0.8 * bare, peer: 'bare gRPC client', peerValue: bare });
    report({ figure: `${subject}, SQLite store`, value: percentile(measured.sqlite, 0.5), unit: '1/s', n: rounds });
  } finally {
    client.close();
    await Promise.all([store.close(), sqlite.close()]);
    await cluster.stop();
    rmSync(folder, { recursive: true });
  }
};
