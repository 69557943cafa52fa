/** What the lab's own tests share: a small lab without control plane, and what the machine looks like beside it. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Resource } from '../api/object.ts';
import { run } from '../kit/process.ts';
import { buildNetwork, startNodes } from './build.ts';
import { labDown } from './down.ts';
import { freeManagementIndex, networkNamespaces } from './host.ts';
import { createManifest, findManifest, labNames, planLab, runDirectories, type Manifest } from './manifest.ts';
import { allProcesses, labIdOf, readProcess } from './processes.ts';
import { topologyOf } from './topology.ts';

export const object = (kind: string, name: string, spec: unknown): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name },
  spec,
});

/** One leaf, one spine, and `servers` servers s1, s2 … at the leaf's ports E1/1, E1/2 …. */
export const smallWiring = (servers: number): Resource[] => {
  const numbers = Array.from({ length: servers }, (_, index) => index + 1);
  const cable = (name: string, ends: string[]) => object('Connection', name, { links: [{ ends }] });
  return [
    object('Switch', 'spine-1', { role: 'spine' }),
    object('Switch', 'leaf-1', { role: 'leaf' }),
    cable('up', ['leaf-1/E1/49', 'spine-1/E1/1']),
    ...numbers.flatMap((n) => [
      object('Server', `s${n}`, { ports: { eth1: { mac: `02:00:00:00:00:0${n}` } } }),
      cable(`s${n}--leaf-1`, [`s${n}/eth1`, `leaf-1/E1/${n}`]),
    ]),
  ];
};

export const testName = (): string => `t${randomUUID().slice(0, 8)}`;

/** Namespaces, cables and servers; no control plane and no agents. */
export const raise = async (objects: readonly Resource[], name = testName()): Promise<Manifest> => {
  const topology = topologyOf(objects);
  const manifest = planLab({ name, id: randomUUID(), topology, managementIndex: await freeManagementIndex(), apiPort: 1 });
  const self = readProcess(process.pid);
  if (self === undefined) throw new Error('this process has no entry in /proc');
  createManifest(manifest, self);
  await buildNetwork(manifest);
  await startNodes(manifest);
  return manifest;
};

/** Runs `use` with such a lab and removes it afterwards, whatever happened. */
export const withLab = async (objects: readonly Resource[], use: (manifest: Manifest) => Promise<void>): Promise<void> => {
  const name = testName();
  try {
    await use(await raise(objects, name));
  } finally {
    await labDown({ name });
  }
};

/**
 * What a lab must leave as it was: namespaces, interfaces, mounts, files and processes. Labs that others have up at the same
 * time are left out; those called `own` are not.
 */
export const machine = async (...own: string[]): Promise<unknown> => {
  const others = labNames().flatMap((name) => (own.includes(name) ? [] : (findManifest(name) ?? [])));
  const foreign = (test: (other: Manifest) => boolean): boolean => others.some(test);
  const links = (await run(['ip', '-o', 'link', 'show'])).stdout.matchAll(/^\d+: ([^:@]+)/gm);
  return {
    namespaces: networkNamespaces().filter((name) => name.startsWith('heddle.') && !foreign((other) => name.startsWith(other.namespacePrefix))),
    interfaces: [...links].flatMap(([, name]) => (name === undefined || foreign((other) => other.management.hostInterface === name) ? [] : [name])),
    mounts: readFileSync('/proc/mounts', 'utf8').split('\n').filter((line) => !line.includes('/run/netns')),
    files: entries(runDirectories()).filter((name) => !foreign((other) => other.name === name)),
    processes: allProcesses()
      .filter(({ pid }) => labIdOf(pid) !== undefined && !foreign((other) => other.id === labIdOf(pid)))
      .map(({ command }) => command),
  };
};

const entries = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);
