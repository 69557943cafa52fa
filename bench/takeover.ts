/**
 * The leader of two servers on one etcd dies (kill -9) or stops while both are written to: how long until devices have acknowledged
 * a change that was made right after. Servers, etcd, four leaves and their load share the machine.
 */
import { runTakeover } from '../src/chaos/takeover.ts';
import { percentile, type Benchmark } from './figure.ts';

export const run: Benchmark = async (report) => {
  const { wrong, takeovers } = await runTakeover({ servers: 2, ends: ['kill', 'kill', 'kill', 'stop', 'kill', 'kill', 'stop', 'stop'] });
  if (wrong.length > 0) throw new Error(wrong.slice(0, 5).join('; '));
  const of = (end: string): number[] => takeovers.filter((each) => each.end === end).map(({ milliseconds }) => milliseconds);
  const [killed, stopped] = [of('kill'), of('stop')];
  report({ figure: 'kill -9 of the leader to the next change on its devices, p50', value: percentile(killed, 0.5) / 1000, unit: 's', n: killed.length, limit: 5 });
  report({ figure: 'kill -9 of the leader to the next change on its devices, most', value: Math.max(...killed) / 1000, unit: 's', n: killed.length, limit: 5 });
  report({ figure: 'SIGTERM of the leader to the next change on its devices, p50', value: percentile(stopped, 0.5) / 1000, unit: 's', n: stopped.length, limit: 5 });
};
