/**
 * A lab without root: the same command again, inside a user namespace in which it is root (user_namespaces(7)). Needs a
 * range of subordinate ids, because FRR runs as a user of its own and that user must exist inside too.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isErrno } from './manifest.ts';
import { tryRun, type Argv } from '../kit/process.ts';

export interface Missing {
  /** What this machine lacks. */
  readonly what: string;
  /** A command or a sentence: how to get it. */
  readonly remedy: string;
}

export type Rootless =
  | { readonly possible: true; readonly argv: (command: Argv) => Argv }
  | { readonly possible: false; readonly missing: readonly Missing[] };

/** Ids that must exist inside: those of Debian's system users, such as frr. */
const idsNeeded = 1000;

const namespaces = ['--user', '--map-auto', '--map-root-user', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** First steps inside. /run is empty and private: nothing of the machine is touched, all is gone with the last process. */
const enter = 'mount -t tmpfs -o mode=0755 tmpfs /run && mkdir -p /run/lock /run/netns && ip link set lo up && exec "$@"';

/** The command that runs `command` as root of a fresh user, network, mount and PID namespace. */
export const rootlessArgv = (command: Argv): Argv => ['unshare', ...namespaces, 'sh', '-c', enter, 'sh', ...command];

/** Finds out by trying; only when that fails looks for the reasons. */
export const probeRootless = async (): Promise<Rootless> => {
  const tried = await tryRun(rootlessArgv(['sh', '-c', 'ip netns add probe && ip netns del probe && chown 1:1 /run/lock'])).catch(() => undefined);
  const missing = [...(await missingFrr()), ...(tried?.status === 0 ? [] : await reasons(tried?.stderr ?? ''))];
  return missing.length === 0 ? { possible: true, argv: rootlessArgv } : { possible: false, missing };
};

const found = async (program: string): Promise<boolean> =>
  (await tryRun(['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin command -v "$1"', 'sh', program])).status === 0;

/** Packages cannot be installed from inside. */
const missingFrr = async (): Promise<Missing[]> =>
  (await found('/usr/lib/frr/zebra')) ? [] : [{ what: 'the Debian package frr', remedy: 'sudo apt-get install --no-install-recommends frr' }];

const reasons = async (said: string): Promise<Missing[]> => {
  const missing: Missing[] = [];
  const add = (what: string, remedy: string): void => void missing.push({ what, remedy });
  if (!(await found('newuidmap'))) add('newuidmap and newgidmap', 'sudo apt-get install --no-install-recommends uidmap');
  const { username } = userInfo();
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (subordinateIds(file, username) >= idsNeeded) continue;
    add(`a range of ${idsNeeded} or more ids for "${username}" in ${file}`, `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`);
  }
  for (const { setting, closed, open } of switches) {
    const value = readText(`/proc/sys/${setting.replaceAll('.', '/')}`).trim();
    if (value === closed) add(`permission for unprivileged user namespaces (${setting} is ${value})`, `sudo sysctl -w ${setting}=${open}`);
  }
  if (missing.length === 0) add(`unprivileged namespaces: "${said.trim().split('\n').at(-1) ?? ''}"`, 'run as root: sudo npm start');
  return missing;
};

/** Kernel settings that close the door: the value that does, and one that does not. */
const switches = [
  { setting: 'kernel.unprivileged_userns_clone', closed: '0', open: '1' },
  { setting: 'user.max_user_namespaces', closed: '0', open: '10000' },
  { setting: 'kernel.apparmor_restrict_unprivileged_userns', closed: '1', open: '0' },
] as const;

/** How many subordinate ids the user has (subuid(5): `name:first:count`). */
const subordinateIds = (file: string, username: string): number =>
  readText(file)
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name]) => name === username)
    .reduce((sum, [, , count]) => sum + Number(count), 0);

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EACCES')) return '';
    throw error;
  }
};

/** What is missing and how to get it, one a line. */
export const formatMissing = (missing: readonly Missing[]): string =>
  missing.map(({ what, remedy }) => `missing: ${what}\n    get it: ${remedy}\n`).join('');
