import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import { difference } from './difference.ts';
import type { LinuxOp } from './difference.ts';
import { arbitraryGoal, contractGoals } from './fixture/goals.ts';
import type { Item, ItemKey, Items, LinuxActual, PortState } from './model.ts';
import { render } from './render/render.ts';
import type { Site } from './steps/step.ts';

const site: Site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };

const untouched = (name: string): PortState => ({ interface: name, place: '', master: '', up: false, mtu: 1500, marked: false });

const bare: LinuxActual = {
  items: new Map(),
  unclaimed: new Map(['p1', 'p2', 'up1'].map((name) => [name, untouched(name)])),
  capabilities: new Set(['vlan-tags']),
};

const itemsOf = (rows: readonly Row[]): Items => render(merge([rows]), bare, site).items;
/** The same as found on a device: processes run. */
const foundOf = (rows: readonly Row[]): Items =>
  new Map([...itemsOf(rows)].map(([key, item]) => [key, item.kind === 'dhcp' ? { ...item, state: { ...item.state, pid: 7 } } : item]));
const planned = (actual: Items, wanted: Items): readonly LinuxOp[] => difference(actual, wanted, site);

const baseKey = (key: string): ItemKey => key.replace(/^remove\//, '').replace(/#\d+$/, '');
const isFirst = (key: string): boolean => !key.includes('#') || key.endsWith('#1');
const isLast = (key: string): boolean => !key.includes('#');

/** What a device holds after one more step, as seen by somebody who looks for leaks: things are open early, shut late. */
const step = (held: Map<ItemKey, Item>, { key }: LinuxOp, wanted: Items): void => {
  const base = baseKey(key);
  if (key.startsWith('remove/')) {
    const withdrawn = ['port', 'subinterface'].includes(held.get(base)?.kind ?? '') ? isFirst(key) : isLast(key);
    if (withdrawn) vanish(held, base);
    return;
  }
  const item = wanted.get(base);
  const opensAtOnce = item?.kind === 'pair' || item?.kind === 'bridge';
  if (item !== undefined && (opensAtOnce ? isFirst(key) : isLast(key))) held.set(base, item);
};

const vanish = (held: Map<ItemKey, Item>, key: ItemKey): void => {
  held.delete(key);
  for (const item of held.values()) if (item.within === key) vanish(held, item.key);
};

const assertApart = (held: ReadonlyMap<ItemKey, Item>): void => {
  const placeOfVni = new Map<number, string>();
  for (const item of held.values()) {
    if (item.kind === 'port' && item.state.master !== '') {
      const bridge = held.get(`link/${item.state.place}/${item.state.master}`);
      assert.ok(bridge !== undefined, `port ${item.state.interface} is open into a bridge that is not there`);
      assert.ok(held.has(`netns/${item.state.place}`), `port ${item.state.interface} is in a VRF that is not there`);
    }
    if (item.kind === 'subinterface') {
      const trunk = held.get(`port/${item.state.trunk}`);
      assert.ok(trunk?.kind === 'port' && trunk.state.guarded === true, `VLAN ${item.state.vlan} is open on a port that lets through what nobody takes`);
      assert.ok(held.has(`link/${item.state.place}/${item.state.master}`), `${item.key} is open into a bridge that is not there`);
    }
    if (item.kind === 'port' && item.state.place === '' && item.state.up && item.state.interface !== 'up1') {
      assert.ok(item.state.guarded === true, `port ${item.state.interface} is open into the underlay`);
    }
    if (item.kind === 'pair') {
      for (const end of [item.state.low, item.state.high]) {
        assert.ok(end !== undefined && held.has(`nft/${end.place}`), `${item.key} is open without rules at ${end?.place}`);
      }
    }
    if (item.kind === 'vxlan') {
      const other = placeOfVni.get(item.state.vni);
      assert.equal(other, undefined, `VNI ${item.state.vni} is in ${other} and ${item.state.place}`);
      placeOfVni.set(item.state.vni, item.state.place);
    }
  }
};

const isApart = (held: ReadonlyMap<ItemKey, Item>): boolean => {
  try {
    assertApart(held);
    return true;
  } catch {
    return false;
  }
};

/** Runs a plan in the mind, checking after every step from where it is safe, and returns what is there in the end. */
const rehearse = (actual: Items, wanted: Items): Map<ItemKey, Item> => {
  const held = new Map(actual);
  let safe = isApart(held);
  for (const op of planned(actual, wanted)) {
    step(held, op, wanted);
    safe ||= isApart(held);
    // Until an accident's damage is mended, nothing but guarding steps may run.
    if (safe) assertApart(held);
    else assert.match(op.key, /^(remove|nft|netns)\//);
  }
  return held;
};

/** Items and all that cannot be without them, as after an accident. */
const without = (items: Items, lost: readonly ItemKey[]): Items => {
  const left = new Map(items);
  const lose = (key: ItemKey): void => {
    if (!left.delete(key)) return;
    for (const item of items.values()) if (item.needs.includes(key)) lose(item.key);
  };
  for (const key of lost) lose(key);
  return left;
};

const silent = new Set(['known']);
const keys = (items: Items): readonly ItemKey[] =>
  [...items.values()].filter(({ kind }) => !silent.has(kind)).map(({ key }) => key).toSorted();

describe('the difference of two states of a Linux switch', () => {
  it('is nothing between a state and itself', () => {
    fc.assert(fc.property(arbitraryGoal, (rows) => assert.deepEqual(planned(foundOf(rows), itemsOf(rows)), [])));
  });

  it('leads from any goal to any other, with tenants apart after every step', () => {
    fc.assert(
      fc.property(arbitraryGoal, arbitraryGoal, (before, after) => {
        const wanted = itemsOf(after);
        const kept = new Set(['sysctl/', 'link//lo']);
        const end = new Map([...rehearse(foundOf(before), wanted)].filter(([key]) => wanted.has(key) || !kept.has(key)));
        assert.deepEqual(keys(end), keys(wanted));
      }),
    );
  });

  it('leads back to the goal from any accident', () => {
    const wanted = itemsOf(contractGoals.peered);
    fc.assert(
      fc.property(fc.subarray([...wanted.keys()].filter((key) => !key.startsWith('known/'))), (lost) => {
        assert.deepEqual(keys(rehearse(without(foundOf(contractGoals.peered), lost), wanted)), keys(wanted));
      }),
    );
  });

  it('adds an address in a VRF only once zebra runs and knows the device, or it never knows the address', () => {
    const isAddress = ({ argv }: LinuxOp): boolean => /^ip -n vrf\d+ address replace \S+ dev br/.test(argv.join(' '));
    fc.assert(
      fc.property(arbitraryGoal, arbitraryGoal, fc.boolean(), (before, after, runs) => {
        const [found, wanted] = [foundOf(before), itemsOf(after)];
        const ops = planned(runs ? found : without(found, ['daemon/frr']), wanted);
        const positions = new Map(ops.map(({ key }, index) => [key, index]));
        for (const op of ops.filter(isAddress)) {
          const [, , place = '', , , , , device = ''] = op.argv;
          const wait = ops.find(({ key, until = [] }) => op.after.includes(key) && until.length > 0);
          assert.match(`${device}         up      ${place}         `, new RegExp(wait?.until?.[0] ?? 'none waits', 'm'));
          assert.ok((positions.get('daemon/frr') ?? -1) < (positions.get(wait?.key ?? '') ?? -1));
        }
      }),
    );
    const ops = planned(itemsOf(contractGoals.underlay), itemsOf(contractGoals.peered));
    assert.equal(ops.filter(isAddress).length, 3);
  });

  it('withdraws before it adds, and waits only for steps that come earlier', () => {
    fc.assert(
      fc.property(arbitraryGoal, arbitraryGoal, (before, after) => {
        const ops = planned(itemsOf(before), itemsOf(after));
        const lastRemoval = ops.findLastIndex(({ key }) => key.startsWith('remove/'));
        assert.ok(ops.slice(0, lastRemoval + 1).every(({ key }) => /^(remove|nft)\//.test(key)));
        const done = new Set<string>();
        const all = new Set(ops.map(({ key }) => key));
        for (const op of ops) {
          for (const key of op.after) assert.ok(done.has(key) || !all.has(key), `${op.key} comes before ${key}`);
          done.add(op.key);
        }
      }),
    );
  });

  it('makes the lone step of a lone change, and names its rows', () => {
    const wanted = itemsOf(contractGoals.peered);
    const lost = without(foundOf(contractGoals.peered), ['route/vrf5001/10.2.1.0/24']);
    assert.deepEqual(planned(lost, wanted), [
      {
        key: 'route/vrf5001/10.2.1.0/24',
        argv: ['ip', '-n', 'vrf5001', 'route', 'replace', '10.2.1.0/24', 'via', '169.254.0.1', 'dev', 'pv5002', 'onlink', 'proto', '201'],
        after: [],
        rows: ['leak/vrf5001/vrf5002'],
      },
    ]);
  });

  it('opens a port last: after segment, gateway, rules and routing of its VRF', () => {
    const ops = planned(itemsOf(contractGoals.underlay), itemsOf(contractGoals.peered)).map(({ key }) => key);
    const opened = ops.indexOf('port/p1');
    for (const key of ['link/vrf5001/vx1001', 'address/vrf5001/br1001/10.1.1.1/24', 'nft/vrf5001', 'frr/vrf vrf5001', 'sysctl/vrf5001']) {
      assert.ok(ops.indexOf(key) < opened && ops.includes(key), key);
    }
  });

  it('keeps what is foreign', () => {
    const actual = new Map([...itemsOf(contractGoals.underlay)].map(([key, item]) => [key, { ...item, foreign: true }]));
    assert.deepEqual(planned(actual, new Map()), []);
  });
});
