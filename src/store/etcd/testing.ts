/** Real etcd for tests: one member or three, each a process that can be killed, paused and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate, type KeyPair, makeAuthority } from '../../apiserver/pki/certificate.ts';
import { until } from '../../kit/testing.ts';
import type { Store } from '../store.ts';
import { type EtcdOptions, openEtcdStore } from './store.ts';

const program = '/usr/bin/etcd';

/** Set-up installs it; under CI it must be there. */
export const hasEtcd = (): boolean => existsSync(program) || process.env['CI'] === 'true';

export interface ClusterShape {
  readonly members?: 1 | 3;
  /** Certificates on both sides, of an authority of its own. */
  readonly tls?: boolean;
  readonly quotaBytes?: number;
}

export interface Member {
  readonly endpoint: string;
  start(): void;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Still there, but says nothing. */
  pause(): void;
  resume(): void;
}

export interface TestCluster {
  readonly endpoints: readonly string[];
  readonly members: readonly Member[];
  /** What a client needs to be let in. */
  readonly credentials: Pick<EtcdOptions, 'ca' | 'cert' | 'key'>;
  /** For certificates that are not meant to be let in. */
  readonly authority: KeyPair | undefined;
  open(options?: Partial<EtcdOptions>): Promise<Store>;
  stop(): Promise<void>;
}

/** Listens when it resolves. Data is in memory where the machine has a folder for that. */
export const startCluster = async ({ members: count = 1, tls = false, quotaBytes }: ClusterShape = {}): Promise<TestCluster> => {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'heddle-etcd-'));
  const authority = tls ? await makeAuthority('etcd-test', 1) : undefined;
  const credentials = authority === undefined ? {} : await credentialsIn(folder, authority);
  const ports = await freePorts(2 * count);
  const scheme = tls ? 'https' : 'http';
  const names = Array.from({ length: count }, (_, index) => `m${index}`);
  const endpoints = names.map((_, index) => `${scheme}://127.0.0.1:${ports[index]}`);
  const peers = names.map((_, index) => `http://127.0.0.1:${ports[count + index]}`);
  const members = names.map((name, index) => {
    const [endpoint = '', peer = ''] = [endpoints[index], peers[index]];
    const flags = {
      name,
      'data-dir': join(folder, name),
      logger: 'zap',
      'log-level': 'error',
      'listen-client-urls': endpoint,
      'advertise-client-urls': endpoint,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': names.map((other, at) => `${other}=${peers[at]}`).join(','),
      ...(quotaBytes === undefined ? {} : { 'quota-backend-bytes': quotaBytes }),
      ...(tls ? { 'cert-file': join(folder, 'server.crt'), 'key-file': join(folder, 'server.key') } : {}),
      ...(tls ? { 'trusted-ca-file': join(folder, 'ca.crt'), 'client-cert-auth': true } : {}),
    };
    return memberOf(endpoint, Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`));
  });
  for (const member of members) member.start();
  const open = (options: Partial<EtcdOptions> = {}): Promise<Store> => openEtcdStore({ endpoints, ...credentials, ...options });
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('etcd answers', () => open().then((store) => store.close().then(() => true)).catch(() => false), 20_000);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { endpoints, members, credentials, authority, open, stop };
};

const memberOf = (endpoint: string, words: readonly string[]): Member => {
  let child: ChildProcess | undefined;
  return {
    endpoint,
    start: () => (child = spawn(program, words, { stdio: 'ignore' })),
    kill: async () => {
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await ended;
    },
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
  };
};

const credentialsIn = async (folder: string, authority: KeyPair): Promise<TestCluster['credentials']> => {
  const server = await issueCertificate(authority, { subject: { commonName: 'etcd' }, usage: 'server', names: ['127.0.0.1', 'localhost'], days: 1 });
  const client = await issueCertificate(authority, { subject: { commonName: 'heddle' }, usage: 'client', days: 1 });
  await Promise.all([
    writeFile(join(folder, 'ca.crt'), authority.certificate),
    writeFile(join(folder, 'server.crt'), server.certificate),
    writeFile(join(folder, 'server.key'), server.key, { mode: 0o600 }),
  ]);
  return { ca: authority.certificate, cert: client.certificate, key: client.key };
};

/** Free a moment ago, and taken all at once so that they differ. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};
