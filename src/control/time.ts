/** RFC 3339 in UTC, whole seconds, as Kubernetes writes times. `milliseconds` since 1970. */
export const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
