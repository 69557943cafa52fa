import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { run } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { checkPairs, formatCheck, type CheckResult } from './check.ts';
import { inside } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { addressesOf } from './probe.ts';
import { object, smallWiring, withLab } from './testing.ts';

const wiring = smallWiring(4);
const namespaced = (kind: string, name: string, spec: unknown): Resource => {
  const { metadata, ...rest } = object(kind, name, spec);
  return { ...rest, metadata: { ...metadata, namespace: 'default' } };
};
const attach = (server: string, vpc: string) => namespaced('VPCAttachment', server, { vpc, connection: `${server}--leaf-1` });
const intent = [
  ...wiring,
  object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] }),
  object('AddressSpace', 'other', { prefixes: ['10.0.0.0/8'] }),
  namespaced('VPC', 'shop', { subnets: { default: { cidr: '10.1.1.0/24' } } }),
  namespaced('VPC', 'copy', { addressSpace: 'other', subnets: { default: { cidr: '10.1.1.0/24' } } }),
  attach('s1', 'shop'),
  attach('s2', 'shop'),
  attach('s3', 'copy'),
];
const api = { list: (kind: string) => Promise.resolve(intent.filter((other) => other.kind === kind)) };

/** By hand what agents do: s1 and s2 in one broadcast domain, s3 alone with the address that s2 has too; s4 has nothing. */
const joinByHand = async (manifest: Manifest): Promise<void> => {
  await domain(manifest, 'br1', { swp1: '02:00:00:00:00:01,10.1.1.2', swp2: '02:00:00:00:00:02,10.1.1.3' });
  await domain(manifest, 'br3', { swp3: '02:00:00:00:00:03,10.1.1.3' });
  const bound = async () => (await Promise.all(['s1', 's2', 's3'].map((server) => addressesOf(manifest, server)))).every(({ size }) => size === 1);
  await until('three leases', bound);
};

const domain = async (manifest: Manifest, bridge: string, hosts: Record<string, string>): Promise<void> => {
  const ports = Object.keys(hosts).map((port) => `link set ${port} master ${bridge} up`);
  for (const step of [`link add ${bridge} type bridge`, `addr add 10.1.1.1/24 dev ${bridge}`, `link set ${bridge} up`, ...ports]) {
    await run(inside(manifest, 'leaf-1', ['ip', ...step.split(' ')]));
  }
  const options = ['--port=0', '--bind-interfaces', '--dhcp-authoritative', '--no-ping', '--user=root', '--pid-file=', '--leasefile-ro'];
  const reservations = Object.values(hosts).map((host) => `--dhcp-host=${host}`);
  const range = '--dhcp-range=10.1.1.0,static,255.255.255.0,1h';
  await run(inside(manifest, 'leaf-1', ['dnsmasq', '-C', '/dev/null', ...options, `--interface=${bridge}`, range, ...reservations]));
};

/** What is not as intended, one word a pair and protocol. */
const faults = ({ pairs }: CheckResult): string[] =>
  pairs.filter(({ expected, actual }) => expected !== actual).map(({ from, to, proto, actual }) => `${from}-${to} ${proto} ${actual}`);

test('a check tells servers apart that have the same address, and sees a missing way, a leak and a leak in one direction', () =>
  withLab(wiring, async (manifest) => {
    await joinByHand(manifest);
    const right = await checkPairs(manifest, api);
    assert.deepEqual(faults(right), []);
    assert.equal(right.ok, true);
    assert.equal(right.pairs.length, 36);
    assert.match(formatCheck(right), /^s1 +yes +\. +\.$/m);
    assert.match(formatCheck(right), /connectivity: 12 of 12 ordered pairs as intended/);

    await run(inside(manifest, 'leaf-1', ['ip', 'link', 'set', 'swp3', 'master', 'br1']));
    await run(inside(manifest, 's2', ['ip', 'addr', 'flush', 'dev', 'eth1']));
    const leaking = await checkPairs(manifest, api);
    assert.equal(leaking.ok, false);
    const missing = ['s1-s2', 's2-s1'].flatMap((pair) => ['icmp', 'tcp', 'udp'].map((proto) => `${pair} ${proto} deny`));
    const leaks = ['s1-s3', 's3-s1'].flatMap((pair) => ['icmp', 'tcp', 'udp'].map((proto) => `${pair} ${proto} allow`));
    assert.deepEqual(faults(leaking).sort(), [...missing, ...leaks].sort());
    assert.match(formatCheck(leaking), /^s1 +MISSING +LEAK +\.$/m);
    assert.match(formatCheck(leaking), /"s2" has no address/);

    // Answers of s3 no longer find back, its requests still arrive.
    const rules = 'table netdev cut { chain i { type filter hook ingress device swp1 priority 0; icmp type echo-reply drop\n }\n }';
    await run(inside(manifest, 'leaf-1', ['nft', '-f', '-']), { stdin: rules });
    const oneway = await checkPairs(manifest, api, { protocols: ['icmp'] });
    assert.ok(faults(oneway).includes('s3-s1 icmp oneway'));
    assert.match(formatCheck(oneway), /ONEWAY/);
  }));

test('a check of the allowed pairs alone probes no other', () =>
  withLab(wiring, async (manifest) => {
    await joinByHand(manifest);
    const { pairs } = await checkPairs(manifest, api, { onlyAllowed: true });
    assert.deepEqual(pairs.map(({ from, to, proto }) => `${from}-${to} ${proto}`), ['s1-s2 icmp', 's1-s2 tcp', 's1-s2 udp', 's2-s1 icmp', 's2-s1 tcp', 's2-s1 udp']);
  }));
