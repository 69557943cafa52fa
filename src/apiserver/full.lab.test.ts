/** A server whose disk is a real and very small one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { run } from '../kit/process.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { at, robot, withServer, type Reply, type TestServer } from './testing.ts';

const diskBytes = 2 * 1024 * 1024;
const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';

describe('a server on a small disk', () => {
  let disk: string;
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'heddle-full-'));
    await run(['mount', '-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]);
  });
  afterEach(async () => {
    await run(['umount', disk]);
    rmSync(disk, { recursive: true });
  });

  const rest = (): string => join(disk, 'rest');
  /** Leaves not a byte. */
  const fill = (): void => {
    for (let size = diskBytes; size >= 1; size = Math.floor(size / 2)) {
      try {
        writeFileSync(rest(), Buffer.alloc(size), { flag: 'a' });
      } catch {
        // What did not fit is tried again by halves.
      }
    }
  };
  const create = ({ call }: TestServer, name: string): Promise<Reply> => {
    const annotations = { note: 'x'.repeat(20_000) };
    return call('POST', robots, { body: robot(name, {}, { annotations }), headers: { 'content-type': 'application/json' } });
  };

  it('refuses what does not fit and says why, answers reads, and heals when there is room', async () => {
    const store = openSqliteStore(join(disk, 'heddle.db'));
    await withServer(
      async (test) => {
        assert.equal((await create(test, 'one')).status, 201);
        fill();
        const refused = await create(test, 'two');
        assert.deepEqual([refused.status, at(refused.json, 'kind'), at(refused.json, 'reason')], [507, 'Status', 'InsufficientStorage']);
        assert.match(String(at(refused.json, 'message')), /^the store has no room left: free some/);
        const deleted = await test.call('DELETE', `${robots}/one`);
        assert.equal(deleted.status, 507);
        assert.equal((await test.call('GET', `${robots}/one`)).status, 200);
        assert.equal((await test.call('GET', `${robots}/two`)).status, 404);
        assert.equal(at((await test.call('GET', robots)).json, 'items.length'), 1);
        rmSync(rest());
        assert.equal((await create(test, 'two')).status, 201);
        assert.equal((await test.call('DELETE', `${robots}/one`)).status, 200);
      },
      { store },
    );
    const again = openSqliteStore(join(disk, 'heddle.db'));
    const { entries } = await again.list('robots.test.heddle.dev/');
    assert.deepEqual(entries.map(({ key }) => key), ['robots.test.heddle.dev/default/two']);
    await again.close();
  });
});
