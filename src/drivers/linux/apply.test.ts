import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Output } from '../../kit/process.ts';
import { applyOps } from './apply.ts';
import type { LinuxOp } from './difference.ts';

const op = (key: string, argv: LinuxOp['argv'], more: Partial<LinuxOp> = {}): LinuxOp => ({ key, argv, after: [], rows: [], ...more });
const output = (status: number, stdout = '', stderr = ''): Output => ({ status, stdout, stderr });

interface Call {
  readonly line: string;
  readonly stdin: string | undefined;
}

/** Runs nothing; answers what the test says and remembers what was asked. */
const recorder = (answer: (call: Call) => Output): { readonly calls: Call[]; readonly run: Parameters<typeof applyOps>[1] } => {
  const calls: Call[] = [];
  return {
    calls,
    run: async (argv, stdin) => {
      const call = { line: argv.join(' '), stdin };
      calls.push(call);
      return answer(call);
    },
  };
};

const link = (key: string, name: string, more: Partial<LinuxOp> = {}): LinuxOp =>
  op(key, ['ip', '-n', 'vrf1', 'link', 'set', 'dev', name, 'up'], more);

describe('applying steps', () => {
  it('runs steps of one namespace in one process', async () => {
    const { calls, run } = recorder(() => output(0));
    const results = await applyOps([link('a', 'x'), link('b', 'y'), op('c', ['ip', 'link', 'set', 'dev', 'p1', 'alias', ''])], run);
    assert.deepEqual(calls, [
      { line: 'ip -n vrf1 -batch -', stdin: 'link set dev x up\nlink set dev y up\n' },
      { line: 'ip link set dev p1 alias ', stdin: undefined },
    ]);
    assert.deepEqual(results.map(({ key, ok }) => [key, ok]), [['a', true], ['b', true], ['c', true]]);
  });

  it('finds the step that failed in a batch, blocks what comes after it, and runs the rest', async () => {
    const { calls, run } = recorder(({ stdin = '' }) =>
      stdin.includes('bad') ? output(1, '', `Cannot set "bad"\nCommand failed -:${stdin.split('\n').findIndex((line) => line.includes('bad')) + 1}`) : output(0));
    const results = await applyOps([link('a', 'x'), link('b', 'bad'), link('c', 'z', { after: ['b'] }), link('d', 'w'), link('e', 'v')], run);
    const byKey = new Map(results.map((result) => [result.key, result]));
    assert.deepEqual(byKey.get('b'), { key: 'b', ok: false, code: 'Failed', message: 'Cannot set "bad"; Command failed -:2' });
    assert.equal(byKey.get('c')?.ok === false && byKey.get('c')?.ok, false);
    const blocked = byKey.get('c');
    assert.equal(blocked?.ok === false && blocked.code, 'Blocked');
    assert.deepEqual(['a', 'd', 'e'].map((key) => byKey.get(key)?.ok), [true, true, true]);
    assert.equal(calls.length, 2);
  });

  it('takes "already gone" for done when it removes, and for a failure when it makes', async () => {
    const { run } = recorder(() => output(1, '', 'Cannot find device "x"'));
    assert.deepEqual((await applyOps([op('remove/a', ['ip', 'link', 'delete', 'x'])], run)).map(({ ok }) => ok), [true]);
    assert.deepEqual((await applyOps([op('a', ['ip', 'link', 'set', 'dev', 'x', 'up'])], run)).map(({ ok }) => ok), [false]);
  });

  it('takes "already there" for done, but not a VNI that another device holds', async () => {
    const add = op('a', ['ip', 'link', 'add', 'x', 'type', 'vxlan']);
    const there = recorder(() => output(2, '', 'RTNETLINK answers: File exists'));
    const held = recorder(() => output(2, '', 'Error: A VXLAN device with the specified VNI already exists.'));
    assert.equal((await applyOps([add], there.run))[0]?.ok, true);
    assert.equal((await applyOps([add], held.run))[0]?.ok, false);
  });

  it('configures FRR with one vtysh, and with one a step when that fails', async () => {
    const step = (key: string, line: string): LinuxOp => op(key, ['vtysh', '--vty_socket', '/d', '-c', 'configure terminal', '-c', line]);
    const { calls, run } = recorder(({ line }) => (line.includes('wrong') ? output(1, '% Unknown command: wrong') : output(0)));
    const results = await applyOps([step('a', 'right'), step('b', 'wrong')], run);
    assert.equal(calls[0]?.line, 'vtysh --vty_socket /d -c configure terminal -c right -c end -c configure terminal -c wrong -c end');
    assert.deepEqual(results, [{ key: 'a', ok: true }, { key: 'b', ok: false, code: 'Failed', message: '% Unknown command: wrong' }]);
  });

  it('waits until the output shows what all steps wait for', async () => {
    let asked = 0;
    const { run } = recorder(() => output(0, ['', 'vrf a id 1', 'vrf a id 1\nvrf b id 2'][Math.min(asked++, 2)]));
    const wait = (key: string): LinuxOp => op(key, ['vtysh', '-c', 'show vrf'], { until: [`^vrf ${key} id`] });
    assert.deepEqual((await applyOps([wait('a'), wait('b')], run)).map(({ ok }) => ok), [true, true]);
    assert.equal(asked, 3);
  });

  it('refuses a word that would end its line in a batch', async () => {
    const { calls, run } = recorder(() => output(0));
    const results = await applyOps([link('a', 'x\nlink delete y'), link('b', 'z')], run);
    assert.deepEqual(results.map(({ ok }) => ok), [false, false]);
    assert.deepEqual(calls, []);
  });
});
