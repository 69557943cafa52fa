/** What the controller counts and measures, in a registry that somebody else serves. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Counters } from '../compile/engine.ts';

/** What is read at the moment of the scrape. */
export interface MetricSources {
  readonly compiler: () => Counters;
  readonly goalRows: () => number;
  readonly goalScopes: () => number;
  readonly devices: () => number;
  readonly connected: () => number;
  readonly quarantined: () => number;
  /** Devices on which deletions are held. */
  readonly held: () => number;
  /** What is known to be wrong with goal state, withheld or not, by code. */
  readonly violations: () => ReadonlyMap<string, number>;
  /** Rows that are withheld because they are not proven. */
  readonly unproven: () => number;
}

export interface Metrics {
  readonly compileRuns: Counter;
  readonly compileSeconds: Histogram;
  readonly driftRepaired: Counter;
  readonly refusedUpdates: Counter;
  readonly statusWrites: Counter;
  readonly applyToAck: Histogram;
  readonly holds: Counter;
  readonly contests: Counter;
  readonly acknowledgements: Counter;
  readonly failedRows: Counter;
  /** Seconds that the switches of a redundancy group differed. */
  readonly groupSkew: Histogram;
  readonly verifySeconds: Histogram;
  readonly verifyExhausted: Counter;
}

const secondsOf = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const createMetrics = (registry: Registry, sources: MetricSources): Metrics => {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const total = (name: string, help: string, read: () => number): void => {
    const made: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        made.reset();
        made.inc(read());
      },
    });
  };
  const histogram = (name: string, help: string): Histogram => new Histogram({ name, help, registers, buckets: secondsOf });

  gauge('heddle_goal_rows', 'Rows of goal state over all scopes.', sources.goalRows);
  gauge('heddle_goal_scopes', 'Scopes that hold rows.', sources.goalScopes);
  gauge('heddle_devices_declared', 'Switches that are declared.', sources.devices);
  gauge('heddle_devices_connected', 'Declared devices whose agent is connected.', sources.connected);
  gauge('heddle_claims_quarantined', 'Ids and addresses given back that a device may still use.', sources.quarantined);
  gauge('heddle_devices_held', 'Devices on which deletions are held by the safety limits.', sources.held);
  gauge('heddle_verify_withheld_rows', 'Rows that are withheld from devices because they are not proven.', sources.unproven);
  const violations: Gauge<'code'> = new Gauge({
    name: 'heddle_verify_violations',
    help: 'Violations that are known, of what is withheld and of what devices have.',
    labelNames: ['code'],
    registers,
    collect: () => {
      violations.reset();
      for (const [code, count] of sources.violations()) violations.set({ code }, count);
    },
  });
  total('heddle_translators_run_total', 'Translators that were run.', () => sources.compiler().translators);
  total('heddle_compile_full_recomputes_total', 'Batches that computed most of all anew without need; stays 0.', () => sources.compiler().fullRecomputes);
  return {
    compileRuns: counter('heddle_compile_runs_total', 'Batches of changes that were compiled.'),
    compileSeconds: histogram('heddle_compile_seconds', 'Time to compile one batch.'),
    driftRepaired: counter('heddle_drift_repaired_total', 'Rows that agents put back after something else changed them.'),
    refusedUpdates: counter('heddle_updates_refused_total', 'Updates that agents did not take and were sent in full.'),
    contests: counter('heddle_devices_contested_total', 'Times that two agents were seen to take turns as one device.'),
    holds: counter('heddle_deletions_held_total', 'Deletions that were held on a device by the safety limits.'),
    acknowledgements: counter('heddle_scopes_acknowledged_total', 'Scopes that devices said they have programmed.'),
    failedRows: counter('heddle_rows_failed_total', 'Rows that devices said they could not program, once for each time it was said.'),
    statusWrites: counter('heddle_status_writes_total', 'Status updates written.'),
    verifySeconds: histogram('heddle_verify_seconds', 'Time to prove one change of goal state, or to find what is wrong with it.'),
    verifyExhausted: counter('heddle_verify_exhausted_total', 'Checks that the budget did not suffice for.'),
    groupSkew: histogram('heddle_group_skew_seconds', 'From the first to the last switch of a redundancy group that runs a version of what they share.'),
    applyToAck: histogram('heddle_apply_to_ack_seconds', 'From hearing of a change to the last acknowledgement it needs.'),
  };
};
