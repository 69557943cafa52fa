import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { attachment, host, peering, routedSegment, vrf } from './fixture/goals.ts';
import { createLeaves } from './fixture/leaves.ts';
import type { Leaves } from './fixture/leaves.ts';

describe('IPv6 beside IPv4 through two Linux leaves', () => {
  let leaves: Leaves;
  before(async () => void (leaves = await createLeaves('dst')));
  after(async () => leaves.destroy());

  const shop = [
    vrf(5001),
    routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00:1:1::1/64']),
    routedSegment(1002, 5001, ['10.1.2.1/24', 'fd00:1:2::1/64']),
  ];
  const copy = [vrf(5003), routedSegment(1003, 5003, ['10.1.1.1/24', 'fd00:1:1::1/64'])];
  const held = (port: string, vni: number, index: number, ...addresses: readonly string[]): readonly Row[] =>
    [attachment(port, vni), ...addresses.map((address) => host(port, vni, address, leaves.host(index).mac))];

  it('servers reach each other within and across subnets and leaves, also those that never spoke; another VPC does not', async () => {
    await leaves.converge(
      [...shop, ...copy, ...held('p1', 1001, 0, '10.1.1.11', 'fd00:1:1::11'), ...held('p2', 1003, 1, '10.1.1.99', 'fd00:1:1::99')],
      [...shop, ...held('p1', 1001, 2, '10.1.1.12', 'fd00:1:1::12'), ...held('p2', 1002, 3, '10.1.2.11', 'fd00:1:2::11')],
    );
    await leaves.give(0, ['10.1.1.11/24', 'fd00:1:1::11/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(1, ['10.1.1.99/24', 'fd00:1:1::99/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(2, ['10.1.1.12/24', 'fd00:1:1::12/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(3, ['10.1.2.11/24', 'fd00:1:2::11/64'], ['10.1.2.1', 'fd00:1:2::1']);
    assert.ok(await leaves.host(0).reaches('fd00:1:1::1', 100), 'its gateway');
    assert.ok(await leaves.host(0).reaches('fd00:1:2::11', 100), 'across subnets and leaves, to a host that never spoke');
    assert.ok(await leaves.host(0).reaches('fd00:1:1::12', 100), 'within a subnet, across leaves');
    assert.ok(await leaves.host(3).reaches('fd00:1:1::12'), 'across subnets on one leaf');
    assert.ok(await leaves.host(0).reaches('10.1.2.11'), 'IPv4 beside it');
    assert.equal(await leaves.host(1).reaches('fd00:1:1::11', 5), false);
    assert.equal(await leaves.host(1).reaches('fd00:1:2::11', 5), false);
    assert.equal((await leaves.host(0).exec(['ping', '-M', 'do', '-s', '1400', '-c', '1', '-W', '1', 'fd00:1:2::11'])).status, 0, 'large packets');
  });

  it('no gateway takes its address for a duplicate', async () => {
    for (const leaf of [leaves.left, leaves.right]) {
      const { stdout } = await leaf.exec(['ip', '-n', 'vrf5001', '-6', 'address', 'show']);
      assert.doesNotMatch(stdout, /dadfailed|tentative/);
      assert.match(stdout, /inet6 fd00:1:1::1/);
    }
  });

  it('peers exchange what the peering permits', async () => {
    const bank = [vrf(5002), routedSegment(2001, 5002, ['10.2.1.1/24', 'fd00:2:1::1/64']), routedSegment(2002, 5002, ['10.2.2.1/24', 'fd00:2:2::1/64'])];
    const onLeft = [...shop, ...bank, ...held('p1', 1001, 0, '10.1.1.11', 'fd00:1:1::11')];
    const onRight = [...shop, ...bank, ...held('p1', 2001, 2, '10.2.1.12', 'fd00:2:1::12'), ...held('p2', 2002, 3, '10.2.2.11', 'fd00:2:2::11')];
    const leaks = peering(5001, ['10.1.1.0/24', 'fd00:1:1::/64'], 5002, ['10.2.1.0/24', 'fd00:2:1::/64']);
    await leaves.converge(onLeft, onRight);
    await leaves.give(0, ['10.1.1.11/24', 'fd00:1:1::11/64'], ['10.1.1.1', 'fd00:1:1::1']);
    await leaves.give(2, ['10.2.1.12/24', 'fd00:2:1::12/64'], ['10.2.1.1', 'fd00:2:1::1']);
    await leaves.give(3, ['10.2.2.11/24', 'fd00:2:2::11/64'], ['10.2.2.1', 'fd00:2:2::1']);
    assert.equal(await leaves.host(0).reaches('fd00:2:1::12', 5), false, 'not before the peering');
    await leaves.converge([...onLeft, ...leaks], [...onRight, ...leaks]);
    assert.ok(await leaves.host(0).reaches('fd00:2:1::12'), 'what is permitted');
    assert.ok(await leaves.host(2).reaches('fd00:1:1::11'), 'and back');
    assert.deepEqual((await leaves.plan('left', [...onLeft, ...leaks])).steps.map(({ command }) => command), [], 'nothing is left to do');
    assert.ok(await leaves.host(0).reaches('10.2.1.12'), 'in IPv4 too');
    assert.equal(await leaves.host(0).reaches('fd00:2:2::11', 5), false, 'what is not');
    await leaves.converge(onLeft, onRight);
    assert.equal(await leaves.host(0).reaches('fd00:2:1::12', 5), false, 'after the peering');
  });
});
