import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { contractGoals } from './fixture/goals.ts';
import { createLoneLeaf } from './fixture/leaf.ts';
import type { LoneLeaf } from './fixture/leaf.ts';
import type { Answer } from './fixture/remote.ts';

type Argv = readonly [string, ...string[]];

const goal = contractGoals.peered;

/** Something that happens to a device behind Heddle's back, and the words in the plan that mends it. */
const accidents: readonly { readonly name: string; readonly commands: readonly Argv[]; readonly mends: RegExp }[] = [
  { name: 'a deleted L2 VXLAN', commands: [['ip', '-n', 'vrf5001', 'link', 'delete', 'vx1001']], mends: /link\/vrf5001\/vx1001/ },
  { name: 'a deleted L3 VXLAN', commands: [['ip', '-n', 'vrf5001', 'link', 'delete', 'vx5001']], mends: /link\/vrf5001\/vx5001/ },
  { name: 'a deleted bridge', commands: [['ip', '-n', 'vrf5001', 'link', 'delete', 'br1001']], mends: /link\/vrf5001\/br1001/ },
  { name: 'a deleted route', commands: [['ip', '-n', 'vrf5001', 'route', 'delete', '10.2.1.0/24']], mends: /route\/vrf5001/ },
  { name: 'flushed rules', commands: [['nsenter', '--net=/run/netns/vrf5002', 'nft', 'flush', 'ruleset']], mends: /nft\/vrf5002/ },
  { name: 'emptied rules', commands: [['nsenter', '--net=/run/netns/vrf5001', 'nft', 'flush', 'chain', 'inet', 'heddle', 'forward']], mends: /nft\/vrf5001/ },
  { name: 'a deleted pair', commands: [['ip', '-n', 'vrf5002', 'link', 'delete', 'pv5001']], mends: /pair\/5001-5002/ },
  { name: 'a lost gateway', commands: [['ip', '-n', 'vrf5001', 'address', 'flush', 'dev', 'br1001', 'scope', 'global']], mends: /address\/vrf5001/ },
  { name: 'a lost neighbour', commands: [['ip', '-n', 'vrf5001', 'neighbour', 'delete', '10.1.1.11', 'dev', 'br1001']], mends: /neighbour\/vrf5001/ },
  { name: 'a port that was taken out of its bridge', commands: [['ip', '-n', 'vrf5001', 'link', 'set', 'p1', 'nomaster']], mends: /port\/p1/ },
  { name: 'a port that was shut', commands: [['ip', '-n', 'vrf5001', 'link', 'set', 'p1', 'down']], mends: /port\/p1/ },
  { name: 'learning switched on', commands: [['ip', '-n', 'vrf5001', 'link', 'set', 'vx1001', 'type', 'bridge_slave', 'learning', 'on']], mends: /vx1001/ },
  { name: 'forwarding switched off', commands: [['sysctl', '-qw', 'net.ipv4.ip_forward=0']], mends: /sysctl\// },
  { name: 'a lost loopback address', commands: [['ip', 'address', 'delete', '10.255.0.11/32', 'dev', 'lo']], mends: /address\/\/lo/ },
];

const keysOf = ({ steps }: Answer): readonly string[] => steps.map(({ key }) => key);

describe('drift of a Linux switch', () => {
  let lone: LoneLeaf;
  const exec = async (argv: Argv): Promise<void> => {
    const { status, stderr } = await lone.leaf.exec(argv);
    assert.equal(status, 0, `${argv.join(' ')}: ${stderr}`);
  };
  /** Rounds until there is nothing to do, as the agent goes on; what FRR must first notice takes more than one. */
  const mend = async (): Promise<Answer> => {
    const first = await lone.leaf.converge(goal);
    assert.deepEqual(first.failed, []);
    for (let round = 0; round < 20; round += 1) {
      if (keysOf(await lone.leaf.converge(goal)).length === 0) return first;
      await sleep(100);
    }
    assert.fail(`never at rest: ${keysOf(await lone.leaf.plan(goal)).join(', ')}`);
  };
  /** EVPN is in order: both L3VNIs are up and the host is told to others. */
  const assertOverlay = async (): Promise<void> => {
    for (const vni of ['5001', '5002']) {
      for (let attempt = 0; !(await lone.leaf.vtysh(`show evpn vni ${vni}`)).includes('State: Up'); attempt += 1) {
        assert.ok(attempt < 30, await lone.leaf.vtysh(`show evpn vni ${vni}`));
        await sleep(100);
      }
    }
    const routes = await lone.leaf.vtysh('show bgp l2vpn evpn route type macip');
    assert.match(routes, /\[10\.1\.1\.11\]/);
    assert.match(await lone.leaf.vtysh('show bgp l2vpn evpn route type prefix'), /\[10\.1\.1\.0\]/);
  };

  before(async () => {
    lone = await createLoneLeaf('hdd');
    await mend();
    await assertOverlay();
  });
  after(() => lone.destroy());

  for (const { name, commands, mends } of accidents) {
    it(`is found and mended: ${name}`, async () => {
      for (const command of commands) await exec(command);
      const first = await mend();
      assert.match(keysOf(first).join('\n'), mends);
      await assertOverlay();
    });
  }

  it('is found and mended: lines taken from FRR', async () => {
    await lone.leaf.vtysh('configure terminal', 'router bgp 65001', 'no neighbor up1 interface peer-group FAB');
    await lone.leaf.vtysh('configure terminal', 'router bgp 65001 vrf vrf5001', 'address-family ipv4 unicast', 'no redistribute connected');
    const first = await mend();
    assert.deepEqual(keysOf(first), ['frr/router bgp 65001', 'frr/router bgp 65001 vrf vrf5001/address-family ipv4 unicast']);
    await assertOverlay();
  });

  it('is found and mended: a line put into FRR', async () => {
    await lone.leaf.vtysh('configure terminal', 'router bgp 65001', 'address-family ipv4 unicast', 'network 192.0.2.0/24');
    assert.deepEqual(keysOf(await mend()), ['frr/router bgp 65001/address-family ipv4 unicast']);
  });

  it('is found and mended: a dead bgpd, with all three daemons started anew', async () => {
    await exec(['pkill', '-KILL', '-x', 'bgpd']);
    const first = await mend();
    assert.ok(keysOf(first).includes('daemon/frr'));
    await assertOverlay();
  });

  it('is found and mended: a dead zebra', async () => {
    await exec(['pkill', '-KILL', '-x', 'zebra']);
    await mend();
    await assertOverlay();
  });

  it('is found and mended: a dead dnsmasq', async () => {
    await exec(['pkill', '-KILL', '-x', 'dnsmasq']);
    assert.deepEqual(keysOf(await mend()).at(-1), 'dhcp/1001');
  });

  it('is found and mended: a deleted VRF namespace, ports aside', async () => {
    // A virtual port inside would be destroyed with the namespace, which no physical one is.
    await exec(['ip', '-n', 'vrf5002', 'link', 'set', 'p2', 'netns', '1']);
    await exec(['ip', 'netns', 'delete', 'vrf5002']);
    const first = await mend();
    assert.ok(keysOf(first).includes('netns/vrf5002'));
    assert.ok(keysOf(first).includes('daemon/frr'));
    await assertOverlay();
  });
});

describe('what is not Heddle\'s on a Linux switch', () => {
  let lone: LoneLeaf;
  before(async () => {
    lone = await createLoneLeaf('hdf');
  });
  after(() => lone.destroy());

  it('stays as it is, through every goal and back to none', async () => {
    const { leaf } = lone;
    const setUp: readonly Argv[] = [
      ['ip', 'link', 'add', 'mgmt0', 'type', 'veth', 'peer', 'name', 'mgmt1'],
      ['ip', 'link', 'set', 'mgmt0', 'up'],
      ['ip', 'link', 'set', 'mgmt1', 'up'],
      ['ip', 'address', 'add', '192.0.2.1/24', 'dev', 'mgmt0'],
      ['ip', 'address', 'add', '192.0.2.77/32', 'dev', 'lo'],
      ['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.2'],
      ['ip', 'netns', 'add', 'customer'],
      ['nft', 'add table inet operator; add chain inet operator input { type filter hook input priority 0; }'],
    ];
    for (const argv of setUp) assert.equal((await leaf.exec(argv)).status, 0, argv.join(' '));
    await leaf.converge(contractGoals.underlay);
    await leaf.vtysh('configure terminal', 'route-map OPERATOR permit 10', 'exit', 'ip prefix-list OPERATOR seq 5 permit any');
    const other = ['dnsmasq', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=mgmt0', '--bind-interfaces',
      '--dhcp-range=192.0.2.100,192.0.2.110', '--pid-file=/run/netns/.operator.pid', '--leasefile-ro'] as const;
    assert.equal((await leaf.exec(other)).status, 0);
    const before = await foreignState(lone);
    for (const rows of [contractGoals.peered, contractGoals.moved, contractGoals.underlay]) {
      assert.deepEqual((await leaf.converge(rows)).failed, []);
      assert.deepEqual(await foreignState(lone), before);
      const frr = await leaf.vtysh('show running-config');
      assert.match(frr, /^route-map OPERATOR permit 10$/m);
      assert.match(frr, /^ip prefix-list OPERATOR seq 5 permit any$/m);
    }
    assert.deepEqual((await leaf.converge([])).failed, []);
    assert.deepEqual(await foreignState(lone), before);
  });
});

const foreignState = async ({ leaf }: LoneLeaf): Promise<readonly string[]> => {
  const commands: readonly Argv[] = [
    ['ip', '-brief', 'address', 'show', 'dev', 'mgmt0'],
    ['ip', '-brief', 'address', 'show', 'to', '192.0.2.77'],
    ['ip', 'route', 'show', '198.51.100.0/24'],
    ['nft', 'list', 'table', 'inet', 'operator'],
    ['sh', '-c', 'ls /run/netns | grep customer; tr "\\0" " " < /proc/$(cat /run/netns/.operator.pid)/cmdline'],
  ];
  return Promise.all(commands.map(async (argv) => (await leaf.exec(argv)).stdout));
};
