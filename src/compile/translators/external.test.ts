import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refOf, type Resource } from '../../api/object.ts';
import * as make from '../fixture.ts';

const border = make.switchOf('border-1', 'border');
const cable = make.connection('up', [['internet/p1', 'border-1/E1/1']]);
const attachment = { connection: 'up', address: '192.0.2.1/31', neighbor: { address: '192.0.2.0', asn: 65010 } };
const internet = (spec: object): Resource => make.object('External', 'internet', spec);
const shop = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const team = make.vpc('team', { default: '10.2.1.0/24' });
const a1 = make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' });
const out = (name: string, spec: object): Resource => make.object('ExternalPeering', name, { vpc: 'shop', external: 'internet', prefixes: ['0.0.0.0/0'], ...spec });
const vniOf = (compiled: ReturnType<typeof make.compiled>, object: Resource): number => Number(compiled.compiler.factsOf(refOf(object))['vni']);

test('an External is a VRF of its own that knows what is never outside, and a routed port with a session where it is met', () => {
  const bgp = { inboundCommunity: '65010:7', outboundCommunity: '50000:1', prefixes: ['203.0.0.0/8'] };
  const outside = internet({ bgp, attachments: [{ ...attachment, vlan: 7 }], inboundACL: [{ action: 'permit', protocol: 'tcp', ports: { from: 80 } }] });
  const compiled = make.compiled(border, cable, outside);
  const vni = vniOf(compiled, outside);
  assert.deepEqual(make.rowsIn(compiled.compiler, `vpc/${vni}`), {
    [`vrf/vrf${vni}`]: {
      name: `vrf${vni}`,
      vni,
      description: 'internet',
      external: { inside: ['10.0.0.0/8', '172.30.8.0/22', '172.30.12.0/22', '172.30.128.0/17'] },
    },
  });
  assert.deepEqual(make.rowsIn(compiled.compiler, 'device/border-1', 'member', 'vrfPort', 'vrfPeer'), {
    [`member/vpc/${vni}`]: { scope: `vpc/${vni}` },
    'vrfPort/E1/1.7': {
      port: 'E1/1',
      vlan: 7,
      vrf: `vrf${vni}`,
      addresses: ['192.0.2.1/31'],
      proxyFor: [],
      inbound: [{ action: 'permit', protocol: 'tcp', ports: { from: 80, to: 80 } }],
    },
    [`vrfPeer/vrf${vni}/192.0.2.0`]: {
      vrf: `vrf${vni}`,
      port: 'E1/1.7',
      address: '192.0.2.0',
      asn: 65010,
      accept: [{ prefix: '203.0.0.0/8', minLength: 8, maxLength: 32 }],
      inboundCommunity: '65010:7',
      outboundCommunity: '50000:1',
    },
  });
  assert.deepEqual(compiled.compiler.factsOf(refOf(outside)), { vni, type: 'bgp', ports: ['border-1/E1/1.7'] });
});

test('what is behind a static External are routes of its VRF, over every next hop of the family', () => {
  const six = { connection: 'up', vlan: 6, address: '2001:db8::1/127', nextHop: '2001:db8::' };
  const { neighbor: _, ...four } = attachment;
  const outside = internet({
    static: { prefixes: ['0.0.0.0/0', '2001:db8:f::/48', '10.9.0.0/16'] },
    attachments: [{ ...four, nextHop: '192.0.2.0' }, { ...four, nextHop: '192.0.2.0', address: '192.0.2.3/31', vlan: 5 }, six],
  });
  const compiled = make.compiled(border, cable, outside);
  const vni = vniOf(compiled, outside);
  assert.deepEqual(make.rowsIn(compiled.compiler, `vpc/${vni}`, 'route'), {
    [`route/vrf${vni}/0.0.0.0/0`]: { vrf: `vrf${vni}`, prefix: '0.0.0.0/0', nextHops: ['192.0.2.0'] },
    [`route/vrf${vni}/2001:db8:f::/48`]: { vrf: `vrf${vni}`, prefix: '2001:db8:f::/48', nextHops: ['2001:db8::'] },
  });
});

test('a peering leaks both ways, and each side is held where the other is', () => {
  const outside = internet({ bgp: {}, attachments: [attachment] });
  const compiled = make.compiled(border, cable, shop, team, a1, outside, out('one', { subnets: ['front'] }), out('two', { subnets: ['back'], prefixes: ['203.0.113.0/24'] }));
  const [vpc, ext] = [vniOf(compiled, shop), vniOf(compiled, outside)];
  const pairings = [
    { local: ['10.1.1.0/24'], remote: ['0.0.0.0/0'] },
    { local: ['10.1.2.0/24'], remote: ['203.0.113.0/24'] },
  ];
  assert.deepEqual(make.rowsIn(compiled.compiler, `vpc/${vpc}`, 'leak'), {
    [`leak/vrf${vpc}/vrf${ext}`]: { vrf: `vrf${vpc}`, vni: vpc, peerVrf: `vrf${ext}`, peerVni: ext, pairings },
  });
  assert.deepEqual(make.rowsIn(compiled.compiler, `vpc/${ext}`, 'leak'), {
    [`leak/vrf${ext}/vrf${vpc}`]: { vrf: `vrf${ext}`, vni: ext, peerVrf: `vrf${vpc}`, peerVni: vpc, pairings: pairings.map(({ local, remote }) => ({ local: remote, remote: local })) },
  });
  const members = (device: string): string[] => Object.keys(make.rowsIn(compiled.compiler, `device/${device}`, 'member')).sort();
  const both = [`member/vpc/${vpc}`, `member/vpc/${ext}`].sort();
  assert.deepEqual([members('leaf-1'), members('border-1'), members('leaf-2')], [both, both, []]);
});

test('what goes takes along what it brought: the last peering the VRFs, the last attachment the border', () => {
  const [outside, peering] = [internet({ bgp: {}, attachments: [attachment] }), out('one', {})];
  const compiled = make.compiled(border, cable, shop, a1, outside, peering);
  const [vpc, ext] = [vniOf(compiled, shop), vniOf(compiled, outside)];
  const left = (object: Resource): Record<string, readonly string[]> =>
    Object.fromEntries(compiled.compiler.apply([object === outside ? make.put(internet({ bgp: {} })) : make.remove(object)]).scopes.map(({ scope, deletes }) => [scope, deletes]));
  assert.deepEqual(left(peering), {
    'device/border-1': [`member/vpc/${vpc}`],
    'device/leaf-1': [`member/vpc/${ext}`],
    [`vpc/${vpc}`]: [`leak/vrf${vpc}/vrf${ext}`],
    [`vpc/${ext}`]: [`leak/vrf${ext}/vrf${vpc}`],
  });
  assert.deepEqual(left(outside), { 'device/border-1': [`member/vpc/${ext}`, `vrfPeer/vrf${ext}/192.0.2.0`, 'vrfPort/E1/1'] });
});

test('a faulty place leaves the others alone', () => {
  const outside = internet({ bgp: {}, attachments: [{ ...attachment, connection: 'nowhere' }, attachment] });
  const compiled = make.compiled(border, cable, outside);
  assert.deepEqual(compiled.compiler.findingsOf(refOf(outside)).map(({ code, path }) => `${code} ${path}`), ['UnknownConnection spec.attachments[0].connection']);
  assert.deepEqual(Object.keys(make.rowsIn(compiled.compiler, 'device/border-1', 'vrfPort')), ['vrfPort/E1/1']);
});
