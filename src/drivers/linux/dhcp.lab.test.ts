/** DHCP, router advertisements and relays of Linux leaves, with real clients. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { DhcpSettings, Row } from '../../goal/rows.ts';
import type { Address, Mac, Prefix, Vni } from '../../net/brand.ts';
import { until } from '../../kit/testing.ts';
import { attachment, host, routedSegment, vrf } from './fixture/goals.ts';
import { createLeaves } from './fixture/leaves.ts';
import type { Leaves } from './fixture/leaves.ts';
import type { Switch } from './fixture/topology.ts';

const settings = (more: Partial<DhcpSettings> = {}): DhcpSettings => ({ leaseSeconds: 600, dnsServers: [], ntpServers: [], routes: [], ...more });
const front = (more: Partial<DhcpSettings> = {}, ipv6?: 'slaac' | 'dhcp'): Row =>
  ipv6 === undefined
    ? routedSegment(1001, 5001, ['10.1.1.1/24'], { dhcp: settings(more) })
    : routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00:1::1/64'], { dhcp: settings(more), ipv6 });
const range = (from: string, to: string, segment = 1001): Row =>
  ({ table: 'dhcpRange', key: `${segment}/${from}`, value: { segment: segment as Vni, from: from as Address, to: to as Address } });
const reservation = (mac: string, address: string): Row =>
  ({ table: 'reservation', key: `1001/${mac}`, value: { segment: 1001 as Vni, mac: mac as Mac, address: address as Address } });

/** What a client is told, by the names that udhcpc has for it; undefined when nobody answers. */
type Told = Readonly<Record<string, string>> | undefined;

describe('DHCP on Linux leaves', () => {
  let leaves: Leaves;
  const left = (): Switch => leaves.left;
  const macOf = (index: number): string => leaves.host(index).mac;

  const ask = async (index: number, ...more: string[]): Promise<Told> => {
    const script = `${left().runDirectory}/ask`;
    await writeFile(script, '#!/bin/sh\n[ "$1" = bound ] || exit 0\nenv\n', { mode: 0o755 });
    const wanted = ['mtu', 'ntpsrv', 'domain', 'tftp', 'bootfile', 'staticroutes'].flatMap((name) => ['-O', name]);
    const { exec } = leaves.host(index);
    const { status, stdout } = await exec(['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '4', '-T', '1', ...wanted, '-s', script, ...more]);
    return status === 0 ? Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2))) : undefined;
  };
  /** The address that a machine with this MAC address at the server's port is given. */
  const askAs = async (index: number, mac: string, ...more: string[]): Promise<string | undefined> => {
    const { exec } = leaves.host(index);
    const set = (to: string) => exec(['sh', '-c', `ip link set eth0 down && ip link set eth0 address ${to} && ip link set eth0 up`]);
    await set(mac);
    const told = await ask(index, ...more);
    await set(macOf(index));
    return told?.['ip'];
  };

  before(async () => {
    leaves = await createLeaves('dhp');
  });
  after(() => leaves.destroy());

  it('tells a server everything that its subnet says, the default route once in each manner', async () => {
    const more = {
      dnsServers: ['10.1.1.53', 'fd00:1::53'] as Address[], ntpServers: ['10.1.1.123'] as Address[], domain: 'lab.example', mtu: 1400,
      bootServer: '10.1.1.9', bootFile: 'pxe/boot.efi', routes: [{ destination: '172.16.0.0/12' as Prefix, gateway: '10.1.1.7' as Address }],
    };
    await leaves.converge([vrf(5001), front(more), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0))], []);
    const told = await ask(0);
    const { ip, mask, router, dns, ntpsrv, domain, mtu, lease, tftp, bootfile, siaddr, staticroutes } = told ?? {};
    assert.deepEqual(
      { ip, mask, router, dns, ntpsrv, domain, mtu, lease, tftp, bootfile, siaddr, staticroutes },
      {
        ip: '10.1.1.50', mask: '24', router: '10.1.1.1', dns: '10.1.1.53', ntpsrv: '10.1.1.123', domain: 'lab.example', mtu: '1400', lease: '600',
        tftp: '10.1.1.9', bootfile: 'pxe/boot.efi', siaddr: '10.1.1.9', staticroutes: '0.0.0.0/0 10.1.1.1 172.16.0.0/12 10.1.1.7',
      },
    );
    await leaves.converge([vrf(5001), front({ noDefaultRoute: true }), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0))], []);
    assert.equal((await ask(0))?.['router'], undefined);
  });

  it('gives a routed host its address alone, with the way to the gateway', async () => {
    const routed = routedSegment(1001, 5001, ['10.1.1.1/24'], { dhcp: settings(), mode: 'l3' });
    await leaves.converge([vrf(5001), routed, attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0))], []);
    const told = await ask(0);
    assert.deepEqual([told?.['ip'], told?.['mask'], told?.['staticroutes']], ['10.1.1.50', '32', '10.1.1.1/32 0.0.0.0 0.0.0.0/0 10.1.1.1']);
  });

  it('gives reserved addresses to their MAC addresses and no others, before what else they would be given', async () => {
    const rows = [vrf(5001), front(), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0)), reservation('0a:00:00:00:00:aa', '10.1.1.70')];
    await leaves.converge(rows, []);
    assert.equal(await askAs(0, '0a:00:00:00:00:aa'), '10.1.1.70');
    assert.equal(await askAs(0, '0a:00:00:00:00:bb'), undefined);
    await leaves.converge([...rows, reservation(macOf(0), '10.1.1.80')], []);
    assert.equal((await ask(0))?.['ip'], '10.1.1.80');
  });

  it('passes an address on to a new owner although the former one still has a lease of it', async () => {
    const rows = (mac: string): Row[] => [vrf(5001), front(), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', mac)];
    await leaves.converge(rows('0a:00:00:00:00:c1'), []);
    assert.equal(await askAs(0, '0a:00:00:00:00:c1'), '10.1.1.50');
    await leaves.converge(rows('0a:00:00:00:00:c2'), []);
    assert.equal(await askAs(0, '0a:00:00:00:00:c2'), '10.1.1.50');
    assert.equal(await askAs(0, '0a:00:00:00:00:c1'), undefined);
  });

  it('leases a range on two leaves at once, each its own part, and answers nobody of another leaf', async () => {
    await leaves.converge([], []);
    const rows = (...own: Row[]): Row[] => [vrf(5001), front(), attachment('p1', 1001), ...own];
    await leaves.converge(rows(range('10.1.1.128', '10.1.1.131')), rows(range('10.1.1.136', '10.1.1.143')));
    const macs = ['0a:00:00:00:01:01', '0a:00:00:00:01:02', '0a:00:00:00:01:03', '0a:00:00:00:01:04'];
    const given: (string | undefined)[] = [];
    for (const mac of macs) given.push(await askAs(0, mac), await askAs(2, mac.replace('01:0', '02:0')));
    assert.deepEqual(given.filter((_, index) => index % 2 === 0).toSorted(), [128, 129, 130, 131].map((last) => `10.1.1.${last}`));
    assert.ok(given.every((address, index) => index % 2 === 0 || /^10\.1\.1\.1(3[6-9]|4[0-3])$/.test(address ?? '')), given.join());
    assert.equal(new Set(given).size, 8);
    assert.equal(await askAs(0, '0a:00:00:00:01:05'), undefined, 'the range of this leaf is used up');
    assert.equal(await askAs(0, macs[0] ?? ''), given[0], 'who comes back gets the same');
    await left().exec(['pkill', '-KILL', '-x', 'dnsmasq']);
    assert.equal(await askAs(0, '0a:00:00:00:01:06'), undefined, 'nobody answers in its stead');
    for (const leaf of [left(), leaves.right]) await leaf.exec(['nsenter', '--net=/run/netns/vrf5001', 'nft', 'delete', 'table', 'bridge', 'heddle']);
    assert.match((await askAs(0, '0a:00:00:00:01:06')) ?? '', /^10\.1\.1\.1[34]/, 'but for the filters of the leaves it would');
  });

  it('gives no address twice after its process, the agent and the device ended without warning', async () => {
    const rows = (...own: Row[]): Row[] => [vrf(5001), front(), attachment('p1', 1001), ...own];
    const first = rows(range('10.1.1.128', '10.1.1.131'));
    await leaves.converge([], []);
    await leaves.converge(first, []);
    const before = [await askAs(0, '0a:00:00:00:03:01'), await askAs(0, '0a:00:00:00:03:02')];
    await left().exec(['pkill', '-KILL', '-x', 'dnsmasq']);
    await left().restartAgent();
    await leaves.converge(first, []);
    const after = [await askAs(0, '0a:00:00:00:03:03'), await askAs(0, '0a:00:00:00:03:04')];
    assert.equal(new Set([...before, ...after]).size, 4, `${before.join()} and ${after.join()}`);
    assert.equal(await askAs(0, '0a:00:00:00:03:05'), undefined);
    assert.equal(await askAs(0, '0a:00:00:00:03:01'), before[0]);
    await leaves.converge(rows(range('10.1.1.128', '10.1.1.135')), []);
    assert.equal(await askAs(0, '0a:00:00:00:03:02'), before[1], 'also when it is started anew with a larger range');
  });

  it('keeps a machine that nobody declared within reach when it has fallen silent, until its lease ends', async () => {
    const rows = (...own: Row[]): Row[] => [vrf(5001), front(), attachment('p1', 1001), ...own];
    await leaves.converge([], []);
    const onLeft = rows(range('10.1.1.128', '10.1.1.131'));
    await leaves.converge(onLeft, rows(host('p1', 1001, '10.1.1.60', macOf(2))));
    const address = (await ask(0))?.['ip'] ?? '';
    await leaves.give(0, [`${address}/24`], ['10.1.1.1']);
    await leaves.give(2, ['10.1.1.60/24'], ['10.1.1.1']);
    await leaves.converge(onLeft, rows(host('p1', 1001, '10.1.1.60', macOf(2))));
    assert.deepEqual((await leaves.plan('left', onLeft)).steps, []);
    const shown = await left().exec(['ip', '-n', 'vrf5001', 'neighbour', 'show', address, 'dev', 'br1001']);
    assert.match(shown.stdout, /PERMANENT/);
    assert.match((await left().exec(['ip', '-n', 'vrf5001', '-d', 'link', 'show', 'br1001'])).stdout, /ageing_time 60000/);
    assert.ok(await leaves.host(2).reaches(address));
    await leaves.converge(rows(), rows(host('p1', 1001, '10.1.1.60', macOf(2))));
    const gone = await left().exec(['ip', '-n', 'vrf5001', 'neighbour', 'show', 'nud', 'permanent', 'dev', 'br1001']);
    assert.doesNotMatch(gone.stdout, new RegExp(address));
  });

  it('tells IPv6 servers their address by DHCPv6, or the prefix to make one of, and the gateway by advertisement', async () => {
    const more = { dnsServers: ['fd00:1::53'] as Address[], domain: 'lab.example' };
    const rows = (how: 'slaac' | 'dhcp'): Row[] =>
      [vrf(5001), front(more, how), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0)), host('p1', 1001, 'fd00:1::50', macOf(0))];
    const { exec } = leaves.host(0);
    const says = async (...argv: [string, ...string[]]): Promise<string> => (await exec(argv)).stdout;
    const bounce = () => exec(['sh', '-c', 'ip link set eth0 down; ip -6 address flush dev eth0 scope global; ip link set eth0 up']);
    await leaves.converge(rows('dhcp'), []);
    await bounce();
    await until('the gateway is known', async () => /default via fe80::5eff:fe00:101 dev eth0/.test(await says('ip', '-6', 'route')));
    assert.doesNotMatch(await says('ip', '-6', 'address', 'show', 'scope', 'global'), /fd00/, 'no address is made of the prefix');
    const script = `${left().runDirectory}/six`;
    await writeFile(script, '#!/bin/sh\n[ "$reason" = BOUND6 ] && echo "$new_ip6_address $new_dhcp6_name_servers $new_dhcp6_domain_search"\nexit 0\n', { mode: 0o755 });
    const files = ['-lf', `${left().runDirectory}/six.leases`, '-pf', `${left().runDirectory}/six.pid`];
    await until('a link-local address may be used', async () => !/tentative/.test(await says('ip', '-6', 'address', 'show', 'dev', 'eth0')));
    const { stdout } = await exec(['timeout', '10', 'dhclient', '-6', '-1', '-D', 'LL', ...files, '-sf', script, 'eth0']);
    await exec(['sh', '-c', `kill $(cat ${left().runDirectory}/six.pid)`]);
    assert.match(stdout, /^fd00:1::50 fd00:1::53 lab\.example\.?$/m);
    await leaves.converge(rows('slaac'), []);
    await bounce();
    await until('an address is made', async () => (await says('ip', '-6', 'address', 'show', 'scope', 'global')).includes('fd00:1::800:ff:fe00:10/64'));
  });

  it('hands requests to a server elsewhere, from an address that answers come back to on the right leaf', async () => {
    const back = routedSegment(1002, 5001, ['10.1.2.1/24']);
    const relayed = (from: string): Row[] => [vrf(5001), front({ relay: '10.1.2.9' as Address }), attachment('p1', 1001), range(from, from)];
    await leaves.converge(relayed('10.1.1.2'), [...relayed('10.1.1.3'), back, attachment('p2', 1002), host('p2', 1002, '10.1.2.9', macOf(3))]);
    await leaves.give(3, ['10.1.2.9/24'], ['10.1.2.1']);
    const server = leaves.host(3);
    const pid = `${left().runDirectory}/outside.pid`;
    await server.exec(['dnsmasq', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=eth0', '--bind-interfaces', '--no-ping', `--pid-file=${pid}`,
      '--dhcp-range=10.1.1.100,10.1.1.150,255.255.255.0,600', '--dhcp-option=3,10.1.1.1', `--dhcp-leasefile=${left().runDirectory}/outside.leases`]);
    try {
      const near = await until('a lease by way of the left leaf', async () => (await ask(0))?.['ip']);
      const far = await until('a lease by way of the right leaf', async () => (await ask(2))?.['ip']);
      assert.match(near, /^10\.1\.1\.1[0-4]\d|10\.1\.1\.150$/);
      assert.match(far, /^10\.1\.1\.1[0-4]\d|10\.1\.1\.150$/);
    } finally {
      await server.exec(['sh', '-c', `kill $(cat ${pid})`]);
    }
  });

  it('leaves nothing behind of what it handed out, and has nothing more to do when all is right', async () => {
    const rows = [vrf(5001), front({}, 'dhcp'), attachment('p1', 1001), host('p1', 1001, '10.1.1.50', macOf(0)), range('10.1.1.128', '10.1.1.131')];
    await leaves.converge(rows, []);
    await askAs(0, '0a:00:00:00:04:01');
    await until('all is right', async () => (await leaves.plan('left', rows)).steps.length === 0 || (await leaves.converge(rows, []), false));
    await leaves.converge([], []);
    const { stdout } = await left().exec(['ls', `${left().runDirectory}/dhcp`]);
    assert.equal(stdout, '');
  });
});
