import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../api/object.ts';
import { run, tryRun } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { programsIn } from './agents.ts';
import { killAgent, killFrr, killServer, restartAgent, restartServer } from './chaos.ts';
import { checkPairs, formatCheck, labCheck } from './check.ts';
import { waitConverged } from './converge.ts';
import { labDown } from './down.ts';
import type { ProgressEvent } from './progress.ts';
import { formatStatus, labStatus } from './status.ts';
import { machine, smallWiring, testName } from './testing.ts';
import { labUp } from './up.ts';

const example = (file: string): Resource[] =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'spine-leaf', file), 'utf8')).map(
    (document) => document.toJS() as Resource,
  );

const firstNamespace = async (): Promise<void> => {
  await tryRun(['ip', 'netns', 'add', 'heddle-first']);
  await run(['ip', 'netns', 'del', 'heddle-first']);
};

test('the example becomes a network in which exactly the intended pairs connect, through faults, and leaves no trace', async () => {
  await firstNamespace();
  const before = await machine();
  const name = testName();
  const lab = await labUp({ name, objects: [...example('wiring.yaml'), ...example('tenants.yaml'), ...example('peering.yaml')] });
  try {
    const { manifest, api } = lab;
    const result = await labCheck({ name });
    assert.equal(result.ok, true, formatCheck(result));
    assert.equal(result.pairs.length, 168);

    const status = await labStatus({ name });
    for (const { node, role, running, agent, sessions } of status.nodes) {
      assert.ok(running, node);
      if (role === 'server') continue;
      assert.ok(agent?.connected && agent.pid !== undefined, formatStatus(status));
      assert.equal(sessions?.established, sessions?.expected, node);
    }

    await killServer(manifest);
    await killAgent(manifest, 'leaf-1');
    await restartServer(manifest);
    const headless = await checkPairs(manifest, api);
    assert.equal(headless.ok, true, formatCheck(headless));
    await restartAgent(manifest, 'leaf-1');
    await killFrr(manifest, 'leaf-2');
    await until('routing daemons to come back', async () => programsIn(manifest, 'leaf-2').some(({ command }) => command === 'bgpd'));
    await waitConverged(manifest, api);
    const healed = await checkPairs(manifest, api);
    assert.equal(healed.ok, true, formatCheck(healed));
  } finally {
    lab.close();
    await labDown({ name });
  }
  assert.deepEqual(await machine(name), before);
});

test('a lab whose building is called off leaves nothing, whenever that is', async () => {
  await firstNamespace();
  const before = await machine();
  for (const last of ['make namespaces and cables', 'start the control plane', 'start agents']) {
    const abort = new AbortController();
    const progress = ({ step, phase }: ProgressEvent): void => {
      if (step === last && phase === 'begin') setTimeout(() => abort.abort(new Error('called off')), 20);
    };
    const name = testName();
    await assert.rejects(labUp({ name, objects: smallWiring(2), progress, signal: abort.signal }), Error, last);
    assert.deepEqual(await machine(name), before, last);
  }
});

test('a wiring with faults builds nothing', async () => {
  const before = await machine();
  const [spine, ...rest] = smallWiring(1);
  assert.equal(spine?.metadata.name, 'spine-1');
  const name = testName();
  await assert.rejects(labUp({ name, objects: rest }), /no Switch, Server, Gateway or External is called "spine-1"/);
  assert.deepEqual(await machine(name), before);
});

test('a lab that cannot converge in time says what is missing and is removed', async () => {
  const before = await machine();
  const fabric = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Fabric', metadata: { name: 'default' }, spec: {} };
  const name = testName();
  const up = labUp({ name, objects: [fabric, ...smallWiring(1)], timeoutMilliseconds: 1 });
  await assert.rejects(up, /^HeddleError: not converged after 1 ms: Switch "(spine|leaf)-1" .*agent\.log/);
  assert.deepEqual(await machine(name), before);
});
