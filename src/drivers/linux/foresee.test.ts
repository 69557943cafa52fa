/** Commands that are foreseen are those of a plan from one goal to the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merge } from '../../goal/tables.ts';
import type { Row } from '../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { segment, underlay, vrf } from './fixture/goals.ts';
import { foreseeLinux } from './foresee.ts';

const leaf = underlay({ hostname: 'leaf-1', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['e1'], serverPorts: ['s1'], leaf: true });
const tenant: readonly Row[] = [vrf(5001), segment(1001, 5001, '10.1.0.1/24', true)];
const commands = (before: readonly Row[], after: readonly Row[]): readonly string[] => foreseeLinux(merge([before]), merge([after]), 'leaf-1', ['bond', 'vlan-tags']);

test('nothing is typed for what stays', () => {
  assert.deepEqual(commands([...leaf, ...tenant], [...leaf, ...tenant]), []);
});

test('a VPC that comes takes its own commands and none of what is there', () => {
  const typed = commands(leaf, [...leaf, ...tenant]);
  assert.ok(typed.some((command) => command.startsWith('unshare ') && command.endsWith('/run/netns/vrf5001')), typed.join('\n'));
  assert.ok(typed.some((command) => /^ip -n vrf5001 link add .*br1001/.test(command)), typed.join('\n'));
  assert.ok(typed.every((command) => !command.includes('zebra -n')), 'daemons run already');
});

test('a VPC that goes is taken away', () => {
  assert.ok(commands([...leaf, ...tenant], leaf).some((command) => command === 'ip netns delete vrf5001'), commands([...leaf, ...tenant], leaf).join('\n'));
});

test('a segment goes into an existing VRF without touching its neighbour', () => {
  const typed = commands([...leaf, ...tenant], [...leaf, ...tenant, segment(1002, 5001, '10.1.1.1/24')]);
  assert.ok(typed.some((command) => command.includes('br1002')));
  assert.ok(typed.filter((command) => command.startsWith('ip ') || command.startsWith('bridge ')).every((command) => !/\bbr1001\b/.test(command)), typed.join('\n'));
});

test('a process that is told something is named by the file that knows its number', () => {
  const reservation: Row = { table: 'reservation', key: '1001/02:00:00:00:00:07', value: { segment: 1001 as Vni, mac: '02:00:00:00:00:07' as Mac, address: '10.1.0.77' as Address } };
  const typed = commands([...leaf, ...tenant], [...leaf, ...tenant, reservation]);
  assert.ok(typed.includes('kill -HUP $(cat /run/heddle/leaf-1/dhcp/dnsmasq-1001.pid)'), typed.join('\n'));
  const ended = commands([...leaf, ...tenant], leaf);
  assert.ok(ended.every((command) => !command.includes('9000000')), ended.join('\n'));
});
