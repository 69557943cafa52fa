import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, tryRun, type Argv } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { inside } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { smallWiring, withLab } from './testing.ts';

const output = async (manifest: Manifest, node: string, argv: Argv): Promise<string> => (await run(inside(manifest, node, argv))).stdout;

/** What an agent will do, by hand: a bridge with an address, a DHCP server, and one server port in it. */
const serveByHand = async (manifest: Manifest): Promise<void> => {
  const steps = [
    'ip link add br1 type bridge stp_state 0 forward_delay 0',
    'ip addr add 10.1.1.1/24 dev br1',
    'ip link set br1 up',
    'ip link set swp1 master br1 mtu 8950 up',
    'dnsmasq --port=0 --interface=br1 --bind-interfaces --dhcp-authoritative --no-ping --user=root -C /dev/null --pid-file= --leasefile-ro' +
      ' --dhcp-range=10.1.1.0,static,255.255.255.0,1h --dhcp-host=02:00:00:00:00:01,10.1.1.17 --dhcp-option=3,10.1.1.1 --dhcp-option-force=26,8950',
  ];
  for (const step of steps) await run(inside(manifest, 'leaf-1', ['sh', '-c', step]));
};

test('switches get their cables and a way to the machine, servers the MAC addresses that the wiring declares', () =>
  withLab(smallWiring(2), async (manifest) => {
    assert.match(await output(manifest, 'leaf-1', ['ip', '-br', 'link']), /^swp49@\S+ +DOWN/m);
    assert.match(await output(manifest, 's2', ['ip', '-o', 'link', 'show', 'eth1']), /link\/ether 02:00:00:00:00:02 /);
    await run(inside(manifest, 'spine-1', ['ping', '-c1', '-W2', manifest.management.hostAddress]));
    // The first process of a node buries the dead, and what a switch keeps under /run/netns is its own.
    await run(inside(manifest, 'leaf-1', ['sh', '-c', '(sleep 0.05 &); ip netns add red']));
    await until('no zombie', async () => !(await output(manifest, 'leaf-1', ['ps', 'ax', '-o', 'stat='])).includes('Z'));
    assert.equal((await tryRun(inside(manifest, 'spine-1', ['ip', 'netns', 'list']))).stdout, '');
  }));

test('a server follows its cable: a lease with route and MTU on carrier, nothing without, and it answers by its name', () =>
  withLab(smallWiring(1), async (manifest) => {
    const address = () => output(manifest, 's1', ['ip', '-4', '-br', 'addr', 'show', 'eth1']);
    await serveByHand(manifest);
    await until('a lease', async () => (await address()).includes('10.1.1.17/24'));
    assert.match(await output(manifest, 's1', ['ip', 'route']), /^default via 10\.1\.1\.1 dev eth1/m);
    assert.match(await output(manifest, 's1', ['ip', 'link', 'show', 'eth1']), / mtu 8950 /);
    assert.equal(await output(manifest, 'leaf-1', ['busybox', 'wget', '-q', '-O', '-', 'http://10.1.1.17/']), 's1\n');
    await run(inside(manifest, 'leaf-1', ['ip', 'link', 'set', 'swp1', 'down']));
    await until('the address to go', async () => !(await address()).includes('10.1.1.17'));
    await run(inside(manifest, 'leaf-1', ['ip', 'link', 'set', 'swp1', 'up']));
    await until('the address to come back', async () => (await address()).includes('10.1.1.17'));
  }));
