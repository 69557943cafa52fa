/** Keys to work on, each once however often it was added; what fails is tried again, later each time. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { HeddleError } from '../../kit/error.ts';

export interface WorkQueueOptions {
  readonly work: (key: string) => Promise<void>;
  readonly onError: (error: HeddleError) => void;
  readonly metrics?: WorkQueueMetrics;
}

export interface WorkQueueMetrics {
  added(depth: number): void;
  /** `waited` and `worked` in seconds. */
  done(depth: number, waited: number, worked: number): void;
  retried(): void;
}

const firstRetryMilliseconds = 50;
const longestRetryMilliseconds = 60_000;
/** Keys worked on at the same time. */
const workers = 8;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Keys in line, and since when. */
  readonly #waiting = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #idlers: (() => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#closed || this.#waiting.has(key)) return;
    this.#waiting.set(key, performance.now());
    this.#options.metrics?.added(this.#waiting.size);
    queueMicrotask(() => this.#start());
  }

  /** Resolves when nothing is in line or under way; what failed and waits for its next try does not count. */
  async idle(): Promise<void> {
    if (this.#waiting.size + this.#busy.size > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  /** Waits for what is under way; the rest is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#retries) clearTimeout(timer);
    await this.idle();
  }

  #start(): void {
    for (const [key, since] of this.#waiting) {
      if (this.#busy.size >= workers) return;
      // One at a time of each key; it stays in line.
      if (this.#busy.has(key)) continue;
      this.#waiting.delete(key);
      this.#busy.add(key);
      void this.#run(key, since);
    }
  }

  async #run(key: string, since: number): Promise<void> {
    const started = performance.now();
    try {
      await this.#options.work(key);
      this.#failures.delete(key);
    } catch (thrown) {
      this.#options.onError(HeddleError.from(thrown));
      this.#retry(key);
    }
    this.#busy.delete(key);
    this.#options.metrics?.done(this.#waiting.size, (started - since) / 1000, (performance.now() - started) / 1000);
    this.#start();
    if (this.#waiting.size + this.#busy.size > 0) return;
    for (const resolve of this.#idlers) resolve();
    this.#idlers = [];
  }

  #retry(key: string): void {
    if (this.#closed) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.metrics?.retried();
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      this.add(key);
    }, Math.min(longestRetryMilliseconds, firstRetryMilliseconds * 2 ** failures));
    timer.unref();
    this.#retries.add(timer);
  }
}

/** Under the names that dashboards of Kubernetes controllers know. */
export const createWorkQueueMetrics = (registry: Registry, name: string): WorkQueueMetrics => {
  const registers = [registry];
  const labelNames = ['name'] as const;
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys in line.', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames, registers });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Keys tried again.', labelNames, registers });
  const buckets = [0.0001, 0.001, 0.01, 0.1, 1, 10];
  const waited = new Histogram({ name: 'workqueue_queue_duration_seconds', help: 'Time in line.', labelNames, buckets, registers });
  const worked = new Histogram({ name: 'workqueue_work_duration_seconds', help: 'Time of the work.', labelNames, buckets, registers });
  depth.set({ name }, 0);
  return {
    added(now) {
      adds.inc({ name });
      depth.set({ name }, now);
    },
    done(now, waitedSeconds, workedSeconds) {
      depth.set({ name }, now);
      waited.observe({ name }, waitedSeconds);
      worked.observe({ name }, workedSeconds);
    },
    retried: () => retries.inc({ name }),
  };
};
