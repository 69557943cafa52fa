/** Whose fault it was: that of a client ends its connection, that of a handler is told, and neither concerns other connections. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { until } from '../testing.ts';
import { Http2Connection } from './connection.ts';
import { encodeHeaders } from './hpack.ts';
import { Payload } from './payload.ts';
import * as wire from './wire.ts';
import { errorCode, flag, frameType } from './wire.ts';

/** A client that writes frames itself, and a server that keeps what it hears. */
class Exchange {
  readonly client: Duplex;
  readonly connection: Http2Connection;
  readonly heard: string[] = [];
  readonly faults: unknown[] = [];
  onData: (text: string) => void = () => {};
  #received = Buffer.alloc(0);

  constructor() {
    const [client, server] = duplexPair();
    this.client = client;
    client.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    client.on('error', () => {});
    const handlers = {
      onData: (chunk: Buffer) => {
        this.heard.push(chunk.toString('latin1'));
        this.onData(chunk.toString('latin1'));
      },
      onEnd: () => void this.heard.push('end'),
      onDrain: () => {},
      onClose: () => void this.heard.push('close'),
    };
    this.connection = new Http2Connection(server, () => handlers, (error) => this.faults.push(error));
  }

  write(...frames: readonly Buffer[]): void {
    this.client.write(Buffer.concat(frames));
  }

  /** Codes of GOAWAY frames, which are the only ones of this type and length. */
  goaways(): number[] {
    const codes: number[] = [];
    for (let at = 0; at + 9 <= this.#received.length; at += 9 + this.#received.readUIntBE(at, 3)) {
      if (this.#received[at + 3] === frameType.goaway) codes.push(this.#received.readUInt32BE(at + 13));
    }
    return codes;
  }

  close(): void {
    this.connection.destroy();
    this.client.destroy();
  }
}

const block = encodeHeaders([[':path', '/x']]);
const greeting = Buffer.concat([wire.preface, wire.settingsFrame([]), wire.frameOf(frameType.headers, flag.endHeaders, 1, block)]);
const data = (text: string, flags = 0): Buffer => wire.frameOf(frameType.data, flags, 1, Buffer.from(text));

test('a fault of a handler is told and is not taken for the client\'s', async () => {
  const exchange = new Exchange();
  exchange.onData = () => {
    throw new TypeError('a fault of ours');
  };
  exchange.write(greeting, data('one'), data('two'));
  await until('the connection to be given up', () => exchange.goaways().length > 0);
  assert.deepEqual(exchange.goaways(), [errorCode.internalError]);
  assert.deepEqual(exchange.faults.map(String), ['TypeError: a fault of ours']);
  assert.deepEqual(exchange.heard, ['one', 'close']);
  exchange.close();
});

test('a header block that cannot be read is the client\'s fault', async () => {
  const exchange = new Exchange();
  exchange.write(greeting, wire.frameOf(frameType.headers, flag.endHeaders, 3, Buffer.of(0x80)));
  await until('the connection to be given up', () => exchange.goaways().length > 0);
  assert.deepEqual([exchange.goaways(), exchange.faults], [[errorCode.compressionError], []]);
  exchange.close();
});

test('unknown frames and a goodbye are passed over, and the rest is heard', async () => {
  const exchange = new Exchange();
  exchange.write(greeting, wire.frameOf(99, 255, 1, Buffer.from('?')), wire.goawayFrame(0, 0), data('last', flag.endStream));
  await until('the end', () => exchange.heard.includes('end'));
  assert.deepEqual(exchange.heard, ['last', 'end']);
  exchange.close();
});

/** Real frames in any order with any content, beside mere noise. */
const anyFrame = fc
  .record({
    type: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.nat(255)),
    flags: fc.nat(255),
    stream: fc.integer({ min: 0, max: 7 }),
    content: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(block), fc.uint8Array({ minLength: 4, maxLength: 4 })),
  })
  .map(({ type, flags, stream, content }) => wire.frameOf(type, flags, stream, content));
const anyInput = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.array(anyFrame, { maxLength: 30 }).map((frames) => Buffer.concat([greeting, ...frames])),
);

test('whatever a client sends, in chunks of any size, is no fault of ours and does not concern other connections', async () => {
  const other = new Exchange();
  other.write(greeting);
  await fc.assert(
    fc.asyncProperty(anyInput, fc.integer({ min: 1, max: 50 }), async (input, size) => {
      const exchange = new Exchange();
      for (let at = 0; at < input.length; at += size) exchange.client.write(input.subarray(at, at + size));
      const count = other.heard.length;
      other.write(data('still here'));
      await until('the other connection to be heard', () => other.heard.length > count);
      exchange.close();
      assert.deepEqual([exchange.faults, exchange.connection.streams], [[], 0]);
    }),
    { numRuns: 300 },
  );
  assert.ok(other.heard.every((text) => text === 'still here'));
  other.close();
});

test('Node\'s own client sends and gets bodies of any size in one connection', async () => {
  const [near, far] = duplexPair();
  const connection = new Http2Connection(far, (stream) => {
    let length = 0;
    return {
      onData: (chunk) => (length += chunk.length),
      onEnd: () => {
        stream.respond([[':status', '200']]);
        stream.write(new Payload(Buffer.alloc(length, 7)));
        stream.end([['x-length', String(length)]]);
      },
      onDrain: () => {},
      onClose: () => {},
    };
  });
  const session = connect('http://peer.example', { createConnection: () => near });
  await fc.assert(
    fc.asyncProperty(fc.nat(200_000), async (length) => {
      const request = session.request({ ':method': 'POST', ':path': '/x' });
      request.end(Buffer.alloc(length));
      let answered = 0;
      for await (const chunk of request) answered += (chunk as Buffer).length;
      assert.equal(answered, length);
    }),
    { numRuns: 30 },
  );
  session.destroy();
  connection.destroy();
});
