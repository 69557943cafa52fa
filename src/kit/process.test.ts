import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeddleError } from './error.ts';
import { CommandError, commandLine, run, tryRun } from './process.ts';

test('run passes standard input through and returns what the program said', async () => {
  assert.deepEqual(await run(['cat'], { stdin: 'a\nb\n' }), { status: 0, stdout: 'a\nb\n', stderr: '' });
});

test('an argument with quotes, blanks and a semicolon arrives as one word', async () => {
  const { stdout } = await run(['printf', '%s', `a 'b'; exit 1 "$HOME"`]);
  assert.equal(stdout, `a 'b'; exit 1 "$HOME"`);
});

test('a program that fails is a CommandError with its command line and last words', async () => {
  await assert.rejects(run(['sh', '-c', 'echo no such link >&2; exit 3']), (error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.output.status, 3);
    assert.equal(error.message, `"sh -c 'echo no such link >&2; exit 3'" exited 3: no such link`);
    return true;
  });
});

test('tryRun gives the exit status of a failing program, and 128 + n when a signal ended it', async () => {
  assert.equal((await tryRun(['false'])).status, 1);
  assert.equal((await tryRun(['sh', '-c', 'kill -TERM $$'])).status, 143);
});

test('a program that is not installed is named', async () => {
  await assert.rejects(run(['heddle-no-such-program']), /the program "heddle-no-such-program" is not installed/);
});

test('a program that never ends is killed and reported as Timeout', async () => {
  await assert.rejects(
    run(['sleep', '100'], { timeoutMilliseconds: 50 }),
    (error) => error instanceof HeddleError && error.code === 'Timeout',
  );
});

test('commandLine quotes only what a shell would take apart', () => {
  assert.equal(commandLine(['ip', '-n', 'leaf-1', 'addr', 'add', '10.0.0.1/32']), 'ip -n leaf-1 addr add 10.0.0.1/32');
  assert.equal(commandLine(['vtysh', '-c', "it's"]), `vtysh -c 'it'\\''s'`);
});
