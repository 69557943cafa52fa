/** Waits until a lab does what it was told, and when it does not, says exactly what is missing. */
import type { Condition, Resource } from '../api/object.ts';
import { systemClock } from '../kit/clock.ts';
import { formatDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import type { LabApi } from './api.ts';
import { sessionsOf } from './bgp.ts';
import { checkPairs } from './check.ts';
import { isSwitch, type Manifest } from './manifest.ts';
import { stepper, together, type Progress } from './progress.ts';

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
  const wait = (what: string, missing: () => Promise<Lack[]>): Promise<void> =>
    step(what, async () => {
      const began = systemClock.monotonic();
      for (let left = await missing(); left.length > 0; left = await missing()) {
        const now = systemClock.monotonic();
        // A refusal may be of the moment, while the controller has not seen all objects; not for seconds.
        const hopeless = now - began > 5_000 && left.every(({ refused }) => refused);
        if (now > deadline || hopeless) throw late(manifest, hopeless ? now - began : timeoutMilliseconds, left);
        await systemClock.sleep(50, signal);
      }
    });
  const names = new Set(manifest.nodes.map(({ name }) => name));
  await wait('switches programmed', async () =>
    unprogrammed((await devicesOf(api)).filter((object) => names.has(object.metadata.name)), manifest.nodes.filter((node) => isSwitch(node) && node.spare !== true).length),
  );
  await wait('BGP sessions established', () => missingSessions(manifest, signal));
  await wait('attachments programmed', async () => unprogrammed(await api.list('VPCAttachment'), 0));
  await wait('servers connected', () => missingPairs(manifest, api, signal));
};

const devicesOf = async (api: LabApi): Promise<readonly Resource[]> => [...(await api.list('Switch')), ...(await api.list('Gateway'))];

interface Lack {
  readonly what: string;
  /** The controller has said no: waiting alone does not help. */
  readonly refused: boolean;
}

const late = (manifest: Manifest, milliseconds: number, missing: readonly Lack[]): HeddleError => {
  const shown = missing.slice(0, 8).map(({ what }) => what).join('; ');
  const more = missing.length > 8 ? `; and ${missing.length - 8} more` : '';
  const where = `logs are in ${manifest.runDirectory}/nodes/*/agent.log and server.log`;
  return new HeddleError('Timeout', `not converged after ${formatDuration(milliseconds)}: ${shown}${more} (${where})`);
};

const unprogrammed = (objects: readonly Resource[], atLeast: number): Lack[] => {
  const missing = objects.flatMap((object) => notProgrammed(object, `${object.kind} "${object.metadata.name}"`));
  if (objects.length >= atLeast) return missing;
  return [{ what: `only ${objects.length} of ${atLeast} switches are declared`, refused: false }, ...missing];
};

/** Why an object is not programmed in its present generation; nothing when it is. */
const notProgrammed = ({ metadata, status }: Resource, name: string): Lack[] => {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly Condition[] };
  const current = conditions.filter(({ observedGeneration }) => (observedGeneration ?? 0) >= (metadata.generation ?? 0));
  const accepted = current.find(({ type }) => type === 'Accepted');
  if (accepted?.status === 'False') return [{ what: `${name} is not accepted: ${accepted.message}`, refused: true }];
  const programmed = current.find(({ type }) => type === 'Programmed');
  if (programmed?.status === 'True') return [];
  const why = programmed === undefined ? 'has not been looked at by the controller' : `is not programmed: ${programmed.message}`;
  return [{ what: `${name} ${why}`, refused: false }];
};

const missingSessions = async (manifest: Manifest, signal?: AbortSignal): Promise<Lack[]> => {
  const missing = await together(
    manifest.nodes.filter(isSwitch).map(async ({ name }): Promise<Lack[]> => {
      const { established, expected } = await sessionsOf(manifest, name, signal);
      return established >= expected ? [] : [{ what: `"${name}" has ${established} of ${expected} BGP sessions`, refused: false }];
    }),
  );
  return missing.flat();
};

const missingPairs = async (manifest: Manifest, api: LabApi, signal?: AbortSignal): Promise<Lack[]> => {
  const { pairs } = await checkPairs(manifest, api, { protocols: ['icmp'], onlyAllowed: true, ...(signal === undefined ? {} : { signal }) });
  return pairs
    .filter(({ actual }) => actual !== 'allow')
    .map(({ from, to, note }) => ({ what: `"${from}" does not reach "${to}"${note === undefined ? '' : ` (${note})`}`, refused: false }));
};
