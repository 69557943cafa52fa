import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Http2Connection } from './connection.ts';
import { encodeHeaders } from './hpack.ts';
import { Payload } from './payload.ts';
import type { BodyStream } from './stream.ts';
import { errorCode, flag, frameOf, frameType, numberFrame, preface, settingsFrame } from './wire.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly content: Buffer;
}

/** A socket whose other end is the test; with `stuck` the network takes nothing more. */
class Wire extends Duplex {
  stuck = false;
  #written: Buffer[] = [];
  #waiting: (() => void)[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#written.push(chunk);
    if (this.stuck) this.#waiting.push(done);
    else done();
  }

  say(...frames: Buffer[]): void {
    for (const frame of frames) this.emit('data', frame);
  }

  loosen(): void {
    this.stuck = false;
    for (const done of this.#waiting.splice(0)) done();
  }

  /** What was written since the last time. */
  heard(): Frame[] {
    let rest = Buffer.concat(this.#written.splice(0));
    const frames: Frame[] = [];
    while (rest.length > 0) {
      const end = 9 + rest.readUIntBE(0, 3);
      frames.push({ type: rest.readUInt8(3), flags: rest.readUInt8(4), stream: rest.readUInt32BE(5), content: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
    return frames;
  }
}

const headers = (stream: number, flags: number = flag.endHeaders): Buffer =>
  frameOf(frameType.headers, flags, stream, encodeHeaders([[':method', 'POST'], [':path', '/x']]));
const data = (stream: number, text: string, flags: number = 0): Buffer => frameOf(frameType.data, flags, stream, Buffer.from(text));
const window = (stream: number, bytes: number): Buffer => numberFrame(frameType.windowUpdate, stream, bytes);
const bodyOf = (frames: readonly Frame[]): number =>
  frames.filter(({ type }) => type === frameType.data).reduce((sum, { content }) => sum + content.length, 0);

const fail = (error: unknown): void => {
  throw error;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('HTTP/2 connection', () => {
  let wire: Wire;
  let connection: Http2Connection;
  let streams: BodyStream[];
  let events: string[];

  const open = (): void => {
    wire.say(preface, settingsFrame([]), headers(1));
    wire.heard();
  };
  const first = (): BodyStream => {
    const [stream] = streams;
    assert.ok(stream !== undefined);
    return stream;
  };
  /** Code of the GOAWAY that ended the connection. */
  const ended = (): number | undefined =>
    wire.heard().find(({ type }) => type === frameType.goaway)?.content.readUInt32BE(4);

  beforeEach(() => {
    [streams, events, wire] = [[], [], new Wire()];
    connection = new Http2Connection(wire, (stream) => {
      streams.push(stream);
      return {
        onData: (chunk) => void events.push(`data ${chunk.toString()}`),
        onEnd: () => void events.push('end'),
        onDrain: () => void events.push('drain'),
        onClose: () => void events.push('close'),
      };
    }, fail);
  });
  afterEach(() => connection.destroy());

  test('bytes that come one by one are as good as all at once', () => {
    const all = Buffer.concat([preface, settingsFrame([]), headers(1, 0), frameOf(frameType.continuation, flag.endHeaders, 1, Buffer.alloc(0)), data(1, 'ab'), data(1, 'c', flag.endStream)]);
    for (const byte of all) wire.say(Buffer.of(byte));
    assert.equal(first().headers.get(':path'), '/x');
    assert.deepEqual(events, ['data ab', 'data c', 'end']);
    assert.ok(wire.heard().some(({ type, flags }) => type === frameType.settings && flags === flag.ack));
  });

  test('padding and priority are taken off', () => {
    const block = encodeHeaders([[':path', '/padded']]);
    const padded = Buffer.concat([Buffer.of(3), Buffer.alloc(5), block, Buffer.alloc(3)]);
    wire.say(preface, frameOf(frameType.headers, flag.endHeaders | flag.padded | flag.priority, 1, padded));
    wire.say(frameOf(frameType.data, flag.padded, 1, Buffer.from('\x02ab\0\0')));
    assert.equal(first().headers.get(':path'), '/padded');
    assert.deepEqual(events, ['data ab']);
  });

  test('a body goes out in frames of bounded size and not beyond what the client takes', () => {
    open();
    assert.equal(first().write(new Payload(Buffer.alloc(100_000))), false);
    const before = wire.heard();
    assert.equal(bodyOf(before), 65_535);
    assert.ok(before.every(({ content }) => content.length <= 16_384));
    wire.say(window(1, 20_000));
    assert.equal(bodyOf(wire.heard()), 0, 'the window of the connection is used up');
    wire.say(window(0, 10_000));
    assert.equal(bodyOf(wire.heard()), 10_000);
    assert.deepEqual(events, []);
    wire.say(window(0, 50_000), window(1, 50_000));
    assert.equal(bodyOf(wire.heard()), 100_000 - 75_535);
    assert.deepEqual(events, ['drain']);
  });

  test('a window set by SETTINGS counts for streams that are open, also when it shrinks', () => {
    open();
    first().write(new Payload(Buffer.alloc(60_000)));
    wire.heard();
    wire.say(settingsFrame([[4, 10_000]]), window(0, 1_000_000));
    first().write(new Payload(Buffer.alloc(10)));
    assert.equal(bodyOf(wire.heard()), 0);
    wire.say(settingsFrame([[4, 60_010]]));
    assert.equal(bodyOf(wire.heard()), 10);
  });

  test('while the network takes nothing, no more is handed to the socket than it wants, and then all goes on', async () => {
    open();
    wire.say(settingsFrame([[4, 2_000_000]]), window(0, 2_000_000));
    wire.heard();
    wire.stuck = true;
    assert.equal(first().write(new Payload(Buffer.alloc(1_000_000))), false);
    assert.ok(wire.writableLength < 100_000, `${wire.writableLength} bytes wait in the socket`);
    assert.equal(events.length, 0);
    wire.loosen();
    while (!events.includes('drain')) await turn();
    assert.equal(bodyOf(wire.heard()), 1_000_000);
  });

  test('trailers follow what was written before, and then nothing', async () => {
    open();
    first().respond([[':status', '200']]);
    first().write(new Payload(Buffer.alloc(70_000)));
    first().end([['grpc-status', '10']]);
    first().write(new Payload(Buffer.from('late')));
    assert.ok(wire.heard().every(({ flags }) => (flags & flag.endStream) === 0));
    await turn();
    wire.say(window(0, 70_000), window(1, 70_000));
    const rest = wire.heard();
    assert.deepEqual(rest.map(({ type, flags }) => [type, flags]), [[frameType.data, 0], [frameType.headers, flag.endStream | flag.endHeaders]]);
    assert.equal(connection.streams, 0);
    wire.say(data(1, 'said before it knew'));
    assert.deepEqual(events, []);
  });

  test('received bytes are credited, so that a client may talk for ever', () => {
    open();
    let credit = 0;
    for (let sent = 0; sent < 100; sent += 1) {
      wire.say(data(1, 'x'.repeat(5000)));
      for (const { type, stream, content } of wire.heard()) {
        if (type === frameType.windowUpdate && stream === 0) credit += content.readUInt32BE(0);
      }
      assert.ok(sent * 5000 - credit < 65_535);
    }
  });

  test('a reset and a lost connection end a stream once', () => {
    open();
    wire.say(headers(3));
    wire.say(numberFrame(frameType.rstStream, 1, errorCode.cancel));
    assert.deepEqual(events, ['close']);
    connection.destroy();
    assert.deepEqual(events, ['close', 'close']);
    first().write(new Payload(Buffer.from('x')));
  });

  test('too many streams at once are refused, and the others go on', () => {
    open();
    for (let id = 3; id < 60; id += 2) wire.say(headers(id));
    assert.equal(connection.streams, 16);
    assert.ok(wire.heard().some(({ type, content }) => type === frameType.rstStream && content.readUInt32BE(0) === errorCode.refusedStream));
    wire.say(data(1, 'still here'));
    assert.deepEqual(events, ['data still here']);
  });

  test('a client that opens and resets for ever must dial anew', () => {
    open();
    for (let id = 3; id < 30_000 && connection.streams >= 0; id += 2) wire.say(headers(id), numberFrame(frameType.rstStream, id, errorCode.cancel));
    assert.equal(ended(), errorCode.noError);
  });

  test('a client that asks for answers and does not read them is cut off', () => {
    open();
    wire.stuck = true;
    for (let ping = 0; ping < 100_000 && !wire.destroyed; ping += 1) wire.say(frameOf(frameType.ping, 0, 0, Buffer.alloc(8)));
    assert.ok(wire.destroyed);
  });

  test('what breaks the rules ends the connection with the reason', () => {
    const wrongs: readonly (readonly [what: string, code: number, ...frames: Buffer[]])[] = [
      ['no preface', errorCode.protocolError, Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      ['a frame that is too long', errorCode.frameSizeError, preface, frameOf(frameType.data, 0, 1, Buffer.alloc(20_000))],
      ['data without a request', errorCode.protocolError, preface, data(1, 'x')],
      ['a stream with an even number', errorCode.protocolError, preface, headers(2)],
      ['an interrupted header block', errorCode.protocolError, preface, headers(1, 0), data(1, 'x')],
      ['a push', errorCode.protocolError, preface, frameOf(frameType.pushPromise, 0, 1, Buffer.alloc(4))],
      ['a header block that is none', errorCode.compressionError, preface, frameOf(frameType.headers, flag.endHeaders, 1, Buffer.of(0xff, 0))],
      ['a window of nothing', errorCode.flowControlError, preface, window(0, 0)],
      ['a window beyond all bounds', errorCode.flowControlError, preface, headers(1), window(1, 2 ** 31 - 1)],
      ['a window of the wrong size', errorCode.frameSizeError, preface, frameOf(frameType.windowUpdate, 0, 0, Buffer.alloc(3))],
      ['half a setting', errorCode.frameSizeError, preface, frameOf(frameType.settings, 0, 0, Buffer.alloc(5))],
      ['endless headers', errorCode.enhanceYourCalm, preface, headers(1, 0), ...Array.from({ length: 80 }, () => frameOf(frameType.continuation, 0, 1, Buffer.alloc(1)))],
    ];
    for (const [what, code, ...frames] of wrongs) {
      const other = new Wire();
      const faulty = new Http2Connection(other, () => ({ onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} }), fail);
      other.heard();
      other.say(...frames);
      assert.equal(other.heard().find(({ type }) => type === frameType.goaway)?.content.readUInt32BE(4), code, what);
      faulty.destroy();
    }
  });

  test('no sequence of frames brings the server down', () => {
    const frame = fc.record({
      type: fc.nat({ max: 11 }),
      flags: fc.nat({ max: 255 }),
      stream: fc.nat({ max: 9 }),
      content: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
        const other = new Wire();
        const attacked = new Http2Connection(other, (stream) => ({
          onData: (chunk) => void stream.write(new Payload(chunk)),
          onEnd: () => stream.end([['grpc-status', '0']]),
          onDrain: () => {},
          onClose: () => {},
        }), fail);
        other.say(preface, headers(1));
        for (const { type, flags, stream, content } of frames) if (!other.destroyed) other.say(frameOf(type, flags, stream, content));
        attacked.destroy();
      }),
      { numRuns: 500 },
    );
  });
});
