/**
 * Debian packages unpacked into a folder, for programs that are measured beside Heddle: nothing is installed, no service is
 * started, and a release newer than the machine's own runs through its own loader and libraries. apt does the fetching with
 * lists of its own, so signatures and checksums are verified as in any installation.
 */
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HeddleError } from '../../src/kit/error.ts';
import { run } from '../../src/kit/process.ts';

export interface Selection {
  /** Release that the packages come from, such as `trixie`. */
  readonly suite: string;
  /** All packages, with every library that they load: dependencies are not resolved. */
  readonly packages: readonly string[];
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const patience = { timeoutMilliseconds: 300_000 };

/** Unpacks into `folder`, which is there afterwards as a whole or not at all; does nothing when it is there already. */
export const unpack = async ({ suite, packages }: Selection, folder: string, log: (line: string) => void): Promise<void> => {
  if (existsSync(folder)) return;
  if (!existsSync('/usr/bin/apt-get') || !existsSync(keyring)) {
    throw new HeddleError('Unsupported', `the peers come as Debian packages: this machine has no apt-get or no "${keyring}"`);
  }
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), '.unpack-'));
  try {
    log(`fetching ${packages.length} packages of Debian ${suite}`);
    const apt = privateApt(work, suite, await mirror());
    await run(['apt-get', '-c', apt, '-qq', 'update'], patience);
    await run(['apt-get', '-c', apt, '-qq', 'download', ...packages], { ...patience, cwd: work });
    const root = join(work, 'root');
    for (const file of globSync('*.deb', { cwd: work })) await run(['dpkg-deb', '-x', join(work, file), root], patience);
    renameSync(root, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** The mirror that this machine's own Debian comes from, else the one that is near everybody. */
const mirror = async (): Promise<string> => {
  const targets = await run(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(LABEL)', 'Created-By: Packages']);
  const own = targets.stdout.split('\n').find((line) => line.endsWith(' Debian'));
  return own?.split(' ')[0] ?? 'http://deb.debian.org/debian';
};

/** Writes apt's configuration and answers its file. Read last (`-c`), so the machine's proxy settings still hold. */
const privateApt = (work: string, suite: string, uri: string): string => {
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(work, part), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  const sources = { Types: 'deb', URIs: uri, Suites: suite, Components: 'main', 'Signed-By': keyring };
  writeFileSync(join(work, 'peer.sources'), Object.entries(sources).map((entry) => `${entry.join(': ')}\n`).join(''));
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'peer.sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    // Without it, an update that fetched nothing succeeds.
    'APT::Update::Error-Mode': 'any',
    'Acquire::Retries': '3',
    // Fetching as the user "_apt" would need a folder that it may write.
    'APT::Sandbox::User': 'root',
  };
  // What the machine does after its own updates concerns its own lists.
  const hooks = ['#clear APT::Update::Post-Invoke-Success;', '#clear APT::Update::Post-Invoke;'];
  const file = join(work, 'apt.conf');
  writeFileSync(file, [...Object.entries(settings).map(([name, value]) => `${name} "${value}";`), ...hooks, ''].join('\n'));
  return file;
};

/** How to start an unpacked program: its own release's loader with its own release's libraries. */
export const inRoot = (folder: string, program: string): [string, ...string[]] => {
  const [loader] = globSync('{usr/,}lib*/**/ld-linux*.so.*', { cwd: folder });
  if (loader === undefined) throw new Error(`"${basename(folder)}" holds no loader`);
  const libraries = globSync('{usr/,}lib/*-linux-gnu', { cwd: folder }).map((path) => join(folder, path));
  return [join(folder, loader), '--library-path', libraries.join(':'), join(folder, program)];
};
