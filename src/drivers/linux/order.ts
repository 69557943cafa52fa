/**
 * An order that respects `after`, keeps withdrawals in front, and puts steps of the same tool side by side, so that one
 * process can run many of them.
 */
import type { LinuxOp } from './difference.ts';

/** Steps with the same channel can run in one process, in their order; every other step is alone in its own. */
export const channelOf = (op: LinuxOp): string => {
  const [tool, flag, place] = op.argv;
  if (op.until !== undefined) return op.argv.join(' ');
  if (op.patient === true || op.stdin !== undefined) return op.key;
  if (tool === 'ip' && flag === 'netns') return op.key;
  if (tool === 'ip' || tool === 'bridge') return flag === '-n' ? `${tool} -n ${place}` : tool;
  return tool === 'vtysh' ? 'vtysh' : op.key;
};

/** Topological order (Kahn 1962) over `after`. A cycle, which would be a mistake of ours, is reported as an error. */
export const inOrder = (ops: readonly LinuxOp[]): readonly LinuxOp[] => {
  const waiting = new Map(ops.map((op) => [op.key, op]));
  const open = new Map(ops.map((op) => [op.key, op.after.filter((key) => waiting.has(key)).length]));
  const followers = followersOf(ops, waiting);
  const ready = ops.filter((op) => open.get(op.key) === 0);
  const ordered: LinuxOp[] = [];
  let channel = '';
  while (ready.length > 0) {
    const [op] = ready.splice(nextIndex(ready, channel), 1);
    if (op === undefined) break;
    channel = channelOf(op);
    ordered.push(op);
    for (const follower of followers.get(op.key) ?? []) {
      const left = (open.get(follower.key) ?? 0) - 1;
      open.set(follower.key, left);
      if (left === 0) ready.push(follower);
    }
  }
  if (ordered.length < ops.length) throw new Error('steps of a plan wait for each other');
  return ordered;
};

const followersOf = (ops: readonly LinuxOp[], known: ReadonlyMap<string, LinuxOp>): Map<string, LinuxOp[]> => {
  const followers = new Map<string, LinuxOp[]>();
  for (const op of ops) {
    for (const key of op.after) {
      if (!known.has(key)) continue;
      const list = followers.get(key);
      if (list === undefined) followers.set(key, [op]);
      else list.push(op);
    }
  }
  return followers;
};

/** What keeps tenants apart: taking things away, and the rules between VRFs. */
const isGuard = (op: LinuxOp): boolean => op.key.startsWith('remove/') || op.key.startsWith('nft/');

/** A guarding step when there is one; among equals one of the current channel, else the first. */
const nextIndex = (ready: readonly LinuxOp[], channel: string): number => {
  const guarding = ready.some(isGuard);
  const same = ready.findIndex((op) => isGuard(op) === guarding && channelOf(op) === channel);
  return same >= 0 ? same : Math.max(0, ready.findIndex((op) => isGuard(op) === guarding));
};
