/**
 * The real kubectls of this machine: Debian's 1.20, which scripts/kubectl.sh fetches, and every other that is installed
 * (kubectl and its neighbours kubectl.1.NN). What a test has them do is written down, see transcript.ts.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { access, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../kit/json.ts';
import { yamlText } from '../../kit/yaml.ts';
import { withServer, type TestServer } from '../testing.ts';
import { transcript } from './transcript.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Kubectl {
  readonly minor: number;
  /** Runs it with a home, cache and kubeconfig of this test; standard output, or a failed assertion. */
  ok(...args: string[]): Promise<string>;
  /** For commands that must fail. */
  outcome(...args: string[]): Promise<Outcome>;
  /** For commands that need what the server does not have; nobody is told that they work. */
  lacks(...args: string[]): Promise<Outcome>;
  /** Standard output from its start until `enough` says so; then it is ended. */
  until(enough: (output: string) => boolean, ready: () => Promise<unknown>, ...args: string[]): Promise<string>;
  file(name: string, content: JsonObject | string): Promise<string>;
  readonly test: TestServer;
}

/** One story a line; `since` is the first minor version whose kubectl has what it needs. */
export interface KubectlStory {
  readonly since?: number;
  readonly server?: Parameters<typeof withServer>[1];
  readonly play: (kubectl: Kubectl) => Promise<void>;
}

export const run = (file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(file, args, { timeout: 30_000, maxBuffer: 16 * 1024 * 1024, ...options }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, out, err });
    });
  });

interface Binary {
  readonly path: string;
  readonly minor: number;
}

const fetched = async (): Promise<string> => {
  const { code, out, err } = await run('sh', [fileURLToPath(new URL('../../../scripts/kubectl.sh', import.meta.url))]);
  if (code !== 0) throw new Error(err.trim());
  return out.trim();
};

const installed = async (): Promise<string[]> => {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await realpath(join(directory, 'kubectl')).catch(() => undefined);
    if (found === undefined) continue;
    const neighbours = (await readdir(dirname(found))).filter((name) => /^kubectl\.\d+\.\d+$/.test(name)).toSorted();
    return [...neighbours.map((name) => join(dirname(found), name)), found];
  }
  return [];
};

/** Where kubectl changed what it asks of a server first: aggregated discovery, its second version, protobuf bodies. */
const turningPoints: ReadonlySet<number> = new Set([27, 30, 32]);

/**
 * Which versions play a suite: those that ask in ways of their own, or only the oldest and the newest, where it is about what
 * the server does. In CI all do; a process each of hundreds of commands takes most of the time of all tests.
 */
export type Cast = 'turning points' | 'oldest and newest';

const isPlayed = (cast: Cast, { minor }: Binary, place: number, all: readonly Binary[]): boolean =>
  process.env['CI'] === 'true' || process.env['HEDDLE_WRITE_GOLDENS'] === '1' || place === 0 || place === all.length - 1 || (cast === 'turning points' && turningPoints.has(minor));

/** One of each version, oldest first. */
const binaries = async (): Promise<Binary[]> => {
  const paths = [await fetched(), ...(await installed())];
  const found = await Promise.all(paths.map(async (path): Promise<Binary> => {
    await access(path);
    const { out } = await run(path, ['version', '--client', '-o', 'json']);
    return { path, minor: Number(/"minor": "(\d+)/.exec(out)?.[1] ?? 0) };
  }));
  return [...new Map(found.toReversed().map((binary) => [binary.minor, binary])).values()].toSorted((one, other) => one.minor - other.minor);
};

let search: Promise<Binary[]> | undefined;

/**
 * Declares a suite that plays every story with the kubectls of the cast; without any it is skipped, and fails in CI.
 * @param title such as `a real kubectl applies on the server`
 */
export const kubectlSuite = async (title: string, stories: { readonly [story: string]: KubectlStory['play'] | KubectlStory }, cast: Cast = 'oldest and newest'): Promise<void> => {
  search ??= binaries();
  const [found, problem] = await search.then((all) => [all, ''] as const, (error: unknown) => [[], String(error)] as const);
  // Most of the time goes into the clients' processes.
  describe(title, { concurrency: 3 }, () => {
    it('is at hand', (context) => {
      if (problem === '' || process.env['CI'] === 'true') assert.equal(problem, '');
      else context.skip(problem);
    });
    for (const binary of found.filter((...played) => isPlayed(cast, ...played))) {
      for (const [story, given] of Object.entries(stories)) {
        const { since = 0, server, play } = typeof given === 'function' ? { play: given } : given;
        if (binary.minor >= since) it(`1.${binary.minor} ${story}`, () => withKubectl(binary, server, play));
      }
    }
  });
};

const withKubectl = ({ path, minor }: Binary, options: KubectlStory['server'], body: (kubectl: Kubectl) => Promise<void>): Promise<void> =>
  withServer(async (test) => {
    const home = await mkdtemp(join(tmpdir(), 'heddle-kubectl-'));
    // A process of a twentieth of a second needs no garbage collector, which takes a third of it.
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: test.server.kubeconfigPath, EDITOR: join(home, 'editor'), GOGC: 'off' };
    const done: string[][] = [];
    const outcome = (...args: string[]): Promise<Outcome> => {
      done.push(args);
      return run(path, args, { env, cwd: home });
    };
    const kubectl: Kubectl = {
      minor,
      test,
      outcome,
      lacks: (...args) => run(path, args, { env, cwd: home }),
      async ok(...args) {
        const { code, out, err } = await outcome(...args);
        assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}${out}`);
        return out;
      },
      until(enough, ready, ...args) {
        done.push(args);
        return untilOutput(path, args, { env, cwd: home }, enough, ready);
      },
      async file(name, content) {
        await writeFile(join(home, name), typeof content === 'string' ? content : yamlText(content));
        return join(home, name);
      },
    };
    await body(kubectl).finally(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
    // What did as the story wants it to, failures that were wanted included.
    transcript.note(`kubectl 1.${minor}`, done);
  }, options);

const untilOutput = (
  binary: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd: string },
  enough: (output: string) => boolean,
  ready: () => Promise<unknown>,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(binary, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill(), 20_000);
    let output = '';
    let begun = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!begun) {
        begun = true;
        ready().catch(reject);
      }
      if (enough(output)) child.kill();
    });
    child.once('close', () => {
      clearTimeout(timer);
      if (enough(output)) resolve(output);
      else reject(new Error(`kubectl ${args.join(' ')} printed only: ${output}`));
    });
  });
