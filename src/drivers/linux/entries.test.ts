import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import { planLinux } from './driver.ts';
import { Entries, fdbWord, neighbourWord, tunnelWord } from './entries.ts';
import { arbitraryGoal, attachment, host, mapping, segment, underlay, vrf } from './fixture/goals.ts';
import type { Item, ItemKey, LinuxActual } from './model.ts';
import { render } from './render/render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const free = ['p1', 'p2', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
const empty: LinuxActual = { items: new Map(), unclaimed: new Map(free), capabilities: new Set() };

const put = (entries: Entries, key: ItemKey, word: string): void => {
  const end = key.lastIndexOf('/') + 1;
  entries.add(key.slice(0, end), key.slice(end), word);
};

const wordOf = (item: Item): string | undefined => {
  if (item.kind === 'fdb') return fdbWord('port');
  if (item.kind === 'tunnel') return tunnelWord(item.state);
  return item.kind === 'neighbour' && item.state.device.startsWith('br') ? neighbourWord(item.state) : undefined;
};

/** A device that holds all of a goal, with its entries as they are read, or as items like everything else. */
const holding = (rows: readonly Row[], how: 'entries' | 'items'): LinuxActual => {
  const items = new Map<ItemKey, Item>();
  const entries = new Entries();
  for (const [key, { rows: _, ...item }] of render(merge([rows]), empty, site).items) {
    const word = how === 'entries' ? wordOf(item as Item) : undefined;
    if (word === undefined) items.set(key, item as Item);
    else put(entries, key, word);
  }
  return { ...empty, items, entries: () => entries };
};
const base = [
  ...underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: ['p1', 'p2'], leaf: true }),
  vrf(5001), segment(1001, 5001, '10.1.1.1/24'), attachment('p1', 1001), host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:0b'),
];
const at = (last: number, vtep = '192.0.2.1'): Row => mapping(1001, `10.1.1.${last}`, `0a:00:00:00:01:${last}`, vtep);
const keysOf = (actual: LinuxActual, rows: readonly Row[]): readonly string[] => planLinux(actual, merge([rows]), site).ops.map(({ key }) => key);

describe('forwarding entries as words', () => {
  it('are nothing to do where they are as wanted', () => {
    const rows = [...base, at(20), at(21)];
    assert.deepEqual(keysOf(holding(rows, 'entries'), rows), []);
  });

  it('are made, changed and taken away where they differ', () => {
    const actual = holding([...base, at(20), at(21), at(22)], 'entries');
    assert.deepEqual(keysOf(actual, [...base, at(20), at(21, '192.0.2.9'), at(23)]).toSorted(), [
      'neighbour/vrf5001/br1001/10.1.1.23', 'remove/neighbour/vrf5001/br1001/10.1.1.22', 'remove/tunnel/vrf5001/vx1001/0a:00:00:00:01:22',
      'tunnel/vrf5001/vx1001/0a:00:00:00:01:21', 'tunnel/vrf5001/vx1001/0a:00:00:00:01:23',
    ]);
  });

  it('come back with the link that is made anew under them', () => {
    const rows = [...base, at(20)];
    const actual = holding(rows, 'entries');
    const items = new Map(actual.items);
    items.delete('link/vrf5001/vx1001');
    const lost = new Entries();
    for (const [key, word] of actual.entries?.().all() ?? []) if (!key.startsWith('tunnel/')) put(lost, key, word);
    const keys = keysOf({ ...actual, items, entries: () => lost }, rows);
    assert.ok(keys.includes('tunnel/vrf5001/vx1001/0a:00:00:00:01:20'), keys.join(' '));
    const wrong = new Map(actual.items);
    const vxlan = wrong.get('link/vrf5001/vx1001');
    assert.ok(vxlan?.kind === 'vxlan');
    wrong.set(vxlan.key, { ...vxlan, state: { ...vxlan.state, local: '192.0.2.99' as never } });
    assert.ok(keysOf({ ...actual, items: wrong }, rows).includes('tunnel/vrf5001/vx1001/0a:00:00:00:01:20'));
  });

  it('lead to the same steps as if they were items', () => {
    const anyMappings = fc.subarray([at(20), at(21), at(20, '192.0.2.2'), at(22)]).map((rows) => [...new Map(rows.map((row) => [row.key, row])).values()]);
    const anyRows = fc.tuple(arbitraryGoal, anyMappings).map(([goal, mappings]) => [...goal, ...mappings]);
    fc.assert(
      fc.property(anyRows, anyRows, (before, after) => {
        const [asEntries, asItems] = [holding(before, 'entries'), holding(before, 'items')];
        assert.deepEqual(keysOf(asEntries, after).toSorted(), keysOf(asItems, after).toSorted());
      }),
    );
  });
});
