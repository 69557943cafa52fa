/**
 * `npm start`: the main job from nothing to a fabric that one can play with. Builds the example lab, tells its story, stays
 * until Ctrl-C (or not, with --once or without a terminal), and leaves the machine as it was, whatever happened.
 */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import { formatDuration } from '../kit/duration.ts';
import { labDown } from '../lab/down.ts';
import { readProcessId } from '../lab/inside.ts';
import { findManifest, runDirectoryOf } from '../lab/manifest.ts';
import { allProcesses, readProcess } from '../lab/processes.ts';
import { formatMissing, probeRootless } from '../lab/rootless.ts';
import { labUp, type LabHandle } from '../lab/up.ts';
import { showBuilding } from './demo/building.ts';
import { createScreen, type Screen } from './demo/screen.ts';
import { tellStory, type Outcome } from './demo/story.ts';
import { processIo, type Io } from './io.ts';
import { exampleFolder } from './lab.ts';
import { readChecked } from './objects.ts';
import { withSession } from './session.ts';

const name = 'demo';
/** Set for the run inside a user namespace: the process outside, by which the inside can be entered. */
const outsideVariable = 'HEDDLE_OUTSIDE_PID';
/** Names the process that owns the lab, so that another run can tell a lab in use from one that was left. */
const ownerFile = (): string => join(runDirectoryOf(name), 'owner');

const main = async (words: readonly string[]): Promise<number> => {
  const unknown = words.find((word) => word !== '--once');
  if (unknown !== undefined) {
    process.stderr.write(`npm start: unknown option "${unknown}"; there is: npm start -- --once\n`);
    return 2;
  }
  if (process.getuid?.() !== 0) return withoutRoot(words);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupt.abort(new HeddleError('Unavailable', 'interrupted')));
  }
  const io = processIo(interrupt.signal);
  const screen = createScreen({ out: io.out, terminal: io.isTerminal, colour: io.isTerminal && !io.env['NO_COLOR'] });
  try {
    await takeOver();
  } catch (thrown) {
    screen.text(`npm start: ${HeddleError.from(thrown).message}`);
    return 1;
  }
  process.once('uncaughtException', crash);
  return demonstrate(io, screen, words.includes('--once') || !io.isTerminal);
};

/** The same program as root of a namespace of its own, or a list of what stands in the way. */
const withoutRoot = async (words: readonly string[]): Promise<number> => {
  const rootless = await probeRootless();
  if (!rootless.possible) {
    process.stderr.write(`npm start needs root, or a user namespace, which this machine does not give:\n${formatMissing(rootless.missing)}`);
    return 1;
  }
  const [command, ...rest] = rootless.argv([process.execPath, ...process.execArgv, import.meta.filename, ...words]);
  const child = spawn(command, rest, { stdio: 'inherit', env: { ...process.env, [outsideVariable]: String(process.pid) } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Ctrl-C reaches the whole foreground group by itself; what was sent to this process alone is passed on.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : passOn(child.pid, signal)));
  }
  return new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)));
};

/** `unshare` itself ignores what asks it to end, so the process below it is told. */
const passOn = (parent: number | undefined, signal: NodeJS.Signals): void => {
  const below = allProcesses().find((process) => process.parent === parent);
  if (below !== undefined) process.kill(below.pid, signal);
};

const demonstrate = async (io: Io, screen: Screen, once: boolean): Promise<number> => {
  try {
    // What an interrupt leaves unfinished is not waited for: cleaning up works beside it.
    const { lab, outcome } = await Promise.race([perform(io, screen), interrupted(io.signal)]);
    if (once) screen.text('\n`npm start` on a terminal keeps it up to look at; `bin/heddle lab up` builds the same fabric, `bin/heddle --help` tells the rest');
    else await stay(io, screen, lab);
    return outcome.right === outcome.all ? 0 : 1;
  } catch (thrown) {
    if (!io.signal.aborted) screen.text(`\nheddle: ${HeddleError.from(thrown).message}`);
    return io.signal.aborted ? 130 : 1;
  } finally {
    await cleanUp(screen);
  }
};

const perform = async (io: Io, screen: Screen): Promise<{ readonly lab: LabHandle; readonly outcome: Outcome }> => {
  const began = performance.now();
  const lab = await build(io, screen);
  const outcome = await story(io, screen, lab);
  showOutcome(screen, outcome, performance.now() - began);
  return { lab, outcome };
};

const interrupted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

/** Removes what a killed run left; refuses while another run is in progress. */
const takeOver = async (): Promise<void> => {
  if (findManifest(name) === undefined) return;
  const owner = readProcessId(ownerFile());
  if (owner !== undefined) throw new HeddleError('AlreadyExists', `it runs already, as process ${owner.pid}: stop that first`);
  await labDown({ name });
};

const build = async (io: Io, screen: Screen): Promise<LabHandle> => {
  const sources = await readChecked(io, [join(exampleFolder, 'wiring.yaml')]);
  const objects = sources.map(({ object }) => object);
  const show = showBuilding(screen, objects);
  const lab = await labUp({ name, objects, progress: show.progress, signal: io.signal });
  const self = readProcess(process.pid);
  if (self !== undefined) writeFileSync(ownerFile(), `${self.pid} ${self.start}\n`);
  show.done();
  return lab;
};

const story = (io: Io, screen: Screen, lab: LabHandle): Promise<Outcome> =>
  withSession({ ...io, note: screen.text }, { kubeconfig: lab.kubeconfig }, (session) =>
    tellStory({ lab, session, screen, folder: exampleFolder }),
  );

const showOutcome = (screen: Screen, outcome: Outcome, milliseconds: number): void => {
  screen.heading(`connectivity: ${outcome.right} of ${outcome.all} ordered pairs as intended`);
  screen.text(
    `first packet ${formatDuration(outcome.vpcFirstPacket)} after apply of three VPCs, ` +
      `${formatDuration(outcome.peeringFirstPacket)} after apply of a peering; ${formatDuration(milliseconds)} in all`,
  );
};

/** Says how to go on and waits for Ctrl-C. */
const stay = async (io: Io, screen: Screen, lab: LabHandle): Promise<void> => {
  const outside = io.env[outsideVariable];
  const enter =
    outside === undefined
      ? []
      : ['Without root all of it lives in a namespace of its own. In a second terminal, go there first:', `  nsenter -t $(pgrep -P $(pgrep -P ${outside})) --user --preserve-credentials --mount --net --pid --wd=.`];
  const lines = [
    ...enter,
    'It stays up until Ctrl-C. In a second terminal:',
    `  kubectl --kubeconfig ${lab.kubeconfig} get switches,vpcs,vpcattachments`,
    '  bin/heddle get vpc                                      the same without kubectl',
    '  bin/heddle apply -f examples/spine-leaf/peering.yaml    and: wait, diff, describe, delete',
    '  bin/heddle lab check --name demo                        every ordered pair of servers',
    '  bin/heddle lab exec --name demo web-1 -- ping 10.1.1.3  any command; without one a shell',
  ];
  screen.text(`\n${lines.join('\n')}`);
  // A signal handler alone does not keep Node running.
  const alive = setInterval(() => {}, 60_000);
  await interrupted(io.signal).catch(() => clearInterval(alive));
};

const cleanUp = async (screen: Screen): Promise<void> => {
  if (!existsSync(runDirectoryOf(name))) return;
  screen.running('cleaning up');
  await labDown({ name });
  screen.text('\nremoved the lab: no namespace, process or file of it is left');
};

const crash = async (error: Error): Promise<void> => {
  process.stderr.write(`\nheddle: ${error.stack ?? error.message}\n`);
  await labDown({ name });
  process.exit(1);
};

process.exitCode = await main(process.argv.slice(2));
process.exit();
