import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import * as fc from 'fast-check';
import { type Call, type CallHandlers, type GrpcServer, type GrpcServerOptions, payloadOf, startGrpcServer, status } from './grpc.ts';
import { type MessageStream, type StreamOptions, openStream } from './stream.ts';
import { type Certificate, loopbackCertificate, until } from './testing.ts';

const path = '/heddle.Test/Stream';

/** A stream of ours to a server of ours. */
describe('gRPC stream', () => {
  let certificate: Certificate;
  let server: GrpcServer | undefined;
  let calls: Call[];
  let heard: Uint8Array[];
  let received: Uint8Array[];
  let ends: string[];
  let drains: number;
  let closed: number;
  const streams: MessageStream[] = [];

  const serve = async (options: Partial<GrpcServerOptions> = {}): Promise<void> => {
    const accept = (call: Call): CallHandlers => {
      calls.push(call);
      return {
        onMessage: (bytes) => void heard.push(Uint8Array.from(bytes)),
        onDrain: () => (drains += 1),
        onClosed: () => (closed += 1),
      };
    };
    const onFault = (_peer: string, error: unknown): void => assert.fail(String(error));
    server = await startGrpcServer({ listen: ['127.0.0.1:0'], tls: certificate, path, accept, onFault, ...options });
  };
  const open = (options: Partial<StreamOptions> = {}): MessageStream => {
    const stream = openStream({
      server: server?.addresses[0] ?? '',
      ca: certificate.certificate,
      path,
      token: 'token',
      onMessage: (bytes) => void received.push(Uint8Array.from(bytes)),
      onEnd: (reason) => void ends.push(reason),
      ...options,
    });
    streams.push(stream);
    return stream;
  };
  const called = async (): Promise<Call> => {
    await until('a call', () => calls.length > 0);
    const [call] = calls;
    assert.ok(call !== undefined);
    return call;
  };

  beforeEach(async () => {
    certificate = await loopbackCertificate();
    [calls, heard, received, ends, drains, closed] = [[], [], [], [], 0, 0];
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.abandon();
    await server?.close();
    server = undefined;
  });

  test('messages of any size arrive whole and in order, in both directions', async () => {
    await serve();
    const stream = open();
    const call = await called();
    const size = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 300_000 }), fc.constantFrom(16_374, 16_379, 16_380, 65_530));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(size, fc.nat({ max: 255 })), { maxLength: 8 }), async (messages) => {
        [heard, received] = [[], []];
        const wanted = messages.map(([length, byte]) => Buffer.alloc(length, byte));
        for (const message of wanted) {
          stream.send(message);
          call.send(payloadOf(message));
        }
        await until('all', () => heard.length === wanted.length && received.length === wanted.length);
        for (const list of [heard, received]) assert.ok(list.every((bytes, index) => wanted[index]?.equals(bytes) === true));
      }),
      { numRuns: 30 },
    );
    assert.equal(call.metadata.get('authorization'), 'Bearer token');
  });

  test('several messages in one payload are several messages', async () => {
    await serve();
    open();
    (await called()).send(payloadOf(Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')));
    await until('three', () => received.length === 3);
    assert.deepEqual(received.map((bytes) => Buffer.from(bytes).toString()), ['a', '', 'b']);
  });

  test('a refusal says why, whatever letters it takes, before and after the first message', async () => {
    await serve();
    for (const greet of [false, true]) {
      [calls, ends] = [[], []];
      open();
      const call = await called();
      if (greet) call.send(payloadOf(Buffer.from('hello')));
      call.end(status.aborted, 'höher, 100 % — "neu"');
      await until('the end', () => ends.length > 0);
      assert.deepEqual(ends, ['status 10: höher, 100 % — "neu"']);
    }
    assert.equal(closed, 2);
  });

  test('a method that is not there is unimplemented, and the connection of another protocol is refused', async () => {
    await serve();
    open({ path: '/heddle.Test/Other' });
    await until('the end', () => ends.length > 0);
    assert.match(ends[0] ?? '', /^status 12: there is no method '\/heddle.Test\/Other'/);
    const answer = await fetch(`http://${server?.addresses[0]}/`).then(() => 'answered', () => 'refused');
    assert.equal(answer, 'refused');
  });

  test('a stream that is closed lets arrive what was sent, and the server hears of the end', async () => {
    await serve();
    const stream = open();
    await called();
    for (let count = 0; count < 100; count += 1) stream.send(Buffer.alloc(10_000));
    stream.close();
    await until('the end', () => closed === 1);
    assert.equal(heard.length, 100);
    assert.deepEqual(ends, []);
  });

  test('a server that goes away is noticed, and closing it ends every call', async () => {
    await serve();
    open();
    await called();
    await server?.close();
    server = undefined;
    await until('the end', () => ends.length === 1);
    assert.equal(closed, 1);
  });

  test('what the network does not take at once stays with whoever sends, until it drains', async () => {
    await serve();
    open();
    const call = await called();
    const payload = payloadOf(Buffer.alloc(1024 * 1024));
    let sent = 0;
    while (call.send(payload) && sent < 1000) sent += 1;
    assert.ok(sent < 10, `${sent} MiB were taken at once`);
    await until('it drains', () => drains > 0);
  });

  test('a second connection resumes the TLS session of the first, also with another server of the same keys', async () => {
    const ticketKeys = Buffer.alloc(48, 1);
    let session: Buffer | undefined;
    await serve({ ticketKeys });
    open({ onSession: (ticket) => (session = ticket) }).send(Buffer.from('x'));
    (await called()).send(payloadOf(Buffer.from('x')));
    await until('a ticket', () => session !== undefined);
    await server?.close();
    const resumed: boolean[] = [];
    const other = createServer({ key: certificate.key, cert: certificate.certificate, ALPNProtocols: ['h2'], ticketKeys }, (socket) => {
      resumed.push(socket.isSessionReused());
      socket.destroy();
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    open({ server: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, ...(session === undefined ? {} : { session }) });
    await until('a connection', () => resumed.length > 0);
    other.close();
    assert.deepEqual(resumed, [true]);
  });

  test('a server of another authority is not talked to', async () => {
    await serve();
    open({ ca: (await loopbackCertificate()).certificate });
    await until('the end', () => ends.length > 0);
    assert.match(ends[0] ?? '', /certificate/);
    assert.equal(calls.length, 0);
  });

  test('a message that is too long or compressed ends the call and nothing else', async () => {
    await serve();
    open().send(Buffer.alloc(5 * 1024 * 1024));
    await until('the end', () => ends.length > 0);
    assert.match(ends[0] ?? '', /^status 3: a message of 5242880 bytes is more than/);
  });

  test('a client that says nothing is asked, and one that is silent then too is cut off', async () => {
    await serve({ keepaliveMilliseconds: 20 });
    open();
    await called();
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual([ends, closed], [[], 0], "Node's HTTP/2 answers pings by itself");
  });
});
