/** `heddle lab up`: from files to a network that does what they say. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { startAgents } from './agents.ts';
import { openApi, type LabApi } from './api.ts';
import { buildNetwork, startNodes } from './build.ts';
import { startControlPlane } from './controlplane.ts';
import { waitConverged } from './converge.ts';
import { clearRemains, labDown } from './down.ts';
import { freeManagementIndex, freePort, missingPrograms, networkNamespaces } from './host.ts';
import { builderFile, checkLabName, createManifest, findManifest, planLab, type ExistingControlPlane, type Manifest } from './manifest.ts';
import { readProcess } from './processes.ts';
import { setUpRouters } from './routers.ts';
import { stepper, together, type Progress } from './progress.ts';
import { isSpare, topologyOf, type Topology } from './topology.ts';

export interface UpOptions {
  readonly name: string;
  /** The wiring, and whatever else is to be applied; in an order in which they can be created. Spares (`isSpare`) are not. */
  readonly objects: readonly Resource[];
  /** A control plane that runs already and is not the lab's to start or end. */
  readonly existing?: ExistingControlPlane;
  /** For converging, not for building. Default 60,000. */
  readonly timeoutMilliseconds?: number;
  /** Leaves a lab that failed as it is, to look at. */
  readonly keepFailed?: boolean;
  readonly progress?: Progress;
  /** Ends the building and removes what was built. */
  readonly signal?: AbortSignal;
}

export interface LabHandle {
  readonly manifest: Manifest;
  readonly api: LabApi;
  readonly kubeconfig: string;
  /** Closes the connection to the API; the lab stays. */
  close(): void;
}

/** Returns when the lab has converged; when it fails or is aborted, nothing of it is left (unless it is to be kept). */
export const labUp = async (options: UpOptions): Promise<LabHandle> => {
  const topology = topologyOf(options.objects);
  const manifest = await stepper(options.progress)('check this machine', () => prepare(options, topology));
  try {
    const api = await raiseLab(manifest, options);
    rmSync(builderFile(manifest));
    return { manifest, api, kubeconfig: manifest.controlPlane.kubeconfig, close: () => api.close() };
  } catch (error) {
    if (options.keepFailed === true) rmSync(builderFile(manifest), { force: true });
    else await labDown({ name: manifest.name });
    throw error;
  }
};

/** Everything that can be refused is refused here; the last step writes the manifest. */
const prepare = async (options: UpOptions, topology: Topology): Promise<Manifest> => {
  const name = checkLabName(options.name);
  if (process.getuid?.() !== 0) {
    throw new HeddleError('Forbidden', 'a lab makes network namespaces and needs root: use "sudo", or "npm start", which tries an unprivileged namespace');
  }
  const missing = await missingPrograms();
  if (missing.length > 0) throw new HeddleError('Unsupported', `not installed: ${missing.join(', ')}: "npm run setup" brings them`);
  await clearRemains(name);
  const planned = planLab({
    name,
    id: randomUUID(),
    topology,
    managementIndex: await freeManagementIndex(),
    apiPort: await freePort(),
    ...(options.existing === undefined ? {} : { existing: options.existing }),
  });
  // Somebody else's, of another run directory: it must not be taken, and not be removed as ours later.
  const foreign = networkNamespaces().find((namespace) => namespace.startsWith(planned.namespacePrefix));
  if (foreign !== undefined && findManifest(name) === undefined) {
    throw new HeddleError('AlreadyExists', `network namespace "${foreign}" exists already and is of no lab here: choose another --name, or "ip netns delete ${foreign}" if nobody needs it`);
  }
  const self = readProcess(process.pid);
  if (self === undefined) throw new HeddleError('Unsupported', '/proc is not mounted here: a lab cannot keep track of its processes');
  createManifest(planned, self);
  return planned;
};

const raiseLab = async (manifest: Manifest, options: UpOptions): Promise<LabApi> => {
  const { signal, progress } = options;
  const step = stepper(progress);
  await step('make namespaces and cables', () => buildNetwork(manifest, signal));
  const [api] = await together([
    step('start the control plane', () => controlPlane(manifest, signal)),
    step('start switches and servers', async () => {
      await startNodes(manifest, signal);
      return undefined;
    }),
  ]);
  if (api === undefined) throw new HeddleError('Internal', 'the control plane gave no API');
  try {
    await step('apply the wiring', async () => {
      const declared = options.objects.filter((object) => !isSpare(object));
      await api.apply(declared);
      return `${declared.length} objects`;
    });
    await step('set up routers outside', () => setUpRouters(manifest, options.objects, signal));
    signal?.throwIfAborted();
    await step('start agents', () => startAgents(manifest));
    await waitConverged(manifest, api, options);
    return api;
  } catch (error) {
    api.close();
    throw error;
  }
};

const controlPlane = async (manifest: Manifest, signal?: AbortSignal): Promise<LabApi | undefined> => {
  if (manifest.controlPlane.own) return startControlPlane(manifest, signal);
  const api = openApi(manifest.controlPlane.kubeconfig);
  if (await api.ready()) return api;
  api.close();
  throw new HeddleError('Unavailable', `the control plane of "${manifest.controlPlane.kubeconfig}" does not answer`);
};
