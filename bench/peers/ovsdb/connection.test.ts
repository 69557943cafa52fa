import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { objectOr, type JsonObject } from '../../../src/kit/json.ts';
import { Connection } from './connection.ts';
import { createSplitter } from './frames.ts';
import { insert } from './rows.ts';

/** A server that hands every message to `answer`, and a connection to it. */
const connectTo = async (t: TestContext, answer: (message: JsonObject, send: (text: string) => void, socket: Socket) => void): Promise<Connection> => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-ovsdb-'));
  const path = join(directory, 'sock');
  const server = createServer((socket) => {
    const split = createSplitter();
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const message of split(text)) answer(objectOr(JSON.parse(message)), (reply) => socket.write(reply), socket);
    });
  });
  server.listen(path);
  await once(server, 'listening');
  const connection = await Connection.open(path);
  t.after(() => {
    connection.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return connection;
};

test('answers find their calls in any order, and a refusal fails its call alone', async (t) => {
  const waiting: JsonObject[] = [];
  const connection = await connectTo(t, (message, send) => {
    waiting.push(message);
    if (waiting.length < 3) return;
    const [first, second, third] = waiting;
    send(`{"id":${String(third?.id)},"result":[{"uuid":["uuid","a"]}],"error":null}`);
    send(`{"id":${String(second?.id)},"result":null,"error":"unknown database"}{"id":${String(first?.id)},"result":"pong","error":null}`);
  });
  const first = connection.call('ping', []);
  const second = connection.call('get_schema', ['none']);
  const third = connection.transact('db', [insert('Table', { name: 'x' })]);
  await assert.rejects(second, /the server answered an error: "unknown database"/);
  assert.deepEqual([await first, await third], ['pong', [{ uuid: ['uuid', 'a'] }]]);
  assert.deepEqual(waiting.map(({ method, params }) => ({ method, params }))[2], {
    method: 'transact',
    params: ['db', { op: 'insert', table: 'Table', row: { name: 'x' } }],
  });
});

test('the server\'s echo is answered and its notifications are heard', async (t) => {
  const heard: unknown[] = [];
  const connection = await connectTo(t, (message, send) => {
    if (message.method === 'monitor') send('{"id":"echo","method":"echo","params":[7]}');
    else if (message.id === 'echo') send(`{"id":null,"method":"update","params":${JSON.stringify(message.result)}}{"id":0,"result":{},"error":null}`);
  });
  const forget = connection.listen((method, params) => heard.push([method, params]));
  await connection.call('monitor', []);
  assert.deepEqual(heard, [['update', [7]]]);
  forget();
});

test('a lost connection fails what waits and what comes after', async (t) => {
  const connection = await connectTo(t, (_, __, socket) => socket.destroy());
  await assert.rejects(connection.call('ping', []), /the server closed the connection/);
  await assert.rejects(connection.call('ping', []), /the server closed the connection/);
  assert.match((await connection.closed).message, /the server closed the connection/);
});
