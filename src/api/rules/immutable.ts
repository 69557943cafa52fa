/** The rule for what may not be changed once an object exists. */
import type { Findings } from '../findings.ts';

/** Code `Immutable` when `now` differs from `before`; on create (`before` undefined) everything passes. */
export function immutable(path: string, before: string | undefined, now: string, found: Findings): void {
  if (before === undefined || before === now) return;
  found.add(path, 'Immutable', `cannot be changed from "${before}" to "${now}"; delete the object and create it anew`);
}
