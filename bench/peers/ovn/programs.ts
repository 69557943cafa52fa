/**
 * The releases of OVN that Heddle is measured beside: Debian 12's, which recomputes everything on every change, and Debian
 * 13's, which does part of its work incrementally.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, unpack, type Selection } from '../debian.ts';

export const ovnVersions = ['23.03', '25.03'] as const;
export type OvnVersion = (typeof ovnVersions)[number];

/** Commands up to their own arguments. */
export interface Programs {
  readonly northd: [string, ...string[]];
  readonly server: [string, ...string[]];
  readonly tool: [string, ...string[]];
  readonly trace: [string, ...string[]];
  readonly schema: (name: 'nb' | 'sb') => string;
}

const shared = ['ovn-central', 'ovn-common', 'openvswitch-common', 'libc6', 'libcap-ng0', 'libnuma1', 'libbpf1', 'libunbound8', 'libxdp1', 'libzstd1', 'zlib1g'];
const selections: Readonly<Record<OvnVersion, Selection>> = {
  '23.03': { suite: 'bookworm', packages: [...shared, 'libssl3', 'libelf1', 'libevent-2.1-7'] },
  '25.03': { suite: 'trixie', packages: [...shared, 'libssl3t64', 'libelf1t64', 'libevent-2.1-7t64'] },
};

const folderOf = (version: OvnVersion): string => join(import.meta.dirname, '../../../.heddle/peers', `ovn-${version}`);

/** undefined when they were not unpacked yet: `fetchPrograms` does that. */
export const findPrograms = (version: OvnVersion): Programs | undefined => {
  const folder = folderOf(version);
  if (!existsSync(folder)) return undefined;
  return {
    northd: inRoot(folder, 'usr/bin/ovn-northd'),
    server: inRoot(folder, 'usr/sbin/ovsdb-server'),
    tool: inRoot(folder, 'usr/bin/ovsdb-tool'),
    trace: inRoot(folder, 'usr/bin/ovn-trace'),
    schema: (name) => join(folder, `usr/share/ovn/ovn-${name}.ovsschema`),
  };
};

/** Unpacks what is not there; from the network, about 12 MB of packages and 10 MB of package lists. */
export const fetchPrograms = async (version: OvnVersion, log: (line: string) => void): Promise<Programs> => {
  await unpack(selections[version], folderOf(version), log);
  const programs = findPrograms(version);
  if (programs === undefined) throw new Error(`OVN ${version} was unpacked and is not there`);
  return programs;
};
