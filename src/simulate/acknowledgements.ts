/** When the devices answered which version, for whoever measures how long a change takes to reach all of them. */
import { Phase, type Result } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** Of the devices that answered. Times are milliseconds since 1970, with fractions; undefined when nobody did. */
export interface Answered {
  readonly devices: number;
  readonly first?: number;
  readonly last?: number;
  readonly p50?: number;
  readonly p99?: number;
}

export interface VersionAnswers {
  readonly version: number;
  readonly received: Answered;
  readonly programmed: Answered;
}

interface Times {
  readonly received: Float64Array;
  readonly programmed: Float64Array;
}

const keptVersions = 32;

export class Acknowledgements {
  readonly #devices: number;
  /** The first answer of each device, by its number; 0 for none. Oldest version first. */
  readonly #versions = new Map<number, Times>();
  #results = 0;
  #failures = 0;

  constructor(devices: number) {
    this.#devices = devices;
  }

  /** Results said. */
  get results(): number {
    return this.#results;
  }

  /** Rows reported as failed. */
  get failures(): number {
    return this.#failures;
  }

  note(device: number, { version, phase, failed }: Result): void {
    this.#results += 1;
    this.#failures += failed.length;
    if (phase !== Phase.RECEIVED && phase !== Phase.PROGRAMMED) return;
    const times = this.#timesOf(Number(version));
    const own = phase === Phase.RECEIVED ? times.received : times.programmed;
    own[device] ||= performance.timeOrigin + performance.now();
  }

  of(version: number): VersionAnswers {
    const times = this.#versions.get(version);
    return { version, received: summary(times?.received), programmed: summary(times?.programmed) };
  }

  versions(): number[] {
    return [...this.#versions.keys()];
  }

  clear(): void {
    this.#versions.clear();
  }

  #timesOf(version: number): Times {
    const known = this.#versions.get(version);
    if (known !== undefined) return known;
    const times = { received: new Float64Array(this.#devices), programmed: new Float64Array(this.#devices) };
    this.#versions.set(version, times);
    const [oldest] = this.#versions.keys();
    if (this.#versions.size > keptVersions && oldest !== undefined) this.#versions.delete(oldest);
    return times;
  }
}

const summary = (times: Float64Array | undefined): Answered => {
  const sorted = (times ?? new Float64Array()).filter((time) => time > 0).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  if (sorted.length === 0) return { devices: 0 };
  return { devices: sorted.length, first: sorted[0] ?? 0, last: sorted.at(-1) ?? 0, p50: at(0.5), p99: at(0.99) };
};
