/** What the long-running verbs have in common. */
import { Gauge, type Registry } from 'prom-client';
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

export const measureProcess = (metrics: Registry): void => {
  const gauge: Gauge = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control plane.',
    registers: [metrics],
    collect: () => gauge.set(process.memoryUsage.rss()),
  });
};

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error', 'silent'];

export const levelOf = (text: string | undefined): Level => levels.find((level) => level === text) ?? 'info';

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
