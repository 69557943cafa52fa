/** A process of bench/crowds.ts: the API server alone, or clients of it on TLS connections of their own. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { kinds } from '../src/api/kinds.ts';
import { startApiServer } from '../src/apiserver/server.ts';
import { readKubeconfig } from '../src/client/kubeconfig.ts';
import { createLogger } from '../src/kit/log.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';

export type Command =
  | { readonly do: 'serve'; readonly data: string }
  | { readonly do: 'fill' | 'probe' | 'idle' | 'watch' | 'stall'; readonly kubeconfig: string; readonly count: number }
  | { readonly do: 'leave' | 'memory' };

export interface Answer {
  readonly kubeconfig?: string;
  readonly milliseconds?: readonly number[];
  /** Connections that were not refused. */
  readonly count?: number;
  /** In MB: of the process, and what of it is neither free nor garbage (sockets and TLS, which are not V8's, left out). */
  readonly resident?: number;
  readonly held?: number;
}

const collection = '/apis/heddle.dev/v1alpha1/namespaces/default/vpcs';
/** Handshakes at a time. */
const atOnce = 50;
const settleMilliseconds = 3000;
const held: TLSSocket[] = [];

const dial = async (kubeconfig: string): Promise<TLSSocket> => {
  const { server, authority, certificate, key } = readKubeconfig(kubeconfig);
  const { hostname, port } = new URL(server);
  const socket = connect({ host: hostname, port: Number(port), ca: authority, cert: certificate, key, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
};

const crowd = async (kubeconfig: string, count: number, begin: (socket: TLSSocket) => Promise<unknown>): Promise<Answer> => {
  for (let made = 0; made < count; made += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - made) }, async () => {
      const socket = await dial(kubeconfig);
      await begin(socket);
      held.push(socket);
    });
    await Promise.allSettled(batch);
  }
  await delay(settleMilliseconds);
  return { count: held.filter((socket) => !socket.destroyed).length };
};

const ask = (path: string, method = 'GET', body = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Sends and waits until the answer has begun. */
const begun = async (socket: TLSSocket, request: string): Promise<void> => {
  socket.write(request);
  await once(socket, 'data');
};

const fill = async (kubeconfig: string, count: number): Promise<Answer> => {
  const socket = await dial(kubeconfig);
  for (let n = 0; n < count; n += 1) {
    const metadata = { name: `v${n}`, annotations: { note: 'x'.repeat(1500) } };
    const body = JSON.stringify({ apiVersion: 'heddle.dev/v1alpha1', kind: 'VPC', metadata, spec: { subnets: { front: { cidr: '10.1.1.0/24' } } } });
    await begun(socket, ask(collection, 'POST', body));
  }
  socket.destroy();
  return {};
};

const probe = async (kubeconfig: string, count: number): Promise<Answer> => {
  const socket = await dial(kubeconfig);
  const milliseconds: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const started = performance.now();
    await begun(socket, ask(`${collection}/v1`));
    milliseconds.push(performance.now() - started);
    await delay(5);
  }
  socket.destroy();
  return { milliseconds };
};

const answer = async (command: Command): Promise<Answer> => {
  switch (command.do) {
    case 'serve': {
      const log = createLogger({ name: 'server', level: 'warn' });
      const { data } = command;
      const server = await startApiServer({ store: openSqliteStore(join(data, 'heddle.db')), kinds, dataDir: data, listen: { host: '127.0.0.1', port: 0 }, log });
      return { kubeconfig: server.kubeconfigPath };
    }
    case 'fill':
      return fill(command.kubeconfig, command.count);
    case 'probe':
      return probe(command.kubeconfig, command.count);
    case 'idle':
      return crowd(command.kubeconfig, command.count, (socket) => begun(socket, ask('/livez')));
    case 'watch': {
      const path = `${collection}?watch=true&resourceVersion=999999&allowWatchBookmarks=true`;
      return crowd(command.kubeconfig, command.count, (socket) => begun(socket, ask(path)));
    }
    case 'stall':
      return crowd(command.kubeconfig, command.count, async (socket) => {
        socket.pause();
        socket.write(ask(collection));
      });
    case 'memory': {
      const resident = process.memoryUsage.rss() / 1e6;
      // What the first frees may be the last that held something else.
      for (let round = 0; round < 3; round += 1) {
        await globalThis.gc?.({ execution: 'async', type: 'major' });
        await delay(20);
      }
      const { heapUsed, external } = process.memoryUsage();
      return { resident, held: (heapUsed + external) / 1e6 };
    }
    case 'leave':
      for (const socket of held.splice(0)) socket.destroy();
      await delay(settleMilliseconds);
      return {};
  }
};

const reply = async (command: Command): Promise<void> => {
  try {
    process.send?.(await answer(command));
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  }
};

process.on('message', (command: Command) => void reply(command));
