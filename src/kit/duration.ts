/** Spans of time as people write and read them: `90s`, `1m30s`, `250ms` in; `312 ms`, `1.24 s`, `2 min 5 s` out. */
import { HeddleError } from './error.ts';

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a text such as `1m30s`; a bare number is seconds. BadRequest when it is neither. */
export const parseDuration = (text: string): number => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    throw new HeddleError('BadRequest', `"${text}" is not a duration: write it like "90s", "1m30s" or "250ms"`);
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (millisecondsOf[unit ?? ''] ?? 0),
    0,
  );
};

/** Three significant digits at most: what a person compares. */
export const formatDuration = (milliseconds: number): string => {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
};
