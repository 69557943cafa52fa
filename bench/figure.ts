/** What a benchmark reports. One figure is one number with its unit, how often it was measured, and what it must not exceed. */

export interface Figure {
  /** What was measured, such as `apply of a VPCPeering to first packet, p50`. */
  readonly figure: string;
  readonly value: number;
  readonly unit: 'µs' | 'ms' | 's' | 'MB' | 'B' | '1/s' | '×' | 'packets';
  /** How many measurements the value was taken from. */
  readonly n: number;
  /** The value that was aimed at; more (for 1/s: less) is a miss. */
  readonly limit?: number;
  /** The same thing done by another program in the same run. */
  readonly peer?: string;
  readonly peerValue?: number;
}

/** One file of this folder exports `run`; the file's name is the benchmark's. */
export type Benchmark = (report: (figure: Figure) => void) => Promise<void>;

/** The value below which the given share (0 to 1) of the measurements lies (nearest rank). */
export const percentile = (measured: readonly number[], share: number): number => {
  const sorted = measured.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

export const isMissed = ({ value, unit, limit }: Figure): boolean =>
  limit !== undefined && (unit === '1/s' ? value < limit : value > limit);
