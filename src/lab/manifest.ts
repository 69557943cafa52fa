/**
 * The paper of a lab: every name, address and place it is going to use, written down before anything is made. Whoever
 * finds the paper can therefore remove all of the lab, wherever its building stopped.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import type { ProcessId } from './processes.ts';
import type { Cable, Role, Topology } from './topology.ts';

export interface ManifestNode {
  readonly name: string;
  readonly role: Role;
  /** Stands and is cabled, and is not declared at first. */
  readonly spare?: true;
  /** Name under /run/netns. */
  readonly namespace: string;
  /** Address with prefix length on the management network; switches and gateways only. */
  readonly managementAddress?: string;
}

export interface Manifest {
  readonly version: 1;
  readonly name: string;
  /** Unique to this very lab; every process of the lab carries it in its environment, see `labVariable`. */
  readonly id: string;
  readonly runDirectory: string;
  /** All namespaces of the lab begin with this; ends with a dot, which no node or lab name contains. */
  readonly namespacePrefix: string;
  readonly management: {
    readonly namespace: string;
    /** The one interface in the machine's own namespace. */
    readonly hostInterface: string;
    readonly hostAddress: string;
    readonly prefixLength: number;
  };
  readonly controlPlane: ControlPlane;
  readonly nodes: readonly ManifestNode[];
  readonly cables: readonly Cable[];
}

export interface ControlPlane {
  /** False: it belongs to somebody else and is neither started nor ended by the lab. */
  readonly own: boolean;
  /** `host:port` of the API; empty when it is not ours. */
  readonly listen: string;
  /** `host:port` that agents dial. */
  readonly southbound: string;
  readonly kubeconfig: string;
  /** Data directory of the server: certificate authority and the secret that makes tokens. */
  readonly data: string;
}

/** A control plane on this machine that is not the lab's own. */
export type ExistingControlPlane = Pick<ControlPlane, 'southbound' | 'kubeconfig' | 'data'>;

/** Environment variable by which the processes of a lab are known. */
export const labVariable = 'HEDDLE_LAB_ID';

/** Directory that holds one directory a lab: $HEDDLE_RUN_DIRECTORY, else /run/heddle. */
export const runDirectories = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment['HEDDLE_RUN_DIRECTORY'] ?? '/run/heddle';

export const checkLabName = (name: string): string => {
  if (/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(name)) return name;
  throw new HeddleError('BadRequest', `"${name}" cannot be the name of a lab: use at most 32 small letters, digits and "-"`);
};

export const runDirectoryOf = (name: string): string => join(runDirectories(), checkLabName(name));
export const nodeDirectory = (manifest: Manifest, node: string): string => join(manifest.runDirectory, 'nodes', node);
/** Names the process that builds the lab, for as long as it does: `PID START`. */
export const builderFile = (manifest: Manifest): string => join(manifest.runDirectory, 'builder');
/** Whether an agent of ours runs there: a switch, or a gateway. */
export const isSwitch = ({ role }: { readonly role: Role }): boolean => role !== 'server' && role !== 'external';
export const isServer = ({ role }: { readonly role: Role }): boolean => role === 'server';

/** Where a lab's management network is: the `index`th /22 of 100.127.0.0/16 (shared address space, RFC 6598). */
export const managementPrefix = (index: number): string => `100.127.${index * 4}.0/22`;
export const managementPrefixes = 64;
const managementHosts = 1021;

export interface ManifestOptions {
  readonly name: string;
  readonly id: string;
  readonly topology: Topology;
  /** Which management prefix is free on this machine. */
  readonly managementIndex: number;
  /** A control plane that runs already. */
  readonly existing?: ExistingControlPlane;
  /** TCP port of the API of our own control plane. */
  readonly apiPort: number;
}

const southboundPort = 7443;

/** Everything about a lab that is decided before it is built. */
export const planLab = ({ name, id, topology, managementIndex, existing, apiPort }: ManifestOptions): Manifest => {
  const runDirectory = runDirectoryOf(name);
  const namespacePrefix = `heddle.${name}.`;
  const hostAddress = managementAddress(managementIndex, 1);
  const switches = topology.nodes.filter(isSwitch);
  if (switches.length > managementHosts) {
    throw new HeddleError('TooLarge', `a lab holds at most ${managementHosts} switches, the wiring has ${switches.length}`);
  }
  return {
    version: 1,
    name,
    id,
    runDirectory,
    namespacePrefix,
    management: {
      // A node cannot be called this: names of objects have no capital letters.
      namespace: `${namespacePrefix}MGMT`,
      hostInterface: `hd${id.replaceAll('-', '').slice(0, 10)}`,
      hostAddress,
      prefixLength: 22,
    },
    controlPlane:
      existing === undefined
        ? {
            own: true,
            listen: `127.0.0.1:${apiPort}`,
            southbound: `${hostAddress}:${southboundPort}`,
            kubeconfig: join(runDirectory, 'server', 'kubeconfig'),
            data: join(runDirectory, 'server'),
          }
        : { own: false, listen: '', ...existing },
    nodes: topology.nodes.map(({ name: node, role, spare }) => ({
      name: node,
      role,
      ...(spare && { spare }),
      namespace: `${namespacePrefix}${node}`,
      ...(!isSwitch({ role }) ? {} : { managementAddress: `${managementAddress(managementIndex, switches.findIndex((other) => other.name === node) + 2)}/22` }),
    })),
    cables: topology.cables,
  };
};

const managementAddress = (index: number, host: number): string => `100.127.${index * 4 + Math.floor(host / 256)}.${host % 256}`;

/** Writes the manifest into a directory that must not exist yet; `AlreadyExists` when a lab of this name is there. */
export const createManifest = (manifest: Manifest, builder: ProcessId): void => {
  mkdirSync(runDirectories(), { recursive: true, mode: 0o755 });
  // The directory appears with the manifest in it or not at all: a crash in between leaves a draft that `lab down` sweeps.
  const draft = `${manifest.runDirectory}.draft-${manifest.id}`;
  mkdirSync(draft, { mode: 0o755 });
  writeFileSync(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(draft, 'builder'), `${builder.pid} ${builder.start}\n`);
  try {
    renameSync(draft, manifest.runDirectory);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
    const message = `lab "${manifest.name}" exists already: "heddle lab down --name ${manifest.name}" removes it`;
    throw new HeddleError('AlreadyExists', message, { cause: error });
  }
};

/** The manifest of a lab; undefined when there is none. */
export const findManifest = (name: string): Manifest | undefined => {
  try {
    return JSON.parse(readFileSync(join(runDirectoryOf(name), 'manifest.json'), 'utf8')) as Manifest;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
};

export const readManifest = (name: string): Manifest => {
  const manifest = findManifest(name);
  if (manifest !== undefined) return manifest;
  const others = labNames();
  const hint = others.length === 0 ? 'none is up' : `up are: ${others.join(', ')}`;
  throw new HeddleError('NotFound', `there is no lab "${name}": ${hint}`);
};

/** Names of all labs of this run directory. */
export const labNames = (): string[] => {
  try {
    return readdirSync(runDirectories())
      .filter((name) => !name.includes('.') && existsSync(join(runDirectories(), name, 'manifest.json')))
      .sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
};

/** The node of that name, or `NotFound` with the names there are. */
export const findNode = (manifest: Manifest, name: string): ManifestNode => {
  const node = manifest.nodes.find((other) => other.name === name);
  if (node !== undefined) return node;
  const names = manifest.nodes.map((other) => other.name).join(', ');
  throw new HeddleError('NotFound', `lab "${manifest.name}" has no node "${name}": it has ${names}`);
};

export const isErrno = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
