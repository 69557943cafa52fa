/** What the long-running verbs have in common. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { builtinObjects } from '../api/builtin.ts';
import type { ResourceClient } from '../api/client.ts';
import { HeddleError } from '../kit/error.ts';
import type { Level } from '../kit/log.ts';

/** What the operator deleted on purpose comes back at the next start: other objects count on it by default. */
export const createMissing = async (client: ResourceClient): Promise<void> => {
  for (const object of builtinObjects) {
    try {
      await client.create(object);
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'AlreadyExists') throw thrown;
    }
  }
};

/** The names that every Prometheus client has, as far as dashboards of API servers show them. */
export const measureProcess = (metrics: Registry): void => {
  const registers = [metrics];
  const memory: Gauge = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control plane.',
    registers,
    collect: () => memory.set(process.memoryUsage.rss()),
  });
  const processor: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time used, in user and in system mode.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      processor.reset();
      processor.inc((user + system) / 1e6);
    },
  });
  new Gauge({ name: 'process_start_time_seconds', help: 'When the process was started.', registers }).set(Date.now() / 1000 - process.uptime());
};

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error', 'silent'];

export const levelOf = (text: string | undefined): Level => levels.find((level) => level === text) ?? 'info';

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
