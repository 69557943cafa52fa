/**
 * Whether other VTEPs answer. `ping` goes from the device's own VTEP address to theirs, so it takes the way, and needs the routes,
 * of VXLAN packets between the two; of several equal ways it takes one.
 */
import type { Address } from '../../net/brand.ts';
import type { Runner } from './tools/tools.ts';

/** Seconds between packets; the first that is answered is enough. */
const interval = 0.2;

/** @throws HeddleError when there is no `ping` */
export const reach = async (run: Runner, source: Address, targets: readonly Address[], milliseconds: number): Promise<ReadonlyMap<Address, boolean>> =>
  new Map(await Promise.all(targets.map(async (target): Promise<[Address, boolean]> => [target, await answers(run, source, target, milliseconds)])));

/** Exit status of iputils' ping: 0 when a packet was answered, 1 when none was, 2 when none could be sent, such as without a route. */
const answers = async (run: Runner, source: Address, target: Address, milliseconds: number): Promise<boolean> => {
  const seconds = Math.max(1, Math.floor(milliseconds / 1000));
  const { status } = await run(['ping', '-n', '-q', '-c', '1', '-i', `${interval}`, '-w', `${seconds}`, '-I', source, target]);
  return status === 0;
};
