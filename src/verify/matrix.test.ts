import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resource } from '../api/object.ts';
import { attachment, compiled, connection, object, peering, switchOf, vpc } from '../compile/fixture.ts';
import { GoalState } from '../goal/state.ts';
import { differenceOf, formatServices, matrixOf, vpcsOf, type Cell } from './matrix.ts';

const goalOf = (...objects: readonly Resource[]): GoalState => {
  const { compiler } = compiled(...objects);
  const goal = new GoalState();
  for (const scope of compiler.scopes()) goal.replace(scope, compiler.rows(scope));
  return goal;
};

const cellsOf = (goal: GoalState): Cell[] => vpcsOf(goal).flatMap((vrf) => matrixOf(goal, vrf, 'from'));
const lines = (goal: GoalState): string[] => cellsOf(goal).map(({ from, to, all, some }) =>
  `${from} -> ${to}: ${formatServices(all)}${formatServices(all) === formatServices(some) ? '' : `, some ${formatServices(some)}`}`).sort();

const labelled = (name: string, spec: object, labels: Record<string, string> = {}): Resource => {
  const made = attachment(name, spec);
  return { ...made, metadata: { ...made.metadata, labels } };
};

const shop = (spec: object = {}): Resource[] => [
  vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }, spec),
  labelled('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }, { app: 'web' }),
  labelled('a2', { vpc: 'shop', subnet: 'web', connection: 'a2--leaf-2' }),
  labelled('b2', { vpc: 'shop', subnet: 'db', connection: 'b2--leaf-2' }),
];
const lab = [vpc('lab', { main: '10.2.1.0/24' }), attachment('b1', { vpc: 'lab', subnet: 'main', connection: 'b1--leaf-1' })];

describe('the matrix of reachability', () => {
  it('of VPCs that nothing joins has everything inside and nothing between', () => {
    assert.deepEqual(lines(goalOf(...shop(), ...lab)), [
      'default/shop/db -> default/shop/web: everything',
      'default/shop/web -> default/shop/db: everything',
      'default/shop/web -> default/shop/web: everything',
    ]);
  });

  it('has what a peering permits, from both sides', () => {
    const goal = goalOf(...shop(), ...lab, peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]]));
    assert.deepEqual(lines(goal).filter((line) => line.includes('lab')), [
      'default/lab/main -> default/shop/web: everything',
      'default/shop/web -> default/lab/main: everything',
    ]);
  });

  it('tells ports apart where a policy does, and hosts where labels do', () => {
    const policy = object('SecurityPolicy', 'db', {
      vpc: 'shop', subjects: { attachments: { matchLabels: { app: 'web' } } }, ingress: [{ ports: [{ protocol: 'tcp', port: 443 }, { protocol: 'tcp', port: 8000, endPort: 8010 }] }],
    });
    const found = lines(goalOf(...shop(), policy));
    assert.ok(found.includes('default/shop/db -> default/shop/web: tcp/443 tcp/8000-8010, some everything'), found.join('\n'));
    assert.ok(found.includes('default/shop/web -> default/shop/db: everything'), found.join('\n'));
  });

  it('has networks outside, with their prefixes', () => {
    const outside = [
      switchOf('border-1', 'border'),
      connection('spine-1--border-1', [['spine-1/E1/3', 'border-1/E1/49']]),
      connection('internet--border-1', [['internet/p', 'border-1/E1/10']]),
      object('External', 'internet', {
        bgp: {}, attachments: [{ connection: 'internet--border-1', address: '198.51.100.0/31', neighbor: { address: '198.51.100.1', asn: 65000 } }],
        inboundACL: [{ action: 'permit', protocol: 'tcp', ports: { from: 443 } }, { action: 'permit', protocol: 'tcp', established: true }],
      }),
      object('ExternalPeering', 'out', { vpc: 'shop', external: 'internet', subnets: ['web'], prefixes: ['0.0.0.0/0'] }, { namespace: 'default' }),
    ];
    assert.deepEqual(lines(goalOf(...shop(), ...outside)).filter((line) => line.includes('internet')), [
      'default/shop/web -> internet 0.0.0.0/0: tcp',
      'internet 0.0.0.0/0 -> default/shop/web: tcp/443',
    ]);
  });

  it('says of a change what it newly allows and what it newly denies', () => {
    const before = cellsOf(goalOf(...shop(), ...lab));
    const after = cellsOf(goalOf(...shop({ permit: [] }), ...lab, peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'lab' }]]),
      object('SecurityPolicy', 'db', { vpc: 'shop', subjects: { attachments: {} }, ingress: [{ ports: [{ protocol: 'tcp', port: 443 }] }] })));
    const { allows, denies } = differenceOf(before, after);
    const text = ({ from, to, services }: (typeof allows)[number]): string => `${from} -> ${to} ${formatServices(services)}`;
    assert.deepEqual(allows.map(text).sort(), ['default/lab/main -> default/shop/web tcp/443', 'default/shop/web -> default/lab/main everything']);
    assert.deepEqual(denies.map(text).sort()[0], 'default/shop/db -> default/shop/web icmp tcp/1-442 tcp/444-65535 udp');
    assert.deepEqual(differenceOf(after, after), { allows: [], denies: [] });
  });
});
