/** `heddle agent`: its options, its driver and its signals. Bundled into one file (scripts/bundle.ts) it needs no more. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Driver } from '../drivers/driver.ts';
import { HeddleError } from '../kit/error.ts';
import { type Level, type Logger, createLogger } from '../kit/log.ts';
import { runAgent } from './run.ts';

const usage = `usage: heddle agent --device NAME --server HOST:PORT[,…] --ca FILE --token-file FILE --state-directory DIR
                    [--driver linux] [--server-name NAME] [--drift-interval MILLISECONDS] [--lldp-interval SECONDS]
                    [--log-level LEVEL]

Keeps this device equal to the goal state that the server streams to it, and to the last one when there is no server.

  --device NAME          name of the Switch object of this device
  --server HOST:PORT,…   the southbound service of each server of the control plane; the one that leads is found
  --ca FILE              certificate of the authority that signed the server's certificate (PEM)
  --token-file FILE      the device's token, as "heddle token create --device NAME" prints it
  --state-directory DIR  where the device remembers its goal; must survive a reboot
  --driver NAME          linux
  --server-name NAME     name in the server's certificate when it is not HOST
  --drift-interval MS    how often the device is compared with its goal, default 3000
  --lldp-interval S      how often neighbours are told who this device is, default 5
  --log-level LEVEL      debug, info, warn or error
`;

const options = {
  device: { type: 'string' },
  server: { type: 'string' },
  ca: { type: 'string' },
  'token-file': { type: 'string' },
  'state-directory': { type: 'string' },
  driver: { type: 'string', default: 'linux' },
  'server-name': { type: 'string' },
  'drift-interval': { type: 'string', default: '3000' },
  'lldp-interval': { type: 'string', default: '5' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const required = ['device', 'server', 'ca', 'token-file', 'state-directory'] as const;

type Words = ReturnType<typeof parseArgs<{ readonly options: typeof options }>>['values'];
type Required = { readonly [Name in (typeof required)[number]]: string };

/** Runs until SIGTERM or SIGINT. Answers the exit status: 0 fine, 1 could not run, 2 bad usage. */
export const main = async (words: readonly string[]): Promise<0 | 1 | 2> => {
  const parsed = parse(words);
  if (typeof parsed === 'string') return misused(parsed);
  if (parsed.help) {
    process.stdout.write(usage);
    return 0;
  }
  const missing = required.filter((name) => parsed[name] === undefined);
  if (!isComplete(parsed)) return misused(`missing: ${missing.map((name) => `--${name}`).join(' ')}`);
  const driftMilliseconds = Number(parsed['drift-interval']);
  if (!(driftMilliseconds >= 100)) return misused(`--drift-interval '${parsed['drift-interval']}' is not a number of at least 100`);
  const lldpSeconds = Number(parsed['lldp-interval']);
  if (!Number.isInteger(lldpSeconds) || lldpSeconds < 1 || lldpSeconds > 3600) {
    return misused(`--lldp-interval '${parsed['lldp-interval']}' is not a number from 1 to 3600`);
  }
  const level = levels.get(parsed['log-level']);
  if (level === undefined) return misused(`--log-level '${parsed['log-level']}' is not one of ${[...levels.keys()].join(', ')}`);
  const log = createLogger({ name: 'agent', level });
  // Node's warnings are for programmers; node:tls causes one with every server that is named by its address.
  process.removeAllListeners('warning').on('warning', ({ message }) => log.debug({ warning: message }, 'warning'));
  // The launcher sets it for this process; daemons that the driver starts have threads that allocate.
  delete process.env.MALLOC_ARENA_MAX;
  return run(parsed, { driftMilliseconds, lldpSeconds }, log);
};

const levels: ReadonlyMap<string, Level> = new Map((['debug', 'info', 'warn', 'error'] as const).map((level) => [level, level]));

const isComplete = (words: Words): words is Words & Required => required.every((name) => words[name] !== undefined);

const parse = (words: readonly string[]): Words | string => {
  try {
    return parseArgs({ args: [...words], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const misused = (message: string): 2 => {
  process.stderr.write(`heddle agent: ${message}\n${usage}`);
  return 2;
};

interface Intervals {
  readonly driftMilliseconds: number;
  readonly lldpSeconds: number;
}

const run = async (words: Words & Required, { driftMilliseconds, lldpSeconds }: Intervals, log: Logger): Promise<0 | 1> => {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.once('SIGTERM', abort).once('SIGINT', abort);
  const stateDirectory = resolve(words['state-directory']);
  try {
    const agent = {
      device: words.device,
      server: words.server,
      caFile: words.ca,
      tokenFile: words['token-file'],
      stateDirectory,
      driver: () => makeDriver(words.driver, stateDirectory, lldpSeconds),
      log,
      driftMilliseconds,
      agentVersion: process.env.HEDDLE_AGENT_VERSION ?? '',
      ...(words['server-name'] === undefined ? {} : { serverName: words['server-name'] }),
    };
    await runAgent(agent, stop.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`heddle agent: ${HeddleError.from(error).message}\n`);
    return 1;
  } finally {
    process.removeListener('SIGTERM', abort).removeListener('SIGINT', abort);
  }
};

/** The only place that knows the drivers by name. */
const makeDriver = async (name: string, stateDirectory: string, lldpSeconds: number): Promise<Driver<unknown>> => {
  if (name !== 'linux') throw new HeddleError('BadRequest', `there is no driver '${name}': use linux`);
  const { linuxDriver } = await import('../drivers/linux/driver.ts');
  return linuxDriver({ runDirectory: join(stateDirectory, 'run'), lldpSeconds }) as Driver<unknown>;
};
