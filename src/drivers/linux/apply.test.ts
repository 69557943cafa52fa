import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Output } from '../../kit/process.ts';
import { applyOps } from './apply.ts';
import type { LinuxOp } from './difference.ts';
import type { Tools } from './tools/tools.ts';

const op = (key: string, argv: LinuxOp['argv'], more: Partial<LinuxOp> = {}): LinuxOp => ({ key, argv, after: [], rows: [], ...more });
const output = (status: number, stdout = '', stderr = ''): Output => ({ status, stdout, stderr });

interface Call {
  readonly line: string;
  readonly stdin: string | undefined;
}

/** Runs nothing; answers what the test says and remembers what was asked. */
const recorder = (answer: (call: Call) => Output, verdict: (line: string) => string | undefined = () => undefined) => {
  const calls: Call[] = [];
  const batches: { readonly prefix: string; readonly lines: readonly string[] }[] = [];
  const left: (string | undefined)[] = [];
  const tools: Tools = {
    run: async (argv, stdin) => {
      const call = { line: argv.join(' '), stdin };
      calls.push(call);
      return answer(call);
    },
    batch: async (prefix, lines) => {
      batches.push({ prefix: prefix.join(' '), lines });
      return lines.map(verdict);
    },
    leave: async (place) => void left.push(place),
  };
  return { calls, batches, left, tools };
};

const link = (key: string, name: string, more: Partial<LinuxOp> = {}): LinuxOp =>
  op(key, ['ip', '-n', 'vrf1', 'link', 'set', 'dev', name, 'up'], more);

describe('applying steps', () => {
  it('runs steps of one namespace as one batch, and lets go of all namespaces in the end', async () => {
    const { calls, batches, left, tools } = recorder(() => output(0));
    const results = await applyOps([link('a', 'x'), link('b', 'y'), op('c', ['ip', 'link', 'set', 'dev', 'p1', 'alias', ''])], tools);
    assert.deepEqual(batches, [
      { prefix: 'ip -n vrf1', lines: ['link set dev x up', 'link set dev y up'] },
      { prefix: 'ip', lines: ['link set dev p1 alias ""'] },
    ]);
    assert.deepEqual([calls, left], [[], [undefined]]);
    assert.deepEqual(results.map(({ key, ok }) => [key, ok]), [['a', true], ['b', true], ['c', true]]);
  });

  it('names the step of a batch that failed, blocks what comes after it, and runs the rest', async () => {
    const { batches, tools } = recorder(() => output(0), (line) => (line.includes('bad') ? 'Cannot set "bad"' : undefined));
    const results = await applyOps([link('a', 'x'), link('b', 'bad'), link('c', 'z', { after: ['b'] }), link('d', 'w'), link('e', 'v')], tools);
    const byKey = new Map(results.map((result) => [result.key, result]));
    assert.deepEqual(byKey.get('b'), { key: 'b', ok: false, code: 'Failed', message: 'Cannot set "bad"' });
    const blocked = byKey.get('c');
    assert.equal(blocked?.ok === false && blocked.code, 'Blocked');
    assert.deepEqual(['a', 'd', 'e'].map((key) => byKey.get(key)?.ok), [true, true, true]);
    assert.ok(batches.every(({ lines }) => !lines.includes('link set dev z up')));
  });

  it('lets go of a namespace before its name is taken away', async () => {
    const { calls, left, tools } = recorder(() => output(0));
    await applyOps([link('remove/a', 'x'), op('remove/netns/vrf1', ['ip', 'netns', 'delete', 'vrf1'], { after: ['remove/a'] })], tools);
    assert.deepEqual([left, calls.map(({ line }) => line)], [['vrf1', undefined], ['ip netns delete vrf1']]);
  });

  it('takes "already gone" for done when it removes, and for a failure when it makes', async () => {
    const { tools } = recorder(() => output(0), () => 'Cannot find device "x"');
    assert.deepEqual((await applyOps([op('remove/a', ['ip', 'link', 'delete', 'x'])], tools)).map(({ ok }) => ok), [true]);
    assert.deepEqual((await applyOps([op('a', ['ip', 'link', 'set', 'dev', 'x', 'up'])], tools)).map(({ ok }) => ok), [false]);
  });

  it('takes "already there" for done, but not a VNI that another device holds', async () => {
    const add = op('a', ['ip', 'link', 'add', 'x', 'type', 'vxlan']);
    const there = recorder(() => output(0), () => 'RTNETLINK answers: File exists');
    const held = recorder(() => output(0), () => 'Error: A VXLAN device with the specified VNI already exists.');
    assert.equal((await applyOps([add], there.tools))[0]?.ok, true);
    assert.equal((await applyOps([add], held.tools))[0]?.ok, false);
  });

  it('configures FRR step by step, so that each has its own result', async () => {
    const step = (key: string, line: string): LinuxOp => op(key, ['vtysh', '--vty_socket', '/d', '-c', 'configure terminal', '-c', line]);
    const { tools } = recorder(({ line }) => (line.includes('wrong') ? output(1, '% Unknown command: wrong') : output(0)));
    const results = await applyOps([step('a', 'wrong'), step('b', 'right')], tools);
    assert.deepEqual(results, [{ key: 'a', ok: false, code: 'Failed', message: '% Unknown command: wrong' }, { key: 'b', ok: true }]);
  });

  it('waits until the output shows what all steps wait for', async () => {
    let asked = 0;
    const { tools } = recorder(() => output(0, ['', 'vrf a id 1', 'vrf a id 1\nvrf b id 2'][Math.min(asked++, 2)]));
    const wait = (key: string): LinuxOp => op(key, ['vtysh', '-c', 'show vrf'], { until: [`^vrf ${key} id`] });
    assert.deepEqual((await applyOps([wait('a'), wait('b')], tools)).map(({ ok }) => ok), [true, true]);
    assert.equal(asked, 3);
  });

  it('refuses a word that would end its line in a batch', async () => {
    const { batches, tools } = recorder(() => output(0));
    const results = await applyOps([link('a', 'x\nlink delete y'), link('b', 'z')], tools);
    assert.deepEqual(results.map(({ ok }) => ok), [false, true]);
    assert.deepEqual(batches.flatMap(({ lines }) => lines), ['link set dev z up']);
  });
});
