import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';
import { type GrpcServer, startGrpcServer } from './grpc.ts';
import { loopbackCertificate } from './testing.ts';

const start = async (): Promise<{ readonly server: GrpcServer; readonly port: number; readonly ca: string }> => {
  const tls = await loopbackCertificate();
  const accept = (): never => {
    throw new Error('nobody calls');
  };
  const server = await startGrpcServer({ listen: ['127.0.0.1:0'], tls, path: '/x', accept, onFault: () => {} });
  return { server, port: Number(server.addresses[0]?.split(':')[1]), ca: tls.certificate };
};

/** However it ended. */
const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

test('a server that closes does not wait for who has not greeted it yet', { timeout: 5000 }, async () => {
  const { server, port } = await start();
  const silent = connect(port, '127.0.0.1').on('error', () => {});
  await once(silent, 'connect');
  await server.close();
  await ended(silent);
});

test('a connection that stands only after the server closed is ended', { timeout: 5000 }, async () => {
  // At which point of the handshake it is, nobody can say from outside: so several.
  for (let turns = 0; turns < 24; turns += 1) {
    const { server, port, ca } = await start();
    const late = connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] }).on('error', () => {});
    late.resume();
    await once(late, 'connect');
    for (let passed = 0; passed < turns; passed += 1) await turn();
    await server.close();
    await ended(late);
  }
});
