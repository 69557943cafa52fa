/** How changes of any size reach a real device: few processes, and one bad row never stops the good ones. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Prefix } from '../../net/brand.ts';
import type { Row } from '../../goal/rows.ts';
import { attachment, contractGoals, host, peering, segment, vrf } from './fixture/goals.ts';
import { createLoneLeaf } from './fixture/leaf.ts';
import type { LoneLeaf } from './fixture/leaf.ts';
import type { Answer } from './fixture/remote.ts';

const macOf = (index: number): string => `0a:01:00:00:${Math.floor(index / 256).toString(16).padStart(2, '0')}:${(index % 256).toString(16).padStart(2, '0')}`;

const hosts = (count: number): readonly Row[] =>
  Array.from({ length: count }, (_, index) => host('p1', 1001, `10.1.${64 + Math.floor(index / 250)}.${(index % 250) + 1}`, macOf(index)));

const base: readonly Row[] = [...contractGoals.underlay, vrf(5001), segment(1001, 5001, '10.1.0.1/16'), attachment('p1', 1001)];

const withNetworks = (rows: readonly Row[], networks: readonly string[]): readonly Row[] =>
  rows.map((row): Row => (row.table === 'bgp' ? { ...row, value: { ...row.value, networks: networks as readonly Prefix[] } } : row));

const sum = (processes: Answer['processes']): number => Object.values(processes).reduce((total, count) => total + count, 0);

describe('applying rows to a Linux switch', () => {
  let lone: LoneLeaf;
  before(async () => {
    lone = await createLoneLeaf('hda');
    await settle(base);
  });
  after(() => lone.destroy());

  const settle = async (rows: readonly Row[]): Promise<Answer> => {
    const answer = await lone.leaf.converge(rows);
    assert.deepEqual({ failed: answer.failed, unrealisable: answer.unrealisable }, { failed: [], unrealisable: [] });
    assert.deepEqual((await lone.leaf.plan(rows)).steps.map(({ key }) => key), []);
    return answer;
  };

  it('starts as many processes for 10,000 rows as for one: one a tool and namespace', async () => {
    for (const count of [1, 100, 10_000]) {
      const { processes, steps } = await settle([...base, ...hosts(count)]);
      assert.ok(steps.length >= count);
      assert.deepEqual(processes, { ip: 1, bridge: 1, nft: 1 }, `${count} rows`);
    }
    const { processes } = await settle(base);
    assert.deepEqual(processes, { ip: 1, bridge: 1, nft: 1 });
  });

  it('changes FRR without starting a process, however much changes', async () => {
    const networks = Array.from({ length: 200 }, (_, index) => `10.255.${index + 1}.0/24`);
    assert.deepEqual((await settle(withNetworks(base, networks))).processes, {});
    assert.deepEqual((await settle(base)).processes, {});
  });

  it('opens a peering with one process a namespace and tool', async () => {
    const two = [...base, vrf(5002), segment(2001, 5002, '10.2.1.1/24')];
    await settle(two);
    const { processes } = await settle([...two, ...peering(5001, ['10.1.0.0/16'], 5002, ['10.2.1.0/24'])]);
    assert.deepEqual(processes, { ip: 2, nft: 2 });
    await settle(base);
  });

  it('programs every good row when the kernel refuses one of them, and names that one with the tool\'s own words', async () => {
    const large = segment(1002, 5001, '10.3.0.1/16');
    const rows = [...base, large, segment(1003, 5001, '10.4.0.1/16'), ...hosts(50)].map((row): Row =>
      (row === large && row.table === 'segment' ? { ...row, value: { ...row.value, mtu: 100_000 } } : row));
    const { failed, processes } = await lone.leaf.converge(rows);
    const [{ key, message } = { key: '', message: '' }, ...others] = failed;
    assert.deepEqual([key, message], ['link/vrf5001/br1002', 'Error: mtu greater than device maximum.']);
    for (const other of others) assert.deepEqual([other.code, /1002/.test(other.key)], ['Blocked', true], other.key);
    // FRR is asked once whether it knows the new device, before that gets its address.
    assert.deepEqual(processes, { ip: 2, bridge: 1, nft: 1, vtysh: 1 });
    for (const step of (await lone.leaf.plan(rows)).steps) assert.match(step.key, /1002/);
  });

  it('programs every good row when the words of one make the tool end', async () => {
    const rows = [...base, ...hosts(50), host('p1', 1001, '10.1.99.1', 'no-mac'), host('p1', 1001, '10.1.99.2', macOf(999))];
    const { failed, processes, steps } = await lone.leaf.converge(rows);
    assert.deepEqual(failed.map(({ key, code }) => [key, code]), [
      ['fdb/vrf5001/p1/no-mac', 'Failed'],
      ['neighbour/vrf5001/br1001/10.1.99.1#1', 'Blocked'],
      ['neighbour/vrf5001/br1001/10.1.99.1', 'Blocked'],
    ].filter(([key]) => steps.some((step) => step.key === key)));
    assert.match(failed[0]?.message ?? '', /no-mac|lladdr/);
    assert.ok(sum(processes) <= 5, JSON.stringify(processes));
    assert.deepEqual((await lone.leaf.exec(['ip', '-n', 'vrf5001', 'neighbour', 'show', '10.1.99.2'])).stdout.trim().split(' ').slice(-1), ['PERMANENT']);
    await settle(base);
  });

  it('programs every good row when nft or FRR refuses another\'s', async () => {
    const rows = [...base, vrf(5002), segment(2001, 5002, '10.2.1.1/24'),
      ...peering(5001, ['10.1.0.0/16'], 5002, ['10.2.1.0/33']), ...hosts(5)];
    const wrong = withNetworks(rows, ['10.255.0.11/32', '10.9.0.0/40']);
    const { failed } = await lone.leaf.converge(wrong);
    const causes = failed.filter(({ code }) => code !== 'Blocked');
    assert.deepEqual(causes.map(({ key }) => key).toSorted(), ['frr/router bgp 65001/address-family ipv4 unicast', 'nft/vrf5001', 'nft/vrf5002']);
    assert.match(causes.find(({ key }) => key.startsWith('frr/'))?.message ?? '', /Unknown command: network 10\.9\.0\.0\/40/);
    assert.match(causes.find(({ key }) => key.startsWith('nft/'))?.message ?? '', /Error|prefix/i);
    const { keys } = await lone.leaf.plan(wrong);
    for (const { table, key } of hosts(5)) assert.ok(keys.includes(`neighbour/vrf5001/br1001/${key.split('/')[1]}`), `${table}/${key}`);
    await settle(base);
  });

  it('goes on when the tools die under it', async () => {
    await settle([...base, ...hosts(3)]);
    await lone.leaf.exec(['pkill', '-KILL', '-x', 'bgpd']);
    for (let round = 0; round < 5; round += 1) await lone.leaf.converge([...base, ...hosts(3)]);
    await settle([...base, ...hosts(3)]);
  });
});
