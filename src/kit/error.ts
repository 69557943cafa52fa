/**
 * The one way to say that something is wrong.
 *
 * A `Finding` is one fault in somebody's input: where it is, a stable code that scripts may match on, and a sentence in
 * the user's terms. Checks collect findings instead of stopping at the first. A `HeddleError` is what crosses a process
 * boundary: one code of a closed set, which one table maps to HTTP status and exit status.
 */

export interface Finding {
  /** Dotted path into the object, such as `spec.subnets.front.cidr`; empty for the object as a whole. */
  readonly path: string;
  /** Stable, CamelCase, such as `HostBitsSet`. */
  readonly code: string;
  /** What is wrong with which value, and what to do next. Lower case start, no full stop. */
  readonly message: string;
}

const statusOfCode = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  TooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  Internal: 500,
  Unsupported: 501,
  Unavailable: 503,
  Timeout: 504,
  InsufficientStorage: 507,
} as const;

export type ErrorCode = keyof typeof statusOfCode;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(statusOfCode, text);

export interface ErrorOptions {
  readonly findings?: readonly Finding[];
  readonly cause?: unknown;
}

export class HeddleError extends Error {
  readonly code: ErrorCode;
  readonly findings: readonly Finding[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HeddleError';
    this.code = code;
    this.findings = options.findings ?? [];
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return statusOfCode[this.code];
  }

  /** Anything that was thrown, as a HeddleError; what is not one already becomes `Internal`. */
  static from(thrown: unknown): HeddleError {
    if (thrown instanceof HeddleError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new HeddleError('Internal', message, { cause: thrown });
  }
}

/** `Invalid` with all findings listed in the message, one a line. */
export const invalid = (what: string, findings: readonly Finding[]): HeddleError =>
  new HeddleError('Invalid', `${what} is invalid: ${findings.map(formatFinding).join('; ')}`, { findings });

export const formatFinding = (finding: Finding): string =>
  finding.path === '' ? finding.message : `${finding.path}: ${finding.message}`;
