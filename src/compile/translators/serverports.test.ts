import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refOf, type Resource } from '../../api/object.ts';
import * as make from '../fixture.ts';

const shop = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const lab = make.vpc('lab', { jobs: '10.2.0.0/16' });
const attach = (name: string, vpc: string, subnet: string, connection: string, more: object = {}): Resource =>
  make.attachment(name, { vpc, subnet, connection, ...more });

/** Leaves 3 to 5 are of one group; server `pair` is cabled to the first two. */
const group = [3, 4, 5].map((number) => make.object('Switch', `leaf-${number}`, { role: 'leaf', group: 'rack' }));
const server = make.object('Server', 'pair', { ports: { eth1: { mac: '02:00:00:00:00:11' }, eth2: { mac: '02:00:00:00:00:12' } } });
const multihomed = make.connection('pair', [['pair/eth1', 'leaf-3/E1/9'], ['pair/eth2', 'leaf-4/E1/9']]);

test('tagged attachments of several VPCs share a port, each with a row of its own', () => {
  const { compiler } = make.compiled(shop, lab, attach('one', 'shop', 'front', 'a1--leaf-1'), attach('two', 'lab', 'jobs', 'a1--leaf-1', { vlan: 20 }));
  const rows = make.rowsIn(compiler, 'device/leaf-1', 'attachment', 'host', 'member');
  assert.deepEqual(Object.keys(rows).sort(), [
    'attachment/E1/1', 'attachment/E1/1.20', 'host/5001/10.1.1.2', 'host/5004/10.2.0.2', 'member/vpc/5000', 'member/vpc/5003',
  ]);
  assert.deepEqual(rows['attachment/E1/1.20'], { port: 'E1/1', segment: 5004, vlan: 20 });
  assert.deepEqual(rows['host/5004/10.2.0.2'], { segment: 5004, address: '10.2.0.2', mac: '02:00:00:00:00:01', port: 'E1/1', vlan: 20, hostname: 'a1' });
});

test('an address that is pinned for a server without a MAC address is told with its port, since no host row can say it', () => {
  const silent = make.object('Server', 'b1', { ports: { eth1: {} } });
  const { compiler } = make.compiled(shop, silent, make.connection('b1', [['b1/eth1', 'leaf-1/E1/9']]), attach('x', 'shop', 'front', 'b1', { address: '10.1.1.77' }));
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'attachment', 'host'), { 'attachment/E1/9': { port: 'E1/9', segment: 5001, address: '10.1.1.77' } });
});

test('a VLAN that moves to another number or subnet leaves nothing behind', () => {
  const start = make.compiled(shop, lab, attach('x', 'lab', 'jobs', 'a1--leaf-1', { vlan: 20 }));
  const { compiler } = start;
  let claims = start.claims;
  for (const more of [{ vlan: 30 }, {}, { vlan: 20 }]) claims = make.settleAll(compiler, [attach('x', 'shop', 'back', 'a1--leaf-1', more)], claims);
  assert.deepEqual(Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'attachment', 'host', 'segment')).sort(), ['attachment/E1/1.20', 'host/5002/10.1.2.2', 'segment/5002']);
});

test('what is multihomed is in the scope of its group, which all switches of the group hold', () => {
  const x = attach('x', 'shop', 'front', 'pair', { vlan: 7 });
  const { compiler } = make.compiled(shop, ...group, server, multihomed, x);
  const rows = make.rowsIn(compiler, 'group/default/rack', 'segment', 'attachment', 'host', 'member');
  assert.deepEqual(Object.keys(rows).sort(), ['attachment/es-1.7', 'host/5001/10.1.1.2', 'segment/5001']);
  assert.deepEqual(rows['attachment/es-1.7'], { port: 'es-1', segment: 5001, vlan: 7 });
  for (const leaf of ['leaf-3', 'leaf-4', 'leaf-5']) {
    assert.deepEqual(make.rowsIn(compiler, `device/${leaf}`, 'member', 'segment', 'attachment', 'host'), {
      'member/group/default/rack': { scope: 'group/default/rack' },
      'member/vpc/5000': { scope: 'vpc/5000' },
    });
  }
  const ports = ['leaf-3', 'leaf-4'].map((leaf) => make.rowsIn(compiler, `device/${leaf}`, 'port')['port/E1/9']);
  const shared = { interface: 'p9', role: 'server', mtu: 9000, bundle: 'es-1', esi: '00:48:44:4c:00:00:00:00:00:01' };
  assert.deepEqual(ports.map((port) => ({ ...(port as object), interface: 'p9' })), [{ ...shared, peer: 'pair/eth1' }, { ...shared, peer: 'pair/eth2' }]);
  assert.ok(compiler.scopesOf(refOf(x)).includes('group/default/rack'));
});

test('a switch that joins a group later holds what the group shares, and one that leaves it does not', () => {
  const [first, second, third] = group;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const { compiler, claims } = make.compiled(shop, first, second, server, multihomed, attach('x', 'shop', 'front', 'pair'));
  const later = make.settleAll(compiler, [third], claims);
  assert.deepEqual(Object.keys(make.rowsIn(compiler, 'device/leaf-5', 'member')).sort(), ['member/group/default/rack', 'member/vpc/5000']);
  make.settleAll(compiler, [make.object('Switch', 'leaf-5', { role: 'leaf' })], later);
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-5', 'member'), {});
});

test('a group of the same name in another fabric is another group, and holds nothing of this one', () => {
  const east = make.object('Fabric', 'east', { overlay: { vnis: { from: 9000, to: 9999 } } });
  const stranger = make.object('Switch', 'leaf-6', { role: 'leaf', group: 'rack', fabric: 'east' });
  const { compiler } = make.compiled(shop, ...group, east, stranger, server, multihomed, attach('x', 'shop', 'front', 'pair'));
  assert.notDeepEqual(make.rowsIn(compiler, 'device/leaf-6', 'system'), {});
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-6', 'member'), {});
});

test('two groups of one name in two fabrics have a scope each', () => {
  const east = make.object('Fabric', 'east', { overlay: { vnis: { from: 9000, to: 9999 } } });
  const strangers = [6, 7].map((number) => make.object('Switch', `leaf-${number}`, { role: 'leaf', group: 'rack', fabric: 'east' }));
  const other = make.object('Server', 'twin', { ports: { eth1: { mac: '02:00:00:00:00:21' }, eth2: { mac: '02:00:00:00:00:22' } } });
  const there = make.connection('twin', [['twin/eth1', 'leaf-6/E1/9'], ['twin/eth2', 'leaf-7/E1/9']]);
  const { compiler } = make.compiled(shop, lab, ...group, east, ...strangers, server, multihomed, other, there, attach('x', 'shop', 'front', 'pair'), attach('y', 'lab', 'jobs', 'twin'));
  assert.deepEqual(Object.keys(make.rowsIn(compiler, 'group/default/rack', 'attachment', 'host')), ['attachment/es-1', 'host/5001/10.1.1.2']);
  assert.equal(Object.keys(make.rowsIn(compiler, 'group/east/rack', 'attachment', 'host')).length, 2);
});
