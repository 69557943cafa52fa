/**
 * The audit log: one line of JSON a request, as audit.k8s.io/v1 writes events of level Metadata: who, what, from where, with
 * which outcome; never bodies, tokens or certificates. Writing happens beside serving: lines wait in memory up to a bound,
 * and when the disk takes none they are counted and dropped.
 */
import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import { Counter, type Registry } from 'prom-client';
import { HeddleError } from '../../kit/error.ts';
import type { User } from './user.ts';
import { userInfo } from './user.ts';

export interface AuditedRequest {
  readonly id: string;
  readonly user: User;
  /** Whom the user acts as. */
  readonly impersonated?: User;
  readonly verb: string;
  /** Path and query as sent. */
  readonly uri: string;
  readonly resource?: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
  };
  readonly source: string;
  readonly userAgent: string;
  readonly code: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly ended: number;
  /** Why it was allowed; empty when it was not. */
  readonly reason: string;
}

export interface AuditLog {
  write(request: AuditedRequest): void;
  /** Goes on in a new file of the same name: what log rotation asks for after it has moved the old one away. */
  reopen(): void;
  /** Writes what is waiting, as far as the disk takes it. */
  close(): Promise<void>;
}

/** Without it the file grows until somebody else moves it away. */
export interface AuditRotation {
  /** A new file is begun before one would be larger; a single event may be. */
  readonly bytes: number;
  /** Files kept beside it: `<path>.1` is the latest. Default 5. */
  readonly backups?: number;
}

export interface AuditOptions {
  readonly path: string;
  readonly metrics: Registry;
  readonly log: { error(fields: object, message: string): void };
  readonly rotation?: AuditRotation;
  /** Opens the file to append to; for tests of full disks. */
  readonly openFile?: (path: string) => Promise<AuditFile>;
}

export type AuditFile = Pick<FileHandle, 'appendFile' | 'close'>;

/** Characters that may wait for the disk. */
const mostWaiting = 16 * 1024 * 1024;
/** Between two complaints about a disk that takes nothing, in milliseconds. */
const quiet = 60_000;

const openToAppend = (path: string): Promise<AuditFile> => open(path, 'a', 0o600);

/** Throws when the file cannot be opened at all: a server asked to keep an audit log does not start without. */
export const openAuditLog = async ({ path, metrics, log, rotation, openFile = openToAppend }: AuditOptions): Promise<AuditLog> => {
  const registers = [metrics];
  const events = new Counter({ name: 'apiserver_audit_event_total', help: 'Requests told to the audit log.', registers });
  const dropped = new Counter({ name: 'apiserver_audit_error_total', help: 'Requests that the audit log has lost, because its disk took none.', labelNames: ['plugin'], registers });
  let file: AuditFile | undefined = await openFile(path).catch((thrown: unknown) => {
    throw new HeddleError('BadRequest', `the audit log "${path}" cannot be opened: ${HeddleError.from(thrown).message}; choose another file with --audit-log`);
  });
  let [waiting, characters]: [string[], number] = [[], 0];
  let [isReopening, complained] = [false, Number.NEGATIVE_INFINITY];
  let bytes = await sizeOf(path);
  let isTorn = false;
  let writing: Promise<void> | undefined;

  const lose = (lines: number, why: string): void => {
    dropped.inc({ plugin: 'log' }, lines);
    const now = performance.now();
    if (now - complained < quiet) return;
    complained = now;
    log.error({ path, lost: lines, error: why }, 'the audit log loses requests; serving goes on');
  };
  const flush = async (): Promise<void> => {
    while (waiting.length > 0 || isReopening) {
      const lines = waiting;
      [waiting, characters] = [[], 0];
      try {
        if (isReopening || file === undefined) {
          isReopening = false;
          const before = file;
          file = undefined;
          await before?.close().catch(() => undefined);
          file = await openFile(path);
          bytes = await sizeOf(path);
        }
        if (lines.length === 0) continue;
        const text = (isTorn ? '\n' : '') + lines.join('');
        const length = Buffer.byteLength(text);
        if (rotation !== undefined && bytes > 0 && bytes + length > rotation.bytes) {
          await file.close().catch(() => undefined);
          file = undefined;
          await shift(path, rotation.backups ?? usualBackups);
          file = await openFile(path);
          bytes = 0;
        }
        await file.appendFile(text);
        bytes += length;
        isTorn = false;
      } catch (thrown) {
        lose(lines.length, HeddleError.from(thrown).message);
        // Half a line may have been written; it must not run into the next one.
        isTorn = true;
      }
    }
  };
  const start = (): void => {
    writing ??= flush().finally(() => (writing = undefined));
  };
  return {
    write(request) {
      const line = `${JSON.stringify(auditEvent(request))}\n`;
      events.inc();
      if (characters + line.length > mostWaiting) {
        lose(1, 'the disk is slower than requests come');
        return;
      }
      waiting.push(line);
      characters += line.length;
      start();
    },
    reopen() {
      isReopening = true;
      start();
    },
    async close() {
      for (let under = writing; under !== undefined; under = writing) await under;
      await file?.close().catch(() => undefined);
    },
  };
};

const usualBackups = 5;

/** 0 for a file that is not there. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** Moves `path` to `path.1`, that to `path.2`, and so on; the last one is lost. */
const shift = async (path: string, backups: number): Promise<void> => {
  const names = [path, ...Array.from({ length: backups }, (_, index) => `${path}.${index + 1}`)];
  for (let index = names.length - 1; index > 0; index -= 1) {
    await rename(names[index - 1] ?? path, names[index] ?? path).catch((thrown: unknown) => {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown;
    });
  }
};

const secret = /token|secret|password|credential/i;

/** Clients may put what they should not into a query; nothing that this server takes is called so. */
const withoutSecrets = (uri: string): string => {
  const [path = '', ...query] = uri.split('?');
  if (query.length === 0) return uri;
  const kept = query.join('?').split('&').map((part) => {
    const [name = ''] = part.split('=');
    return secret.test(name) ? `${name}=redacted` : part;
  });
  return `${path}?${kept.join('&')}`;
};

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

const auditEvent = ({ id, user, impersonated, verb, uri, resource, source, userAgent, code, started, ended, reason }: AuditedRequest) => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID: id,
  stage: 'ResponseComplete',
  requestURI: withoutSecrets(uri),
  verb,
  user: userInfo(user),
  ...(impersonated === undefined ? {} : { impersonatedUser: userInfo(impersonated) }),
  sourceIPs: [source],
  userAgent,
  ...(resource === undefined ? {} : { objectRef: objectRef(resource) }),
  responseStatus: { code },
  requestReceivedTimestamp: isoTime(started),
  stageTimestamp: isoTime(ended),
  annotations: {
    'apiserver.latency.k8s.io/total': `${(ended - started) / 1000}s`,
    'authorization.k8s.io/decision': reason === '' ? 'forbid' : 'allow',
    ...(reason === '' ? {} : { 'authorization.k8s.io/reason': reason }),
  },
});

/** Members that are empty are left out. */
const objectRef = ({ plural, namespace, name, group, version, subresource }: NonNullable<AuditedRequest['resource']>): object => {
  const members = { resource: plural, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
};
