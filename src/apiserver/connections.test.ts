/** Clients that are slow, greedy, broken or mean: each is answered or cut off, and others are served meanwhile. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { make, robots } from './httptesting.ts';
import { Outbox } from './outbox.ts';
import { failsWith, readKubeconfig, withServer, type TestServer } from './testing.ts';

/** A connection of the administrator, for bytes that no HTTP client sends. */
const dial = async ({ server }: TestServer, localAddress = '127.0.0.1'): Promise<TLSSocket> => {
  const { host, port } = { host: '127.0.0.1', port: Number(new URL(server.url).port) };
  const { ca, cert, key } = await readKubeconfig(server.kubeconfigPath);
  return new Promise((resolve, reject) => {
    const socket = connect({ socket: connectPlain({ host, port, localAddress }), host, ca, cert, key }, () => resolve(socket));
    socket.on('error', reject);
  });
};

/** Sends the text and answers all that comes until the server closes the connection. */
const converse = async (test: TestServer, text: string | Buffer): Promise<string> => {
  const socket = await dial(test);
  return new Promise((resolve) => {
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
};

const statuses = (answer: string): string[] => [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code = '']) => code);
const close = 'Connection: close\r\n';
const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

describe('connections', () => {
  it('refuse what two readers could understand in two ways, as a Status, and close', () =>
    withServer(async (test) => {
      const post = (headers: string, body: string): string => `POST ${robots} HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;
      const hidden = get('/version');
      const shapes: [what: string, text: string | Buffer, code: string][] = [
        ['a length and chunks', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${hidden}`), '400'],
        ['two lengths', post('Content-Length: 2\r\nContent-Length: 40\r\n', `{}${hidden}`), '400'],
        ['a length with a sign', post('Content-Length: +2\r\n', `{}${hidden}`), '400'],
        ['chunks under another name', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${hidden}`), '400'],
        ['chunks last but one', post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${hidden}`), '400'],
        ['a space before the colon', post('Content-Length : 2\r\n', `{}${hidden}`), '400'],
        ['a chunk of no size', post('Transfer-Encoding: chunked\r\n', `zz\r\n\r\n${hidden}`), '400'],
        ['a folded header', get('/version', 'X: a\r\n b\r\nContent-Length: 2\r\n 0\r\n'), '400'],
        ['no host', 'GET /version HTTP/1.1\r\n\r\n', '400'],
        ['another protocol', 'SSH-2.0-x\r\n\r\n', '400'],
        ['headers beyond all', get('/version', `X: ${'x'.repeat(40_000)}\r\n`), '431'],
      ];
      for (const [what, text, code] of shapes) {
        const answer = await converse(test, text);
        assert.deepEqual([what, statuses(answer)], [what, [code]]);
        if (what !== 'no host') assert.match(answer, /"kind":"Status".*"status":"Failure"/, what);
      }
      assert.equal((await test.call('GET', '/readyz')).status, 200);
    }));

  it('answer one request after the other, in order, and end for who sends requests without end', () =>
    withServer(async (test) => {
      await make(test, 'a');
      const answer = await converse(test, get(robots) + get(`${robots}/a`) + get(`${robots}/b`) + get('/version', close));
      assert.deepEqual(statuses(answer), ['200', '200', '404', '200']);
      assert.deepEqual(answer.match(/"kind":"(RobotList|Robot|Status)","apiVersion"|"kind":"Robot","|"major"/g)?.at(-1), '"major"');
      const flood = await converse(test, get(robots).repeat(3000));
      assert.ok(statuses(flood).length < 200, `${statuses(flood).length} answers`);
      assert.equal((await test.call('GET', '/readyz')).status, 200);
    }));

  it('end for who does not come to the point: no request, headers by the byte, a body that never comes', () =>
    withServer(
      async (test) => {
        const silent = await converse(test, '');
        const slow = await converse(test, 'GET /version HTTP/1.1\r\nHost: a\r\nX: ');
        const waiting = await converse(test, `POST ${robots} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"api`);
        assert.deepEqual([statuses(silent), statuses(slow)], [['408'], ['408']]);
        assert.ok(waiting === '' || statuses(waiting)[0] === '408' || statuses(waiting)[0] === '400', waiting);
        assert.equal((await test.call('GET', '/readyz')).status, 200);
      },
      { limits: { headersMilliseconds: 300, requestMilliseconds: 400, checkMilliseconds: 50 } },
    ));

  it('beyond the limit are closed at once; when others have gone there is room again', () =>
    withServer(
      async (test) => {
        const idle = [await dial(test), await dial(test), await dial(test)];
        await assert.rejects(dial(test));
        for (const socket of idle) socket.destroy();
        for (;;) {
          const { status } = await test.call('GET', '/readyz').catch(() => ({ status: 0 }));
          if (status === 200) break;
        }
      },
      { limits: { connections: 3 } },
    ));

  it('beyond the limit go at the cost of the address that has most', () =>
    withServer(
      async (test) => {
        const many = await Promise.all(Array.from({ length: 4 }, () => dial(test)));
        const ends = many.map((socket) => new Promise((resolve) => socket.once('close', () => resolve(socket))));
        const seldom = await dial(test, '127.0.0.2');
        await Promise.race(ends);
        assert.equal(many.filter(({ destroyed }) => destroyed).length, 1);
        const answer = new Promise((resolve) => seldom.once('data', (text) => resolve(String(text).slice(0, 15))));
        seldom.write(get('/readyz'));
        assert.equal(await answer, 'HTTP/1.1 200 OK');
        for (const socket of [...many, seldom]) socket.destroy();
      },
      { limits: { connections: 4 } },
    ));

  it('take bodies that come in tiny pieces, and none that are encoded', () =>
    withServer(async (test) => {
      const body = JSON.stringify({ metadata: { name: 'tiny' }, spec: { model: 'r2' } });
      const chunks = [...body].map((character) => `1\r\n${character}\r\n`).join('');
      const answer = await converse(test, `POST ${robots} HTTP/1.1\r\nHost: a\r\n${close}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
      assert.deepEqual(statuses(answer), ['201']);
      assert.equal((await test.call('POST', robots, { body: 'x', headers: { 'content-encoding': 'gzip' } })).status, 415);
      // What was refused before its end is read to the end, and the next request is the next one.
      const large = `POST ${robots} HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n${get('/api').repeat(200_000).slice(0, 4_000_000)}`;
      assert.deepEqual(statuses(await converse(test, large + get('/version', close))), ['413', '200']);
      const endless = await converse(test, `POST ${robots} HTTP/1.1\r\nHost: a\r\nContent-Length: 400000000\r\n\r\nx`);
      assert.deepEqual(statuses(endless), ['413']);
    }, { limits: { lingerMilliseconds: 300 } }));
});

describe('answers that nobody reads', () => {
  const response = (): ServerResponse => Object.assign(new EventEmitter(), { destroy: () => undefined }) as never;

  it('are bounded together; small ones and the first one always go out', () => {
    const outbox = new Outbox(100_000);
    const [first, second] = [response(), response()];
    outbox.take(first, 200_000);
    assert.throws(() => outbox.take(second, 20_000), failsWith('TooManyRequests'));
    outbox.take(second, 1000);
    first.emit('close');
    outbox.take(second, 90_000);
    second.emit('close');
  });
});
