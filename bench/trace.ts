/**
 * Questions at the size of W(n), HEDDLE_TRACE_SCALE, default 1,000 VPCs with 40,000 attachments on 4,000 leaves: one trace inside
 * the server, the matrix of one VPC, and of all. In a process of its own, for its memory is a figure too. OVN's ovn-trace takes
 * 23 ms as a daemon at this size, after 20 s of loading and with 4.8 GB, and 21 s in one shot (figures of another run).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, Figure } from './figure.ts';

export const run: Benchmark = async (report) => {
  const child = spawnSync(process.execPath, ['--max-old-space-size=6144', join(import.meta.dirname, 'trace.child.ts'), process.env['HEDDLE_TRACE_SCALE'] ?? '1000'], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.status !== 0) throw new Error(`trace.child.ts ended with status ${child.status}`);
  for (const line of child.stdout.split('\n').filter((each) => each !== '')) report(JSON.parse(line) as Figure);
};
