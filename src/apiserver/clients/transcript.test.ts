import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf, Transcript } from './transcript.ts';

test('a command is noted without the names and files of its story', () => {
  const noted = [
    [['apply', '-f', '/tmp/x.yaml'], 'apply -f'],
    [['apply', '--server-side', '-f', '/tmp/x.yaml', '--field-manager=me'], 'apply --server-side -f'],
    [['get', 'robots', '-o', 'jsonpath={.spec}'], 'get -o jsonpath'],
    [['get', 'robots', '-l', 'rack=r1', '-o', 'name'], 'get -l -o name'],
    [['create', 'namespace', 'team'], 'create namespace'],
    [['create', '--dry-run=server', '-f', 'x'], 'create --dry-run server -f'],
    [['auth', 'can-i', 'get', 'vpcs', '--as', 'jane'], 'auth can-i --as'],
    [['wait', '--for=condition=Programmed', 'robot/r', '--timeout=20s'], 'wait --for condition'],
    [['events', '--for', 'robot/a'], 'events --for'],
    [['apply', 'view-last-applied', 'robot', 'a'], 'apply view-last-applied'],
    [['delete', 'robot', 'r', '--cascade=foreground', '--wait=false'], 'delete --cascade foreground'],
  ] as const;
  for (const [words, command] of noted) assert.equal(commandOf(words), command);
});

test('what a client did is told once, clients and commands in order', () => {
  const transcript = new Transcript();
  transcript.note('kubectl 1.33', [['get', 'b'], ['apply', '-f', 'x'], ['get', 'c']]);
  transcript.note('kubectl 1.9', [['version']]);
  assert.deepEqual(transcript.commands, { 'kubectl 1.9': ['version'], 'kubectl 1.33': ['apply -f', 'get'] });
});
