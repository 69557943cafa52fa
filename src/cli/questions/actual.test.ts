/** `heddle trace --actual` with real agents over devices in memory, one of which is broken by hand. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../../agent/agent.ts';
import type { TraceView } from '../../api/traceview.ts';
import { attachment, smallFabric, vpc } from '../../compile/fixture.ts';
import { createAll } from '../../control/testing.ts';
import { FakeDevice } from '../../drivers/fake/fake.ts';
import { createLogger } from '../../kit/log.ts';
import { until } from '../../kit/testing.ts';
import { deviceToken, loadTokenSecret } from '../../southbound/tokens.ts';
import { runProgram } from '../program.ts';
import { openControlPlane, type ControlPlane } from '../server.ts';
import { tokenSecretFile } from '../token.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'] as const;

describe('heddle trace --actual', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-actual-'));
  const log = createLogger({ name: 'test', level: 'silent' });
  const held = new Map(devices.map((name) => [name, new FakeDevice()]));
  const agents = new Map<string, Agent>();
  let plane: ControlPlane;

  const heddle = async (...words: string[]): Promise<{ status: number; out: string; note: string }> => {
    let [out, note] = ['', ''];
    const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', columns: 120, isTerminal: false };
    const status = await runProgram(words, { ...io, env: { HEDDLE_KUBECONFIG: plane.kubeconfigPath }, signal: new AbortController().signal });
    return { status, out, note };
  };
  const traced = async (): Promise<TraceView> => JSON.parse((await heddle('trace', 'a1', 'a2', '--actual', '-o', 'json')).out) as TraceView;

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    await createAll(plane.client, [
      ...smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'),
      vpc('shop', { web: '10.1.1.0/24' }),
      attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }),
      attachment('a2', { vpc: 'shop', subnet: 'web', connection: 'a2--leaf-2' }),
    ]);
    const secret = loadTokenSecret(tokenSecretFile(folder));
    for (const [device, memory] of held) {
      agents.set(device, await startAgent({
        device,
        server: plane.southbound,
        ca: readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8'),
        token: () => deviceToken(secret, device),
        stateDirectory: join(folder, device),
        driver: memory.driver(),
        log,
        newEpoch: () => 'epoch',
        // Nothing is repaired that nobody asks about.
        driftMilliseconds: 600_000,
      }));
    }
    await until('all devices are as they are to be', async () => (await heddle('trace', 'a1', 'a2', '--actual')).status === 0);
  });

  after(async () => {
    for (const agent of agents.values()) await agent.stop();
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds what devices run as it is to be', async () => {
    const { out } = await heddle('trace', 'a1', 'a2', '--actual');
    assert.match(out, /^as the devices run: delivered\n {2}what the devices on the way run is what they are to run$/m);
    const { actual, there } = await traced();
    assert.deepEqual(actual?.devices.map(({ device, state }) => `${device} ${state}`), ['leaf-1 same', 'spine-1 same', 'leaf-2 same']);
    assert.deepEqual([...new Set(there[0]?.steps.map((step) => step.actual?.state))], ['same']);
  });

  it('says where a row that was taken away by hand is missing, and that the packet is lost there', async () => {
    const host = [...(held.get('leaf-2')?.rows.keys() ?? [])].find((row) => row.startsWith('host/')) ?? '';
    held.get('leaf-2')?.rows.delete(host);
    const { result, actual, there } = await traced();
    assert.deepEqual([result, actual?.result], ['delivered', 'dropped']);
    assert.deepEqual([actual?.differsAt?.direction, actual?.differsAt?.device, actual?.differsAt?.row], ['there', 'leaf-2', host]);
    assert.deepEqual(there[0]?.steps.map(({ device, doing, actual: state }) => `${device} ${doing} ${state?.state}`), [
      'leaf-1 enters same', 'leaf-1 encapsulated same', 'leaf-2 arrives differs', 'leaf-2 delivered same',
    ]);
    await until('it is repaired', () => held.get('leaf-2')?.rows.has(host) === true);
  });

  it('sees a cable that the spine does not use', async () => {
    held.get('spine-1')?.rows.delete('bgpPeer/E1/2');
    const { status, out } = await heddle('trace', 'a1', 'a2', '--actual');
    assert.equal(status, 1);
    assert.match(out, /^as the devices run: dropped\n {2}first difference on the way there: spine-1 bgpPeer\/E1\/2: set bgpPeer\/E1\/2/m);
    await until('it is repaired', () => held.get('spine-1')?.rows.has('bgpPeer/E1/2') === true);
  });

  it('names what is there too much', async () => {
    held.get('leaf-1')?.rows.set('leak/vrf1/vrf2', 'stale');
    const { out } = await heddle('trace', 'a1', 'a2', '--actual');
    assert.match(out, /^ {4}not wanted: unset leak\/vrf1\/vrf2$/m);
    await until('it is gone', () => held.get('leaf-1')?.rows.has('leak/vrf1/vrf2') === false);
  });

  it('knows nothing of a device that does not answer', async () => {
    const agent = agents.get('leaf-2');
    agents.delete('leaf-2');
    await agent?.stop();
    await until('it is gone', async () => (await traced()).actual?.result === 'unknown');
    const { status, out } = await heddle('trace', 'a1', 'a2', '--actual');
    assert.equal(status, 1);
    assert.match(out, /^ {2}leaf-2: unknown: it is not connected$/m);
    assert.match(out, /nobody knows what becomes of it/);
  });
});
