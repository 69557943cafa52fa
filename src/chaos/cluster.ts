/** A server process, and a control plane of several of them on one etcd, as an operator runs them, to be killed at any moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ResourceClient } from '../api/client.ts';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import { clusterKeyFiles } from '../cli/clusterkeys.ts';
import { type ApiClient, createApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { createResourceClient } from '../client/resources.ts';
import { type ClusterShape, startCluster, type TestCluster } from '../store/etcd/testing.ts';

const root = join(import.meta.dirname, '..', '..');
/** Those of bin/heddle. */
const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8', '--heap-growing-percent=100', '--external-memory-accounted-in-global-limit'];

export class Server {
  readonly name: string;
  readonly data: string;
  readonly #store: readonly string[];
  #process: ChildProcess | undefined;
  #southbound = '127.0.0.1:0';
  #listen = '127.0.0.1:0';
  #api: ApiClient | undefined;
  #client: ResourceClient | undefined;

  /** @param store options that say where it keeps its objects */
  constructor(name: string, data: string, store: readonly string[]) {
    this.name = name;
    this.data = data;
    this.#store = store;
  }

  /** `host:port` for agents; the same after every start. */
  get southbound(): string {
    return this.#southbound;
  }

  get client(): ResourceClient {
    if (this.#client === undefined) throw new Error(`${this.name} was not started`);
    return this.#client;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Serves the API when it resolves. */
  async start(): Promise<void> {
    const words = ['server', '--data', this.data, '--listen', this.#listen, '--southbound', this.#southbound, ...this.#store, '--log-level', 'warn'];
    const stderr = process.env['HEDDLE_CHAOS_LOG'] === undefined ? 'ignore' : 'inherit';
    const child = spawn(process.execPath, [...flags, join(root, 'src', 'cli', 'main.ts'), ...words], { cwd: root, stdio: ['ignore', 'pipe', stderr] });
    this.#process = child;
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${this.name} ended at its start; HEDDLE_CHAOS_LOG=1 shows why`);
    });
    ended.catch(() => undefined);
    await Promise.race([this.#read(child), ended]);
    this.#api?.close();
    this.#api = createApiClient(readKubeconfig(join(this.data, 'kubeconfig')), { timeoutMilliseconds: 5000 });
    this.#client = createResourceClient(this.#api, [...coreKinds, ...kinds]);
  }

  /** As `kill -9`. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** It stands still, as a virtual machine that is moved; connections stay. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** As SIGTERM; resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async close(): Promise<void> {
    this.#api?.close();
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning || this.#process === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }

  /** The addresses that it says it has taken. */
  async #read(child: ChildProcess): Promise<void> {
    if (child.stdout === null) return;
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, , address = ''] = line.split(/ +/);
      if (what === 'API') this.#listen = address.replace('https://', '');
      if (what !== 'southbound') continue;
      this.#southbound = line.split(/ +/)[1] ?? '';
      return;
    }
  }
}

export interface Cluster {
  readonly servers: readonly Server[];
  readonly etcd: TestCluster;
  /** PEM of the authority that agents trust. */
  readonly ca: string;
  readonly folder: string;
  close(): Promise<void>;
}

/** Everything serves when it resolves. */
export const openCluster = async (count: number, shape: ClusterShape = {}): Promise<Cluster> => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-cluster-'));
  const etcd = await startCluster(shape);
  const store = ['--store', 'etcd', '--etcd-endpoints', etcd.endpoints.join(','), ...credentialWords(folder, etcd)];
  const servers = Array.from({ length: count }, (_, index) => new Server(`server-${index + 1}`, join(folder, `server-${index + 1}`), store));
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    await etcd.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [first, ...others] = servers;
    if (first === undefined) throw new RangeError('a cluster has servers');
    await first.start();
    for (const other of others) copyKeys(first.data, other.data);
    await Promise.all(others.map((other) => other.start()));
    return { servers, etcd, ca: readFileSync(join(first.data, 'pki', 'ca.crt'), 'utf8'), folder, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};

const credentialWords = (folder: string, { credentials }: TestCluster): readonly string[] =>
  (['ca', 'cert', 'key'] as const).flatMap((what) => {
    const text = credentials[what];
    if (text === undefined) return [];
    const file = join(folder, `etcd.${what}`);
    writeFileSync(file, text, { mode: 0o600 });
    return [`--etcd-${what}`, file];
  });

const copyKeys = (from: string, to: string): void => {
  for (const file of clusterKeyFiles) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file));
  }
};
