/** Two leaves and a spine: which VTEPs answer, from inside the driver's own namespace. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../../kit/testing.ts';
import type { Address } from '../../net/brand.ts';
import { createLeaves, type Leaves } from './fixture/leaves.ts';
import { reach } from './reach.ts';

describe('the VTEP of another leaf', () => {
  let leaves: Leaves;
  const vtepOf = (side: 'left' | 'right'): Address => {
    const [row] = leaves.fabric[side].flatMap((each) => (each.table === 'vtep' ? [each.value.address] : []));
    assert.ok(row !== undefined);
    return row;
  };
  const answers = async (): Promise<boolean | undefined> => {
    const found = await reach((argv) => leaves.left.exec(argv), vtepOf('left'), [vtepOf('right')], 1000);
    return found.get(vtepOf('right'));
  };

  before(async () => {
    leaves = await createLeaves('rch');
    await leaves.converge([], []);
  });
  after(async () => void (await leaves?.destroy()));

  it('answers, does not while a leaf has no uplink, and answers again', async () => {
    await until('it answers', answers);
    await leaves.left.exec(['ip', 'link', 'set', 'up1', 'down']);
    assert.equal(await answers(), false, 'no way out');
    await leaves.left.exec(['ip', 'link', 'set', 'up1', 'up']);
    await until('it answers again', answers);
    await leaves.right.exec(['ip', 'link', 'set', 'up1', 'down']);
    assert.equal(await answers(), false, 'nobody there');
    const own = await reach((argv) => leaves.left.exec(argv), '10.255.99.1' as Address, [vtepOf('right')], 1000);
    assert.deepEqual([...own.values()], [false], 'an address that is not its own');
    await leaves.right.exec(['ip', 'link', 'set', 'up1', 'up']);
    await until('it is back', answers);
  });
});
