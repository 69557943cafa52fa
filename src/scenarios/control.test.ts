import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import { openControlPlane, type ControlPlane } from '../cli/server.ts';
import { createToken } from '../cli/token.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { ApiStage } from './apistage.ts';
import { readScenarios, readWiring, type Step } from './scenario.ts';
import { eventually } from './waiting.ts';

const log = createLogger({ name: 'scenarios', level: 'silent' });

/** The real control plane and one real agent a switch, over real sockets; only the devices are fake. */
describe('scenarios at the control level', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-scenarios-'));
  const wiring = readWiring();
  const devices = new Map(wiring.filter(({ kind }) => kind === 'Switch').map(({ metadata }) => [metadata.name, new FakeDevice()]));
  let plane: ControlPlane;
  let agents: Agent[] = [];

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    agents = await Promise.all([...devices].map(([device, fake]) => agentOf(plane, folder, device, fake)));
    const stage = new ApiStage(plane.kubeconfigPath);
    await stage.apply(wiring);
    for (const device of devices.keys()) {
      await stage.expect({ ref: { kind: 'Switch', namespace: '', name: device }, condition: 'Programmed', wanted: 'Programmed' });
    }
    stage.close();
  });

  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const scenario of readScenarios()) {
    it(`${scenario.name}: ${scenario.story}`, async () => {
      const stage = new ApiStage(plane.kubeconfigPath);
      try {
        for (const step of scenario.steps) await play(stage, step);
      } finally {
        await stage.cleanUp();
        stage.close();
      }
      await eventually(async () => {
        for (const [device, fake] of devices) assert.deepEqual(tenantRows(fake), [], `tenants' rows left on ${device}`);
      });
    });
  }
});

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

/** Packets and faults of machines are the lab's. */
const play = async (stage: ApiStage, step: Step): Promise<void> => {
  if (step.type === 'apply') await stage.apply(step.objects);
  else if (step.type === 'delete') for (const ref of step.refs) await stage.delete(ref);
  else if (step.type === 'refuse') await stage.refuse(step.object, step.paths);
  else if (step.type === 'allow') await stage.allow(step.ref);
  else if (step.type === 'expect') for (const expectation of step.conditions) await stage.expect(expectation);
};
