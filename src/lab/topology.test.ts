import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeddleError } from '../kit/error.ts';
import { planLab } from './manifest.ts';
import { topologyOf } from './topology.ts';

const object = (kind: string, name: string, spec: unknown) => ({ apiVersion: 'heddle.dev/v1alpha1', kind, metadata: { name }, spec });
const cable = (name: string, ...links: [string, string][]) => object('Connection', name, { links: links.map((ends) => ({ ends })) });
const leaf = object('Switch', 'leaf-1', { role: 'leaf' });
const spine = object('Switch', 'spine-1', { role: 'spine' });
const server = object('Server', 'db', { ports: { eth1: { mac: '02:00:00:00:00:01' }, eth2: {} } });

test('a wiring becomes nodes and cables, neutral port names become interfaces', () => {
  const topology = topologyOf([leaf, spine, server, cable('up', ['leaf-1/E1/49', 'spine-1/E1/1']), cable('db', ['db/eth1', 'leaf-1/E1/1'])]);
  assert.deepEqual(topology, {
    nodes: [
      { name: 'leaf-1', role: 'leaf' },
      { name: 'spine-1', role: 'spine' },
      { name: 'db', role: 'server' },
    ],
    cables: [
      {
        connection: 'up',
        ends: [
          { node: 'leaf-1', port: 'E1/49', interface: 'swp49' },
          { node: 'spine-1', port: 'E1/1', interface: 'swp1' },
        ],
      },
      {
        connection: 'db',
        ends: [
          { node: 'db', port: 'eth1', interface: 'eth1', mac: '02:00:00:00:00:01' },
          { node: 'leaf-1', port: 'E1/1', interface: 'swp1' },
        ],
      },
    ],
  });
});

test('a profile among the files names the interfaces of its switches', () => {
  const profile = object('SwitchProfile', 'box', { ports: { 'E1/1': { interface: 'front0' } } });
  const box = object('Switch', 'leaf-1', { role: 'leaf', profile: 'box' });
  const { cables } = topologyOf([profile, box, server, cable('db', ['db/eth1', 'leaf-1/E1/1'])]);
  assert.equal(cables[0]?.ends[1].interface, 'front0');
});

test('a gateway is a device with an agent, and the router of an External one without', () => {
  const border = object('Switch', 'border-1', { role: 'border' });
  const outside = object('External', 'internet', { addressSpace: 'default', static: { prefixes: ['0.0.0.0/0'] }, attachments: [] });
  const wiring = [border, object('Gateway', 'gw-1', {}), outside];
  const { nodes, cables } = topologyOf([...wiring, cable('a', ['gw-1/E1/1', 'border-1/E1/9']), cable('b', ['border-1/E1/2', 'internet/et1/7'])]);
  assert.deepEqual(nodes.map(({ name, role }) => `${name} ${role}`), ['border-1 border', 'gw-1 gateway', 'internet external']);
  assert.deepEqual(cables.map(({ ends }) => ends.map((end) => end.interface)), [['swp1', 'swp9'], ['swp2', 'et1-7']]);
  const plan = planLab({ name: 'x', id: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9', topology: { nodes, cables }, managementIndex: 0, apiPort: 1 });
  assert.deepEqual(plan.nodes.map(({ managementAddress }) => managementAddress !== undefined), [true, true, false]);
});

test('every fault of a wiring is told at once, each with its place', () => {
  const wrong = [
    leaf,
    object('Server', 'leaf-1', { ports: {} }),
    object('Switch', 'odd', { role: 'leaf', profile: 'unheard-of' }),
    object('Switch', 'bad', { role: 'king' }),
    server,
    cable('a', ['leaf-1/E1/1', 'nobody/E1/1']),
    cable('b', ['leaf-1/E1/1', 'db/eth9']),
    cable('c', ['db/eth1', 'db/eth2']),
    cable('d', ['leaf-1/Ethernet4', 'db/']),
  ];
  const error = (() => {
    try {
      return topologyOf(wrong);
    } catch (thrown) {
      return thrown;
    }
  })();
  assert.ok(error instanceof HeddleError);
  assert.deepEqual(
    error.findings.map(({ path, code }) => `${path} ${code}`),
    [
      'Switch/bad.spec Schema',
      'Switch/odd.spec.profile UnknownProfile',
      'Server/leaf-1 DuplicateName',
      'Connection/a.spec.links.0.ends.1 UnknownDevice',
      'Connection/b.spec.links.0.ends.0 PortInUse',
      'Connection/b.spec.links.0.ends.1 UnknownPort',
      'Connection/c.spec.links.0 NoSwitch',
      'Connection/d.spec.links.0.ends.0 UnknownPort',
      'Connection/d.spec.links.0.ends.1 InvalidPortRef',
    ],
  );
});

test('a plan gives every node a namespace and every switch a management address of its own', () => {
  const topology = topologyOf([leaf, spine, server]);
  const manifest = planLab({ name: 'demo', id: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9', topology, managementIndex: 3, apiPort: 6443 });
  assert.deepEqual(manifest.management, {
    namespace: 'heddle.demo.MGMT',
    hostInterface: 'hd0a1b2c3d4e',
    hostAddress: '100.127.12.1',
    prefixLength: 22,
  });
  assert.deepEqual(
    manifest.nodes.map(({ namespace, managementAddress }) => [namespace, managementAddress]),
    [
      ['heddle.demo.leaf-1', '100.127.12.2/22'],
      ['heddle.demo.spine-1', '100.127.12.3/22'],
      ['heddle.demo.db', undefined],
    ],
  );
});
