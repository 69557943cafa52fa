import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../kit/testing.ts';
import type { Address, InterfaceAddress } from '../../net/brand.ts';
import type { BgpPeerRow, Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import { underlay } from './fixture/goals.ts';
import { connect, createSwitch } from './fixture/topology.ts';
import type { Switch } from './fixture/topology.ts';
import { underlayWatch } from './underlaywatch.ts';

type Bfd = BgpPeerRow['bfd'];

const device = (hostname: string, asn: number, routerId: string): readonly Row[] =>
  underlay({ hostname, asn, routerId, fabricPorts: ['e1', 'e2'], serverPorts: [], leaf: hostname === 'leaf' });

/** The same rows with other BFD timers for each of the two peers. */
const withBfd = (rows: readonly Row[], ...bfds: readonly Bfd[]): readonly Row[] => {
  let peer = 0;
  return rows.map((row) => {
    if (row.table !== 'bgpPeer') return row;
    const { port, address } = row.value;
    const bfd = bfds[peer++ % bfds.length];
    return { ...row, value: { port, ...(address === undefined ? {} : { address }), ...(bfd === undefined ? {} : { bfd }) } };
  });
};

/** The same rows with addresses on link e1: ours, and the neighbour's. */
const numbered = (rows: readonly Row[], own: string, other: string): readonly Row[] =>
  rows.map((row): Row => {
    if (row.key !== 'e1') return row;
    if (row.table === 'port') return { ...row, value: { ...row.value, address: `${own}/31` as InterfaceAddress } };
    return row.table === 'bgpPeer' ? { ...row, value: { ...row.value, address: other as Address } } : row;
  });

describe('the underlay of a Linux switch', () => {
  let [spine, leaf]: readonly Switch[] = [];
  const both = (): readonly [Switch, Switch] => {
    assert.ok(spine !== undefined && leaf !== undefined);
    return [spine, leaf];
  };
  const settle = async (on: Switch, rows: readonly Row[]): Promise<void> => {
    const { failed, unrealisable } = await on.converge(rows);
    assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
    assert.deepEqual((await on.plan(rows)).steps.map(({ command }) => command), []);
  };
  const sessions = async (on: Switch, count: number): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      const { peers } = JSON.parse(await on.vtysh('show bgp ipv4 unicast summary json')) as { peers?: Record<string, { state: string }> };
      const up = Object.values(peers ?? {}).filter(({ state }) => state === 'Established').length;
      if (up === count) return;
      assert.ok(attempt < 100, `${up} of ${count} sessions are up`);
      await sleep(100);
    }
  };
  const spineRows = device('spine', 65100, '10.255.0.1');
  const leafRows = device('leaf', 65001, '10.255.0.11');

  before(async () => {
    [spine, leaf] = await Promise.all([createSwitch('hdu-spine'), createSwitch('hdu-leaf')]);
    const [top, bottom] = both();
    await connect(top.name, 'e1', bottom.name, 'e1');
    await connect(top.name, 'e2', bottom.name, 'e2');
  });
  after(async () => void (await Promise.all([spine?.destroy(), leaf?.destroy()])));

  it('brings up a session on every link, numbered or not, over all of which packets spread', async () => {
    const [top, bottom] = both();
    await settle(top, numbered(spineRows, '172.16.0.0', '172.16.0.1'));
    await settle(bottom, numbered(leafRows, '172.16.0.1', '172.16.0.0'));
    await sessions(bottom, 2);
    for (let attempt = 0; ; attempt += 1) {
      const routes = (await bottom.exec(['ip', 'route', 'show', '10.255.0.1'])).stdout;
      if (/nexthop .*dev e1/.test(routes) && /nexthop .*dev e2/.test(routes)) break;
      assert.ok(attempt < 50, routes);
      await sleep(100);
    }
  });

  it('changes addresses and BFD timers in place, and reads every setting back as it was wanted', async () => {
    const [top, bottom] = both();
    await settle(top, spineRows);
    const fast = { intervalMilliseconds: 100, multiplier: 3 };
    const patient = { intervalMilliseconds: 500, multiplier: 5 };
    for (const bfds of [[fast], [patient], [fast, patient], [undefined], [undefined, fast], [patient]]) {
      await settle(bottom, withBfd(leafRows, ...bfds));
    }
    await settle(bottom, leafRows);
    await sessions(bottom, 2);
    assert.match((await bottom.exec(['ip', '-brief', 'address', 'show', 'dev', 'e1'])).stdout, /^\S+ +UP +fe80/);
  });

  it('tells a session that falls, and when it is back', async (t) => {
    const [top, bottom] = both();
    await settle(top, spineRows);
    await settle(bottom, leafRows);
    await sessions(bottom, 2);
    let told = '';
    const watch = underlayWatch(bottom.runDirectory);
    watch.wanted(merge([leafRows]));
    watch.start((seen) => (told = seen.map(({ port, established }) => `${port} ${established}`).toSorted().join()));
    t.after(() => watch.stop());
    const tells = async (expected: string): Promise<number> => {
      const from = performance.now();
      await until(`told that ${expected}`, () => told === expected);
      return Math.round(performance.now() - from);
    };
    await tells('e1 true,e2 true');
    await bottom.exec(['ip', 'link', 'set', 'e1', 'down']);
    t.diagnostic(`own link down, told after ${await tells('e1 false,e2 true')} ms`);
    await bottom.exec(['ip', 'link', 'set', 'e1', 'up']);
    await tells('e1 true,e2 true');
    // Nobody at the other end says goodbye, and the carrier stays.
    await top.exec(['nft', '-f', '-'], 'table inet test { chain input { type filter hook input priority 0; iifname "e2" drop; }; }');
    t.diagnostic(`neighbour deaf, told after ${await tells('e1 true,e2 false')} ms`);
    await top.exec(['nft', 'delete', 'table', 'inet', 'test']);
    await tells('e1 true,e2 true');
  });

  it('leads traffic around a link that is drained, without a new session, and takes the link away after that', async () => {
    const [top, bottom] = both();
    const routes = async (): Promise<string> => (await bottom.exec(['ip', 'route', 'show', '10.255.0.1'])).stdout;
    const until = async (pattern: RegExp): Promise<void> => {
      for (let attempt = 0; !pattern.test(await routes()); attempt += 1) {
        assert.ok(attempt < 100, await routes());
        await sleep(50);
      }
    };
    const age = async (): Promise<unknown> => {
      const { peers = {} } = JSON.parse(await bottom.vtysh('show bgp ipv4 unicast summary json')) as { peers?: Record<string, { connectionsDropped?: number }> };
      return Object.entries(peers).map(([name, { connectionsDropped }]) => [name, connectionsDropped]);
    };
    await settle(top, spineRows);
    await settle(bottom, leafRows);
    await sessions(bottom, 2);
    const before = await age();
    const drained = (rows: readonly Row[]): readonly Row[] =>
      rows.map((row): Row => (row.table === 'bgpPeer' && row.key === 'e1' ? { ...row, value: { ...row.value, drained: true } } : row));
    await settle(top, drained(spineRows));
    await settle(bottom, drained(leafRows));
    await until(/^10\.255\.0\.1 \S.*dev e2/);
    assert.deepEqual(await age(), before);
    const without = (rows: readonly Row[]): readonly Row[] => rows.filter((row) => row.key !== 'e1');
    await settle(bottom, without(leafRows));
    await settle(top, without(spineRows));
    await settle(bottom, leafRows);
    await settle(top, spineRows);
    await until(/dev e1/);
  });

  it('is chosen by nobody when the whole device is drained, as long as there is another way', async () => {
    const [top, bottom] = both();
    const asLeaf = (rows: readonly Row[]): readonly Row[] =>
      rows.map((row): Row => (row.table === 'bgp' ? { ...row, value: { ...row.value, drained: true } } : row));
    await sessions(bottom, 2);
    await settle(top, asLeaf(spineRows));
    for (let attempt = 0; !/graceful-shutdown/.test(await bottom.vtysh('show bgp ipv4 unicast 10.255.0.1/32')); attempt += 1) {
      assert.ok(attempt < 100, 'the neighbour is not told');
      await sleep(50);
    }
    await settle(top, spineRows);
  });

  it('tells neighbours the name of the device', async () => {
    const [top] = both();
    assert.match(await top.vtysh('show bgp summary'), /leaf\(e1\)/);
  });
});
