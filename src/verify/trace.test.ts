import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attachment, compiled, connection, object, peering, server, switchOf, vpc } from '../compile/fixture.ts';
import type { Resource } from '../api/object.ts';
import { GoalState } from '../goal/state.ts';
import type { Address } from '../net/brand.ts';
import { trace, type Journey, type Trace, type Way } from './trace.ts';
import { vrfAt } from './surroundings.ts';
import type { Place } from './packet.ts';

const goalOf = (...objects: readonly Resource[]): GoalState => {
  const { compiler } = compiled(...objects);
  const goal = new GoalState();
  for (const scope of compiler.scopes()) goal.replace(scope, compiler.rows(scope));
  return goal;
};

const shop = [
  vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }),
  attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1', address: '10.1.1.11' }),
  attachment('a2', { vpc: 'shop', subnet: 'web', connection: 'a2--leaf-2', address: '10.1.1.12' }),
  attachment('b2', { vpc: 'shop', subnet: 'db', connection: 'b2--leaf-2', address: '10.1.2.12' }),
];

const at = (text: string): Place => {
  const [device = '', ...port] = text.split('/');
  return { device, port: port.join('/') };
};

const journey = (goal: GoalState, from: string, source: string, to: string, destination: string, more: Partial<Journey> = {}): Journey => ({
  from: [at(from)],
  to: [at(to)],
  vrfs: [from, to].flatMap((text) => vrfAt(goal, at(text)) ?? []),
  packet: { source: source as Address, destination: destination as Address, protocol: 'tcp', port: 443 },
  ...more,
});

const lines = ({ steps }: Way): string[] => steps.map(({ device, text, row }) => `${device}: ${text}${row === undefined ? '' : ` (${row})`}`);
const first = ({ there: [way] }: Trace): string[] => (way === undefined ? [] : lines(way));

describe('a trace', () => {
  it('of neighbours on two leaves is bridged over the VNI of the segment, and comes back', () => {
    const goal = goalOf(...shop);
    const found = trace(goal, journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/1', '10.1.1.12'));
    assert.equal(found.result, 'delivered');
    const [way] = found.there;
    assert.deepEqual(way?.steps.map(({ device, doing }) => `${device} ${doing}`), ['leaf-1 enters', 'leaf-1 encapsulated', 'leaf-2 arrives', 'leaf-2 delivered']);
    const tunnel = way?.steps[1]?.tunnel;
    const segment = [...goal.scope('device/leaf-1').rows.in('segment')][0]?.key;
    assert.equal(`${tunnel?.vni}`, segment);
    assert.deepEqual(tunnel?.to[0]?.ways?.ways, [[
      { from: { device: 'leaf-1', port: 'E1/49' }, to: { device: 'spine-1', port: 'E1/1' } },
      { from: { device: 'spine-1', port: 'E1/2' }, to: { device: 'leaf-2', port: 'E1/49' } },
    ]]);
    assert.equal(found.back[0]?.steps.at(-1)?.text, 'delivered at leaf-1/E1/1');
  });

  it('between subnets goes over the L3VNI', () => {
    const goal = goalOf(...shop);
    const found = trace(goal, journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/2', '10.1.2.12'));
    const vni = found.there[0]?.steps.find(({ doing }) => doing === 'encapsulated')?.tunnel?.vni;
    assert.ok(goal.scope(`vpc/${vni}`).rows.size > 0, `${vni} is the VNI of a VRF`);
    assert.match(first(found).join('\n'), /leaf-1: routed by 10\.1\.2\.0\/24 in \S+ \(segment\/\d+\)\n/);
  });

  it('says what drops it, and shows no way back', () => {
    const goal = goalOf(...shop, vpc('other', { main: '10.2.1.0/24' }), attachment('b1', { vpc: 'other', subnet: 'main', connection: 'b1--leaf-1', address: '10.2.1.11' }));
    const found = trace(goal, journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-1/E1/2', '10.2.1.11'));
    assert.deepEqual([found.result, found.there[0]?.reason, found.back], ['dropped', 'NoRoute', []]);
    assert.equal(found.there[0]?.steps.at(-1)?.text, 'dropped: no route');
  });

  it('through a peering is leaked, by the row of the peering', () => {
    const goal = goalOf(
      ...shop,
      vpc('other', { main: '10.2.1.0/24' }),
      attachment('b1', { vpc: 'other', subnet: 'main', connection: 'b1--leaf-1', address: '10.2.1.11' }),
      peering('both', [[{ vpc: 'shop', subnets: ['web'] }, { vpc: 'other' }]]),
    );
    const found = trace(goal, journey(goal, 'leaf-2/E1/1', '10.1.1.12', 'leaf-1/E1/2', '10.2.1.11'));
    assert.equal(found.result, 'delivered', first(found).join('\n'));
    assert.match(found.there[0]?.steps.find(({ doing }) => doing === 'leaked')?.row ?? '', /^leak\//);
    const refused = trace(goal, journey(goal, 'leaf-2/E1/2', '10.1.2.12', 'leaf-1/E1/2', '10.2.1.11'));
    assert.equal(refused.result, 'dropped');
  });

  it('names the policy that permits and the one that does not', () => {
    const policy = object('SecurityPolicy', 'web', {
      vpc: 'shop', subjects: { attachments: {} }, ingress: [{ ports: [{ protocol: 'tcp', port: 5432 }] }],
    });
    const goal = goalOf(...shop, policy);
    const asked = journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/2', '10.1.2.12');
    const refused = trace(goal, asked);
    assert.deepEqual([refused.result, refused.there[0]?.reason], ['dropped', 'PolicyIngress']);
    assert.match(refused.there[0]?.steps.at(-1)?.row ?? '', /^acl\//);
    const permitted = trace(goal, { ...asked, packet: { ...asked.packet, port: 5432 } });
    assert.equal(permitted.result, 'delivered');
    assert.match(permitted.there[0]?.steps.find(({ doing }) => doing === 'permitted')?.row ?? '', /^acl\//);
  });

  it('ends where the underlay has no way', () => {
    const goal = goalOf(...shop);
    const found = trace(goal, journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/1', '10.1.1.12'), (device, port) => device === 'spine-1' && port === undefined);
    assert.deepEqual([found.result, found.there[0]?.reason], ['dropped', 'NoVTEP']);
  });

  it('shows every equal way, and both leaves of a server that is behind two', () => {
    const goal = goalOf(
      ...shop,
      switchOf('spine-2', 'spine'),
      connection('spine-2--leaf-1', [['spine-2/E1/1', 'leaf-1/E1/50']]),
      connection('spine-2--leaf-2', [['spine-2/E1/2', 'leaf-2/E1/50']]),
    );
    const found = trace(goal, journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/1', '10.1.1.12'));
    const ways = found.there[0]?.steps.find(({ doing }) => doing === 'encapsulated')?.tunnel?.to[0]?.ways;
    assert.deepEqual([ways?.count, ways?.ways.map((way) => way[0]?.to.device)], [2, ['spine-1', 'spine-2']]);
  });

  it('of a host that no row names stands on what is assumed of it', () => {
    const goal = goalOf(
      vpc('shop', { web: '10.1.1.0/24' }),
      server('a1', 1),
      attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1', address: '10.1.1.11' }),
      connection('c', [['a2/eth2', 'leaf-2/E1/9']]),
      attachment('c', { vpc: 'shop', subnet: 'web', connection: 'c' }),
    );
    const asked = journey(goal, 'leaf-1/E1/1', '10.1.1.11', 'leaf-2/E1/9', '10.1.1.200');
    assert.equal(trace(goal, asked).there[0]?.reason, 'NoHost');
    const learned = [{ ...at('leaf-2/E1/9'), address: '10.1.1.200' as Address }];
    const found = trace(goal, { ...asked, learned });
    assert.equal(found.result, 'delivered');
    assert.equal(found.there[0]?.steps.find(({ doing }) => doing === 'arrives')?.row, undefined);
  });
});
