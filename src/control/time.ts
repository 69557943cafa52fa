/** RFC 3339 in UTC, whole seconds, as Kubernetes writes times. `milliseconds` since 1970. */
export const rfc3339 = (milliseconds: number): string => {
  const second = Math.floor(milliseconds / 1000);
  if (second !== last.second) last = { second, text: `${new Date(second * 1000).toISOString().slice(0, -5)}Z` };
  return last.text;
};

/** Thousands of statuses are written in one second. */
let last = { second: 0, text: '1970-01-01T00:00:00Z' };
