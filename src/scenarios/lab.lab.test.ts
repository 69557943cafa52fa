import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { run } from '../kit/process.ts';
import { agentFiles } from '../lab/agents.ts';
import { killAgent, killFrr, killServer, restartAgent, restartServer } from '../lab/chaos.ts';
import { checkPairs } from '../lab/check.ts';
import { labDown } from '../lab/down.ts';
import { inside } from '../lab/inside.ts';
import { openApi } from '../lab/api.ts';
import { testName } from '../lab/testing.ts';
import { labUp, type LabHandle } from '../lab/up.ts';
import { ApiStage } from './apistage.ts';
import { readScenarios, readWiring, type Step } from './scenario.ts';
import { eventually } from './waiting.ts';

describe('scenarios in the lab', () => {
  const name = testName();
  let lab: LabHandle;

  before(async () => {
    lab = await labUp({ name, objects: readWiring() });
  });

  after(async () => {
    lab?.close();
    await labDown({ name });
  });

  for (const scenario of readScenarios()) {
    it(`${scenario.name}: ${scenario.story}`, async () => {
      const stage = new ApiStage(lab.kubeconfig);
      try {
        for (const step of scenario.steps) await play(lab, stage, step);
      } finally {
        await stage.cleanUp();
        stage.close();
      }
      await eventually(() => assertNoTenantsLeft(lab));
    });
  }
});

const play = async (lab: LabHandle, stage: ApiStage, step: Step): Promise<void> => {
  if (step.type === 'apply') await stage.apply(step.objects);
  else if (step.type === 'delete') for (const ref of step.refs) await stage.delete(ref);
  else if (step.type === 'refuse') await stage.refuse(step.object, step.paths);
  else if (step.type === 'allow') await stage.allow(step.ref);
  else if (step.type === 'expect') for (const expectation of step.conditions) await stage.expect(expectation);
  else if (step.type === 'fault') await inflict(lab, step.fault);
  else await eventually(() => assertReach(lab, step.pairs));
};

/** What the story says, what intent says and what the packets say are one. Intent is remembered for when the server is dead. */
const assertReach = async (lab: LabHandle, wanted: ReadonlySet<string>): Promise<void> => {
  const { pairs } = await checkPairs(lab.manifest, rememberingApi(lab));
  for (const proto of ['icmp', 'tcp'] as const) {
    const connected = pairs.filter((pair) => pair.proto === proto && pair.actual !== 'deny').map(({ from, to }) => `${from} -> ${to}`);
    assert.deepEqual(connected.sort(), [...wanted].sort(), `${proto}: pairs that connect`);
  }
  const differing = pairs.filter(({ expected, actual }) => expected !== actual);
  assert.deepEqual(differing, [], 'pairs that differ from intent');
};

const remembered = new Map<string, Awaited<ReturnType<LabHandle['api']['list']>>>();

const rememberingApi = (lab: LabHandle): Pick<LabHandle['api'], 'list'> => ({
  list: async (kind) => {
    const api = openApi(lab.kubeconfig);
    try {
      if (await api.ready()) remembered.set(kind, await api.list(kind));
      const objects = remembered.get(kind);
      assert.ok(objects !== undefined, 'a story looks at packets before it kills the server');
      return objects;
    } finally {
      api.close();
    }
  },
});

const faults: { readonly [fault: string]: (lab: LabHandle, node: string) => Promise<unknown> } = {
  'kill server': ({ manifest }) => killServer(manifest),
  'start server': ({ manifest }) => restartServer(manifest),
  'kill agent': ({ manifest }, node) => killAgent(manifest, node),
  'start agent': async ({ manifest }, node) => {
    await restartAgent(manifest, node);
    await eventually(() => assertAdopted(manifest, node));
  },
  'kill frr': ({ manifest }, node) => killFrr(manifest, node),
  'delete vxlan': (lab, node) => inFirstVrf(lab, node, (vrf) => ['ip', '-n', vrf, 'link', 'delete', `vx${vrf.slice(3)}`]),
  'delete segment': (lab, node) => inFirstVrf(lab, node, async (vrf) => ['ip', '-n', vrf, 'link', 'delete', await firstSegment(lab, node, vrf)]),
};

/** A restarted agent takes over what is there. Its log is kept over restarts; the last start counts. */
const assertAdopted = async (manifest: LabHandle['manifest'], node: string): Promise<void> => {
  const starts = readFileSync(agentFiles(manifest, node).log, 'utf8').match(/adopted in \d+ ms, \d+ rows rewritten/g) ?? [];
  assert.ok(starts.length >= 2, `the agent of ${node} has not adopted anew`);
  assert.match(starts.at(-1) ?? '', /, 0 rows rewritten/, readFileSync(agentFiles(manifest, node).log, 'utf8'));
};

const inflict = async (lab: LabHandle, text: string): Promise<void> => {
  const [verb, what, node = ''] = text.split(' ');
  const fault = faults[`${verb} ${what}`];
  assert.ok(fault !== undefined, `there is no fault "${text}"`);
  await fault(lab, node);
};

type Command = readonly [string, ...string[]];

const inFirstVrf = async (lab: LabHandle, node: string, command: (vrf: string) => Command | Promise<Command>): Promise<void> => {
  const [vrf] = await vrfsOf(lab, node);
  assert.ok(vrf !== undefined, `${node} has no VRF`);
  await run(inside(lab.manifest, node, await command(vrf)));
};

const vrfsOf = async (lab: LabHandle, node: string): Promise<string[]> => {
  const { stdout } = await run(inside(lab.manifest, node, ['ip', 'netns', 'list']));
  return stdout.split('\n').map((line) => line.split(' ')[0] ?? '').filter((vrf) => vrf.startsWith('vrf'));
};

/** Name of a bridge that has a gateway address: the segment's, not the L3VNI's. */
const firstSegment = async (lab: LabHandle, node: string, vrf: string): Promise<string> => {
  const { stdout } = await run(inside(lab.manifest, node, ['ip', '-n', vrf, '-4', '-o', 'address', 'show']));
  const bridge = stdout.split('\n').map((line) => line.split(/\s+/)[1] ?? '').find((device) => device.startsWith('br'));
  assert.ok(bridge !== undefined, `${vrf} on ${node} has no segment`);
  return bridge;
};

const assertNoTenantsLeft = async (lab: LabHandle): Promise<void> => {
  for (const { name, role } of lab.manifest.nodes) {
    if (role !== 'server') assert.deepEqual(await vrfsOf(lab, name), [], `VRFs left on ${name}`);
  }
};
