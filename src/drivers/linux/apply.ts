/**
 * Runs the steps of a plan. Steps of one channel go through one process; when that fails, the step at fault is found and
 * the rest goes on. Steps that wait are polled.
 */
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeddleError } from '../../kit/error.ts';
import type { Output } from '../../kit/process.ts';
import type { Op, OpResult } from '../driver.ts';
import { batchText, failedLine } from './batch.ts';
import { isTolerable } from './tolerance.ts';
import type { LinuxOp } from './difference.ts';
import { channelOf, inOrder } from './order.ts';
import { aliveProcess } from './read/processes.ts';

/** Runs one command; like `tryRun` of kit/process.ts. */
export type Runner = (argv: readonly [string, ...string[]], stdin?: string) => Promise<Output>;

const patienceMilliseconds = 8000;
/** Arguments of one vtysh, well below the kernel's limit. */
const batchSize = 400;
/** NSFS_MAGIC of linux/magic.h. */
const namespaceMagic = 0x6e736673;

type Outcomes = Map<string, OpResult>;

/** One result a step, in the order in which they ran. */
export const applyOps = async (ops: readonly Op[], run: Runner): Promise<readonly OpResult[]> => {
  const outcomes: Outcomes = new Map();
  let left: readonly LinuxOp[] = inOrder(ops);
  while (left.length > 0) {
    const batch = nextBatch(left, outcomes);
    if (batch.length > 0) await runBatch(batch, outcomes, run);
    left = left.filter(({ key }) => !outcomes.has(key));
  }
  return [...outcomes.values()];
};

/** The first steps of one channel; marks those that come after a failure. */
const nextBatch = (ops: readonly LinuxOp[], outcomes: Outcomes): readonly LinuxOp[] => {
  const batch: LinuxOp[] = [];
  for (const op of ops) {
    const failed = op.after.find((key) => outcomes.get(key)?.ok === false);
    if (failed !== undefined) {
      outcomes.set(op.key, { key: op.key, ok: false, code: 'Blocked', message: `not tried because "${failed}" failed` });
      continue;
    }
    const [first] = batch;
    if (first !== undefined && (channelOf(first) !== channelOf(op) || batch.length >= batchSize)) break;
    batch.push(op);
  }
  return batch;
};

const runBatch = async (batch: readonly LinuxOp[], outcomes: Outcomes, run: Runner): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  const settle = (op: LinuxOp, output: Output): void => void outcomes.set(op.key, resultOf(op, output));
  try {
    if (first.until !== undefined) await awaitAll(batch, outcomes, run);
    else if (first.patient === true) settle(first, await runPatiently(first, run));
    else if (await isDone(first)) settle(first, { status: 0, stdout: '', stderr: '' });
    else if (batch.length === 1) settle(first, await run(first.argv, first.stdin));
    else if (first.argv[0] === 'vtysh') await configureAll(batch, outcomes, run);
    else await runLines(batch, outcomes, run);
  } catch (error) {
    const { code, message } = HeddleError.from(error);
    for (const { key } of batch) if (!outcomes.has(key)) outcomes.set(key, { key, ok: false, code, message });
  }
};

const resultOf = (op: LinuxOp, output: Output): OpResult => {
  if (output.status === 0 || isTolerable(op, output)) return { key: op.key, ok: true };
  const said = (output.stderr.trim() || output.stdout.trim()).replaceAll(/\s*\n\s*/g, '; ');
  return { key: op.key, ok: false, code: 'Failed', message: said === '' ? `exited ${output.status}` : said };
};

const isDone = async (op: LinuxOp): Promise<boolean> => {
  if (op.unlessNamespace !== undefined) {
    const type = await statfs(op.unlessNamespace).then((found) => found.type, () => 0);
    return type === namespaceMagic;
  }
  if (op.unlessAlive === undefined) return false;
  const pids = await Promise.all(op.unlessAlive.map(aliveProcess));
  return pids.every((pid) => pid !== undefined);
};

const retry = async (attempt: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + patienceMilliseconds;
  for (let pause = 5; !(await attempt()) && performance.now() < deadline; pause = Math.min(pause * 2, 100)) await sleep(pause);
};

const runPatiently = async (op: LinuxOp, run: Runner): Promise<Output> => {
  let output: Output = { status: 1, stdout: '', stderr: '' };
  await retry(async () => {
    output = await run(op.argv, op.stdin);
    return resultOf(op, output).ok;
  });
  return output;
};

/** All steps of the batch look at the output of the same command. */
const awaitAll = async (batch: readonly LinuxOp[], outcomes: Outcomes, run: Runner): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  await retry(async () => {
    const { stdout } = await run(first.argv);
    for (const { key, until = [] } of batch) {
      if (until.every((pattern) => new RegExp(pattern, 'm').test(stdout))) outcomes.set(key, { key, ok: true });
    }
    return batch.every(({ key }) => outcomes.has(key));
  });
  for (const { key } of batch) {
    if (outcomes.has(key)) continue;
    const message = `waited ${patienceMilliseconds / 1000} s in vain for "${first.argv.at(-1)}" to show it`;
    outcomes.set(key, { key, ok: false, code: 'Timeout', message });
  }
};

/** One vtysh for all; when it fails, one for each, since it does not say which line was wrong. */
const configureAll = async (batch: readonly LinuxOp[], outcomes: Outcomes, run: Runner): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  const [tool, flag = '', directory = ''] = first.argv;
  const commands = batch.flatMap(({ argv }) => [...argv.slice(3), '-c', 'end']);
  const output = await run([tool, flag, directory, ...commands]);
  for (const op of batch) {
    if (output.status === 0) outcomes.set(op.key, { key: op.key, ok: true });
    else if (op.after.every((key) => outcomes.get(key)?.ok !== false)) outcomes.set(op.key, resultOf(op, await run(op.argv)));
  }
};

/** `ip -batch` and `bridge -batch` end at the first line that fails and name it; the lines behind it are tried anew. */
const runLines = async (batch: readonly LinuxOp[], outcomes: Outcomes, run: Runner): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  const { prefix, text } = batchText(batch.map(({ argv }) => argv));
  const output = await run([...prefix, '-batch', '-'], text);
  const failed = output.status === 0 ? batch.length : failedLine(output.stderr);
  for (const op of batch.slice(0, failed)) outcomes.set(op.key, { key: op.key, ok: true });
  const culprit = batch[failed];
  if (culprit !== undefined) outcomes.set(culprit.key, resultOf(culprit, output));
};
