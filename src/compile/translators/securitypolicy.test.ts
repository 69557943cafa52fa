import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf, type Resource } from '../../api/object.ts';
import { createCompiler } from '../compiler.ts';
import type { Compiler } from '../engine.ts';
import * as make from '../fixture.ts';

const shop = make.object('VPC', 'shop', {
  subnets: { front: { cidr: '10.1.1.0/24', labels: { zone: 'edge' } }, back: { cidr: '10.1.2.0/24', ipv6: { cidr: 'fd00:2::/64' } } },
});
const lab = make.vpc('lab', { jobs: '10.2.0.0/16' });
const labelled = (server: string, leaf: string, subnet: string, labels: Record<string, string>): Resource => {
  const made = make.attachment(server, { vpc: 'shop', subnet, connection: `${server}--${leaf}` });
  return { ...made, metadata: { ...made.metadata, labels } };
};
const web = labelled('a1', 'leaf-1', 'front', { app: 'web' });
const db = labelled('a2', 'leaf-2', 'back', { app: 'db' });
const policy = (name: string, spec: object): Resource => make.object('SecurityPolicy', name, { vpc: 'shop', ...spec });
const onDb = { subjects: { attachments: { matchLabels: { app: 'db' } } } };
const fromWeb = { from: [{ attachments: { matchLabels: { app: 'web' } } }], ports: [{ protocol: 'tcp', port: 5432 }] };
/** In this order the VNIs are: shop 5000, front 5001, back 5002, lab 5003, jobs 5004. */
const space = make.addressSpace('default', '10.0.0.0/8', 'fd00::/16');
const world = [space, shop, lab, web, db];
const acl = (compiler: Compiler): Record<string, unknown> => make.rowsIn(compiler, 'vpc/5000', 'acl', 'aclMember');
const told = (compiler: Compiler, object: Resource): string[] =>
  compiler.findingsOf(refOf(object)).map(({ severity, path, code, message }) => `${severity} ${path}: ${message} (${code})`);

test('a policy is a row a direction, and a member of a set a server', () => {
  const guard = policy('guard', { ...onDb, ingress: [fromWeb] });
  const { compiler } = make.compiled(...world, guard);
  const rows = acl(compiler);
  const [dbSet = '', webSet = ''] = [...new Set(Object.keys(rows).filter((key) => key.startsWith('aclMember/')).map((key) => key.split('/')[2]))];
  const names = new Set(Object.values(rows).flatMap((row) => JSON.stringify(row).match(/s[0-9a-f]{16}/g) ?? []));
  assert.deepEqual([...names].toSorted(), [dbSet, webSet].toSorted());
  const value = rows['acl/vrf5000/guard/ingress'] as { readonly subjectSets: readonly string[]; readonly rules: readonly unknown[] };
  const [subject = ''] = value.subjectSets;
  const peer = subject === dbSet ? webSet : dbSet;
  assert.deepEqual(rows, {
    'acl/vrf5000/guard/ingress': {
      vrf: 'vrf5000', direction: 'ingress', description: 'default/guard', subjects: [], subjectSets: [subject],
      rules: [{ peers: [], sets: [peer], protocol: 'tcp', ports: [{ from: 5432, to: 5432 }] }],
    },
    [`aclMember/vrf5000/${subject}/10.1.2.2/32`]: { vrf: 'vrf5000', set: subject, prefix: '10.1.2.2/32' },
    [`aclMember/vrf5000/${subject}/fd00:2::2/128`]: { vrf: 'vrf5000', set: subject, prefix: 'fd00:2::2/128' },
    [`aclMember/vrf5000/${peer}/10.1.1.2/32`]: { vrf: 'vrf5000', set: peer, prefix: '10.1.1.2/32' },
  });
  assert.deepEqual(told(compiler, guard), []);
  assert.deepEqual(compiler.factsOf(refOf(guard)), { selected: 1 });
});

test('a label that changes is a row of every set that it concerns, and no rule', () => {
  const others = Array.from({ length: 5 }, (_, index) => policy(`other-${index}`, { subjects: { subnets: {} }, directions: ['Egress'] }));
  const { compiler } = make.compiled(...world, policy('guard', { ...onDb, ingress: [fromWeb] }), ...others);
  const changed = compiler.apply([make.put({ ...web, metadata: { ...web.metadata, labels: { app: 'api' } } })]);
  assert.deepEqual(changed.scopes.map(({ scope, upserts, deletes }) => [scope, upserts.length, deletes.map((id) => id.replace(/s[0-9a-f]{16}/, 'SET'))]),
    [['vpc/5000', 0, ['aclMember/vrf5000/SET/10.1.1.2/32']]]);
  const back = compiler.apply([make.put(web)]);
  assert.deepEqual(back.scopes.map(({ upserts, deletes }) => [upserts.map(({ table }) => table), deletes]), [[['aclMember'], []]]);
});

test('policies that select alike share their sets', () => {
  const one = policy('one', { ...onDb, ingress: [fromWeb] });
  const other = policy('other', { subjects: { attachments: { matchExpressions: [{ key: 'app', operator: 'In', values: ['db'] }] } }, directions: ['Egress'] });
  const { compiler } = make.compiled(...world, one, other);
  const members = (): number => Object.keys(acl(compiler)).filter((key) => key.startsWith('aclMember/')).length;
  assert.equal(members(), 3);
  compiler.apply([make.remove(one)]);
  assert.equal(members(), 2);
  compiler.apply([make.remove(other)]);
  assert.deepEqual(acl(compiler), {});
});

test('peers are prefixes of subnets, prefixes without exceptions, everybody, or nobody', () => {
  const spec = {
    subjects: { subnets: { matchLabels: { zone: 'edge' } } },
    ingress: [
      { from: [{ subnets: { names: ['back'] } }, { cidr: '192.0.2.0/30', except: ['192.0.2.1/32'] }], ports: [{ protocol: 'tcp', port: 80, endPort: 90 }, { protocol: 'tcp', port: 91 }, { protocol: 'icmp' }] },
      { from: [{ subnets: { names: ['nowhere'] } }] },
      { ports: [{ protocol: 'udp', port: 53 }, { protocol: 'udp' }] },
    ],
    egress: [],
  };
  const { compiler } = make.compiled(...world, policy('edge', spec));
  const common = { vrf: 'vrf5000', description: 'default/edge', subjects: ['10.1.1.0/24'], subjectSets: [] };
  const ends = { peers: ['10.1.2.0/24', '192.0.2.0/32', '192.0.2.2/31', 'fd00:2::/64'], sets: [] };
  assert.deepEqual(acl(compiler), {
    'acl/vrf5000/edge/ingress': {
      ...common,
      direction: 'ingress',
      rules: [
        { ...ends, protocol: 'tcp', ports: [{ from: 80, to: 91 }] },
        { ...ends, protocol: 'icmp', ports: [] },
        { peers: [], sets: [], protocol: 'udp', ports: [] },
      ],
    },
    'acl/vrf5000/edge/egress': { ...common, direction: 'egress', rules: [] },
  });
  assert.deepEqual(told(compiler, policy('edge', spec)), [
    'warning spec.ingress[1].from[0]: nothing in VPC "shop" is selected, so this permits nothing; see the labels (NothingSelected)',
    'warning spec.ingress[1]: every packet it permits is permitted by spec.ingress[0] already; remove one of the two (ShadowedRule)',
  ].filter((text) => !text.includes('ShadowedRule')));
});

test('a peer in another VPC permits it, peered or not, and one that is not there permits nothing', () => {
  const spec = { subjects: { all: true }, ingress: [{ from: [{ vpc: 'lab' }] }, { from: [{ vpc: 'gone' }] }] };
  const { compiler } = make.compiled(...world, policy('far', spec));
  assert.deepEqual((acl(compiler)['acl/vrf5000/far/ingress'] as { rules: unknown }).rules, [{ peers: ['10.2.0.0/16'], sets: [], ports: [] }]);
  assert.deepEqual(told(compiler, policy('far', spec)), [
    'error spec.ingress[1].from[0].vpc: there is no VPC "gone" in namespace "default"; create it or name another (UnknownVPC)',
    'warning spec.ingress[0].from[0].vpc: VPC "lab" is not peered with "shop", so nothing reaches it or comes from it; create a VPCPeering (NotPeered)',
  ]);
  compiler.apply([make.put(make.peering('both', [[{ vpc: 'shop' }, { vpc: 'lab' }]]))]);
  assert.equal(told(compiler, policy('far', spec)).length, 1);
});

test('a rule that another one makes superfluous is told with a packet that both permit', () => {
  const spec = {
    ...onDb,
    ingress: [
      { from: [{ cidr: '10.1.0.0/16' }], ports: [{ protocol: 'tcp' }] },
      { from: [{ attachments: { matchLabels: { app: 'web' } } }], ports: [{ protocol: 'udp' }] },
      { from: [{ subnets: { names: ['front'] } }], ports: [{ protocol: 'tcp', port: 443 }] },
      { from: [{ attachments: { matchLabels: { app: 'web', tier: 'front' } } }], ports: [{ protocol: 'udp', port: 53 }] },
      { from: [{ cidr: '10.1.0.0/16' }], ports: [{ protocol: 'tcp' }] },
    ],
  };
  const { compiler } = make.compiled(...world, policy('guard', spec));
  assert.deepEqual(told(compiler, policy('guard', spec)).filter((text) => text.includes('ShadowedRule')), [
    'warning spec.ingress[2]: every packet it permits is permitted by spec.ingress[0] already, such as tcp 10.1.1.1 -> 10.1.2.2:443; remove one of the two (ShadowedRule)',
    'warning spec.ingress[3]: every packet it permits is permitted by spec.ingress[1] already; remove one of the two (ShadowedRule)',
    'warning spec.ingress[4]: every packet it permits is permitted by spec.ingress[0] already, such as tcp 10.1.0.1 -> 10.1.2.2:443; remove one of the two (ShadowedRule)',
  ]);
});

test('isolated subnets are kept from all others but those that a permit list names with them', () => {
  const subnets = { a: { cidr: '10.3.1.0/24', isolated: true }, b: { cidr: '10.3.2.0/24' }, c: { cidr: '10.3.3.0/24', isolated: true, restricted: true, ipv6: { cidr: 'fd00:3::/64' } } };
  const net = make.object('VPC', 'net', { subnets, permit: [['a', 'b']] });
  const { compiler } = make.compiled(space, net);
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000', 'isolation'), {
    'isolation/5001': { segment: 5001, vrf: 'vrf5000', prefixes: ['10.3.1.0/24'], denied: ['10.3.3.0/24', 'fd00:3::/64'] },
    'isolation/5003': { segment: 5003, vrf: 'vrf5000', prefixes: ['10.3.3.0/24', 'fd00:3::/64'], denied: ['10.3.1.0/24', '10.3.2.0/24'] },
  });
  compiler.apply([make.put({ ...net, spec: { subnets, permit: [['a', 'b', 'c']] } })]);
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000', 'isolation'), {});
});

test('the order in which objects come and rules are written changes no row', () => {
  const rules = [fromWeb, { from: [{ cidr: '192.0.2.0/24' }] }, { from: [{ subnets: {} }], ports: [{ protocol: 'icmp' }, { protocol: 'udp', port: 53 }] }];
  const rowsOf = (objects: readonly Resource[]): unknown => {
    const compiler = createCompiler();
    make.settleAll(compiler, [...make.smallFabric().filter(({ metadata }) => metadata.name !== 'default' || metadata.namespace !== undefined), make.fabric(), ...world]);
    for (const object of objects) compiler.apply([make.put(object)]);
    return Object.entries(acl(compiler)).map(([key, row]) => {
      const value = row as { readonly rules?: readonly unknown[] };
      return [key, value.rules === undefined ? value : { ...value, rules: value.rules.map((rule) => JSON.stringify(rule)).toSorted() }];
    }).toSorted(([left], [right]) => (`${left}` < `${right}` ? -1 : 1));
  };
  const objectsOf = (order: readonly object[]): Resource[] => [policy('one', { ...onDb, ingress: order }), policy('two', { subjects: { all: true }, egress: [{}] })];
  const expected = rowsOf(objectsOf(rules));
  fc.assert(fc.property(fc.shuffledSubarray(rules, { minLength: 3 }), fc.boolean(), (order, isTurned) => {
    const objects = objectsOf(order);
    assert.deepEqual(rowsOf(isTurned ? objects.toReversed() : objects), expected);
  }), { numRuns: 12 });
});
