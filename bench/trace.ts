/**
 * Questions at the size of W(n), HEDDLE_TRACE_SCALE, default 1,000 VPCs with 40,000 attachments on 4,000 leaves: one trace inside
 * the server, the matrix of one VPC and of all, what if a cable fails. In a process of its own, for its memory is a figure too.
 * Beside it OVN's ovn-trace as a daemon, over the same number of VPCs and ports, in the same run (HEDDLE_BENCH_PEER=none: without).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, Figure } from './figure.ts';
import { measureOvnTrace } from './peers/ovntrace.ts';

export const run: Benchmark = async (report) => {
  const scale = Number(process.env['HEDDLE_TRACE_SCALE'] ?? '1000');
  const child = spawnSync(process.execPath, ['--max-old-space-size=6144', join(import.meta.dirname, 'trace.child.ts'), `${scale}`], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.status !== 0) throw new Error(`trace.child.ts ended with status ${child.status}`);
  const figures = child.stdout.split('\n').filter((each) => each !== '').map((line) => JSON.parse(line) as Figure);
  const { HEDDLE_BENCH_PEER: wanted = '25.03' } = process.env;
  if (wanted === 'none') return figures.forEach(report);
  const { peer, firstSeconds, times, residentMegabytes } = await measureOvnTrace(wanted === '23.03' ? '23.03' : '25.03', scale, 100, (line) => void process.stderr.write(`${line}\n`));
  const sorted = times.toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  for (const figure of figures) {
    if (figure.figure.endsWith('the first') && figure.figure.startsWith('trace')) report({ ...figure, peer, peerValue: firstSeconds * 1000 });
    else if (figure.figure.startsWith('trace')) report({ ...figure, peer, peerValue: at(figure.figure.endsWith('p50') ? 0.5 : 0.99) });
    else if (figure.figure === 'resident') report({ ...figure, peer, peerValue: residentMegabytes });
    else report(figure);
  }
};
