/**
 * Removes a lab, whatever state it is in: the manifest says what may exist, and everything of it is looked for. Runs any
 * number of times, also beside a lab that is half built or half removed.
 */
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run, tryRun } from '../kit/process.ts';
import { networkNamespaces } from './host.ts';
import { readProcessId } from './inside.ts';
import { builderFile, checkLabName, findManifest, isErrno, runDirectories, runDirectoryOf, type Manifest } from './manifest.ts';
import { ancestry, endAll, namespaceAt, processesOf, readProcess } from './processes.ts';
import { stepper, type Progress } from './progress.ts';

export interface DownOptions {
  readonly name: string;
  readonly progress?: Progress;
}

/** True when there was something to remove. Afterwards no process, namespace, interface, mount or file of the lab is left. */
export const labDown = async ({ name, progress }: DownOptions): Promise<boolean> => {
  sweepDrafts(checkLabName(name));
  const manifest = findManifest(name);
  if (manifest === undefined) return existsSync(runDirectoryOf(name)) && removeDirectory(runDirectoryOf(name), 'remains');
  const step = stepper(progress);
  await step('end processes', () => endProcesses(manifest));
  await step('remove namespaces', () => removeNetwork(manifest));
  // What was still starting while the rest ended has lost its namespaces and its files by now; nothing new can come.
  await step('remove files', async () => {
    await endProcesses(manifest);
    removeDirectory(manifest.runDirectory, manifest.id);
  });
  return true;
};

/**
 * Removes what is left of a lab of this name whose builder or whose end was killed. A lab that stands stays, and so does one that
 * is being built.
 */
export const clearRemains = async (name: string): Promise<void> => {
  const manifest = findManifest(name);
  const isBuilt = manifest !== undefined && !existsSync(builderFile(manifest));
  const isBeingBuilt = manifest !== undefined && readProcessId(builderFile(manifest)) !== undefined;
  if (!isBuilt && !isBeingBuilt) await labDown({ name });
};

/** Under another name first, at once: whoever is killed here leaves no lab without its manifest, and who writes there yet finds nothing. */
const removeDirectory = (directory: string, id: string): true => {
  const draft = `${directory}.draft-${id}`;
  try {
    renameSync(directory, draft);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  rmSync(draft, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  removeIfEmpty(dirname(directory));
  return true;
};

const endProcesses = async (manifest: Manifest): Promise<void> => {
  const spare = ancestry();
  const builder = readProcessId(builderFile(manifest));
  await endAll(() => {
    const networks = new Set(namespacesOf(manifest).flatMap((name) => namespaceAt(join('/run/netns', name)) ?? []));
    const building = builder === undefined ? undefined : readProcess(builder.pid);
    const ours = processesOf(manifest.id, networks);
    return (building?.start === builder?.start && building !== undefined ? [building, ...ours] : ours).filter(({ pid }) => !spare.has(pid));
  });
};

const namespacesOf = (manifest: Manifest): string[] =>
  networkNamespaces().filter((name) => name.startsWith(manifest.namespacePrefix));

const removeNetwork = async (manifest: Manifest): Promise<void> => {
  await tryRun(['ip', 'link', 'del', manifest.management.hostInterface]);
  const names = namespacesOf(manifest);
  if (names.length > 0) await tryRun(['ip', '-force', '-batch', '-'], { stdin: names.map((name) => `netns del ${name}\n`).join('') });
  // A builder that was killed between making the file and mounting the namespace on it leaves a plain file.
  for (const name of namespacesOf(manifest)) await run(['ip', 'netns', 'del', name]);
};

/** Removes what a builder left that was killed before its manifest had its final name. */
const sweepDrafts = (name: string): void => {
  const drafts = entriesOf(runDirectories()).filter((entry) => entry.startsWith(`${name}.draft-`));
  for (const draft of drafts) rmSync(join(runDirectories(), draft), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  if (drafts.length > 0) removeIfEmpty(runDirectories());
};

const entriesOf = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
};

const removeIfEmpty = (directory: string): void => {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'ENOENT') && !isErrno(error, 'EBUSY')) throw error;
  }
};
