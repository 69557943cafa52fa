/** The server's process: writes one message to every stream and hears an answer from each. Told what to do by its parent. */
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { percentile } from '../../figure.ts';
import { echoMethod, type EchoRound, type FromServer, type ToServer } from './shape.ts';

type Stream = ServerDuplexStream<Buffer, Buffer>;

const streams = new Set<Stream>();
let onAnswer = (): void => {};

const listen = (key: string, certificate: string): void => {
  const server = new Server();
  server.addService({ sync: echoMethod }, {
    sync: (stream: Stream) => {
      stream.on('data', () => onAnswer());
      for (const event of ['end', 'cancelled', 'error']) stream.on(event, () => streams.delete(stream));
      streams.add(stream);
      stream.sendMetadata(new Metadata());
    },
  });
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, port) => {
    if (error !== null) throw error;
    tell({ kind: 'listening', address: `127.0.0.1:${port}` });
  });
};

const round = async (bytes: number): Promise<EchoRound> => {
  const message = Buffer.alloc(bytes, 'x');
  const answers: number[] = [];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const answered = new Promise<void>((resolve) => {
    onAnswer = () => {
      answers.push(performance.now() - began);
      if (answers.length === streams.size) resolve();
    };
  });
  for (const stream of streams) stream.write(message);
  await answered;
  const { user, system } = process.cpuUsage(cpu);
  return { p50: percentile(answers, 0.5), p99: percentile(answers, 0.99), last: percentile(answers, 1), cpu: (user + system) / 1000 };
};

const tell = (message: FromServer): void => void process.send?.(message);

process.on('message', (message: ToServer) => {
  if (message.kind === 'listen') listen(message.key, message.certificate);
  else if (streams.size === message.streams) void round(message.bytes).then((measured) => tell({ kind: 'round', round: measured }));
  else throw new Error(`${streams.size} streams are open, not ${message.streams}`);
});
process.on('disconnect', () => process.exit());
