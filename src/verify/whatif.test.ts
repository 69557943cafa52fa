import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resource } from '../api/object.ts';
import { attachment, compiled, connection, object, switchOf, vpc } from '../compile/fixture.ts';
import { GoalState } from '../goal/state.ts';
import { linkAt, WhatIf, type Loss } from './whatif.ts';

const goalOf = (...objects: readonly Resource[]): GoalState => {
  const { compiler } = compiled(...objects);
  const goal = new GoalState();
  for (const scope of compiler.scopes()) goal.replace(scope, compiler.rows(scope));
  return goal;
};

const shop = [
  vpc('shop', { web: '10.1.1.0/24', db: '10.1.2.0/24' }),
  attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }),
  attachment('a2', { vpc: 'shop', subnet: 'web', connection: 'a2--leaf-2' }),
  attachment('b2', { vpc: 'shop', subnet: 'db', connection: 'b2--leaf-2' }),
];
const secondSpine = [
  switchOf('spine-2', 'spine'),
  connection('spine-2--leaf-1', [['spine-2/E1/1', 'leaf-1/E1/50']]),
  connection('spine-2--leaf-2', [['spine-2/E1/2', 'leaf-2/E1/50']]),
];
const isNothing = ({ cut, single, lost, degraded }: Loss): boolean => [cut, single, lost, degraded].every((list) => list.length === 0);
const pairs = (list: Loss['lost']): string[] => list.map(({ from, to, pairs: count }) => `${from} - ${to} ${count}`);
const downSwitch = (goal: GoalState, name: string): Loss => new WhatIf(goal).fail({ name, devices: [name], ports: [] });
const downLink = (goal: GoalState, device: string, port: string): Loss => new WhatIf(goal).fail(linkAt(goal, { device, port }));

describe('what if something fails', () => {
  it('the only spine takes all pairs of two leaves, and none of one', () => {
    const loss = downSwitch(goalOf(...shop), 'spine-1');
    assert.deepEqual([loss.cut, pairs(loss.lost), loss.degraded], [[], ['default/shop/db - default/shop/web 1', 'default/shop/web - default/shop/web 1'], []]);
    assert.equal(loss.lost[1]?.example, 'a1 <-> a2');
  });

  it('one of two spines takes nothing but the second way', () => {
    const goal = goalOf(...shop, ...secondSpine);
    const loss = downSwitch(goal, 'spine-2');
    assert.deepEqual([loss.lost, loss.degraded, loss.cut], [[], [], []], 'servers have one cable each: they had no redundancy to lose');
  });

  it('of servers behind two leaves one leaf takes the redundancy, both take the server', () => {
    const goal = goalOf(
      ...secondSpine,
      switchOf('leaf-1', 'leaf', { group: 'pair' }), switchOf('leaf-2', 'leaf', { group: 'pair' }), switchOf('leaf-3', 'leaf'),
      connection('spine-1--leaf-3', [['spine-1/E1/3', 'leaf-3/E1/49']]), connection('spine-2--leaf-3', [['spine-2/E1/3', 'leaf-3/E1/50']]),
      ...['s1', 's2'].map((name) => object('Server', name, { ports: { eth1: {}, eth2: {} } })),
      connection('s1--pair', [['s1/eth1', 'leaf-1/E1/5'], ['s1/eth2', 'leaf-2/E1/5']]),
      connection('s2--leaf-3', [['s2/eth1', 'leaf-3/E1/5'], ['s2/eth2', 'leaf-3/E1/6']]),
      vpc('shop', { web: '10.1.1.0/24' }),
      attachment('s1', { vpc: 'shop', subnet: 'web', connection: 's1--pair' }),
      attachment('s2', { vpc: 'shop', subnet: 'web', connection: 's2--leaf-3' }),
    );
    const one = downSwitch(goal, 'leaf-1');
    assert.deepEqual([one.cut, one.single, pairs(one.lost), pairs(one.degraded)], [[], ['s1 (default/shop/web)'], [], ['default/shop/web - default/shop/web 1']]);
    const both = new WhatIf(goal).fail({ name: 'both', devices: ['leaf-1', 'leaf-2'], ports: [] });
    assert.deepEqual([both.cut, pairs(both.lost)], [['s1 (default/shop/web)'], ['default/shop/web - default/shop/web 1']]);
    const cable = downLink(goal, 'leaf-3', 'E1/6');
    assert.deepEqual([cable.single, pairs(cable.degraded), cable.lost], [['s2 (default/shop/web)'], ['default/shop/web - default/shop/web 1'], []]);
    const spine = downSwitch(goal, 'spine-1');
    assert.deepEqual([pairs(spine.degraded), spine.lost, spine.single], [['default/shop/web - default/shop/web 1'], [], []]);
  });

  it('a cable between devices is named from both ends, a server cable cuts the server', () => {
    const goal = goalOf(...shop);
    assert.deepEqual(linkAt(goal, { device: 'leaf-1', port: 'E1/49' }).ports, [{ device: 'leaf-1', port: 'E1/49' }, { device: 'spine-1', port: 'E1/1' }]);
    assert.deepEqual(downLink(goal, 'spine-1', 'E1/1').lost, downLink(goal, 'leaf-1', 'E1/49').lost);
    assert.deepEqual(downLink(goal, 'leaf-1', 'E1/1').cut, ['a1 (default/shop/web)']);
  });

  it('does not call lost what nothing lets pass', () => {
    const goal = goalOf(...shop, vpc('lab', { main: '10.2.1.0/24' }), attachment('b1', { vpc: 'lab', subnet: 'main', connection: 'b1--leaf-1' }));
    assert.ok(downSwitch(goal, 'spine-1').lost.every(({ from, to }) => ![from, to].includes('default/lab/main')));
  });

  it('tells of a way outside', () => {
    const goal = goalOf(
      ...shop,
      switchOf('border-1', 'border'),
      connection('spine-1--border-1', [['spine-1/E1/3', 'border-1/E1/49']]),
      connection('internet--border-1', [['internet/p', 'border-1/E1/10']]),
      object('External', 'internet', { bgp: {}, attachments: [{ connection: 'internet--border-1', address: '198.51.100.0/31', neighbor: { address: '198.51.100.1', asn: 65000 } }] }),
      object('ExternalPeering', 'out', { vpc: 'shop', external: 'internet', subnets: ['web'], prefixes: ['0.0.0.0/0'] }, { namespace: 'default' }),
    );
    const loss = downSwitch(goal, 'border-1');
    assert.deepEqual([loss.cut, pairs(loss.lost)], [['internet (internet)'], ['default/shop/web - internet 2']]);
  });

  it('every single failure is judged as it is alone', () => {
    const goal = goalOf(...shop, ...secondSpine);
    const shared = new WhatIf(goal);
    const all = shared.singles();
    assert.deepEqual(all.map(({ name }) => name).slice(0, 4), ['switch leaf-1', 'switch leaf-2', 'switch spine-1', 'switch spine-2']);
    assert.equal(all.filter(({ name }) => name.startsWith('link')).length, 8, 'four between devices, four of servers');
    for (const outage of all) assert.deepEqual(shared.fail(outage), new WhatIf(goal).fail(outage));
    assert.deepEqual(all.map((outage) => shared.fail(outage)).filter((loss) => !isNothing(loss)).map(({ name }) => name).sort(), [
      'link leaf-1/E1/1 - a1/eth1', 'link leaf-2/E1/1 - a2/eth1', 'link leaf-2/E1/2 - b2/eth1', 'switch leaf-1', 'switch leaf-2',
    ]);
  });
});
