/** An agent whose disk is a real and very small one. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Row } from '../goal/rows.ts';
import { run } from '../kit/process.ts';
import type { Vni } from '../net/brand.ts';
import { until } from '../southbound/testing.ts';
import { Bench, MemoryDevice } from './testing.ts';

const diskBytes = 1024 * 1024;
const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });

describe('an agent on a small disk', () => {
  let bench: Bench;
  let device: MemoryDevice;
  let disk: string;
  beforeEach(async () => {
    bench = new Bench();
    device = new MemoryDevice();
    disk = join(bench.directory, 'disk');
    mkdirSync(disk);
    await run(['mount', '-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]);
    bench.commit('device/leaf-1', [vrf('a')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
    await bench.agent('leaf-1', device, { stateDirectory: join(disk, 'state'), sync: true });
    await verified();
  });
  afterEach(async () => {
    await bench.stopAgents();
    await run(['umount', disk]);
    await bench.close();
  });

  const verified = (): Promise<void> => {
    const { version } = bench.goal.scope('device/leaf-1');
    return until(`version ${version}`, () => bench.heard('leaf-1', 'device/leaf-1', 'verified').some((result) => result.version === version));
  };
  /** Leaves not a byte. */
  const fill = (): void => {
    const rest = join(disk, 'rest');
    for (let size = diskBytes; size >= 1; size = Math.floor(size / 2)) {
      try {
        writeFileSync(rest, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // What did not fit is tried again by halves.
      }
    }
  };

  it('refuses what does not fit, says why, keeps the device as it is, and heals when there is room', async () => {
    fill();
    bench.commit('device/leaf-1', [vrf('b', 'x'.repeat(20_000))]);
    await until('refused', () => bench.heard('leaf-1', 'device/leaf-1', 'refused').length > 0);
    assert.match(bench.heard('leaf-1', 'device/leaf-1', 'refused')[0]?.reason ?? '', /^the journal cannot be written: ENOSPC/);
    device.rows.delete('vrf/a');
    await until('the device is looked after', () => device.rows.has('vrf/a'));
    assert.ok(!device.rows.has('vrf/b'));
    rmSync(join(disk, 'rest'));
    await verified();
    assert.ok(device.rows.has('vrf/b'));
  });

  it('never needs more of it than a few times what it holds, however many changes come', async () => {
    const text = 'x'.repeat(20_000);
    let largest = 0;
    for (let change = 0; change < 200; change += 1) {
      bench.commit('device/leaf-1', [vrf('a', `${change}${text}`)]);
      await until('in the journal', () => bench.heard('leaf-1', 'device/leaf-1', 'received').at(-1)?.version === bench.goal.version);
      largest = Math.max(largest, statSync(join(disk, 'state', 'journal')).size);
    }
    await verified();
    assert.ok(largest < diskBytes / 4, `${largest} bytes`);
    assert.deepEqual(bench.results.filter(({ phase }) => phase === 'refused'), []);
    assert.ok(readdirSync(join(disk, 'state')).every((name) => ['journal', 'journal.new'].includes(name)));
  });

  it('goes on without room to rewrite its journal', async () => {
    const text = 'x'.repeat(60_000);
    const change = async (index: number): Promise<void> => {
      bench.commit('device/leaf-1', [vrf('a', `${index}${text}`)]);
      await verified();
    };
    writeFileSync(join(disk, 'rest'), Buffer.alloc(diskBytes - 200_000));
    await change(0);
    for (let index = 1; index < 10 && bench.heard('leaf-1', 'device/leaf-1', 'refused').length === 0; index += 1) {
      bench.commit('device/leaf-1', [vrf('a', `${index}${text}`)]);
      await until('answered', () => bench.results.some(({ version, phase }) => version === bench.goal.version && ['verified', 'refused'].includes(phase)));
    }
    rmSync(join(disk, 'rest'));
    await change(100);
    assert.match(readFileSync(join(disk, 'state', 'journal'), 'latin1'), /100xxx/);
  });
});
