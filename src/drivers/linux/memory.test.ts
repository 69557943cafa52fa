import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import { planQuickly } from './driver.ts';
import { Entries, neighbourWord } from './entries.ts';
import { mapping, segment, underlay, vrf } from './fixture/goals.ts';
import { deviceMemory } from './memory.ts';
import type { Item, LinuxActual } from './model.ts';
import type { Candidate } from './read/frr.ts';
import { readEntries } from './read/memory.ts';
import type { EntryMemory, PlaceToRead } from './read/memory.ts';
import { render } from './render/render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };

describe('what the driver remembers over a restart', () => {
  let directory: string;
  let program: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'heddle-memory-'));
    program = join(directory, 'program.mjs');
    writeFileSync(program, 'one');
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const file = (): string => join(directory, 'settled.json');

  it('is believed by the program that wrote it', async () => {
    await deviceMemory(file(), program).keep({ a: 1 });
    assert.deepEqual(await deviceMemory(file(), program).recall(), { a: 1 });
    assert.deepEqual(readdirSync(directory).toSorted(), ['program.mjs', 'settled.json']);
  });

  it('is nothing to another program, to sources, or when it cannot be read', async () => {
    await deviceMemory(file(), program).keep({ a: 1 });
    utimesSync(program, 1, 1);
    assert.equal(await deviceMemory(file(), program).recall(), undefined);
    writeFileSync(file(), '{"writer"');
    assert.equal(await deviceMemory(file(), program).recall(), undefined);
    const source = join(directory, 'program.ts');
    writeFileSync(source, 'one');
    rmSync(file());
    await deviceMemory(file(), source).keep({ a: 1 });
    assert.equal(await deviceMemory(file(), source).recall(), undefined);
    await deviceMemory(join(directory, 'no', 'such'), program).keep({ a: 1 });
  });
});

describe('forwarding entries that were read before', () => {
  const count = 4000;
  const addressOf = (index: number): string => `10.1.${Math.floor(index / 250)}.${index % 250}`;
  const place = (neighbours: readonly object[], ports: readonly string[] = ['p1']): PlaceToRead => {
    const state = { place: 'vrf5001', master: '', up: true, mtu: 1500, marked: true };
    return {
      place: 'vrf5001',
      raw: { links: [], routes: [], neighbours: JSON.stringify(neighbours), stations: JSON.stringify([{ mac: 'aa', ifname: 'p1', flags: [], master: 'br1001', state: 'static' }]) },
      items: ports.map((name) => ({ kind: 'port', key: `port/${name}`, state: { ...state, interface: name }, needs: [] })),
      unclaimed: [],
      pairEnds: [],
    };
  };
  const entry = (index: number): object => ({ dst: addressOf(index), dev: 'br1001', lladdr: index === 0 ? 'aa' : 'bb', state: ['PERMANENT'] });
  const many = (extra: readonly object[] = []): readonly object[] => [...Array.from({ length: count }, (_, index) => entry(index)), ...extra];
  const all = (hosts: readonly Candidate[]): ReadonlySet<Candidate> => new Set(hosts);
  const none = (): ReadonlySet<Candidate> => new Set();

  it('are recognised by their text, and FRR is asked for the same hosts as before', async () => {
    const memory: EntryMemory = {};
    const asked: unknown[] = [];
    const told = (hosts: readonly Candidate[]): ReadonlySet<Candidate> => (asked.push(hosts), all(hosts));
    const first = await readEntries([place(many())], memory, told);
    const again = await readEntries([place(many())], memory, told);
    assert.equal(first.fingerprint, again.fingerprint);
    const host = { vni: '1001', address: addressOf(0), mac: 'aa' };
    assert.deepEqual(asked, [[host], [host]]);
    assert.deepEqual([...(again.entries?.().all() ?? [])], [...(first.entries?.().all() ?? [])]);
    assert.equal(again.entries?.().size, count + 1);
    assert.notEqual(again.entries?.().find('neighbour/vrf5001/br1001/', addressOf(0), neighbourWord({ mac: 'aa' as never, advertised: true })), undefined);
  });

  it('have another fingerprint when anything about them is other', async () => {
    const fingerprints = [
      await readEntries([place(many())], {}, all),
      await readEntries([place(many())], {}, none),
      await readEntries([place(many([entry(count)]))], {}, all),
      await readEntries([place(many().toReversed())], {}, all),
      await readEntries([place(many(), ['p2'])], {}, all),
    ].map(({ fingerprint }) => fingerprint);
    assert.equal(new Set(fingerprints).size, fingerprints.length);
    assert.ok(fingerprints.every((fingerprint) => fingerprint !== undefined));
  });

  it('have none when they are few', async () => {
    const { fingerprint, entries } = await readEntries([place([entry(0)])], {}, all);
    assert.deepEqual([fingerprint, entries?.().size], [undefined, 2]);
  });

  it('are not looked at when device and goal are remembered as equal, unless something else is to be done', () => {
    const base = [
      ...underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: [], serverPorts: [], leaf: true }),
      vrf(5001), segment(1001, 5001, '10.1.1.1/24'),
    ];
    const rows: readonly Row[] = [...base, mapping(1001, '10.1.1.7', 'aa', '192.0.2.1')];
    const empty: LinuxActual = { items: new Map(), unclaimed: new Map(), capabilities: new Set() };
    const items = new Map([...render(merge([base]), empty, site).items].map(([key, item]): [string, Item] => [key, item]));
    const looked: string[] = [];
    const actual: LinuxActual = { ...empty, items, fingerprint: 'f', entries: () => (looked.push('looked'), new Entries()) };
    const keys = (settled: { mark: string; fingerprint: string } | undefined, device = actual): readonly string[] =>
      planQuickly(device, merge([rows]), site, 'm', settled).ops.map(({ key }) => key);
    assert.deepEqual([keys({ mark: 'm', fingerprint: 'f' }), looked], [[], []]);
    const entryKeys = ['tunnel/vrf5001/vx1001/aa', 'neighbour/vrf5001/br1001/10.1.1.7'];
    for (const settled of [undefined, { mark: 'other', fingerprint: 'f' }, { mark: 'm', fingerprint: 'other' }]) assert.deepEqual(keys(settled), entryKeys);
    const lost = new Map(items);
    lost.delete('link/vrf5001/vx1001');
    const planned = keys({ mark: 'm', fingerprint: 'f' }, { ...actual, items: lost });
    assert.ok(planned.includes('link/vrf5001/vx1001') && entryKeys.every((key) => planned.includes(key)), planned.join(' '));
  });
});
