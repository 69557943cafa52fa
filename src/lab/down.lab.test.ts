import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../kit/clock.ts';
import { run, tryRun, type Argv } from '../kit/process.ts';
import { clearRemains, labDown } from './down.ts';
import { launcher } from './inside.ts';
import { builderFile, findManifest, runDirectoryOf } from './manifest.ts';
import { machine, raise, smallWiring, testName } from './testing.ts';

/** `ip netns add` makes /run/netns a mount of its own on a machine's first namespace, and leaves it: not ours to undo. */
const firstNamespace = async (): Promise<void> => {
  await tryRun(['ip', 'netns', 'add', 'heddle-first']);
  await run(['ip', 'netns', 'del', 'heddle-first']);
};

test('what a lab makes is gone after its end, and a second end finds nothing', async () => {
  await firstNamespace();
  const before = await machine();
  const { name } = await raise(smallWiring(2));
  assert.notDeepEqual(await machine(name), before);
  assert.equal(await labDown({ name }), true);
  assert.deepEqual(await machine(name), before);
  assert.equal(await labDown({ name }), false);
});

test('a name is taken while its lab exists', async () => {
  const { name } = await raise(smallWiring(0));
  try {
    await assert.rejects(raise(smallWiring(0), name), /exists already: "heddle lab down --name/);
    assert.ok(findManifest(name) !== undefined);
  } finally {
    await labDown({ name });
  }
});

/** Builds namespaces only: short, so that the moments of a kill lie close together. */
const raiser = (name: string): Argv => [process.execPath, join(import.meta.dirname, 'testing-raise.ts'), name];

/** The whole: control plane, agents, FRR. */
const heddle = (name: string): Argv => {
  const wiring = join(import.meta.dirname, '..', '..', 'testdata', 'scenarios', 'wiring.yaml');
  return [launcher, 'lab', 'up', '--name', name, '-f', wiring];
};

/** Starts a builder and kills it that many milliseconds after it wrote the manifest. */
const killBuilder = async (name: string, [command, ...rest]: Argv, milliseconds: number): Promise<void> => {
  const builder = spawn(command, rest, { stdio: 'ignore' });
  const ended = once(builder, 'exit');
  while (findManifest(name) === undefined && builder.exitCode === null) await systemClock.sleep(1);
  await systemClock.sleep(milliseconds);
  builder.kill('SIGKILL');
  await ended;
};

test('a builder killed at any moment leaves nothing that the end of the lab does not find', async () => {
  await firstNamespace();
  const before = await machine();
  const moments = [
    ...[0, 3, 8, 15, 30, 50, 80, 120].map((milliseconds) => ({ builder: raiser, milliseconds })),
    ...[200, 600, 1100, 1700, 2600].map((milliseconds) => ({ builder: heddle, milliseconds })),
  ];
  for (const { builder, milliseconds } of moments) {
    const name = testName();
    await killBuilder(name, builder(name), milliseconds);
    await labDown({ name });
    assert.deepEqual(await machine(name), before, `killed after ${milliseconds} ms`);
  }
});

test('a lab whose namespaces and processes are partly gone already is removed all the same', async () => {
  const before = await machine();
  const manifest = await raise(smallWiring(1));
  await tryRun(['ip', 'netns', 'del', manifest.management.namespace]);
  await tryRun(['ip', 'netns', 'del', `${manifest.namespacePrefix}s1`]);
  assert.equal(await labDown({ name: manifest.name }), true);
  assert.deepEqual(await machine(manifest.name), before);
});

test('what a killed run left stands in nobody\'s way, and a lab that stands or is being built is no such thing', async () => {
  await firstNamespace();
  const before = await machine();
  const name = testName();
  mkdirSync(join(runDirectoryOf(name), 'nodes'), { recursive: true });
  writeFileSync(join(runDirectoryOf(name), 'nodes', 'log'), 'of an end that was killed');
  await clearRemains(name);
  assert.deepEqual(await machine(name), before);

  await killBuilder(name, raiser(name), 50);
  await clearRemains(name);
  assert.deepEqual(await machine(name), before);

  const manifest = await raise(smallWiring(1), name);
  await clearRemains(name);
  assert.ok(findManifest(name) !== undefined, 'its builder lives');
  rmSync(builderFile(manifest));
  await clearRemains(name);
  assert.ok(findManifest(name) !== undefined, 'it stands');
  await labDown({ name });
  assert.deepEqual(await machine(name), before);
});
