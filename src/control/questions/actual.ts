/**
 * A trace once more, through what devices say that they run: each device on the way is asked for the rows that the packet can
 * meet there. A row that differs is taken for missing, and a device that does not answer for unknown, never for right.
 */
import type { ActualDeviceView, ActualStepView, ActualView, TraceView } from '../../api/traceview.ts';
import { deviceScope, rowId, type RowId } from '../../goal/rows.ts';
import type { GoalState } from '../../goal/state.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Findings, Inquiry } from '../../southbound/inquiries.ts';
import { retrace, type Step, type Trace, type Way } from '../../verify/trace.ts';
import type { Traced } from './trace.ts';

export type Inspect = (device: string, inquiry: Inquiry, milliseconds: number) => Promise<Findings>;

/** How long a device may take to answer. */
const patienceMilliseconds = 3000;
/** Devices that one trace asks. */
const mostDevices = 64;

interface Answer {
  readonly device: string;
  readonly state: 'same' | 'differs' | 'unknown';
  readonly message?: string;
  /** Why each row differs. */
  readonly rows: ReadonlyMap<RowId, string>;
  readonly surplus: readonly string[];
}

export interface ActualSources {
  readonly goal: GoalState;
  readonly inspect: Inspect;
  readonly seesDevice: (device: string) => boolean;
}

/** @throws HeddleError `Forbidden` when one of the devices is not for the asker to see */
export const withActual = async (view: TraceView, traced: Traced, sources: ActualSources): Promise<TraceView> => {
  const { trace: found } = traced;
  const devices = devicesOf(found);
  if (devices.some((device) => !sources.seesDevice(device))) {
    throw new HeddleError('Forbidden', 'what devices run is told to those who may read the Switches on the way: trace without "actual"');
  }
  const answers = new Map((await Promise.all(devices.slice(0, mostDevices).map((device) => askDevice(device, found, sources)))).map((answer) => [answer.device, answer]));
  const actual = actualOf(traced, answers, sources.goal);
  const marked = (ways: readonly Way[], views: TraceView['there']): TraceView['there'] =>
    views.map((way, index) => ({ ...way, steps: way.steps.map((step, at) => ({ ...step, actual: stepState(ways[index]?.steps[at], answers) })) }));
  return { ...view, there: marked(found.there, view.there), back: marked(found.back, view.back), actual };
};

/** In the order in which they are met; those between come where they are passed. */
const devicesOf = ({ there, back }: Trace): string[] => [...new Set([...there, ...back].flatMap(({ steps }) => steps.flatMap(devicesOfStep)))];

const devicesOfStep = ({ device, tunnel }: Step): string[] => [
  device,
  ...(tunnel?.to ?? []).flatMap(({ device: far, ways }) => [...(ways?.ways ?? []).flat().flatMap(({ from, to }) => [from.device, to.device]), ...(far === undefined ? [] : [far])]),
];

const askDevice = async (device: string, found: Trace, { goal, inspect }: ActualSources): Promise<Answer> => {
  const rows = rowsOf(device, found, goal);
  const answer = await inspect(device, { rows: [...rows], limit: rows.size }, patienceMilliseconds);
  if (!answer.ok) return { device, state: 'unknown', message: answer.reason, rows: new Map(), surplus: [] };
  const { versions, differing, surplus } = answer.found;
  const all = new Map([...behind(device, versions, rows, goal), ...[...differing].filter(([row]) => rows.has(row))]);
  return { device, state: all.size > 0 || surplus.length > 0 ? 'differs' : 'same', rows: all, surplus };
};

/** Rows that a packet of this trace can meet on the device. */
const rowsOf = (device: string, { scopes, there, back }: Trace, goal: GoalState): Set<RowId> => {
  const rows = new Set<RowId>(['system/self', 'bgp/underlay', 'vtep/self'].filter((row) => goal.scope(deviceScope(device)).rows.has(row)));
  for (const scope of goal.subscriptions(device)) for (const row of scopes.get(scope) ?? []) rows.add(rowId(row));
  for (const { tunnel } of [...there, ...back].flatMap(({ steps }) => steps)) for (const { from, to } of (tunnel?.to ?? []).flatMap(({ ways }) => ways?.ways ?? []).flat()) {
    for (const end of [from, to]) if (end.device === device) rows.add(`port/${end.port}`).add(`bgpPeer/${end.port}`);
  }
  return rows;
};

/** What was written since the version that the device holds. */
const behind = (device: string, versions: ReadonlyMap<string, number>, rows: ReadonlySet<RowId>, goal: GoalState): (readonly [RowId, string])[] =>
  goal.subscriptions(device).flatMap((scope) => {
    const { version } = goal.scope(scope);
    const held = versions.get(scope);
    if (held === version) return [];
    const why = held === undefined ? `the device does not hold ${scope} yet` : `the device holds version ${held} of ${scope}, not ${version}`;
    return goal.delta(scope, held ?? 0).upserts.map(rowId).filter((row) => rows.has(row)).map((row) => [row, why] as const);
  });

const actualOf = (traced: Traced, answers: ReadonlyMap<string, Answer>, goal: GoalState): ActualView => {
  const all = [...answers.values()];
  const differsAt = firstDifference(traced.trace, answers);
  const isUnknown = all.some(({ state }) => state === 'unknown');
  const missing = (device: string, row: RowId): boolean => answers.get(device)?.rows.has(row) === true;
  return {
    result: isUnknown ? 'unknown' : retrace(goal, traced.journey, traced.trace, missing),
    ...(differsAt !== undefined && { differsAt }),
    devices: all.map(({ device, state, message, rows, surplus }): ActualDeviceView => ({
      device, state, ...(message !== undefined && { message }), rows: [...rows].map(([row, why]) => ({ row, why })), surplus,
    })),
  };
};

type Difference = NonNullable<ActualView['differsAt']>;

const firstDifference = ({ there, back }: Trace, answers: ReadonlyMap<string, Answer>): Difference | undefined => {
  for (const [direction, ways] of [['there', there], ['back', back]] as const) {
    for (const step of ways.flatMap(({ steps }) => steps)) {
      // A device is as it is as soon as the packet is there: what is missing need not be what the step names.
      for (const device of devicesOfStep(step)) {
        const rows = answers.get(device)?.rows ?? new Map<RowId, string>();
        const [row, why] = (step.row !== undefined && rows.has(step.row) ? [step.row, rows.get(step.row)] : [...rows][0]) ?? [];
        if (row !== undefined) return { direction, device, row, why: why ?? '' };
      }
    }
  }
  return undefined;
};

const stepState = (step: Step | undefined, answers: ReadonlyMap<string, Answer>): ActualStepView => {
  const devices = step === undefined ? [] : step.doing === 'encapsulated' ? devicesOfStep(step) : [step.device];
  const own = devices.map((device) => answers.get(device));
  const unknown = own.find((answer) => answer === undefined || answer.state === 'unknown');
  if (step === undefined || own.length === 0 || unknown !== undefined) return { state: 'unknown', message: unknown?.message ?? 'nobody asked' };
  const why = own.flatMap((answer) => [...(answer?.rows ?? [])].filter(([row]) => row === step.row || (step.doing === 'encapsulated' && /^(port|bgpPeer|vtep|bgp)\//.test(row))));
  return why[0] === undefined ? { state: 'same' } : { state: 'differs', message: why[0][1] };
};
