/** The clients' process: as many connections as streams, each answering every message with a few bytes. */
import { Client, credentials } from '@grpc/grpc-js';
import { echoMethod, type FromClients, type ToClients } from './shape.ts';

const answer = Buffer.alloc(16, 'a');
/** Handshakes at a time: more only wait for each other. */
const atOnce = 50;

/** Resolves when the stream is up, which the server's headers tell. */
const open = (address: string, certificate: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    // Without a pool of its own every client would share one connection.
    const client = new Client(address, credentials.createSsl(certificate), { 'grpc.use_local_subchannel_pool': 1 });
    const { path, requestSerialize, responseDeserialize } = echoMethod;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('metadata', () => resolve());
    stream.on('error', reject);
    stream.on('data', () => stream.write(answer));
  });

const openAll = async ({ address, certificate, streams }: ToClients): Promise<void> => {
  const pem = Buffer.from(certificate);
  for (let opened = 0; opened < streams; opened += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, streams - opened) }, () => open(address, pem)));
  }
  process.send?.({ kind: 'connected' } satisfies FromClients);
};

process.on('message', (message: ToClients) => void openAll(message));
process.on('disconnect', () => process.exit());
