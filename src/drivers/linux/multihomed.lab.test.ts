import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { run } from '../../kit/process.ts';
import { until } from '../../kit/testing.ts';
import { attachment, host, segment, underlay, vrf } from './fixture/goals.ts';
import { connect, createHost, createSwitch } from './fixture/topology.ts';
import type { Host, Switch } from './fixture/topology.ts';

const prefix = 'mhm';
const macs = { shared: '0a:00:00:00:00:31', remote: '0a:00:00:00:00:32', orphan: '0a:00:00:00:00:33' } as const;
const esi = '00:48:44:4c:00:00:00:00:00:07';

const leaf = (number: number, serverPorts: readonly string[]): readonly Row[] =>
  underlay({ hostname: `leaf${number}`, asn: 65000 + number, routerId: `10.255.0.1${number}`, fabricPorts: ['up1'], serverPorts, leaf: true });

/** Port p1 of a member is its link to the server that the group shares. */
const member = (rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => (row.table === 'port' && row.key === 'p1' ? { ...row, value: { ...row.value, bundle: 'es-7', esi } } : row));

const shared = [vrf(5001), segment(1001, 5001, '10.1.1.1/24'), attachment('es-7', 1001), host('es-7', 1001, '10.1.1.11', macs.shared)];
const goals = {
  one: [...member(leaf(1, ['p1', 'p2'])), ...shared, attachment('p2', 1001), host('p2', 1001, '10.1.1.13', macs.orphan)],
  two: [...member(leaf(2, ['p1'])), ...shared],
  three: [...leaf(3, ['p1']), vrf(5001), segment(1001, 5001, '10.1.1.1/24'), segment(1002, 5001, '10.1.2.1/24'), attachment('p1', 1002), host('p1', 1002, '10.1.2.12', macs.remote)],
  spine: underlay({ hostname: 'spine', asn: 65100, routerId: '10.255.0.1', fabricPorts: ['dn1', 'dn2', 'dn3'], serverPorts: [], leaf: false }),
} as const;

describe('a server that two leaves share', () => {
  const switches: Partial<Record<keyof typeof goals, Switch>> = {};
  const servers: Partial<Record<keyof typeof macs, Host>> = {};
  const device = (name: keyof typeof goals): Switch => {
    const found = switches[name];
    assert.ok(found !== undefined);
    return found;
  };
  const server = (name: keyof typeof macs): Host => {
    const found = servers[name];
    assert.ok(found !== undefined);
    return found;
  };
  const converge = async (name: keyof typeof goals): Promise<readonly string[]> => {
    const { failed, unrealisable, steps } = await device(name).converge(goals[name]);
    assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
    return steps.map(({ key }) => key);
  };
  const settled = (name: keyof typeof goals): Promise<void> =>
    until(`nothing left to do on leaf ${name}`, async () => (await converge(name)).length === 0).then(() => undefined);
  const ip = (namespace: string, ...words: readonly string[]): Promise<unknown> => run(['ip', '-n', namespace, ...words]);
  const link = (state: 'up' | 'down', port: string): Promise<unknown> => ip(`${prefix}-shared`, 'link', 'set', port, state);

  before(async () => {
    await Promise.all((['spine', 'one', 'two', 'three'] as const).map(async (name) => void (switches[name] = await createSwitch(`${prefix}-${name}`))));
    await Promise.all((['shared', 'remote', 'orphan'] as const).map(async (name) => void (servers[name] = await createHost(`${prefix}-${name}`, macs[name]))));
    for (const [index, name] of (['one', 'two', 'three'] as const).entries()) await connect(`${prefix}-spine`, `dn${index + 1}`, `${prefix}-${name}`, 'up1');
    await connect(`${prefix}-one`, 'p1', `${prefix}-shared`, 'e1');
    await connect(`${prefix}-two`, 'p1', `${prefix}-shared`, 'e2');
    await connect(`${prefix}-one`, 'p2', `${prefix}-orphan`, 'eth0');
    await connect(`${prefix}-three`, 'p1', `${prefix}-remote`, 'eth0');
    // What a bond is, without LACP: ports that exchange nothing with each other.
    await ip(`${prefix}-shared`, 'link', 'add', 'name', 'bond0', 'address', macs.shared, 'type', 'bridge', 'mcast_snooping', '0');
    for (const port of ['e1', 'e2']) {
      await ip(`${prefix}-shared`, 'link', 'set', port, 'master', 'bond0', 'up');
      await ip(`${prefix}-shared`, 'link', 'set', 'dev', port, 'type', 'bridge_slave', 'isolated', 'on');
    }
    for (const [name, port, address, gateway] of [
      ['shared', 'bond0', '10.1.1.11/24', '10.1.1.1'], ['orphan', 'eth0', '10.1.1.13/24', '10.1.1.1'], ['remote', 'eth0', '10.1.2.12/24', '10.1.2.1'],
    ] as const) {
      if (port === 'eth0') await ip(`${prefix}-${name}`, 'link', 'set', port, 'address', macs[name]);
      await ip(`${prefix}-${name}`, 'link', 'set', port, 'mtu', '1500', 'up');
      await ip(`${prefix}-${name}`, 'address', 'add', address, 'dev', port);
      await ip(`${prefix}-${name}`, 'route', 'add', 'default', 'via', gateway);
    }
    for (const name of ['spine', 'one', 'two', 'three'] as const) await converge(name);
  });
  after(async () => void (await Promise.all([...Object.values(switches), ...Object.values(servers)].map((node) => node.destroy()))));

  it('is behind both, as others see it, and nothing is left to do on either', async () => {
    await settled('one');
    await settled('two');
    await until('a route to both leaves', async () => {
      // A leaf without sessions lets go of what it shares, and nobody but this test looks again when they are there.
      for (const name of ['one', 'two'] as const) await converge(name);
      const { stdout } = await device('three').exec(['ip', '-n', 'vrf5001', 'route', 'show', '10.1.1.11']);
      return ['10.255.0.11', '10.255.0.12'].every((vtep) => stdout.includes(vtep));
    });
    for (const from of ['remote', 'orphan'] as const) assert.ok(await server(from).reaches('10.1.1.11'));
    assert.ok(await server('shared').reaches('10.1.1.13'));
  });

  it('is reached over the other leaf when one of its links is gone, and over both again afterwards', async (t) => {
    for (const [port, name] of [['e1', 'one'], ['e2', 'two']] as const) {
      const pings = server('remote').exec(['ping', '-i', '0.01', '-c', '300', '-W', '1', '10.1.1.11']);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await link('down', port);
      await converge(name);
      const lost = 300 - Number(/(\d+) received/.exec((await pings).stdout)?.[1] ?? 0);
      t.diagnostic(`link to leaf ${name} down: ${lost} of 300 echo requests lost, one every 10 ms`);
      assert.ok(lost < 200, `${lost} lost`);
      await settled(name);
      for (const from of ['remote', 'orphan'] as const) assert.ok(await server(from).reaches('10.1.1.11'), `${from} without ${port}`);
      assert.ok(await server('shared').reaches('10.1.1.13'));
      await link('up', port);
      await until(`carrier on leaf ${name}`, async () => (await converge(name)).length > 0);
      await settled(name);
    }
    for (const from of ['remote', 'orphan'] as const) assert.ok(await server(from).reaches('10.1.1.11'));
  });

  it('is adopted as it is by a driver that starts anew', async () => {
    for (const name of ['one', 'two'] as const) {
      await device(name).restartAgent();
      assert.deepEqual((await device(name).plan(goals[name])).steps, []);
    }
  });

  it('leaves nothing behind', async () => {
    for (const name of ['one', 'two'] as const) {
      const { failed, keys } = await device(name).converge([]);
      assert.deepEqual({ failed, keys }, { failed: [], keys: [] });
    }
  });
});
