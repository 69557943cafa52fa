import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Servers } from './servers.ts';

test('one server is dialled again and again, a pause between', () => {
  const servers = new Servers('a:1', 0.99);
  assert.deepEqual([servers.failed(), servers.failed(), servers.lost()], Array.from({ length: 3 }, () => ({ server: 'a:1', isNewRound: true })));
  assert.throws(() => new Servers(' , ', 0), RangeError);
});

test('a round goes over all servers without a pause, from anywhere', () => {
  const servers = new Servers('a:1, b:1,c:1', 0.5);
  assert.equal(servers.current, 'b:1');
  assert.deepEqual(servers.failed(), { server: 'c:1', isNewRound: false });
  assert.deepEqual(servers.failed(), { server: 'a:1', isNewRound: false });
  assert.deepEqual(servers.tried, ['b:1', 'c:1']);
  assert.deepEqual(servers.failed(), { server: 'b:1', isNewRound: true });
  assert.deepEqual(servers.tried, []);
});

test('whoever is said to lead is next, also when nobody wrote it on the list', () => {
  const servers = new Servers('a:1,b:1,c:1', 0);
  assert.deepEqual(servers.failed('c:1'), { server: 'c:1', isNewRound: false });
  assert.deepEqual(servers.failed('elsewhere:1'), { server: 'elsewhere:1', isNewRound: false });
  assert.deepEqual(servers.failed(), { server: 'b:1', isNewRound: false });
  assert.deepEqual(servers.failed('a:1'), { server: 'a:1', isNewRound: true }, 'one that was tried is tried again after a pause');
});

test('two followers that name each other do not keep an agent running', () => {
  const servers = new Servers('a:1,b:1', 0);
  assert.equal(servers.failed('b:1').isNewRound, false);
  assert.equal(servers.failed('a:1').isNewRound, true);
});

test('a connection that is lost is looked for where it was', () => {
  const servers = new Servers('a:1,b:1', 0);
  servers.failed();
  servers.serves();
  assert.deepEqual([servers.lost(), servers.tried], [{ server: 'b:1', isNewRound: true }, []]);
});
