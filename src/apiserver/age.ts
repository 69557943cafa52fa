/** Durations as tables show them: two units at most, the way kubectl prints ages. */

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/** `45s`, `110s`, `5m10s`, `15m`, `3h20m`, `20h`, `2d3h`, `40d`, `3y20d`. Negative durations (clocks differ) are `0s`. */
export const shortDuration = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 2 * minute) return `${seconds}s`;
  const minutes = Math.floor(seconds / minute);
  if (minutes < 10) return two(minutes, 'm', seconds % minute, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(seconds / hour);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(seconds / day);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  const years = Math.floor(seconds / year);
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
};
