/** Cables that are not where the wiring says: swapped and cut on a lab, told by the Connections, and cleared when healed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition, Resource } from '../api/object.ts';
import { run } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { cutLink, healLink } from './chaos.ts';
import { labDown } from './down.ts';
import type { Manifest } from './manifest.ts';
import { object, testName } from './testing.ts';
import { labUp } from './up.ts';

const cable = (name: string, ...ends: readonly string[]): Resource => object('Connection', name, { links: [{ ends }] });

const objects: Resource[] = [
  object('Fabric', 'default', {}),
  object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] }),
  object('Switch', 'spine-1', { role: 'spine' }),
  object('Switch', 'leaf-1', { role: 'leaf', profile: 'leaf-48x25g-8x100g', ports: { 'E1/50': { breakout: '4x25G' } } }),
  object('Switch', 'leaf-2', { role: 'leaf' }),
  object('Server', 's1', { ports: { eth1: { mac: '02:00:00:00:00:01' } } }),
  cable('up-1', 'spine-1/E1/1', 'leaf-1/E1/49'),
  cable('up-2', 'spine-1/E1/2', 'leaf-2/E1/49'),
  cable('s1', 's1/eth1', 'leaf-1/E1/50/3'),
  object('VPC', 'shop', { subnets: { front: { cidr: '10.1.0.0/24' } } }),
  object('VPCAttachment', 's1', { vpc: 'shop', subnet: 'front', connection: 's1' }),
];

/** Exchanges the leaves' ends of the two cables of the spine; run again, back. */
const joinLeaves = async ({ nodes }: Manifest, pairs: readonly (readonly [string, string])[]): Promise<void> => {
  const at = (name: string): string => nodes.find((node) => node.name === name)?.namespace ?? '';
  for (const port of ['swp1', 'swp2']) await run(['ip', '-n', at('spine-1'), 'link', 'delete', port]);
  for (const [port, leaf] of pairs) {
    await run(['ip', 'link', 'add', port, 'netns', at('spine-1'), 'mtu', '9216', 'type', 'veth', 'peer', 'name', 'swp49', 'netns', at(leaf), 'mtu', '9216']);
  }
};

test('cables that are swapped or cut are told by their Connections, and no longer when they are put right', async () => {
  const name = testName();
  const lab = await labUp({ name, objects });
  try {
    const { manifest, api } = lab;
    const becomes = (connection: string, expected: RegExp): Promise<unknown> => {
      let last = 'nothing';
      return until(`${connection} ${expected}`, async () => {
        const found = (await api.list('Connection')).find(({ metadata }) => metadata.name === connection);
        const condition = (found?.status as { conditions?: readonly Condition[] } | undefined)?.conditions?.find(({ type }) => type === 'Cabled');
        last = condition === undefined ? 'nothing' : `${condition.status} ${condition.reason}: ${condition.message}`;
        return expected.test(last);
      }, 40_000).catch((error: unknown) => assert.fail(`${String(error)}; said is ${last}`));
    };
    await Promise.all(['up-1', 'up-2', 's1'].map((connection) => becomes(connection, /^True Cabled/)));

    await joinLeaves(manifest, [['swp1', 'leaf-2'], ['swp2', 'leaf-1']]);
    await becomes('up-1', /^False WrongPort: .*"spine-1\/E1\/1" is declared to lead to "leaf-1\/E1\/49", but leads to "leaf-2\/E1\/49"/);
    await becomes('up-2', /^False WrongPort/);
    await joinLeaves(manifest, [['swp1', 'leaf-1'], ['swp2', 'leaf-2']]);
    await Promise.all(['up-1', 'up-2'].map((connection) => becomes(connection, /^True Cabled/)));

    await Promise.all(['up-2', 's1'].map((connection) => cutLink(manifest, connection, 'carrier')));
    await Promise.all(['up-2', 's1'].map((connection) => becomes(connection, /^False Missing/)));
    await Promise.all(['up-2', 's1'].map((connection) => healLink(manifest, connection)));
    await Promise.all(['up-2', 's1'].map((connection) => becomes(connection, /^True Cabled/)));
  } finally {
    lab.close();
    await labDown({ name });
  }
});
