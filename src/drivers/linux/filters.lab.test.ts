/** What isolation, restriction and policies let pass, with real packets: on one leaf, and from one to another. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AclRow, Row } from '../../goal/rows.ts';
import type { Prefix, Vni } from '../../net/brand.ts';
import { attachment, host, routedSegment, underlay, vrf } from './fixture/goals.ts';
import { connect, createHost, createSwitch } from './fixture/topology.ts';
import type { Host, Switch } from './fixture/topology.ts';

const traffic = fileURLToPath(new URL('fixture/traffic.ts', import.meta.url));
const uplink = (hostname: string, asn: number, routerId: string, serverPorts: readonly string[]): readonly Row[] =>
  underlay({ hostname, asn, routerId, fabricPorts: ['up1'], serverPorts, leaf: true });
const fabric = {
  spine: underlay({ hostname: 'spine', asn: 65100, routerId: '10.255.0.1', fabricPorts: ['dn1', 'dn2'], serverPorts: [], leaf: false }),
  left: uplink('left', 65001, '10.255.0.11', ['p1', 'p2', 'p3']),
  right: uplink('right', 65002, '10.255.0.12', ['p1', 'p2']),
};

/** a, b: one subnet, one leaf. c: another subnet there. d: a's subnet on the other leaf. e: c's subnet there. */
const servers = { a: 1, b: 1, c: 2, d: 1, e: 2 } as const;
type Name = keyof typeof servers;
const names = Object.keys(servers) as Name[];
const last = (name: Name): number => 11 + names.indexOf(name);
const at = (name: Name): string => `10.1.${servers[name]}.${last(name)}`;
const at6 = (name: Name): string => `fd00:${servers[name]}::${last(name)}`;
const mac = (name: Name): string => `0a:00:00:00:06:${last(name)}`;
const portOf = { a: 'p1', b: 'p2', c: 'p3', d: 'p1', e: 'p2' } as const;
const onLeft: readonly Name[] = ['a', 'b', 'c'];

const subnetsWith = (more: object = {}): readonly Row[] =>
  [1, 2].map((subnet) => routedSegment(1000 + subnet, 5001, [`10.1.${subnet}.1/24`, `fd00:${subnet}::1/64`], { ipv6: 'dhcp', ...(subnet === 1 ? more : {}) }));
const held = (name: Name): readonly Row[] => {
  const vni = 1000 + servers[name];
  return [attachment(portOf[name], vni), host(portOf[name], vni, at(name), mac(name)), host(portOf[name], vni, at6(name), mac(name))];
};
const acl = (key: string, more: Partial<AclRow>): Row =>
  ({ table: 'acl', key: `vrf5001/${key}`, value: { vrf: 'vrf5001', direction: 'ingress', description: 'test', subjects: [], subjectSets: [], rules: [], ...more } });
const member = (set: string, ...found: readonly Name[]): readonly Row[] =>
  found.flatMap((name) => [`${at(name)}/32`, `${at6(name)}/128`]).map((prefix) =>
    ({ table: 'aclMember', key: `vrf5001/${set}/${prefix}`, value: { vrf: 'vrf5001', set, prefix: prefix as Prefix } }));
const isolation: Row = {
  table: 'isolation',
  key: '1001',
  value: {
    segment: 1001 as Vni,
    vrf: 'vrf5001',
    prefixes: ['10.1.1.0/24' as Prefix, 'fd00:1::/64' as Prefix],
    denied: ['10.1.2.0/24' as Prefix, 'fd00:2::/64' as Prefix],
  },
};

describe('what may pass between servers', () => {
  let [spine, left, right]: readonly Switch[] = [];
  const hosts = new Map<Name, Host>();
  const listening: ChildProcess[] = [];
  const hostOf = (name: Name): Host => {
    const found = hosts.get(name);
    assert.ok(found);
    return found;
  };
  /** Which of the probes, such as `tcp b 80`, are answered; to the IPv4 or the IPv6 address. */
  const answered = async (from: Name, probes: readonly string[], address = at): Promise<readonly string[]> => {
    const words = probes.map((probe) => probe.replace(/ ([a-e])/, (_, to: string) => ` ${address(to as Name)}`));
    const { stdout } = await hostOf(from).exec([process.execPath, traffic, 'send', ...words]);
    const arrived = new Set(JSON.parse(stdout) as readonly string[]);
    return probes.filter((_, index) => arrived.has(words[index] ?? ''));
  };
  const apply = async (more: readonly Row[], segments = subnetsWith()): Promise<void> => {
    assert.ok(left !== undefined && right !== undefined);
    for (const [device, rows, own] of [[left, fabric.left, onLeft], [right, fabric.right, ['d', 'e'] as const]] as const) {
      const { failed, unrealisable } = await device.converge([...rows, vrf(5001), ...segments, ...own.flatMap(held), ...more]);
      assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
      const again = await device.plan([...rows, vrf(5001), ...segments, ...own.flatMap(held), ...more]);
      assert.deepEqual(again.steps.map(({ key }) => key), [], 'what nft prints is what was written');
    }
  };

  before(async () => {
    [spine, left, right] = await Promise.all(['spine', 'left', 'right'].map((name) => createSwitch(`flt-${name}`)));
    assert.ok(spine !== undefined && left !== undefined && right !== undefined);
    await connect(spine.name, 'dn1', left.name, 'up1');
    await connect(spine.name, 'dn2', right.name, 'up1');
    for (const name of names) {
      const server = await createHost(`flt-${name}`, mac(name));
      hosts.set(name, server);
      await connect(onLeft.includes(name) ? left.name : right.name, portOf[name], server.namespace, 'eth0');
      await server.exec(['ip', 'link', 'set', 'lo', 'up']);
      await server.exec(['sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=0']);
      await server.exec(['ip', 'link', 'set', 'eth0', 'address', server.mac, 'mtu', '1500', 'up']);
      await server.exec(['ip', 'address', 'add', `${at(name)}/24`, 'dev', 'eth0']);
      await server.exec(['ip', 'address', 'add', `${at6(name)}/64`, 'dev', 'eth0', 'nodad']);
      await server.exec(['ip', 'route', 'add', 'default', 'via', `10.1.${servers[name]}.1`]);
      await server.exec(['ip', '-6', 'route', 'add', 'default', 'via', `fd00:${servers[name]}::1`]);
      const child = spawn('ip', ['netns', 'exec', server.namespace, process.execPath, traffic, 'serve', '80', '443', '53', '40000'], { stdio: ['ignore', 'pipe', 'inherit'] });
      listening.push(child);
      await once(child.stdout, 'data');
    }
    await spine.converge(fabric.spine);
    await apply([]);
    for (let attempt = 0; attempt < 60; attempt += 1) {
      if ((await answered('a', ['icmp e', 'icmp d'])).length === 2 && (await answered('a', ['icmp e', 'icmp d'], at6)).length === 2) return;
      await sleep(100);
    }
    assert.fail('the two leaves never reached each other');
  });
  after(async () => {
    for (const child of listening) child.kill('SIGKILL');
    await Promise.all([spine, left, right, ...hosts.values()].map((node) => node?.destroy()));
  });

  const everybody = ['icmp b', 'icmp c', 'icmp d', 'icmp e', 'tcp b 80', 'udp d 53', 'udp c 53', 'tcp e 443'];

  it('is everything without rules', async () => {
    assert.deepEqual(await answered('a', everybody), everybody);
    assert.deepEqual(await answered('a', everybody, at6), everybody);
  });

  it('is nothing under an address that is not the sender\'s: outside its subnet, or known to be another\'s', async () => {
    const echoes = async (name: Name): Promise<number> => {
      const { stdout } = await hostOf(name).exec(['sh', '-c', 'nstat -asz IcmpInEchos Icmp6InEchos']);
      return [...stdout.matchAll(/InEchos\s+(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    /** Whether b (bridged), c (routed) and d (on the other leaf) hear what a sends under an address. */
    const heard = async (source: string): Promise<string> => {
      const targets = (['b', 'c', 'd'] as const).filter((to) => ![at(to), at6(to)].includes(source));
      const address = source.includes(':') ? at6 : at;
      for (const to of targets) await hostOf('a').exec(['ping', '-c', '1', '-W', '1', address(to)]);
      const before = await Promise.all(targets.map(echoes));
      await hostOf('a').exec(['ip', 'address', 'add', source.includes(':') ? `${source}/128` : `${source}/32`, 'dev', 'lo', 'nodad']);
      await Promise.all(targets.map((to) => hostOf('a').exec(['ping', '-c', '2', '-i', '0.2', '-W', '0.3', '-I', source, address(to)])));
      await hostOf('a').exec(['ip', 'address', 'del', source.includes(':') ? `${source}/128` : `${source}/32`, 'dev', 'lo']);
      const after = await Promise.all(targets.map(echoes));
      return targets.filter((_, index) => (after[index] ?? 0) > (before[index] ?? 0)).join(' ');
    };
    await apply(member('db', 'e'));
    assert.equal(await heard('10.1.1.99'), 'b c d', 'an address of the subnet that nobody is known to have');
    assert.equal(await heard('fd00:1::99'), 'b c d');
    for (const foreign of ['203.0.113.9', '10.1.2.99', '10.1.1.1', at('b'), at('e'), 'fd00:9::9', at6('b'), 'fd00:1::1']) assert.equal(await heard(foreign), '', foreign);
    const gateway = async (): Promise<string> => (await hostOf('b').exec(['ip', 'neighbour', 'show', '10.1.1.1'])).stdout.replace(/.*lladdr (\S+).*/s, '$1');
    assert.ok(await hostOf('b').reaches('10.1.1.1', 3));
    const before = await gateway();
    await hostOf('b').exec(['sysctl', '-qw', 'net.ipv4.conf.eth0.arp_accept=1']);
    await hostOf('a').exec(['busybox', 'arping', '-A', '-c', '3', '-I', 'eth0', '-s', '10.1.1.1', '10.1.1.1']);
    assert.equal(await gateway(), before, 'nor does it speak for the gateway');
    await apply([]);
  });

  it('is nothing between an isolated subnet and the others, on one leaf and between two, and everything inside', async () => {
    await apply([isolation]);
    const inside = ['icmp b', 'icmp d', 'tcp b 80', 'udp d 53'];
    assert.deepEqual(await answered('a', everybody), inside);
    assert.deepEqual(await answered('a', everybody, at6), inside);
    assert.deepEqual(await answered('e', ['icmp a', 'icmp d', 'icmp c', 'tcp b 80']), ['icmp c']);
    assert.deepEqual((await hostOf('a').exec(['ping', '-c', '1', '-W', '0.3', '10.1.2.1'])).status, 1, 'nor with the gateway of another subnet');
    assert.ok(await hostOf('a').reaches('10.1.1.1', 3));
  });

  it('is nothing between hosts of a restricted subnet but with the gateway and other subnets, whatever way they try', async () => {
    await apply([], subnetsWith({ restricted: true }));
    const outside = ['icmp c', 'icmp e', 'udp c 53', 'tcp e 443'];
    assert.deepEqual(await answered('a', everybody), outside);
    assert.deepEqual(await answered('a', everybody, at6), outside);
    assert.deepEqual(await answered('d', ['icmp a', 'icmp b', 'icmp e']), ['icmp e']);
    assert.ok(await hostOf('a').reaches('10.1.1.1', 3));
    for (const to of ['b', 'd'] as const) await hostOf('a').exec(['ip', 'route', 'add', `${at(to)}/32`, 'via', '10.1.1.1']);
    assert.deepEqual(await answered('a', ['icmp b', 'icmp d', 'tcp b 80']), [], 'through the gateway');
    for (const to of ['b', 'd'] as const) await hostOf('a').exec(['ip', 'route', 'del', `${at(to)}/32`]);
  });

  it('is nothing at all of a subnet that is both, and everything again when it is neither', async () => {
    await apply([isolation], subnetsWith({ restricted: true }));
    assert.deepEqual(await answered('a', everybody), []);
    await apply([]);
    assert.deepEqual(await answered('a', everybody), everybody);
  });

  it('is to servers of a policy what its rules say, in the same subnet on the same leaf too, and they may begin what they like', async () => {
    const rules: AclRow['rules'] = [
      { peers: [], sets: ['web'], protocol: 'tcp', ports: [{ from: 80, to: 90 }, { from: 443, to: 443 }] },
      { peers: [`${at('c')}/32` as Prefix, `${at6('c')}/128` as Prefix], sets: [], protocol: 'udp', ports: [{ from: 53, to: 53 }] },
    ];
    await apply([acl('guard/ingress', { subjectSets: ['db'], rules }), ...member('db', 'b', 'd'), ...member('web', 'a', 'e')]);
    const tried = (['b', 'd'] as const).flatMap((to) => [`icmp ${to}`, `tcp ${to} 80`, `tcp ${to} 443`, `tcp ${to} 53`, `udp ${to} 53`, `udp ${to} 40000`]);
    for (const address of [at, at6]) {
      assert.deepEqual(await answered('a', tried, address), ['tcp b 80', 'tcp b 443', 'tcp d 80', 'tcp d 443']);
      assert.deepEqual(await answered('e', tried, address), ['tcp b 80', 'tcp b 443', 'tcp d 80', 'tcp d 443']);
      assert.deepEqual(await answered('c', tried, address), ['udp b 53', 'udp d 53']);
      const begun = ['icmp a', 'tcp a 80', 'udp a 53', 'udp c 40000', 'tcp e 53', 'udp e 53'];
      assert.deepEqual(await answered('b', begun, address), begun);
      assert.deepEqual(await answered('b', ['tcp d 80', 'udp d 53', 'icmp d'], address), [], 'servers of the policy are no peers of it');
    }
    assert.ok(await hostOf('b').reaches('10.1.1.1', 3), 'the gateway answers');
  });

  it('is nothing over link-local addresses, which no policy names, with servers of one', async () => {
    const tried = async (from: Name, to: Name): Promise<boolean> => {
      const address = `fe80::800:ff:fe00:6${last(to)}%eth0`;
      return (await hostOf(from).exec(['ping', '-c', '2', '-i', '0.2', '-W', '1', address])).status === 0;
    };
    await apply([]);
    for (const to of ['b', 'd'] as const) assert.ok(await tried('a', to), to);
    await apply([acl('guard/ingress', { subjectSets: ['db'] }), ...member('db', 'b', 'd')]);
    for (const to of ['b', 'd'] as const) assert.equal(await tried('a', to), false, to);
    await apply([acl('guard/ingress', { subjects: ['10.1.1.0/24' as Prefix] })]);
    for (const to of ['b', 'd'] as const) assert.equal(await tried('a', to), false, to);
    await apply([acl('quiet/egress', { direction: 'egress', subjects: [`${at('a')}/32` as Prefix] })]);
    assert.equal(await tried('a', 'b'), false);
    assert.ok(await tried('b', 'd'));
    await apply([]);
  });

  it('is from servers of a policy what its rules say, and answers to what they may be sent', async () => {
    const rules: AclRow['rules'] = [{ peers: ['10.1.2.0/24' as Prefix], sets: [], protocol: 'udp', ports: [{ from: 53, to: 53 }] }, { peers: [], sets: [], protocol: 'icmp', ports: [] }];
    await apply([acl('quiet/egress', { direction: 'egress', subjects: [`${at('a')}/32` as Prefix, `${at6('a')}/128` as Prefix], rules })]);
    assert.deepEqual(await answered('a', ['tcp b 80', 'udp b 53', 'udp c 53', 'udp e 53', 'udp e 40000', 'icmp b', 'icmp e']), ['udp c 53', 'udp e 53', 'icmp b', 'icmp e']);
    assert.deepEqual(await answered('a', ['udp c 53', 'icmp e'], at6), ['icmp e']);
    const sent = ['tcp a 80', 'udp a 53', 'udp a 40000', 'icmp a'];
    for (const from of ['b', 'c', 'e'] as const) assert.deepEqual(await answered(from, sent), sent);
  });

  it('leaves a server that may neither send nor be sent anything its address, its gateway and its neighbours', async () => {
    const subjects = ['10.1.1.0/24', 'fd00:1::/64'] as readonly string[] as readonly Prefix[];
    const dhcp = { leaseSeconds: 600, dnsServers: [], ntpServers: [], routes: [] };
    await apply([acl('shut/ingress', { subjects }), acl('shut/egress', { direction: 'egress', subjects })], subnetsWith({ dhcp }));
    for (const address of [at, at6]) {
      assert.deepEqual(await answered('a', everybody, address), []);
      assert.deepEqual(await answered('e', ['icmp a', 'tcp b 80', 'udp d 53'], address), []);
    }
    const a = hostOf('a');
    const { status, stderr } = await a.exec(['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '20', '-T', '1', '-s', '/bin/true']);
    assert.equal(status, 0, stderr);
    await a.exec(['ip', 'neighbour', 'flush', 'dev', 'eth0']);
    for (const gateway of ['10.1.1.1', 'fd00:1::1']) assert.ok(await a.reaches(gateway, 5), gateway);
    // The gateway asks the server, too: what it sends itself is never held back.
    assert.ok(left !== undefined);
    const asked = await left.exec(['nsenter', '--net=/run/netns/vrf5001', 'ping', '-c', '1', '-W', '1', at('a')]);
    assert.equal(asked.status, 0, asked.stdout);
  });

  it('is what all policies together permit', async () => {
    const subjects = ['10.1.1.0/24' as Prefix];
    const tcp = (port: number): AclRow['rules'] => [{ peers: [], sets: [], protocol: 'tcp', ports: [{ from: port, to: port }] }];
    const tried = ['tcp b 80', 'tcp b 443', 'tcp b 53', 'icmp b'];
    await apply([acl('a/ingress', { subjects, rules: tcp(80) }), acl('z/ingress', { subjects, rules: tcp(443) })]);
    assert.deepEqual(await answered('a', tried), ['tcp b 80', 'tcp b 443']);
    await apply([acl('a/ingress', { subjects, rules: tcp(80) }), acl('z/ingress', { subjects: ['10.1.2.0/24' as Prefix], rules: tcp(443) })]);
    assert.deepEqual(await answered('a', tried), ['tcp b 80']);
    await apply([acl('a/ingress', { subjects })]);
    assert.deepEqual(await answered('a', tried), []);
    await apply([]);
    assert.deepEqual(await answered('a', tried), tried);
  });

  it('changes with the members of a set by one element, and what was begun before goes on', async () => {
    const rules: AclRow['rules'] = [{ peers: [], sets: ['web'], protocol: 'tcp', ports: [] }];
    const goal = (...web: readonly Name[]): readonly Row[] =>
      [...fabric.left, vrf(5001), ...subnetsWith(), ...onLeft.flatMap(held), acl('guard/ingress', { subjects: [`${at('b')}/32` as Prefix], rules }), ...member('web', ...web)];
    assert.ok(left !== undefined);
    await left.converge(goal('a'));
    assert.deepEqual(await answered('a', ['tcp b 80']), ['tcp b 80']);
    assert.deepEqual(await answered('c', ['tcp b 80']), []);
    const { steps } = await left.plan(goal('c'));
    assert.deepEqual(steps.map(({ key, command }) => [key, command]), [['nft/vrf5001', 'nsenter --net=/run/netns/vrf5001 nft -f -']]);
    await left.converge(goal('c'));
    assert.deepEqual(await answered('a', ['tcp b 80']), []);
    assert.deepEqual(await answered('c', ['tcp b 80']), ['tcp b 80']);
  });

  it('ends with its rule on a connection that exists, and goes on where another rule permits it', async () => {
    const rules = (port: number): AclRow['rules'] => [{ peers: [], sets: [], protocol: 'tcp', ports: [{ from: port, to: port }] }];
    const subjects = [`${at('b')}/32` as Prefix];
    await apply([acl('guard/ingress', { subjects, rules: [...rules(80), ...rules(443)] })]);
    const held = await Promise.all([80, 443].map(async (port) => {
      const child = spawn('ip', ['netns', 'exec', hostOf('a').namespace, process.execPath, traffic, 'hold', at('b'), `${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
      listening.push(child);
      let answers = 0;
      child.stdout.on('data', (text: Buffer) => (answers += text.length));
      await once(child.stdout, 'data');
      return { count: () => answers };
    }));
    await apply([acl('guard/ingress', { subjects, rules: rules(443) })]);
    await sleep(200);
    const before = held.map(({ count }) => count());
    await sleep(600);
    const [gone = 0, kept = 0] = held.map(({ count }, index) => count() - (before[index] ?? 0));
    assert.equal(gone, 0);
    assert.ok(kept > 0);
    await apply([]);
  });
});
