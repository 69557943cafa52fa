/** Time and processor time of stretches of work that other processes do for us, as the kernel counts it (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../figure.ts';

export interface Stretch {
  readonly wall: number;
  /** Milliseconds on a processor, of all processes together. */
  readonly cpu: number;
}

export interface Meter {
  time(step: () => Promise<unknown>): Promise<Stretch>;
  /** Returns when the processes rest. */
  settle(signal: AbortSignal): Promise<void>;
  /** Share (0 to 1) of the machine's processors that idled in all stretches so far. */
  idle(): number;
  /** Resident memory of all processes in MB of 10^6 bytes. */
  residentMegabytes(): number;
}

const settleMilliseconds = 150;
/** A process that only wakes to look at its clock uses less. */
const restMilliseconds = 5;

export const createMeter = (pids: readonly number[]): Meter => {
  const sum = (measure: (pid: number) => number): number => pids.map(measure).reduce((total, one) => total + one, 0);
  const passed = { total: 0, idle: 0 };
  return {
    time: async (step) => {
      const [cpu, ticks, began] = [sum(cpuMilliseconds), machineTicks(), performance.now()];
      await step();
      const wall = performance.now() - began;
      const after = machineTicks();
      passed.total += after.total - ticks.total;
      passed.idle += after.idle - ticks.idle;
      return { wall, cpu: sum(cpuMilliseconds) - cpu };
    },
    settle: async (signal) => {
      for (let before = sum(cpuMilliseconds); ; ) {
        await delay(settleMilliseconds, undefined, { signal });
        const now = sum(cpuMilliseconds);
        if (now - before < restMilliseconds) return;
        before = now;
      }
    },
    idle: () => passed.idle / passed.total,
    residentMegabytes: () => sum(residentMegabytes),
  };
};

export const medianOf = (measured: readonly Stretch[]): Stretch & { readonly n: number } => ({
  wall: percentile(measured.map(({ wall }) => wall), 0.5),
  cpu: percentile(measured.map(({ cpu }) => cpu), 0.5),
  n: measured.length,
});

/** Since its start, of all its present threads (schedstat counts nanoseconds, /proc/PID/stat ticks of 10 ms). */
export const cpuMilliseconds = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((total, spent) => total + spent, 0);

/** A line of proc_pid_status(5), where kB are 1,024 bytes, in MB of 10^6 bytes; pages shared with others included. */
const memoryLine = (pid: number, line: RegExp): number =>
  (Number(line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6;

/** What a process has resident now, MB. */
export const residentMegabytes = (pid: number): number => memoryLine(pid, /^VmRSS:\s+(\d+) kB/m);

/** The most it ever had, MB. */
export const peakMegabytes = (pid: number): number => memoryLine(pid, /^VmHWM:\s+(\d+) kB/m);

/** Ticks of all processors since boot: `total` and, of them, `idle` (waiting for a disk included). */
const machineTicks = (): { readonly total: number; readonly idle: number } => {
  const ticks = (/^cpu\s+(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number);
  const [, , , idle = 0, waiting = 0] = ticks;
  // The last two columns, guests, are counted in the first two already.
  return { total: ticks.slice(0, 8).reduce((total, part) => total + part, 0), idle: idle + waiting };
};
