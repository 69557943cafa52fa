/**
 * What the compiler has to say about an object. An `error` means that the object is not accepted and contributes nothing;
 * `pending` means that it waits for an allocation that nobody has to act on; a `warning` changes nothing.
 */
import type { Finding } from '../kit/error.ts';
import { byText } from '../kit/order.ts';
import { same } from './same.ts';

export type Severity = 'error' | 'warning' | 'pending';

export interface CompileFinding extends Finding {
  readonly severity: Severity;
}

export const error = (code: string, path: string, message: string): CompileFinding => ({
  severity: 'error',
  code,
  path,
  message,
});

export const warning = (code: string, path: string, message: string): CompileFinding => ({
  severity: 'warning',
  code,
  path,
  message,
});

export const pending = (path: string, message: string): CompileFinding => ({
  severity: 'pending',
  code: 'Pending',
  path,
  message,
});

export const hasErrors = (findings: readonly CompileFinding[]): boolean =>
  findings.some((finding) => finding.severity === 'error');

export const noFindings: readonly CompileFinding[] = [];

const rank: Record<Severity, number> = { error: 0, warning: 1, pending: 2 };

/** Errors first, then by path and code; each once. */
export const sortFindings = (findings: readonly CompileFinding[]): readonly CompileFinding[] => {
  if (findings.length < 2) return findings;
  return [...findings]
    .sort(
      (left, right) =>
        rank[left.severity] - rank[right.severity] ||
        byText(left.path, right.path) ||
        byText(left.code, right.code) ||
        byText(left.message, right.message),
    )
    .filter((finding, position, all) => position === 0 || !same(finding, all[position - 1]));
};
