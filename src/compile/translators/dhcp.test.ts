import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../../api/object.ts';
import type { DhcpRangeRow, SegmentRow } from '../../goal/rows.ts';
import { ipv4Number } from '../../net/address.ts';
import type { Address } from '../../net/brand.ts';
import { attachment, compiled, object, peering, put, remove, rowsIn, settleAll } from '../fixture.ts';
import { clusterRef, tenantRef } from '../intent.ts';
import type { Compiler } from '../engine.ts';

const vpcWith = (dhcp: object, cidr = '10.1.0.0/24', more: object = {}): Resource =>
  object('VPC', 'red', { subnets: { front: { cidr, dhcp }, ...more } });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });
const red = tenantRef('VPC', 'default/red');
const range = { from: '10.1.0.128', to: '10.1.0.254' };

const lease = (address: string, leaf: string, mac = `0a:00:00:00:00:${(Number(address.split('.')[3]) & 255).toString(16).padStart(2, '0')}`): Resource =>
  object('DHCPLease', `red.front.${address.replaceAll('.', '-')}`, { vpc: 'red', subnet: 'front', address, mac, switch: leaf, type: 'Dynamic' });

const segmentOf = (compiler: Compiler, leaf = 'leaf-1'): SegmentRow => {
  const [segment] = Object.values(rowsIn(compiler, `device/${leaf}`, 'segment'));
  return segment as SegmentRow;
};
const rangesOf = (compiler: Compiler, leaf: string): DhcpRangeRow[] => Object.values(rowsIn(compiler, `device/${leaf}`, 'dhcpRange')) as DhcpRangeRow[];
const texts = (rows: readonly DhcpRangeRow[]): string[] => rows.map(({ from, to }) => `${from}-${to}`);
const addressOf = (compiler: Compiler, name: string): unknown => compiler.factsOf(tenantRef('VPCAttachment', `default/${name}`))?.['address'];
const codes = (compiler: Compiler, ref = red): string[] => compiler.findingsOf(ref).map(({ code }) => code);

test('what servers are told is said by the segment, on every leaf alike', () => {
  const { compiler } = compiled(
    vpcWith({
      leaseSeconds: 600, dnsServers: ['10.1.0.53', 'FD00::53'], ntpServers: ['10.1.0.123'], domain: 'lab.example', mtu: 1400,
      boot: { server: '10.1.0.9', file: 'pxelinux.0' }, routes: [{ destination: '172.16.0.0/12', gateway: '10.1.0.7' }], defaultRoute: false,
    }),
    a1, a2,
  );
  assert.deepEqual(segmentOf(compiler).dhcp, {
    leaseSeconds: 600,
    dnsServers: ['10.1.0.53', 'fd00::53'],
    ntpServers: ['10.1.0.123'],
    domain: 'lab.example',
    mtu: 1400,
    bootServer: '10.1.0.9',
    bootFile: 'pxelinux.0',
    routes: [{ destination: '172.16.0.0/12', gateway: '10.1.0.7' }],
    noDefaultRoute: true,
  });
  assert.deepEqual(segmentOf(compiler, 'leaf-2'), segmentOf(compiler));
});

describe('reservations', () => {
  const reserved = (address: string, mac = '02:00:00:00:00:01') => vpcWith({ range, reservations: { [mac]: { address } } });

  test('are said once for all leaves, whatever the spelling of the MAC address', () => {
    const { compiler } = compiled(reserved('10.1.0.77', '0A-00-00-00-00-99'), a1);
    const { vni } = segmentOf(compiler);
    const scope = compiler.scopesOf(red).find((each) => each.startsWith('vpc/')) ?? '';
    assert.deepEqual(rowsIn(compiler, scope, 'reservation'), {
      [`reservation/${vni}/0a:00:00:00:00:99`]: { segment: vni, mac: '0a:00:00:00:00:99', address: '10.1.0.77' },
    });
  });

  test('give an attached server the address that is reserved for it, inside the range and outside', () => {
    for (const address of ['10.1.0.77', '10.1.0.200']) {
      const { compiler } = compiled(reserved(address), a1, a2);
      assert.equal(addressOf(compiler, 'a1'), `${address}/24`);
      assert.equal(addressOf(compiler, 'a2'), '10.1.0.2/24');
    }
  });

  test('refuse an attachment that pins another address', () => {
    const pinned = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1', address: '10.1.0.5' });
    const { compiler } = compiled(reserved('10.1.0.77'), pinned);
    assert.deepEqual(codes(compiler, tenantRef('VPCAttachment', 'default/a1')), ['AddressReserved']);
  });

  test('do not take an address that somebody has, and the other reservations stand', () => {
    const { compiler, claims } = compiled(vpcWith({}), attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1', address: '10.1.0.5' }));
    const more = vpcWith({ reservations: { '0a:00:00:00:00:01': { address: '10.1.0.5' }, '0a:00:00:00:00:02': { address: '10.1.0.6' } } });
    settleAll(compiler, [more], claims);
    assert.deepEqual(codes(compiler), ['AddressInUse']);
    const scope = compiler.scopesOf(red).find((each) => each.startsWith('vpc/')) ?? '';
    assert.equal(Object.keys(rowsIn(compiler, scope, 'reservation')).length, 1);
    assert.ok(segmentOf(compiler));
  });

  test('wait for the end of a lease by another machine, whose renewal is refused meanwhile', () => {
    const { compiler, claims } = compiled(vpcWith({ range }), a1);
    const held = lease('10.1.0.130', 'leaf-1');
    const more = settleAll(compiler, [reserved('10.1.0.130', '0a:00:00:00:00:aa'), held], claims);
    assert.deepEqual(codes(compiler), ['Pending']);
    assert.ok(!texts(rangesOf(compiler, 'leaf-1')).some((text) => text.includes('10.1.0.130')));
    compiler.apply([remove(held)]);
    assert.deepEqual(codes(compiler), []);
    assert.ok(more.length > claims.length);
  });
});

describe('a range', () => {
  test('is divided: every leaf of the subnet leases from blocks of its own', () => {
    const { compiler } = compiled(vpcWith({ range }), a1, a2);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.128-10.1.0.135']);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-2')), ['10.1.0.136-10.1.0.143']);
    assert.deepEqual(codes(compiler), []);
  });

  test('has none of what the gateway, a server or a mapping has, and servers are given none of it', () => {
    const wide = vpcWith({ range: { from: '10.1.0.1', to: '10.1.0.254' } });
    const pinned = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2', address: '10.1.0.3' });
    const { compiler } = compiled(wide, pinned);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-2')), ['10.1.0.2-10.1.0.2', '10.1.0.4-10.1.0.7']);
    const { compiler: other } = compiled(vpcWith({ range: { from: '10.1.0.2', to: '10.1.0.100' } }), a1);
    assert.equal(addressOf(other, 'a1'), '10.1.0.101/24');
  });

  test('has no broadcast address in it, because the API refuses that, and clips blocks at both ends', () => {
    const { compiler } = compiled(vpcWith({ range: { from: '10.1.0.250', to: '10.1.0.254' } }), a1);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.250-10.1.0.254']);
  });

  test('gives a leaf more blocks when its leases need room, and takes back none with a lease in it', () => {
    const { compiler, claims } = compiled(vpcWith({ range }), a1, a2);
    const leases = [128, 129, 130, 131, 132, 133, 134].map((last) => lease(`10.1.0.${last}`, 'leaf-1'));
    const vpc = vpcWith({ range });
    let held = settleAll(compiler, [vpc, ...leases], claims);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.128-10.1.0.135', '10.1.0.144-10.1.0.151']);
    const far = lease('10.1.0.150', 'leaf-1');
    held = settleAll(compiler, [vpc, far], held);
    compiler.apply(leases.map(remove));
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.128-10.1.0.135', '10.1.0.144-10.1.0.151']);
    compiler.apply([remove(far)]);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.128-10.1.0.135']);
  });

  test('that is used up is told, and is no fault', () => {
    const small = vpcWith({ range: { from: '10.1.0.128', to: '10.1.0.135' } });
    const { compiler } = compiled(small, a1, a2);
    assert.deepEqual(codes(compiler), ['RangeUsedUp']);
    assert.equal(rangesOf(compiler, 'leaf-1').length + rangesOf(compiler, 'leaf-2').length, 1);
  });

  test('goes with the last attachment of a leaf', () => {
    const { compiler } = compiled(vpcWith({ range }), a1, a2);
    compiler.apply([remove(a2)]);
    assert.deepEqual(rangesOf(compiler, 'leaf-2'), []);
    assert.equal(rangesOf(compiler, 'leaf-1').length, 1);
  });

  test('never has an address on two leaves, nor one that somebody holds, whatever comes and goes', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('lease' as const), last: fc.integer({ min: 128, max: 254 }), leaf: fc.constantFrom('leaf-1', 'leaf-2') }),
      fc.record({ type: fc.constant('release' as const), last: fc.integer({ min: 128, max: 254 }) }),
      fc.record({ type: fc.constant('attach' as const), name: fc.constantFrom('b1', 'b2'), pin: fc.option(fc.integer({ min: 2, max: 254 })) }),
      fc.record({ type: fc.constant('detach' as const), name: fc.constantFrom('b1', 'b2') }),
      fc.record({ type: fc.constant('range' as const), from: fc.integer({ min: 2, max: 200 }), size: fc.integer({ min: 0, max: 54 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let vpc = vpcWith({ range });
        const made = compiled(vpc, a1, a2);
        const { compiler } = made;
        let { claims } = made;
        for (const each of steps) {
          const objects: Resource[] = [vpc, a1, a2];
          if (each.type === 'lease') objects.push(lease(`10.1.0.${each.last}`, each.leaf));
          if (each.type === 'release') compiler.apply([remove(lease(`10.1.0.${each.last}`, 'leaf-1'))]);
          if (each.type === 'range') objects[0] = vpc = vpcWith({ range: { from: `10.1.0.${each.from}`, to: `10.1.0.${each.from + each.size}` } });
          const spec = (name: string, more: object) => attachment(name, { vpc: 'red', subnet: 'front', connection: `${name}--leaf-${name.at(-1)}`, ...more });
          if (each.type === 'attach') objects.push(spec(each.name, each.pin === null ? {} : { address: `10.1.0.${each.pin}` }));
          if (each.type === 'detach') compiler.apply([remove(spec(each.name, {}))]);
          claims = settleAll(compiler, objects, claims);
          const rows = ['leaf-1', 'leaf-2'].flatMap((leaf) => rangesOf(compiler, leaf));
          const all = rows.flatMap(({ from, to }) => numbers(from, to));
          assert.equal(new Set(all).size, all.length);
          const held = claims.map(({ spec: claim }) => claim as { pool: string; value: string }).filter(({ pool }) => pool.startsWith('host.'));
          for (const { value } of held) assert.ok(!all.includes(ipv4Number(value as Address) ?? 0), value);
          assert.ok(!all.includes(ipv4Number('10.1.0.255' as Address) ?? 0));
        }
      }),
      { numRuns: 60 },
    );
  });
});

const numbers = (from: Address, to: Address): number[] => {
  const [first, last] = [ipv4Number(from) ?? 0, ipv4Number(to) ?? -1];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
};

describe('a relay', () => {
  const back = { back: { cidr: '10.1.9.0/24' } };

  test('has an address of its own on every leaf, and servers none but what they pin', () => {
    const { compiler } = compiled(vpcWith({ relay: { server: '10.1.9.9' } }, '10.1.0.0/24', back), a1, a2);
    assert.equal(segmentOf(compiler).dhcp?.relay, '10.1.9.9');
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-1')), ['10.1.0.2-10.1.0.2']);
    assert.deepEqual(texts(rangesOf(compiler, 'leaf-2')), ['10.1.0.3-10.1.0.3']);
    assert.equal(addressOf(compiler, 'a1'), undefined);
    assert.deepEqual(rowsIn(compiler, 'device/leaf-1', 'host'), {});
  });

  test('to another VPC needs that VPC, a subnet there that has the server, and a peering', () => {
    const relayed = vpcWith({ relay: { server: '10.2.0.9', vpc: 'blue' } });
    const { compiler, claims } = compiled(relayed, a1);
    assert.deepEqual(codes(compiler), ['UnknownVPC']);
    let held = settleAll(compiler, [object('VPC', 'blue', { subnets: { far: { cidr: '10.2.1.0/24' } } })], claims);
    assert.deepEqual(codes(compiler), ['RelayUnreachable']);
    held = settleAll(compiler, [object('VPC', 'blue', { subnets: { far: { cidr: '10.2.0.0/24' } } })], held);
    assert.deepEqual(compiler.findingsOf(red).map(({ path }) => path), ['spec.subnets.front.dhcp.relay.vpc']);
    compiler.apply([put(peering('p', [[{ vpc: 'red' }, { vpc: 'blue' }]]))]);
    assert.deepEqual(codes(compiler), []);
    assert.ok(held.length > 0);
  });
});

test('an MTU that the segment does not carry is warned of', () => {
  const { compiler } = compiled(vpcWith({ mtu: 9200 }), a1);
  assert.deepEqual(codes(compiler), ['MTUAboveSegment']);
  assert.deepEqual(codes(compiler, clusterRef('Switch', 'leaf-1')), []);
});
