/** `heddle explain` against a whole control plane, and what others get of the same. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { GoalView } from '../api/goalview.ts';
import { createApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { smallFabric } from '../compile/fixture.ts';
import { fresh } from '../control/testing.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { runProgram } from './program.ts';
import { openControlPlane, type ControlPlane } from './server.ts';

describe('heddle explain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-explain-'));
  let plane: ControlPlane;

  const heddle = async (...words: string[]): Promise<{ status: number; out: string; note: string }> => {
    let [out, note] = ['', ''];
    const io = { out: (text: string) => (out += text), note: (text: string) => (note += text), stdin: async () => '', columns: 120, isTerminal: false };
    const env = { HEDDLE_KUBECONFIG: plane.kubeconfigPath };
    const status = await runProgram(words, { ...io, env, signal: new AbortController().signal });
    return { status, out, note };
  };

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, createLogger({ name: 'test', level: 'silent' }));
    for (const object of smallFabric()) await plane.client.create(fresh(object)).catch(() => undefined);
    await until('leaf-1 has its goal state', () => plane.controller.explain('leaf-1', {}).rows.length >= 7);
  });

  after(async () => {
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists rows, with where they come from', async () => {
    const { status, out } = await heddle('explain', 'leaf-1');
    assert.equal(status, 0);
    assert.match(out, /^ROW +SCOPE +ACKNOWLEDGED +OBJECTS\n/);
    assert.match(out, /^port\/E1\/1 +device\/leaf-1 +no +Connection\/a1--leaf-1/m);
  });

  it('takes the name as kubectl prints it', async () => {
    assert.equal((await heddle('explain', 'switch/leaf-1')).out, (await heddle('explain', 'leaf-1')).out);
  });

  it('tells all about one', async () => {
    const { out } = await heddle('explain', 'leaf-1', 'port/E1/1');
    assert.match(out, /^Scope: +device\/leaf-1, version \d+$/m);
    assert.match(out, /^Acknowledged: +no \(it has not spoken yet\)$/m);
    assert.match(out, /^  Connection\/a1--leaf-1 \(generation 1\)$/m);
    assert.match(out, /^  interface: swp1$/m);
    const json = JSON.parse((await heddle('explain', 'leaf-1', 'port/E1/1', '-o', 'json')).out) as { key: string; value: { interface: string } };
    assert.deepEqual([json.key, json.value.interface], ['E1/1', 'swp1']);
    assert.match((await heddle('explain', 'leaf-1', 'bgp', '-o', 'yaml')).out, /^kind: GoalState$/m);
  });

  it('says what is near a row that is not there, and that a switch is not there', async () => {
    const missing = await heddle('explain', 'leaf-1', 'port/E1/3');
    assert.equal(missing.status, 1);
    assert.match(missing.note, /"leaf-1" has no row "port\/E1\/3"; near it: "port\/E1\/1", "port\/E1\/2"/);
    const table = await heddle('explain', 'leaf-1', 'ports');
    assert.deepEqual([table.status, /"ports" is no table of goal state; there are system, port,/.test(table.note)], [2, true]);
    const stranger = await heddle('explain', 'leaf-9');
    assert.equal(stranger.status, 1);
    assert.match(stranger.note, /leaf-9/);
  });

  it('is a subresource that kubectl get --raw reads, that nobody writes, and that discovery lists', async () => {
    const client = createApiClient(readKubeconfig(plane.kubeconfigPath));
    try {
      const path = '/apis/heddle.dev/v1alpha1/switches/leaf-1/goal';
      const { body } = await client.call({ path: `${path}?row=vtep/self` });
      assert.equal((body as GoalView).rows[0]?.scope, 'device/leaf-1');
      await assert.rejects(client.call({ path, method: 'DELETE' }), { code: 'MethodNotAllowed' });
      await assert.rejects(client.call({ path: `${path}?limit=x` }), { code: 'BadRequest' });
      await assert.rejects(client.call({ path: path.replace('leaf-1', 'leaf-9') }), { code: 'NotFound' });
      const { body: list } = await client.call({ path: '/apis/heddle.dev/v1alpha1' });
      const found = (list as { resources: { name: string; kind: string; verbs: string[] }[] }).resources.find(({ name }) => name === 'switches/goal');
      assert.deepEqual([found?.kind, found?.verbs], ['GoalState', ['get']]);
    } finally {
      client.close();
    }
  });

  it('completes devices and their rows', async () => {
    assert.match((await heddle('complete', '--', 'explain', 'le')).out, /^leaf-1\nleaf-2\n$/);
    assert.match((await heddle('complete', '--', 'explain', 'leaf-1', 'vt')).out, /^vtep\/self\n$/);
  });
});
