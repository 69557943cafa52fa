import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fabric } from '../compile/fixture.ts';
import { cluster, fresh, waitFor } from '../control/testing.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { runProgram } from './program.ts';
import { openControlPlane, type ControlPlane } from './server.ts';

interface Printed {
  out: string;
  note: string;
}

describe('heddle simulate devices', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-simulate-'));
  let plane: ControlPlane;

  /** `during` runs beside the command, with what it printed so far, and ends it. */
  const heddle = async (
    commandLine: string,
    during?: (printed: Printed) => Promise<void>,
  ): Promise<Printed & { readonly status: number }> => {
    const printed = { out: '', note: '' };
    const stop = new AbortController();
    const { signal } = stop;
    const beside = during?.(printed).finally(() => stop.abort());
    const status = await runProgram(commandLine.split(' '), {
      out: (text) => (printed.out += text),
      note: (text) => (printed.note += text),
      stdin: async () => '',
      env: { HEDDLE_KUBECONFIG: plane.kubeconfigPath },
      signal,
      columns: 120,
      isTerminal: false,
    });
    await beside;
    return { status, ...printed };
  };
  const connected = (printed: Printed): Promise<unknown> =>
    until('all are connected', () => printed.note.includes('connected after'));

  before(async () => {
    const log = createLogger({ name: 'test', level: 'silent' });
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    await plane.client.create(fresh(fabric()));
  });
  after(async () => {
    await plane.close();
    rmSync(folder, { recursive: true });
  });

  test('without a Switch it says what to do', async () => {
    const { status, note } = await heddle(`simulate devices --server ${plane.southbound}`);
    assert.deepEqual([status, note], [1, 'heddle: the API server knows no Switch: apply some, or use --count NUMBER --declare\n']);
  });

  test('declares Switches, runs their agents against the server, and sums up as JSON', async () => {
    const first = await heddle(`simulate devices --server ${plane.southbound} --count 3 --declare -o json`, async (printed) => {
      await connected(printed);
      for (const name of ['leaf-1', 'leaf-2', 'leaf-3']) await waitFor(plane.client, cluster('Switch', name), 'Programmed', 'True');
    });
    assert.equal(first.status, 0, first.note);
    assert.match(first.note, /^3 Switches declared\nall 3 devices connected after \d/);
    const summary: unknown = JSON.parse(first.out);
    assert.ok(typeof summary === 'object' && summary !== null && 'rows' in summary && 'connected' in summary);
    assert.equal(summary.connected, 3);
    assert.ok(Number(summary.rows) >= 3, 'the devices hold their goal');
    const faults = '--latency 1ms-5ms --crash-every 1h';
    const again = await heddle(`simulate devices --server ${plane.southbound} --from-cluster ${faults}`, async (printed) => {
      await connected(printed);
    });
    assert.deepEqual([again.status, again.out.includes('3 of 3 connected')], [0, true]);
  });

  test('ends by itself after a time', async () => {
    const { status, out } = await heddle(`simulate devices --server ${plane.southbound} --count 1 --for 300ms`);
    assert.equal(status, 0);
    assert.match(out, /crashes/);
  });

  test('an option that cannot be understood is bad usage, told with an example', async () => {
    for (const [options, message] of [
      ['--count many', /--count "many" is not a whole number/],
      ['--count 2 --from-cluster', /exclude each other/],
      ['--declare', /--declare needs --count/],
      ['--loss 3x', /--loss "3x" is not a share: write it like 0.5% or 0.005/],
      ['--reject foo=5%', /--reject "foo=5%" names no rows: write it like "host\/\*=5%"/],
      ['--slow x', /--slow "x" names no table: write it like "segment=20ms"/],
      ['--latency fast', /--latency "fast" is not a duration/],
      ['--slow x=1s', /--slow: "x" is no table of goal state; there are system, port,/],
      ['--reject hosts/*=5%', /--reject: "hosts" is no table/],
      ['--for 5x', /--for "5x" is not a duration/],
      ['--count 0', /--count 0 leaves nothing to simulate/],
    ] as const) {
      const { status, note } = await heddle(`simulate devices ${options}`);
      assert.equal(status, 2, note);
      assert.match(note, message);
    }
  });

  test('a folder that is no server’s is told as such', async () => {
    const { status, note } = await heddle(`simulate devices --count 1 --data ${tmpdir()}/nowhere`);
    assert.equal(status, 1);
    assert.match(note, /is no data folder of a heddle server \(".*ca.crt" is missing\): name it with --data/);
  });
});
