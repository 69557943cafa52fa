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

/**
 * Topological order (Kahn 1962) over `after`, in time linear in steps and edges. A cycle, which would be a mistake of
 * ours, is reported as an error.
 */
export const inOrder = (ops: readonly LinuxOp[]): readonly LinuxOp[] => {
  const waiting = new Map(ops.map((op) => [op.key, op]));
  const open = new Map(ops.map((op) => [op.key, op.after.filter((key) => waiting.has(key)).length]));
  const followers = followersOf(ops, waiting);
  const [guards, others] = [new ReadySteps(), new ReadySteps()];
  const enqueue = (op: LinuxOp): void => (isGuard(op) ? guards : others).add(op);
  for (const op of ops) if (open.get(op.key) === 0) enqueue(op);
  const ordered: LinuxOp[] = [];
  for (let op = guards.take('') ?? others.take(''); op !== undefined; ) {
    ordered.push(op);
    for (const follower of followers.get(op.key) ?? []) {
      const left = (open.get(follower.key) ?? 0) - 1;
      open.set(follower.key, left);
      if (left === 0) enqueue(follower);
    }
    const channel = channelOf(op);
    op = guards.take(channel) ?? others.take(channel);
  }
  if (ordered.length < ops.length) throw new Error('steps of a plan wait for each other');
  return ordered;
};

/** Steps that nothing holds back any more, in queues by channel. */
class ReadySteps {
  readonly #queues = new Map<string, { next: number; readonly ops: LinuxOp[] }>();

  add(op: LinuxOp): void {
    const channel = channelOf(op);
    const queue = this.#queues.get(channel);
    if (queue === undefined) this.#queues.set(channel, { next: 0, ops: [op] });
    else queue.ops.push(op);
  }

  /** The next step of this channel, else of the channel that has waited longest. */
  take(channel: string): LinuxOp | undefined {
    const chosen = this.#queues.has(channel) ? channel : this.#queues.keys().next().value;
    const queue = chosen === undefined ? undefined : this.#queues.get(chosen);
    if (chosen === undefined || queue === undefined) return undefined;
    const op = queue.ops[queue.next];
    queue.next += 1;
    if (queue.next === queue.ops.length) this.#queues.delete(chosen);
    return op;
  }
}

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
