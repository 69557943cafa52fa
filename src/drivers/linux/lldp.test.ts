import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import type { Argv, Output } from '../../kit/process.ts';
import { until } from '../../kit/testing.ts';
import type { LinkNeighbour } from '../driver.ts';
import type { Address } from '../../net/brand.ts';
import { Lldp, neighboursOf, wiringOf } from './lldp.ts';
import { port } from './model.ts';

const ports = new Map([['swp1', 'E1/1'], ['swp5s0', 'E1/5/1'], ['eth0.7', 'E1/7']]);

describe('what lldpcli says', () => {
  it('is a neighbour by the neutral name of the port', () => {
    const text = ['lldp.swp1.via=LLDP', 'lldp.swp1.chassis.mac=ee:59:5c:b3:2a:e8', 'lldp.swp1.chassis.name=spine-1', 'lldp.swp1.port.ifname=swp3', 'lldp.swp1.port.descr=uplink', ''];
    assert.deepEqual(neighboursOf(text.join('\n'), ports), [{ port: 'E1/1', system: 'spine-1', remotePort: 'swp3' }]);
  });

  it('may have dots in names of interfaces, equals signs in values, and more about an interface than is asked for', () => {
    const text = 'lldp.eth0.7.chassis.name=a=b\nlldp.eth0.7.port.local=E1/9\nlldp.eth0.7.chassis.descr=Debian\nlldp.eth0.7.unknown-tlvs.unknown-tlv.oui=0\n';
    assert.deepEqual(neighboursOf(text, ports), [{ port: 'E1/7', system: 'a=b', remotePort: 'E1/9' }]);
  });

  it('names a device that has no name by its MAC address, whatever comes first', () => {
    assert.deepEqual(neighboursOf('lldp.swp1.chassis.mac=aa\nlldp.swp1.port.mac=bb', ports), [{ port: 'E1/1', system: 'aa', remotePort: 'bb' }]);
  });

  it('is nothing about interfaces that are no ports, and nothing when it is nothing', () => {
    assert.deepEqual(neighboursOf('lldp.mgmt0.chassis.name=x\nlldp.swp1.via=LLDP\n\n', ports), []);
  });
});

describe('what is listened on', () => {
  it('are the interfaces of cabled ports, by the namespace that they are in', () => {
    const state = { master: '', mtu: 1500, marked: true, up: true };
    const items = [port({ ...state, interface: 'p2', place: '' }), port({ ...state, interface: 'p1', place: 'vrf5001' }), port({ ...state, interface: 'other', place: '' })];
    const rows = ['1', '2'].map((number): Row => ({ table: 'port', key: `E1/${number}`, value: { interface: `p${number}`, role: 'server', mtu: 1500, peer: '' } }));
    const system: Row = { table: 'system', key: 'self', value: { hostname: 'leaf-1', role: 'leaf', routerId: '10.0.0.1' as Address } };
    const wiring = wiringOf({ items: new Map(items.map((item) => [item.key, item])) }, merge([[...rows, system]]));
    assert.deepEqual(wiring, {
      hostname: 'leaf-1',
      interfaces: new Map([['', ['p2']], ['vrf5001', ['p1']]]),
      ports: new Map([['p1', 'E1/1'], ['p2', 'E1/2']]),
    });
  });
});

describe('the daemon that hears the neighbours', () => {
  let commands: string[];
  let running: Set<string>;
  let lldp: Lldp;
  const socketOf = (argv: Argv): string => argv.find((word) => word.endsWith('.socket')) ?? '';
  const answer = (argv: Argv): Output => {
    commands.push(argv.join(' '));
    const isAsked = argv[0] === 'lldpcli';
    if (argv.includes('sh')) running.add(socketOf(argv));
    const status = isAsked && !running.has(socketOf(argv)) ? 1 : 0;
    const heard = argv.includes('neighbors') ? 'lldp.swp1.chassis.name=spine-1\nlldp.swp1.port.ifname=swp3\n' : '';
    return { status, stdout: status === 0 ? heard : '', stderr: '' };
  };
  const start = (): LinkNeighbour[][] => {
    const told: LinkNeighbour[][] = [];
    lldp.start((neighbours) => void told.push([...neighbours]));
    return told;
  };
  beforeEach(() => {
    commands = [];
    running = new Set();
    lldp = new Lldp({ directory: '/run/x', run: async (argv) => answer(argv), transmitSeconds: 1, pollMilliseconds: 1 });
  });
  afterEach(() => lldp.stop());

  it('is started in every namespace with ports, and what it hears is told when all have spoken', async () => {
    lldp.wired({ hostname: 'leaf-1', interfaces: new Map([['', ['swp1']], ['vrf5001', ['swp2']]]), ports });
    const told = start();
    await until('told', () => told.length > 0);
    assert.deepEqual(told[0], [{ port: 'E1/1', system: 'spine-1', remotePort: 'swp3' }, { port: 'E1/1', system: 'spine-1', remotePort: 'swp3' }]);
    assert.deepEqual([...running].toSorted(), ['/run/x/lldp-vrf5001.socket', '/run/x/lldp.socket']);
    assert.ok(commands.some((command) => command.startsWith('nsenter --net=/run/netns/vrf5001 sh -c')));
  });

  it('is told of other ports without being started again', async () => {
    running.add('/run/x/lldp.socket');
    lldp.wired({ hostname: 'leaf-1', interfaces: new Map([['', ['swp1']]]), ports });
    const told = start();
    await until('told', () => told.length > 1);
    lldp.wired({ hostname: 'leaf-1', interfaces: new Map([['', ['swp1', 'swp2']]]), ports });
    await until('told', () => commands.some((command) => command.endsWith('pattern swp1,swp2')));
    assert.equal(commands.filter((command) => command.endsWith('pattern swp1')).length, 1);
    assert.ok(!commands.some((command) => command.includes('setsid')));
  });

  it('is ended before its namespace is', async () => {
    lldp.wired({ hostname: 'leaf-1', interfaces: new Map([['vrf5001', ['swp1']]]), ports });
    const told = start();
    await until('told', () => told.length > 0);
    await lldp.leave('vrf5001');
    assert.ok(commands.includes('pkill -F /run/x/lldp-vrf5001.pid'));
  });

  it('is not started again and again where it cannot run', async () => {
    const without = new Lldp({
      directory: '/run/x',
      run: async (argv) => ({ ...answer(argv), status: argv[0] === 'lldpcli' ? 1 : 0 }),
      transmitSeconds: 1,
      pollMilliseconds: 1,
    });
    without.wired({ hostname: 'leaf-1', interfaces: new Map([['', ['swp1']]]), ports });
    without.start(() => assert.fail('nothing can be told'));
    await until('given up for a while', () => commands.some((command) => command.startsWith('pkill -KILL')));
    await without.stop();
    assert.ok(commands.filter((command) => command.includes('setsid')).length <= 2);
  });

  it('is not missed where it is not installed', async () => {
    const without = new Lldp({ directory: '/run/x', run: async () => ({ status: 127, stdout: '', stderr: '' }), transmitSeconds: 1, pollMilliseconds: 1 });
    without.wired({ hostname: 'leaf-1', interfaces: new Map([['', []]]), ports });
    without.start(() => assert.fail('nothing can be told'));
    await without.stop();
  });
});
