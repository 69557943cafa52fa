/**
 * A process of bench/api.ts: either the API server alone on a data folder (no controller), or the clients that load it. The
 * clients speak HTTP/1.1 on TLS sockets of their own, with requests encoded beforehand, so that what is measured is the server.
 */
import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { kinds } from '../src/api/kinds.ts';
import { startApiServer, type ApiServer } from '../src/apiserver/server.ts';
import { readKubeconfig } from '../src/client/kubeconfig.ts';
import { createLogger } from '../src/kit/log.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';

export type Command =
  | { readonly do: 'serve'; readonly data: string }
  | { readonly do: 'create'; readonly kubeconfig: string; readonly first: number; readonly count: number; readonly inFlight: number; readonly bytes: number }
  | { readonly do: 'list'; readonly kubeconfig: string; readonly rounds: number }
  | { readonly do: 'watch'; readonly kubeconfig: string; readonly watchers: number; readonly perSecond: number; readonly seconds: number; readonly bytes: number }
  | { readonly do: 'close' };

export interface Answer {
  readonly kubeconfig?: string;
  /** One a measurement. */
  readonly milliseconds?: readonly number[];
  readonly events?: number;
}

const collection = '/apis/heddle.dev/v1alpha1/namespaces/default/vpcs';
let server: ApiServer | undefined;

const serve = async (data: string): Promise<Answer> => {
  const log = createLogger({ name: 'server', level: 'warn' });
  server = await startApiServer({ store: openSqliteStore(join(data, 'heddle.db')), kinds, dataDir: data, listen: { host: '127.0.0.1', port: 0 }, log });
  return { kubeconfig: server.kubeconfigPath };
};

/** A VPC that takes about that many bytes as JSON; `sent` is the monotonic time of its writing in nanoseconds. */
const vpcText = (name: string, bytes: number, sent: bigint): string => {
  const text = JSON.stringify({
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'VPC',
    metadata: { name, annotations: { sent: sent.toString(), note: '' } },
    spec: { subnets: { front: { cidr: '10.1.1.0/24' } } },
  });
  return text.replace('"note":""', `"note":"${'x'.repeat(Math.max(0, bytes - text.length))}"`);
};

const open = async (kubeconfig: string): Promise<{ readonly socket: TLSSocket; readonly host: string }> => {
  const { server: origin, authority, certificate, key } = readKubeconfig(kubeconfig);
  const { hostname, port, host } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), ca: authority, cert: certificate, key, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return { socket, host };
};

/** Resolves with the body's length when the answer to the request on the wire is complete; throws unless it is a 2xx. */
const exchange = (socket: TLSSocket, request: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let [wanted, got] = [-1, 0];
    const onData = (part: Buffer): void => {
      parts.push(part);
      got += part.length;
      if (wanted < 0) {
        const head = Buffer.concat(parts).toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 2')) return void reject(new Error(head.slice(0, 500)));
        wanted = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      }
      if (got < wanted) return;
      socket.off('data', onData);
      resolve(got);
    };
    socket.on('data', onData);
    socket.write(request);
  });

const post = (host: string, body: string): string =>
  `POST ${collection} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const create = async ({ kubeconfig, first, count, inFlight, bytes }: Command & { do: 'create' }): Promise<Answer> => {
  const connections = await Promise.all(Array.from({ length: inFlight }, () => open(kubeconfig)));
  let next = first;
  const began = performance.now();
  await Promise.all(connections.map(async ({ socket, host }) => {
    while (next < first + count) await exchange(socket, post(host, vpcText(`vpc-${next++}`, bytes, 0n)));
  }));
  const milliseconds = [performance.now() - began];
  for (const { socket } of connections) socket.destroy();
  return { milliseconds };
};

const list = async ({ kubeconfig, rounds }: Command & { do: 'list' }): Promise<Answer> => {
  const { socket, host } = await open(kubeconfig);
  const milliseconds: number[] = [];
  let events = 0;
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    events = await exchange(socket, `GET ${collection} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    milliseconds.push(performance.now() - began);
  }
  socket.destroy();
  return { milliseconds, events };
};

const marker = Buffer.from('"sent":"');

/** Every watcher hears of every write; a delay is from before the write was sent to when the watcher's socket had its event. */
const watch = async ({ kubeconfig, watchers, perSecond, seconds, bytes }: Command & { do: 'watch' }): Promise<Answer> => {
  const milliseconds: number[] = [];
  const connections = await Promise.all(Array.from({ length: watchers }, () => open(kubeconfig)));
  for (const { socket, host } of connections) {
    socket.on('data', (part: Buffer) => {
      const now = process.hrtime.bigint();
      for (let at = part.indexOf(marker); at >= 0; at = part.indexOf(marker, at + 1)) {
        const sent = part.toString('latin1', at + marker.length, at + marker.length + 24).split('"')[0] ?? '';
        if (sent.length > 3) milliseconds.push(Number(now - BigInt(sent)) / 1e6);
      }
    });
    socket.write(`GET ${collection}?watch=true&resourceVersion=REVISION HTTP/1.1\r\nHost: ${host}\r\n\r\n`.replace('REVISION', await revision(kubeconfig)));
  }
  await delay(500);
  const writers = await Promise.all(Array.from({ length: 8 }, () => open(kubeconfig)));
  const total = perSecond * seconds;
  const began = performance.now();
  let next = 0;
  await Promise.all(writers.map(async ({ socket, host }) => {
    while (next < total) {
      const number = next++;
      await delay(Math.max(0, began + (number * 1000) / perSecond - performance.now()));
      await exchange(socket, post(host, vpcText(`watched-${number}`, bytes, process.hrtime.bigint())));
    }
  }));
  for (let waited = 0; waited < 10_000 && milliseconds.length < total * watchers; waited += 100) await delay(100);
  for (const { socket } of [...connections, ...writers]) socket.destroy();
  return { milliseconds: milliseconds.toSorted((a, b) => a - b).filter((_, index) => index % 10 === 0), events: milliseconds.length };
};

let known: string | undefined;
const revision = async (kubeconfig: string): Promise<string> => {
  if (known !== undefined) return known;
  const { socket, host } = await open(kubeconfig);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await exchange(socket, `GET ${collection}?limit=1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  socket.destroy();
  known = /"resourceVersion":"(\d+)"/.exec(Buffer.concat(parts).toString())?.[1] ?? '0';
  return known;
};

const carryOut = async (command: Command): Promise<Answer> => {
  if (command.do === 'serve') return serve(command.data);
  if (command.do === 'create') return create(command);
  if (command.do === 'list') return list(command);
  if (command.do === 'watch') return watch(command);
  await server?.close();
  return {};
};

process.on('message', (command) => {
  carryOut(command as Command).then(
    (answer) => process.send?.(answer, () => (command as Command).do === 'close' && process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
