import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, tryRun, type Argv } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { cutLink, healLink, killAgent } from './chaos.ts';
import { labExec } from './exec.ts';
import { inside } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { smallWiring, withLab } from './testing.ts';

const addresses = async (manifest: Manifest, ends: readonly (readonly [string, string, string])[]): Promise<void> => {
  for (const [node, port, address] of ends) {
    await run(inside(manifest, node, ['ip', 'link', 'set', port, 'up']));
    await run(inside(manifest, node, ['ip', 'addr', 'add', address, 'dev', port]));
  }
};

const reaches = async (manifest: Manifest, node: string, address: string): Promise<boolean> =>
  (await tryRun(inside(manifest, node, ['ping', '-c1', '-W1', address]))).status === 0;

const link = async (manifest: Manifest, node: string, port: string): Promise<string> =>
  (await tryRun(inside(manifest, node, ['ip', '-br', 'link', 'show', 'dev', port]))).stdout;

test('a silent cut stops traffic without a sign, a pulled port takes the carrier away, and both heal', () =>
  withLab(smallWiring(1), async (manifest) => {
    await addresses(manifest, [
      ['leaf-1', 'swp49', '10.9.0.1/24'],
      ['spine-1', 'swp1', '10.9.0.2/24'],
    ]);
    assert.equal(await reaches(manifest, 'leaf-1', '10.9.0.2'), true);
    await cutLink(manifest, 'up');
    await cutLink(manifest, 'up');
    assert.equal(await reaches(manifest, 'leaf-1', '10.9.0.2'), false);
    assert.match(await link(manifest, 'spine-1', 'swp1'), / UP /);
    await healLink(manifest, 'up');
    assert.equal(await reaches(manifest, 'leaf-1', '10.9.0.2'), true);

    await cutLink(manifest, 'up', 'carrier');
    await cutLink(manifest, 'up', 'carrier');
    assert.equal(await link(manifest, 'leaf-1', 'swp49'), '');
    await until('the far end to lose its carrier', async () => (await link(manifest, 'spine-1', 'swp1')).includes('NO-CARRIER'));
    await healLink(manifest, 'up');
    await healLink(manifest, 'up');
    assert.match(await link(manifest, 'leaf-1', 'swp49'), /^swp49@/);
  }));

test('a server whose cable is pulled and put back is up again', () =>
  withLab(smallWiring(1), async (manifest) => {
    await run(inside(manifest, 'leaf-1', ['ip', 'link', 'set', 'swp1', 'up']));
    await until('carrier', async () => (await link(manifest, 's1', 'eth1')).includes(' UP '));
    await cutLink(manifest, 's1--leaf-1', 'carrier');
    await until('no carrier', async () => (await link(manifest, 'leaf-1', 'swp1')).includes('NO-CARRIER'));
    await healLink(manifest, 's1--leaf-1');
    await until('carrier again', async () => (await link(manifest, 's1', 'eth1')).includes(' UP '));
  }));

test('what is not there cannot be broken, and the fault says what is', () =>
  withLab(smallWiring(1), async (manifest) => {
    await assert.rejects(cutLink(manifest, 'nowhere'), /has no connection "nowhere": it has up, s1--leaf-1/);
    await assert.rejects(killAgent(manifest, 'leaf-1'), /the agent of "leaf-1" does not run/);
    await assert.rejects(killAgent(manifest, 'leaf-9'), /has no node "leaf-9": it has spine-1, leaf-1, s1/);
  }));

test('a command in a node passes its exit status on', () =>
  withLab(smallWiring(1), async ({ name }) => {
    const status = (node: string, argv: Argv) => labExec({ name, node, argv });
    assert.equal(await status('s1', ['test', '-e', '/sys/class/net/eth1']), 0);
    assert.equal(await status('leaf-1', ['test', '-e', '/sys/class/net/eth1']), 1);
    assert.equal(await status('s1', ['sh', '-c', 'exit 7']), 7);
    assert.equal(await status('leaf-1', ['sh', '-c', 'kill -9 $$']), 137);
    await assert.rejects(status('leaf-9', ['true']), /has no node "leaf-9"/);
  }));
