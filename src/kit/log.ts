/**
 * What a long-running program writes for its operator: one JSON object a line. Secrets are cut out here, so that no caller
 * has to think of it.
 */
import pino from 'pino';

export type Logger = pino.Logger;
export type Level = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const secrets = ['token', 'password', 'authorization', 'key', 'clientKey', 'privateKey', 'client-key-data'];

export interface LogOptions {
  /** What is speaking, such as `agent` or `control`. */
  readonly name: string;
  readonly level?: Level;
  /** Appends to this file instead of standard error. */
  readonly file?: string;
}

/** Lines are written at once (not buffered), so that the last words of a crash are there. */
export const createLogger = ({ name, level = 'info', file }: LogOptions): Logger =>
  loggerTo(pino.destination({ dest: file ?? 2, sync: true, mkdir: true }), name, level);

/** The same into any stream: what tests use. */
export const loggerTo = (stream: pino.DestinationStream, name: string, level: Level = 'info'): Logger =>
  pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      base: {},
      redact: { paths: secrets.flatMap((word) => [bracketed(word), `*${bracketed(word)}`]), censor: '(cut out)' },
    },
    stream,
  );

const bracketed = (word: string): string => `["${word}"]`;
