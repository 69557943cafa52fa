import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type Socket, createServer } from 'node:net';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type Header, HeaderDecoder, encodeHeaders } from './hpack.ts';
import { decodeHuffman } from './huffman.ts';
import { ConnectionReader } from './reader.ts';
import { frameOf, frameType } from './wire.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

describe('HPACK', () => {
  test('requests of RFC 7541, appendix C.4, with Huffman and a table that fills', () => {
    const decoder = new HeaderDecoder();
    const common: Header[] = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'www.example.com']];
    assert.deepEqual(decoder.decode(bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), common);
    assert.deepEqual(decoder.decode(bytes('8286 84be 5886 a8eb 1064 9cbf')), [...common, ['cache-control', 'no-cache']]);
    assert.deepEqual(decoder.decode(bytes('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')), [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ]);
  });

  test('responses of RFC 7541, appendix C.5, with entries that are pushed out of a small table', () => {
    const decoder = new HeaderDecoder();
    const first = bytes(`3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133
      3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`);
    const date = 'Mon, 21 Oct 2013 20:13:21 GMT';
    assert.deepEqual(decoder.decode(first), [[':status', '302'], ['cache-control', 'private'], ['date', date], ['location', 'https://www.example.com']]);
    assert.deepEqual(decoder.decode(bytes('4803 3330 37c1 c0bf'))[0], [':status', '307']);
  });

  test('what is written is read, whatever the names and values', () => {
    const text = fc.string({ maxLength: 400, unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 10 }), (headers) => {
        assert.deepEqual(new HeaderDecoder().decode(encodeHeaders(headers)), headers);
      }),
    );
  });

  test('any bytes are headers or an error, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
        try {
          new HeaderDecoder().decode(block);
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof RangeError) && !(error instanceof TypeError));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('malformed blocks are refused', () => {
    const refused = { 'an index that is not there': 'ff00', 'index 0': '80', 'a table that was not offered': '3fe2ff01', 'half a text': '4005616263' };
    for (const [what, hex] of Object.entries(refused)) assert.throws(() => new HeaderDecoder().decode(bytes(hex)), what);
    const bomb = Buffer.concat([bytes('4001617f a11e'), Buffer.alloc(4000, 'x'), Buffer.alloc(100, 0xbe)]);
    assert.throws(() => new HeaderDecoder().decode(bomb), /too many headers/);
  });

  test('the Huffman code ends in at most seven ones', () => {
    assert.equal(decodeHuffman(bytes('f1e3c2e5f23a6ba0ab90f4ff')).toString(), 'www.example.com');
    for (const wrong of ['ff', 'f1e3c2e5f23a6ba0ab90f4ffff', 'f1e3c2e5f23a6ba0ab90f4fe']) assert.throws(() => decodeHuffman(bytes(wrong)), wrong);
  });

  test("every octet as Node's own HTTP/2 encodes it, over several requests of one connection", async () => {
    const all = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => index + 33));
    const high = String.fromCharCode(...Array.from({ length: 128 }, (_, index) => index + 128));
    const wanted = [all, high, `${all}${all}`, 'e'.repeat(200), all];
    const heard = await requestsOf(wanted.map((value) => ({ ':path': '/x', 'x-long': value, authorization: 'Bearer a.b' })));
    assert.deepEqual(heard.map((headers) => headers.get('x-long')), wanted);
    assert.ok(heard.every((headers) => headers.get('authorization') === 'Bearer a.b' && headers.get(':path') === '/x'));
  });
});

/** Headers of requests that Node's client sends in one connection. */
const requestsOf = async (requests: readonly Record<string, string>[]): Promise<ReadonlyMap<string, string>[]> => {
  const heard: ReadonlyMap<string, string>[] = [];
  const all = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const decoder = new HeaderDecoder();
    const reader = new ConnectionReader({
      onFrame: () => {},
      onHeaders: (_stream, _end, block) => {
        heard.push(new Map(decoder.decode(block)));
        if (heard.length === requests.length) all.resolve();
      },
    });
    socket.on('error', () => {});
    socket.on('data', (chunk) => reader.read(chunk, () => false));
    socket.write(frameOf(frameType.settings, 0, 0, Buffer.alloc(0)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connectHttp2(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  client.on('error', () => {});
  for (const headers of requests) client.request(headers).on('error', () => {});
  await all.promise;
  client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
  return heard;
};
