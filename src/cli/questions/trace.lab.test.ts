/** `heddle trace --actual` on real devices: what somebody broke by hand is seen before it is repaired. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../../api/object.ts';
import type { TraceView } from '../../api/traceview.ts';
import { until } from '../../kit/testing.ts';
import { run } from '../../kit/process.ts';
import { killAgent } from '../../lab/chaos.ts';
import { labDown } from '../../lab/down.ts';
import { inside } from '../../lab/inside.ts';
import { testName } from '../../lab/testing.ts';
import { labUp } from '../../lab/up.ts';
import { runProgram } from '../program.ts';

const example = (file: string): Resource[] =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, '..', '..', '..', 'examples', 'spine-leaf', file), 'utf8')).map((document) => document.toJS() as Resource);

test('a trace through real devices sees what was broken by hand, and does not know who is silent', async () => {
  const name = testName();
  const lab = await labUp({ name, objects: [...example('wiring.yaml'), ...example('tenants.yaml')] });
  try {
    const { manifest, kubeconfig } = lab;
    const traced = async (): Promise<TraceView> => {
      let out = '';
      const io = { out: (text: string) => (out += text), note: () => undefined, stdin: async () => '', columns: 120, isTerminal: false };
      await runProgram(['trace', 'web-1', 'web-2', '--actual', '-o', 'json'], { ...io, env: { HEDDLE_KUBECONFIG: kubeconfig }, signal: new AbortController().signal });
      return JSON.parse(out) as TraceView;
    };
    const whole = await traced();
    assert.deepEqual([whole.result, whole.actual?.result], ['delivered', 'delivered'], JSON.stringify(whole.actual));
    assert.ok(whole.actual?.devices.some(({ device }) => device.startsWith('spine')), 'those between are asked too');

    const found = await run(inside(manifest, 'leaf-2', ['sh', '-c', 'for ns in $(ls /run/netns); do nsenter --net=/run/netns/$ns nft list tables 2>/dev/null | grep -q heddle && echo $ns; done; true']));
    const vrfs = found.stdout.trim().split('\n').filter((each) => each !== '');
    assert.ok(vrfs.length > 0);
    // The agent looks by itself every few seconds, and may be first.
    await until('the trace comes before the repair', async () => {
      await run(inside(manifest, 'leaf-2', ['sh', '-c', vrfs.map((each) => `nsenter --net=/run/netns/${each} nft flush ruleset`).join('; ')]));
      const broken = await traced();
      assert.equal(broken.result, 'delivered');
      if (broken.actual?.differsAt === undefined) return false;
      assert.equal(broken.actual.differsAt.device, 'leaf-2');
      const leaf = broken.actual.devices.find(({ device }) => device === 'leaf-2');
      assert.match(leaf?.rows.map(({ why }) => why).join('\n') ?? '', /nft/);
      return true;
    });
    await until('it is repaired', async () => (await traced()).actual?.result === 'delivered');

    await killAgent(manifest, 'leaf-2');
    await until('nobody knows', async () => (await traced()).actual?.result === 'unknown');
  } finally {
    lab.close();
    await labDown({ name });
  }
});
