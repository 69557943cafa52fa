/** API servers for the tests of clients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kinds } from '../api/kinds.ts';
import { startApiServer, type ApiServer } from '../apiserver/server.ts';
import { createLogger } from '../kit/log.ts';
import type { Store } from '../store/store.ts';

export interface TestServer {
  readonly store: Store;
  readonly api: ApiServer;
  readonly port: number;
  /** Ends it and takes its folder away, unless it was given one; the store is closed too. */
  close(): Promise<void>;
}

/** A server with all our kinds and namespace `default`; another one can go on with the same folder, port and store. */
export const startTestServer = async (store: Store, dataDir?: string, port = 0): Promise<TestServer> => {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'heddle-client-')));
  const log = createLogger({ name: 'test', level: 'silent' });
  const api = await startApiServer({ store, kinds, dataDir: folder, listen: { host: '127.0.0.1', port }, log });
  return {
    store,
    api,
    port: Number(new URL(api.url).port),
    async close() {
      await api.close();
      if (dataDir !== undefined) return;
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
};
