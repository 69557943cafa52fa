/**
 * Runs the steps of a plan. Steps of one channel go through one process that stays until the plan is done; every step has
 * its own result, and a step that failed holds back only what comes after it. Steps that wait are polled.
 */
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeddleError } from '../../kit/error.ts';
import type { Output } from '../../kit/process.ts';
import type { Op, OpResult } from '../driver.ts';
import { batchLine, batchPrefix } from './batch.ts';
import { isTolerable } from './tolerance.ts';
import type { LinuxOp } from './difference.ts';
import { channelOf, inOrder } from './order.ts';
import { aliveProcess } from './read/processes.ts';
import type { Runner, Tools } from './tools/tools.ts';

const patienceMilliseconds = 8000;
/** NSFS_MAGIC of linux/magic.h. */
const namespaceMagic = 0x6e736673;

type Outcomes = Map<string, OpResult>;

/** One result a step, in the order in which they ran. */
export const applyOps = async (ops: readonly Op[], tools: Tools): Promise<readonly OpResult[]> => {
  const outcomes: Outcomes = new Map();
  const ordered: readonly LinuxOp[] = inOrder(ops);
  try {
    for (let next = 0; next < ordered.length; ) {
      const { batch, end } = nextBatch(ordered, next, outcomes);
      next = end;
      if (batch.length > 0) await runBatch(batch, outcomes, tools);
    }
  } finally {
    await tools.leave();
  }
  return [...outcomes.values()];
};

/**
 * Steps from `start` on that can run side by side: of one channel, and none after another of them, since all are run even
 * when one fails. Marks those that come after a failure.
 */
const nextBatch = (
  ops: readonly LinuxOp[], start: number, outcomes: Outcomes,
): { readonly batch: readonly LinuxOp[]; readonly end: number } => {
  const batch: LinuxOp[] = [];
  const keys = new Set<string>();
  let channel: string | undefined;
  for (let index = start; index < ops.length; index += 1) {
    const op = ops[index];
    if (op === undefined) break;
    const failed = op.after.find((key) => outcomes.get(key)?.ok === false);
    if (failed !== undefined) {
      outcomes.set(op.key, { key: op.key, ok: false, code: 'Blocked', message: `not tried because "${failed}" failed` });
      continue;
    }
    if (channel !== undefined && (channelOf(op) !== channel || op.after.some((key) => keys.has(key)))) return { batch, end: index };
    channel ??= channelOf(op);
    batch.push(op);
    keys.add(op.key);
  }
  return { batch, end: ops.length };
};

const runBatch = async (batch: readonly LinuxOp[], outcomes: Outcomes, tools: Tools): Promise<void> => {
  const [first] = batch;
  if (first === undefined) return;
  const { run } = tools;
  try {
    if (first.until !== undefined) await awaitAll(batch, outcomes, run);
    else if (isLine(first)) await runLines(batch, outcomes, tools);
    else for (const op of batch) outcomes.set(op.key, resultOf(op, await runOne(op, tools)));
  } catch (error) {
    const { code, message } = HeddleError.from(error);
    for (const { key } of batch) if (!outcomes.has(key)) outcomes.set(key, { key, ok: false, code, message });
  }
};

/** Whether the step can be a line of a batch. */
const isLine = (op: LinuxOp): boolean => channelOf(op) !== op.key && (op.argv[0] === 'ip' || op.argv[0] === 'bridge');

const runOne = async (op: LinuxOp, tools: Tools): Promise<Output> => {
  if (op.patient === true) return runPatiently(op, tools.run);
  if (await isDone(op)) return { status: 0, stdout: '', stderr: '' };
  const [tool, object, verb, place] = op.argv;
  // What runs in a namespace keeps it, with all its devices, although its name is gone.
  if (tool === 'ip' && object === 'netns' && verb === 'delete') await tools.leave(place);
  // `ip -n` has mounts of its own (iproute2's netns_switch), from which namespaces that are made later are missing.
  if (op.unlessNamespace !== undefined) await tools.leave();
  return tools.run(op.argv, op.stdin);
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

const runLines = async (batch: readonly LinuxOp[], outcomes: Outcomes, tools: Tools): Promise<void> => {
  const lines = new Map<LinuxOp, string>();
  for (const op of batch) {
    try {
      lines.set(op, batchLine(op.argv));
    } catch (error) {
      outcomes.set(op.key, { key: op.key, ok: false, code: 'Invalid', message: HeddleError.from(error).message });
    }
  }
  const [first] = lines.keys();
  if (first === undefined) return;
  const verdicts = await tools.batch(batchPrefix(first.argv), [...lines.values()]);
  for (const [index, op] of [...lines.keys()].entries()) {
    const said = verdicts[index];
    outcomes.set(op.key, said === undefined ? { key: op.key, ok: true } : resultOf(op, { status: 1, stdout: '', stderr: said }));
  }
};
