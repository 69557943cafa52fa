/** Who is behind a cable, as two real daemons hear of each other; cables that are put elsewhere, and cut. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, tryRun } from '../../kit/process.ts';
import { until } from '../../kit/testing.ts';
import type { LinkNeighbour } from '../driver.ts';
import { addNamespace } from './fixture/topology.ts';
import { Lldp } from './lldp.ts';

const [left, right] = ['hdl-left', 'hdl-right'];

describe('neighbours of real ports', () => {
  const directories: string[] = [];
  const devices: Lldp[] = [];
  const seen = new Map<string, readonly LinkNeighbour[]>();

  const device = (name: string, interfaces: readonly string[]): Lldp => {
    const directory = mkdtempSync(join(tmpdir(), 'heddle-lldp-'));
    chmodSync(directory, 0o755);
    directories.push(directory);
    const lldp = new Lldp({ directory, run: (argv, stdin) => tryRun(argv, stdin === undefined ? {} : { stdin }), transmitSeconds: 1, pollMilliseconds: 100 });
    devices.push(lldp);
    lldp.wired({ hostname: name, interfaces: new Map([[name, interfaces]]), ports: new Map(interfaces.map((each) => [each, `E/${each}`])) });
    lldp.start((neighbours) => void seen.set(name, neighbours.toSorted((one, other) => (one.port < other.port ? -1 : 1))));
    return lldp;
  };

  const cable = async (here: string, there: string): Promise<void> => {
    await run(['ip', 'link', 'add', here, 'netns', left, 'type', 'veth', 'peer', 'name', there, 'netns', right]);
    await run(['ip', '-n', left, 'link', 'set', here, 'up']);
    await run(['ip', '-n', right, 'link', 'set', there, 'up']);
  };

  const hears = (name: string, expected: readonly (readonly [string, string])[]): Promise<unknown> =>
    until(`${name} hears ${JSON.stringify(expected)}`, () => {
      const heard = (seen.get(name) ?? []).map(({ port, remotePort }) => [port, remotePort]);
      return JSON.stringify(heard) === JSON.stringify(expected);
    }, 20_000);

  before(async () => {
    for (const name of [left, right]) await addNamespace(name);
    await cable('p1', 'q1');
    await cable('p2', 'q2');
  });
  after(async () => {
    for (const lldp of devices) await lldp.stop();
    for (const [index, name] of [left, right].entries()) {
      await tryRun(['pkill', '-F', `${directories[index]}/lldp-${name}.pid`]);
      await tryRun(['ip', 'netns', 'delete', name]);
    }
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });

  it('are told by name, in whatever namespace they are and although a bridge has the port', async () => {
    await run(['ip', '-n', left, 'link', 'add', 'bridge0', 'type', 'bridge']);
    await run(['ip', '-n', left, 'link', 'set', 'bridge0', 'up']);
    await run(['ip', '-n', left, 'link', 'set', 'p2', 'master', 'bridge0']);
    device(left, ['p1', 'p2']);
    device(right, ['q1', 'q2']);
    await hears(left, [['E/p1', 'q1'], ['E/p2', 'q2']]);
    await hears(right, [['E/q1', 'p1'], ['E/q2', 'p2']]);
    assert.deepEqual(seen.get(left)?.map(({ system }) => system), [right, right]);
  });

  it('are others when cables are swapped, and none when one is cut', async () => {
    for (const name of ['p1', 'p2']) await run(['ip', '-n', left, 'link', 'delete', name]);
    await cable('p1', 'q2');
    await cable('p2', 'q1');
    await hears(left, [['E/p1', 'q2'], ['E/p2', 'q1']]);
    await run(['ip', '-n', right, 'link', 'set', 'q2', 'down']);
    await hears(left, [['E/p2', 'q1']]);
  });

  it('do not keep a namespace alive that is left', async () => {
    const [here] = devices;
    await here?.stop();
    await here?.leave(left);
    const alive = await tryRun(['ip', 'netns', 'pids', left]);
    await until('nobody is there', async () => (await tryRun(['ip', 'netns', 'pids', left])).stdout.trim() === '');
    assert.equal(alive.status, 0);
  });
});
