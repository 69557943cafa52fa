/** The agent as a program: reads its files, picks the driver, runs until a signal ends it. */
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import type { Driver } from '../drivers/driver.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { startAgent } from './agent.ts';
import { pathOf } from './journal.ts';

export interface RunAgentOptions {
  readonly device: string;
  /** `host:port`, or several with commas between them. */
  readonly server: string;
  /** PEM file of the certificate authority. */
  readonly caFile: string;
  readonly tokenFile: string;
  readonly stateDirectory: string;
  /** Makes the driver; called once. */
  readonly driver: () => Promise<Driver<unknown>>;
  readonly log: Logger;
  readonly agentVersion?: string;
  /** Name in the server's certificate when it is not the host of `server`. */
  readonly serverName?: string;
  readonly driftMilliseconds?: number;
}

/** Runs until the signal aborts, then leaves the device forwarding. @throws HeddleError when the agent cannot start. */
export const runAgent = async (options: RunAgentOptions, signal: AbortSignal): Promise<void> => {
  const { caFile, tokenFile, driver: makeDriver, ...rest } = options;
  const ca = readText('certificate authority', caFile);
  const token = (): string => readText('token', tokenFile).trim();
  token();
  const readEarly = lengthOf(pathOf(options.stateDirectory)) > longJournal;
  if (readEarly) letHeapGrow();
  const driver = await makeDriver();
  const agent = await startAgent({ ...rest, readEarly, ca, token, driver, newEpoch: randomUUID, bootId: readBootId() });
  void agent.adopted.then(keepHeapSmall);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await agent.stop();
  options.log.info('stopped; the device keeps forwarding');
};

/** Bytes. What such a journal holds stays in memory, so collecting while it is read finds little. */
const longJournal = 1_000_000;

const letHeapGrow = (): void => setFlagsFromString('--heap-growing-percent=300');

const lengthOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/**
 * From now on garbage is collected as soon as the heap has grown by a tenth. Reading a long journal would take twice as long
 * that way, which is why it is no flag of the launcher.
 */
const keepHeapSmall = (): void => {
  // V8 takes cached code only under the flags it was made with.
  flushCompileCache();
  setFlagsFromString('--heap-growing-percent=10');
};

/** Another one after every boot of the kernel. */
const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

const readText = (what: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HeddleError('NotFound', `the ${what} file cannot be read: ${reason}`, { cause: error });
  }
};
