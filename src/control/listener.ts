/** Hears the devices, and turns what they say into acknowledgements, events and figures. */
import { refKey, refOf, type Resource } from '../api/object.ts';
import type { Compiler } from '../compile/engine.ts';
import { knownRowId } from '../goal/codec.ts';
import { isGroupScope } from '../goal/rows.ts';
import type { GoalState, Version } from '../goal/state.ts';
import type { Clock } from '../kit/clock.ts';
import type { Contest, DeviceHello, DeviceReport, Observation, RowFailure, ScopeResult, SouthboundEvents } from '../southbound/events.ts';
import type { Barrier } from './barrier.ts';
import type { FailedRow } from './failures.ts';
import type { Devices } from './devices.ts';
import type { Events } from './events.ts';
import { GroupSkew } from './groupskew.ts';
import type { Metrics } from './metrics.ts';
import type { Publisher } from './publish.ts';

export interface ListenerOptions {
  readonly barrier: Barrier;
  readonly devices: Devices;
  readonly publisher: Publisher;
  readonly compiler: Compiler;
  readonly goal: GoalState;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly recorder: Events;
  /** The object that declares a device, when there is one. */
  readonly switchOf: (device: string) => Resource | undefined;
  /** A device connected with rows that this control plane has no record of. */
  readonly onArrival: (device: string, rows: number) => void;
  /** Something of the device changed, and may be something of the barrier. */
  readonly onChange: (device: string) => void;
  /** The device tells what it sees. */
  readonly onObservation: (device: string, seen: Observation) => void;
  /** The device answered: something of the barrier changed. */
  readonly onAnswer: () => void;
}

const shownRows = 4;

export class SouthboundListener implements SouthboundEvents {
  readonly #options: ListenerOptions;
  readonly #skew = new GroupSkew();

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  readonly onConnected = (device: string, hello: DeviceHello): void => {
    const { devices, barrier, clock, onChange, onAnswer } = this.#options;
    const { lostState, wasConnected, isSameAgent } = devices.connect(device, hello, clock.now());
    if (lostState) barrier.forgetAcknowledged(device);
    if (hello.foreignRows !== undefined) this.#options.onArrival(device, hello.foreignRows);
    if (!wasConnected) this.#record(device, 'Normal', 'DeviceConnected', `${['agent', hello.agentVersion].join(' ').trim()} connected`);
    // Thousands return after a hiccup of the network: there is nothing to tell of any of them.
    if (wasConnected && isSameAgent) onAnswer();
    else onChange(device);
  };

  readonly onDisconnected = (device: string): void => {
    const { devices, clock, onChange } = this.#options;
    devices.disconnect(device, clock.now());
    this.#record(device, 'Warning', 'DeviceLost', 'the agent is no longer connected; the device goes on with its last goal state');
    onChange(device);
  };

  readonly onResult = (device: string, { scope, version, phase, failed }: ScopeResult): void => {
    const { devices, barrier, goal, metrics, publisher, onAnswer } = this.#options;
    const taken = devices.get(device)?.taken;
    if (phase === 'refused') metrics.refusedUpdates.inc();
    if (phase === 'received') taken?.add(scope);
    if (phase === 'received' || phase === 'refused' || taken?.has(scope) !== true) return;
    // Late words about a scope that the device was told to give up would count again when it gets the scope back.
    if (!publisher.devices.has(device) || !goal.subscriptions(device).includes(scope)) return;
    if (version > goal.scope(scope).version) return;
    metrics.acknowledgements.inc();
    if (failed.length > 0) metrics.failedRows.inc(failed.length);
    barrier.acknowledge(device, scope, version, failed.map((row) => this.#failedRow(device, scope, row)));
    if (isGroupScope(scope)) this.#measureSkew(scope, version);
    onAnswer();
  };

  readonly onContested = (device: string, { peers, takeovers }: Contest): void => {
    const { devices, clock, metrics, onChange } = this.#options;
    devices.contest(device, clock.now());
    metrics.contests.inc();
    const message = `two agents take turns as this device, from ${peers.join(' and ')} (${takeovers} times lately); stop one of them`;
    this.#record(device, 'Warning', 'DeviceContested', message);
    onChange(device);
  };

  readonly onReport = (device: string, report: DeviceReport): void => {
    const { devices, metrics, onChange } = this.#options;
    const repaired = devices.report(device, report);
    if (repaired === 0) return;
    metrics.driftRepaired.inc(repaired);
    const rows = report.drifted.slice(-shownRows).join(', ');
    this.#record(device, 'Warning', 'DriftRepaired', `something else changed the device; put back, among others: ${rows}`);
    onChange(device);
  };

  readonly onObservation = (device: string, seen: Observation): void => this.#options.onObservation(device, seen);

  #measureSkew(scope: string, version: Version): void {
    const { barrier, clock, metrics } = this.#options;
    for (const milliseconds of this.#skew.heard(scope, version, barrier.members(scope), clock.monotonic())) metrics.groupSkew.observe(milliseconds / 1000);
  }

  #failedRow(device: string, scope: string, { table, key, code, message }: RowFailure): FailedRow {
    const about = this.#options.switchOf(device);
    const own = refKey(about === undefined ? { kind: 'Switch', namespace: '', name: device } : refOf(about));
    if (table === '' && key === '') return { row: '', code, message, waiters: [own] };
    // An agent that does not know a table gives its number. A step for no row, such as a removal, is the key alone.
    const row = table === '' ? knownRowId(key) : `${table}/${key}`;
    if (row === undefined) return { row: key, code, message, waiters: [], otherwise: own };
    return { row, code, message, waiters: this.#options.compiler.explain(scope, row).map(refKey), otherwise: own };
  }

  #record(device: string, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const about = this.#options.switchOf(device);
    if (about !== undefined) this.#options.recorder.record(about, { type, reason, message });
  }
}
