import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../goal/rows.ts';
import { run, tryRun } from '../../kit/process.ts';
import type { Prefix, Vni } from '../../net/brand.ts';
import { attachment, host, routedSegment, vrf } from './fixture/goals.ts';
import { createLeaves } from './fixture/leaves.ts';
import type { Leaves } from './fixture/leaves.ts';

const hostPeering = (accept: readonly (readonly [prefix: string, minLength: number, maxLength: number])[]): Row => {
  const matches = accept.map(([prefix, minLength, maxLength]) => ({ prefix: prefix as Prefix, minLength, maxLength }));
  const range = ['10.1.1.0/24', 'fd00:1:1::/64'] as readonly string[] as readonly Prefix[];
  return { table: 'hostPeering', key: '1001', value: { segment: 1001 as Vni, vrf: 'vrf5001', range, accept: matches } };
};

/** FRR's bgpd on a server, with a session to the gateway of its subnet. */
interface Speaker {
  vtysh(...commands: readonly string[]): Promise<string>;
  end(): Promise<void>;
}

const startSpeaker = async (namespace: string, asn: number, networks: readonly string[]): Promise<Speaker> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-speaker-'));
  const of = (family: 4 | 6): string => networks.filter((prefix) => prefix.includes(':') === (family === 6)).map((prefix) => `  network ${prefix}\n`).join('');
  await writeFile(`${directory}/bgpd.conf`, `frr defaults datacenter
router bgp ${asn}
 bgp router-id 192.0.2.${asn % 250}
 no bgp network import-check
 neighbor 10.1.1.1 remote-as external
 neighbor 10.1.1.1 timers connect 1
 neighbor 10.1.1.1 disable-connected-check
 neighbor fd00:1:1::1 remote-as external
 neighbor fd00:1:1::1 timers connect 1
 neighbor fd00:1:1::1 disable-connected-check
 address-family ipv4 unicast
${of(4)}  no neighbor fd00:1:1::1 activate
 exit-address-family
 address-family ipv6 unicast
${of(6)}  neighbor fd00:1:1::1 activate
 exit-address-family
`);
  await run(['chown', '-R', 'frr:frr', directory]);
  await run(['ip', 'netns', 'exec', namespace, '/usr/lib/frr/bgpd', '-d', '-Z', '-u', 'frr', '-g', 'frr', '--vty_socket', directory,
    '-i', `${directory}/bgpd.pid`, '-f', `${directory}/bgpd.conf`, '-P', '0']);
  return {
    vtysh: async (...commands) => (await tryRun(['vtysh', '--vty_socket', directory, '-d', 'bgpd', ...commands.flatMap((command) => ['-c', command])])).stdout,
    end: async () => {
      await tryRun(['pkill', '-F', `${directory}/bgpd.pid`]);
      await rm(directory, { recursive: true, force: true });
    },
  };
};

describe('servers that announce addresses by BGP', () => {
  let leaves: Leaves;
  const speakers: Speaker[] = [];
  before(async () => void (leaves = await createLeaves('hbg')));
  after(async () => {
    for (const speaker of speakers) await speaker.end();
    await leaves.destroy();
  });

  const shop = [vrf(5001), routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00:1:1::1/64']), routedSegment(1002, 5001, ['10.1.2.1/24', 'fd00:1:2::1/64'])];
  const held = (port: string, vni: number, index: number, ...addresses: readonly string[]): readonly Row[] =>
    [attachment(port, vni), ...addresses.map((address) => host(port, vni, address, leaves.host(index).mac))];
  const onLeft = (...more: readonly Row[]): readonly Row[] => [...shop, ...held('p1', 1001, 0, '10.1.1.11', 'fd00:1:1::11'), ...more];
  const onRight = (...more: readonly Row[]): readonly Row[] =>
    [...shop, ...held('p1', 1001, 2, '10.1.1.13', 'fd00:1:1::13'), ...held('p2', 1002, 3, '10.1.2.14', 'fd00:1:2::14'), ...more];
  const settled = async (rows: readonly Row[]): Promise<void> => {
    assert.deepEqual((await leaves.plan('left', rows)).steps.map(({ command }) => command), [], 'nothing is left to do');
  };

  it('what the subnet allows is believed and reachable from another leaf, all else is refused, and nothing is told back', async () => {
    const allowed = hostPeering([['10.1.1.0/24', 32, 32], ['10.99.0.0/24', 28, 32], ['fd00:99::/64', 128, 128]]);
    await leaves.converge(onLeft(allowed), onRight(allowed));
    await settled(onLeft(allowed));
    await leaves.give(0, ['10.1.1.11/24', 'fd00:1:1::11/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(2, ['10.1.1.13/24', 'fd00:1:1::13/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(3, ['10.1.2.14/24', 'fd00:1:2::14/64'], ['10.1.2.1', 'fd00:1:2::1']);
    const own = ['10.1.1.200/32', '10.99.0.16/28', '10.66.0.1/32', '10.99.0.0/24', '10.1.1.1/32', '0.0.0.0/0', 'fd00:99::1/128', 'fd00:66::1/128'];
    for (const address of ['10.1.1.200/32', '10.99.0.17/32', '10.66.0.1/32', 'fd00:99::1/128', 'fd00:66::1/128']) {
      await leaves.host(0).exec(['ip', 'address', 'add', address, 'dev', 'lo']);
    }
    speakers.push(await startSpeaker(leaves.host(0).namespace, 64601, own));
    assert.ok(await leaves.host(3).reaches('10.1.1.200', 150), 'an address of the subnet');
    assert.ok(await leaves.host(3).reaches('10.99.0.17', 50), 'a prefix that is allowed');
    assert.ok(await leaves.host(3).reaches('fd00:99::1', 50), 'an IPv6 address that is allowed');
    assert.ok(await leaves.host(2).reaches('10.1.1.200', 50), 'from the same subnet on another leaf');
    assert.equal(await leaves.host(3).reaches('10.66.0.1', 5), false, 'an address outside');
    assert.equal(await leaves.host(3).reaches('fd00:66::1', 5), false, 'an IPv6 address outside');
    const routes = async (family: string): Promise<string> => leaves.left.vtysh(`show bgp vrf vrf5001 ${family} unicast neighbors ${family === 'ipv4' ? '10.1.1.11' : 'fd00:1:1::11'} routes`);
    assert.doesNotMatch(await routes('ipv4'), /10\.66\.0\.1|10\.99\.0\.0\/24|10\.1\.1\.1\/32|0\.0\.0\.0\/0/);
    const back = await speakers[0]?.vtysh('show bgp summary json') ?? '';
    const { ipv4Unicast } = JSON.parse(back) as { ipv4Unicast: { peers: Record<string, { state: string; pfxRcd: number }> } };
    assert.deepEqual(Object.values(ipv4Unicast.peers).map(({ state, pfxRcd }) => [state, pfxRcd]), [['Established', 0]]);
  });

  it('a second server on another leaf may announce the same, and what is allowed may change', async () => {
    const gone = async (address: string): Promise<boolean> => {
      for (let attempt = 0; attempt < 100 && (await leaves.host(3).reaches(address, 1)); attempt += 1) await sleep(100);
      return !(await leaves.host(3).reaches(address, 2));
    };
    const allowed = hostPeering([['10.1.1.0/24', 32, 32], ['10.99.1.0/24', 32, 32]]);
    for (const index of [0, 2]) await leaves.host(index).exec(['ip', 'address', 'add', '10.99.1.1/32', 'dev', 'lo']);
    await speakers.shift()?.end();
    speakers.push(await startSpeaker(leaves.host(0).namespace, 64601, ['10.99.0.16/28', '10.99.1.1/32']));
    speakers.push(await startSpeaker(leaves.host(2).namespace, 64602, ['10.99.1.1/32']));
    assert.ok(await leaves.host(3).reaches('10.99.0.17', 100), 'again');
    await leaves.converge(onLeft(allowed), onRight(allowed));
    await settled(onLeft(allowed));
    assert.ok(await gone('10.99.0.17'), 'no longer allowed');
    assert.ok(await leaves.host(3).reaches('10.99.1.1', 100), 'allowed now');
    await speakers.shift()?.end();
    await leaves.host(0).exec(['ip', 'address', 'delete', '10.99.1.1/32', 'dev', 'lo']);
    assert.ok(await leaves.host(3).reaches('10.99.1.1', 100), 'by the other server');
    await leaves.converge(onLeft(), onRight());
    await settled(onLeft());
    assert.ok(await gone('10.99.1.1'), 'nobody is listened to once the subnet no longer says so');
    const left = (await leaves.right.vtysh('show running-config')).split('\n').filter((line) => line.includes('hosts-1001'));
    assert.deepEqual(left, []);
  });
});
