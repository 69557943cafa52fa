import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allProcesses } from '../../src/lab/processes.ts';
import { measureOvn, ovnVersions } from './ovn.ts';
import { findPrograms } from './ovn/programs.ts';

/** What the programs leave behind: files where temporary ones go, and children of ours. */
const leftovers = (): unknown => ({
  files: readdirSync(tmpdir()),
  processes: allProcesses().filter(({ parent }) => parent === process.pid).map(({ command }) => command),
});

/** In a folder of temporary files that nobody else uses. */
const withOwnFolder = async (body: () => Promise<void>): Promise<void> => {
  const { TMPDIR: before } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'heddle-peer-'));
  process.env.TMPDIR = folder;
  try {
    await body();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  }
};

for (const version of ovnVersions) {
  // A test fetches nothing: `node bench/peers/ovn.ts` does, and so does the benchmark of the compiler.
  const skip = findPrograms(version) === undefined && `OVN ${version} was not fetched`;
  test(`OVN ${version} translates the workload and every change, and leaves nothing behind`, { skip }, () =>
    withOwnFolder(async () => {
      const before = leftovers();
      const figures = await measureOvn(version, 2, () => {}, { rounds: 2 });
      assert.deepEqual({ ports: figures.ports, chassis: figures.chassis }, { ports: 80, chassis: 8 });
      assert.ok(figures.logicalFlows > 500, `${figures.logicalFlows} logical flows`);
      assert.deepEqual([...figures.spent.values()].filter(({ wall, cpu }) => !(wall > 0 && cpu > 0)), []);
      assert.ok(figures.residentMegabytes > 10);
      assert.deepEqual(leftovers(), before);
    }),
  );
}
