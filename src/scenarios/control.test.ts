import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { Resource } from '../api/object.ts';
import { openControlPlane, type ControlPlane } from '../cli/server.ts';
import { createToken } from '../cli/token.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { ApiStage } from './apistage.ts';
import { byWiring, readScenarios, readWiring, type Scenario } from './scenario.ts';
import { playSteps, withoutPackets, type Stage } from './stage.ts';
import { eventually } from './waiting.ts';

const log = createLogger({ name: 'scenarios', level: 'silent' });

/** The real control plane and one real agent a switch, over real sockets; only the devices are fake. */
const playOn = (wiring: readonly Resource[], scenarios: readonly Scenario[]): void => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-scenarios-'));
  const devices = new Map<string, FakeDevice>();
  const agents: Agent[] = [];
  let plane: ControlPlane;
  const startAgents = async (objects: readonly Resource[]): Promise<void> => {
    const fresh = objects.filter(({ kind, metadata: { name } }) => ['Switch', 'Gateway'].includes(kind) && !devices.has(name));
    for (const { metadata } of fresh) devices.set(metadata.name, new FakeDevice());
    agents.push(...(await Promise.all(fresh.map(({ metadata: { name } }) => agentOf(plane, folder, name, devices.get(name) ?? new FakeDevice())))));
  };

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    await startAgents(wiring);
    const stage = new ApiStage(plane.kubeconfigPath);
    await stage.apply(wiring);
    for (const { kind, metadata: { name } } of wiring.filter((object) => devices.has(object.metadata.name))) {
      await stage.expect({ ref: { kind, namespace: '', name }, condition: 'Programmed', wanted: 'Programmed' });
    }
    stage.close();
  });

  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const scenario of scenarios) {
    it(`${scenario.name}: ${scenario.story}`, async () => {
      const stage = new ApiStage(plane.kubeconfigPath);
      try {
        await playSteps(controlStage(stage, startAgents, devices), scenario.steps);
      } finally {
        await stage.cleanUp();
        stage.close();
      }
      await eventually(async () => {
        for (const [device, fake] of devices) assert.deepEqual(tenantRows(fake), [], `tenants' rows left on ${device}`);
      });
    });
  }
};

for (const [file, scenarios] of byWiring(readScenarios())) {
  describe(`scenarios at the control level, on ${basename(file, '.yaml')}`, () => playOn(readWiring(file), scenarios));
}

const agentOf = (plane: ControlPlane, folder: string, device: string, fake: FakeDevice): Promise<Agent> =>
  startAgent({
    device,
    server: plane.southbound,
    ca: readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8'),
    token: () => createToken({ device, data: folder }),
    stateDirectory: join(folder, 'agents', device),
    driver: fake.driver(),
    log,
    newEpoch: () => 'scenarios',
  });

const tenantRows = (fake: FakeDevice): string[] =>
  [...fake.rows.keys()].filter((id) => /^(vrf|segment|attachment|host|leak|member)\//.test(id));

/** Packets and faults of machines are the lab's. A switch that a story adds gets its agent. */
const controlStage = (api: ApiStage, startAgents: (objects: readonly Resource[]) => Promise<void>, devices: ReadonlyMap<string, FakeDevice>): Stage => ({
  ...withoutPackets,
  fault: async (fault) => {
    const [verb, device = '', row = ''] = fault.split(' ');
    const faults = devices.get(device)?.faults;
    if (verb === 'refuse') faults?.set(row, { code: 'CommandFailed', message: 'no such device' });
    if (verb === 'accept') faults?.delete(row);
  },
  apply: async (objects) => {
    await api.apply(objects);
    await startAgents(objects);
  },
  delete: (ref) => api.delete(ref),
  refuse: (object, paths) => api.refuse(object, paths),
  expect: (expectation) => api.expect(expectation),
  allow: (ref) => api.allow(ref),
});
