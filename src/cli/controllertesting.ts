/** An API server without a controller, users who may be one and nothing else, and devices: for tests of `heddle controller`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { ResourceClient } from '../api/client.ts';
import { openCertificateAuthority } from '../apiserver/pki/authority.ts';
import { kubeconfig } from '../apiserver/pki/kubeconfig.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import type { Observation } from '../goal/observation.ts';
import { objectOr } from '../kit/json.ts';
import { createLogger } from '../kit/log.ts';
import { deviceToken, loadTokenSecret } from '../southbound/tokens.ts';
import type { ControllerOptions } from './controller.ts';
import { openControlPlane } from './server.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const user = 'the-controller';

export interface Asked {
  readonly what: string;
  readonly code: number;
}

export interface Bench {
  readonly folder: string;
  readonly client: ResourceClient;
  /** Kubeconfig of a user who is a controller and nothing else. */
  readonly kubeconfigPath: string;
  /** The same for a user of another name; answers the path. */
  readonly controllerNamed: (name: string) => Promise<string>;
  /** What was asked by that user: `verb group/resource[/subresource]`, with the code of the answer. */
  readonly asked: (name?: string) => readonly Asked[];
}

export const openBench = async (t: TestContext): Promise<Bench> => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-controller-'));
  const [data, auditLog] = [join(folder, 'server'), join(folder, 'audit.log')];
  const server = await openControlPlane({ data, listen: '127.0.0.1:0', store: 'memory', auditLog, controller: false }, log);
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const authority = await openCertificateAuthority(join(data, 'pki'));
  const controllerNamed = async (name: string): Promise<string> => {
    const pair = await authority.issueClient({ commonName: name, organizations: ['system:heddle:controllers'] });
    const path = join(folder, `${name}.kubeconfig`);
    writeFileSync(path, kubeconfig(server.url, authority.certificate, pair));
    return path;
  };
  return { folder, client: server.client, kubeconfigPath: await controllerNamed(user), controllerNamed, asked: (name = user) => readAudit(auditLog, name) };
};

const readAudit = (file: string, name: string): Asked[] =>
  readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').flatMap((line) => {
    const { verb, user: who, objectRef, responseStatus } = objectOr(JSON.parse(line));
    if (objectOr(who)['username'] !== name) return [];
    const { apiGroup = '', resource, subresource } = objectOr(objectRef);
    const what = `${String(verb)} ${String(apiGroup)}/${String(resource)}${subresource === undefined || subresource === '' ? '' : `/${String(subresource)}`}`;
    return [{ what, code: Number(objectOr(responseStatus)['code']) }];
  });

export const options = (bench: Bench, data: string, more: Partial<ControllerOptions> = {}): ControllerOptions => ({
  access: readKubeconfig(bench.kubeconfigPath),
  data: join(bench.folder, data),
  southbound: '127.0.0.1:0',
  southboundName: [],
  health: '127.0.0.1:0',
  views: '127.0.0.1:0',
  lease: 'kube-system/heddle-controller',
  leaseSeconds: '2',
  ...more,
});

export interface Device {
  readonly fake: FakeDevice;
  readonly agent: Agent;
  /** The device tells what it sees. */
  readonly tell: (seen: Observation) => void;
}

export const agentOf = async (t: TestContext, bench: Bench, data: string, southbound: string, device: string, fake = new FakeDevice()): Promise<Device> => {
  const folder = join(bench.folder, data);
  const secret = loadTokenSecret(join(folder, 'token-secret'));
  let tell: (seen: Observation) => void = () => undefined;
  const agent = await startAgent({
    device,
    server: southbound,
    ca: readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8'),
    token: () => deviceToken(secret, device),
    stateDirectory: join(bench.folder, 'agents', device),
    driver: { ...fake.driver(), observe: (told) => (tell = told) },
    log,
    newEpoch: () => 'boot-1',
  });
  t.after(() => agent.stop());
  return { fake, agent, tell: (seen) => tell(seen) };
};
