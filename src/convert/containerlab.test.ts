import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { Resource } from '../api/object.ts';
import { convertContainerlab } from './containerlab.ts';
import { containerlabOf } from './wiring/containerlab.ts';
import { make } from './make.ts';
import { diagramOf } from './wiring/diagram.ts';

const convert = (content: unknown) => convertContainerlab({ content, locate: (path) => path });
const short = (objects: readonly Resource[]) => Object.fromEntries(objects.map(({ kind, metadata, spec }) => [`${kind}/${metadata.name}`, spec]));

const clos = parse(`
name: clos
topology:
  nodes:
    spine1: { kind: nokia_srlinux, image: ghcr.io/nokia/srlinux }
    leaf1: { kind: nokia_srlinux }
    tor-b: { kind: arista_ceos, group: leaf }
    r9: { kind: sonic-vs }
    client1: { kind: linux }
  links:
    - endpoints: ["spine1:e1-1", "leaf1:e1-49"]
    - endpoints: ["spine1:e1-2", "leaf1:ethernet-1/50"]
    - endpoints: ["leaf1:e1-1", "client1:eth1"]
    - endpoints: [{ node: tor-b, interface: eth1 }, { node: client1, interface: eth2 }]
    - type: mgmt-net
      endpoints: ["leaf1:e1-9", "mgmt-net:x"]
`) as unknown;

describe('a topology of containerlab', () => {
  it('becomes wiring: roles by group, name or neighbours, neutral ports, parallel cables as one Connection', () => {
    const { objects, notes } = convert(clos);
    assert.deepEqual(short(objects), {
      'Switch/spine1': { role: 'spine', profile: 'linux-soft' },
      'Switch/leaf1': { role: 'leaf', profile: 'linux-soft' },
      'Switch/tor-b': { role: 'leaf', profile: 'linux-soft' },
      'Switch/r9': { role: 'spine', profile: 'linux-soft' },
      'Server/client1': { ports: { eth1: {}, eth2: {} } },
      'Connection/spine1--leaf1': { links: [{ ends: ['spine1/E1/1', 'leaf1/E1/49'] }, { ends: ['spine1/E1/2', 'leaf1/E1/50'] }] },
      'Connection/client1--leaf1--tor-b': { links: [{ ends: ['leaf1/E1/1', 'client1/eth1'] }, { ends: ['tor-b/E1/1', 'client1/eth2'] }] },
    });
    assert.deepEqual(notes.map(({ outcome, path, message }) => `${outcome} ${path}: ${message}`), [
      'lost topology.links[4]: a link of type "mgmt-net" leaves the topology; only cables between nodes are taken over',
      'changed topology.nodes.spine1: is a spine, by its name',
      'changed topology.nodes.leaf1: is a leaf, by its name',
      'changed topology.nodes.tor-b: is a leaf, by its group',
      'changed topology.nodes.r9: is a spine, by having no hosts',
    ]);
  });

  it('says every fault at once: a node that is missing, a port without a number, a shape that is none', () => {
    const faults = convert({ topology: { nodes: { leaf1: { kind: 'x' } }, links: [{ endpoints: ['leaf1:mgmt', 'nobody:e1-1'] }, { endpoints: ['leaf1:uplink', 'leaf1:e1-2'] }] } });
    assert.deepEqual(faults.notes.filter(({ outcome }) => outcome === 'error').map(({ path, message }) => `${path}: ${message}`), [
      'topology.links[0].endpoints[1]: there is no node "nobody"',
      'topology.links[1].endpoints[0]: "uplink" of "leaf1" is not a port that is known; use names such as e1-1, ethernet-1/1, eth1 or swp1',
    ]);
    assert.deepEqual(convert({ topology: {} }).notes.map(({ path, message }) => `${path}: ${message}`), ['topology.nodes: is required']);
  });

  it('that was exported comes back as the same wiring', () => {
    const { objects } = convert(clos);
    const there = parse(stringify(containerlabOf(diagramOf(objects), 'again'))) as unknown;
    assert.deepEqual(short(convert(there).objects), short(objects));
  });

  it('that was exported with groups, gateways and what is outside comes back with them', () => {
    const profile = 'linux-soft';
    const objects = [
      make('Switch', 'leaf-1', { role: 'leaf', profile, group: 'pair' }),
      make('Switch', 'border-1', { role: 'border', profile }),
      make('Gateway', 'gw-1', { profile }),
      make('External', 'isp', { bgp: {} }),
      make('Connection', 'leaf-1--gw-1', { links: [{ ends: ['leaf-1/E1/9', 'gw-1/E1/1'] }] }),
      make('Connection', 'border-1--isp', { links: [{ ends: ['border-1/E1/10', 'isp/up-1'] }] }),
    ];
    const there = parse(stringify(containerlabOf(diagramOf(objects), 'again'))) as unknown;
    const { objects: back, notes } = convert(there);
    assert.deepEqual(notes.filter(({ outcome }) => outcome === 'error'), []);
    assert.deepEqual(short(back), short(objects));
  });
});
