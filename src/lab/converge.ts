/** Waits until a lab does what it was told, and when it does not, says exactly what is missing. */
import type { Condition, Resource } from '../api/object.ts';
import { systemClock } from '../kit/clock.ts';
import { formatDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import type { LabApi } from './api.ts';
import { sessionsOf } from './bgp.ts';
import { checkPairs } from './check.ts';
import { isSwitch, type Manifest } from './manifest.ts';
import { stepper, type Progress } from './progress.ts';

export interface ConvergeOptions {
  /** For all of it. Default 60,000. */
  readonly timeoutMilliseconds?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Returns when every switch and attachment is programmed, every link of the fabric carries a BGP session and every pair of
 * servers that may connect does. `Timeout` names what is missing.
 */
export const waitConverged = async (manifest: Manifest, api: LabApi, options: ConvergeOptions = {}): Promise<void> => {
  const { timeoutMilliseconds = 60_000, progress, signal } = options;
  const deadline = systemClock.monotonic() + timeoutMilliseconds;
  const step = stepper(progress);
  const wait = (what: string, missing: () => Promise<string[]>): Promise<void> =>
    step(what, async () => {
      for (let left = await missing(); left.length > 0; left = await missing()) {
        if (systemClock.monotonic() > deadline) throw late(manifest, timeoutMilliseconds, left);
        await systemClock.sleep(50, signal);
      }
    });
  const names = new Set(manifest.nodes.map(({ name }) => name));
  await wait('switches programmed', async () =>
    unprogrammed((await api.list('Switch')).filter((object) => names.has(object.metadata.name)), manifest.nodes.filter(isSwitch).length),
  );
  await wait('BGP sessions established', () => missingSessions(manifest, signal));
  await wait('attachments programmed', async () => unprogrammed(await api.list('VPCAttachment'), 0));
  await wait('servers connected', () => missingPairs(manifest, api, signal));
};

const late = (manifest: Manifest, milliseconds: number, missing: readonly string[]): HeddleError => {
  const shown = missing.slice(0, 8).join('; ');
  const more = missing.length > 8 ? `; and ${missing.length - 8} more` : '';
  const where = `logs are in ${manifest.runDirectory}/nodes/*/agent.log and server.log`;
  return new HeddleError('Timeout', `not converged after ${formatDuration(milliseconds)}: ${shown}${more} (${where})`);
};

const unprogrammed = (objects: readonly Resource[], atLeast: number): string[] => {
  const missing = objects.flatMap((object) => {
    const why = notProgrammed(object);
    return why === undefined ? [] : [`${object.kind} "${object.metadata.name}" ${why}`];
  });
  return objects.length < atLeast ? [`only ${objects.length} of ${atLeast} switches are declared`, ...missing] : missing;
};

/** Why an object is not programmed in its present generation; undefined when it is. A refused one will not become so. */
const notProgrammed = ({ metadata, status }: Resource): string | undefined => {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly Condition[] };
  const current = conditions.filter(({ observedGeneration }) => (observedGeneration ?? 0) >= (metadata.generation ?? 0));
  const accepted = current.find(({ type }) => type === 'Accepted');
  if (accepted?.status === 'False') return `is not accepted: ${accepted.message}`;
  const programmed = current.find(({ type }) => type === 'Programmed');
  if (programmed?.status === 'True') return undefined;
  return programmed === undefined ? 'has not been looked at by the controller' : `is not programmed: ${programmed.message}`;
};

const missingSessions = async (manifest: Manifest, signal?: AbortSignal): Promise<string[]> => {
  const missing = await Promise.all(
    manifest.nodes.filter(isSwitch).map(async ({ name }) => {
      const { established, expected } = await sessionsOf(manifest, name, signal);
      return established >= expected ? [] : [`"${name}" has ${established} of ${expected} BGP sessions`];
    }),
  );
  return missing.flat();
};

const missingPairs = async (manifest: Manifest, api: LabApi, signal?: AbortSignal): Promise<string[]> => {
  const { pairs } = await checkPairs(manifest, api, { protocols: ['icmp'], onlyAllowed: true, ...(signal === undefined ? {} : { signal }) });
  return pairs.filter(({ actual }) => actual !== 'allow').map(({ from, to, note }) => `"${from}" does not reach "${to}"${note === undefined ? '' : ` (${note})`}`);
};
