/** The control plane of a lab: one server process, started detached, known by its kubeconfig. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { openApi, type LabApi } from './api.ts';
import { lastWords, startDaemon, type DaemonFiles } from './daemon.ts';
import { launcher, readProcessId } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { isAlive, type ProcessId } from './processes.ts';

export const controlPlaneFiles = (manifest: Manifest): DaemonFiles => ({
  log: join(manifest.runDirectory, 'server.log'),
  pid: join(manifest.runDirectory, 'server.pid'),
});

/** The server of the lab, if it is its own and runs. */
export const controlPlaneOf = (manifest: Manifest): ProcessId | undefined => readProcessId(controlPlaneFiles(manifest).pid);

/** Starts the lab's own server and returns its API once it answers. It goes on from what is in its data directory. */
export const startControlPlane = async (manifest: Manifest, signal?: AbortSignal): Promise<LabApi> => {
  const { listen, southbound, data } = manifest.controlPlane;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const files = controlPlaneFiles(manifest);
  const server = await startDaemon(manifest, [launcher, 'server', '--data', data, '--listen', listen, '--southbound', southbound], files);
  const deadline = systemClock.monotonic() + 20_000;
  while (systemClock.monotonic() < deadline) {
    const api = await readyApi(manifest.controlPlane.kubeconfig);
    if (api !== undefined) return api;
    if (!isAlive(server)) throw new HeddleError('Unavailable', `the control plane ended: ${lastWords(files.log)}`);
    await systemClock.sleep(20, signal);
  }
  throw new HeddleError('Timeout', `the control plane does not get ready: ${lastWords(files.log)}`);
};

/** undefined while there is no kubeconfig or nobody answers. */
const readyApi = async (kubeconfig: string): Promise<LabApi | undefined> => {
  let api: LabApi;
  try {
    api = openApi(kubeconfig);
  } catch (error) {
    // Not written yet, or not whole.
    if (error instanceof HeddleError) return undefined;
    throw error;
  }
  if (await api.ready()) return api;
  api.close();
  return undefined;
};
