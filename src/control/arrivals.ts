/**
 * Devices that bring rows along of which this control plane has no record: it was started anew, or its store was lost or
 * restored, or the device belongs elsewhere. What such a device would lose is judged when it could first be sent something,
 * by the same limits as every deletion (safety.ts); beyond them it is sent nothing and keeps what it has. That its rows are
 * others than goal state's cannot be seen here, only that they are more.
 */
import { deviceScope } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';
import { tokenOf, type Ended, type Hold } from './holds.ts';
import { RecentHits } from './recent.ts';
import { isHit, judge, rowLimit, type HoldReason, type Loss, type SafetyLimits } from './safety.ts';

export interface ArrivalsOptions {
  readonly goal: GoalState;
  readonly fabricOf: (device: string) => { readonly name: string; readonly limits: SafetyLimits };
  readonly sizeOf: (fabric: string) => number;
}

export interface Situation {
  /** Devices that may have goal state; undefined: nothing was ever declared, and nobody is told anything. */
  readonly devices: ReadonlySet<string> | undefined;
  readonly isAllowed: (hold: Hold) => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Review {
  readonly began: readonly Hold[];
  readonly ended: readonly Ended[];
  readonly changed: readonly string[];
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** Rows that devices brought which were sent nothing yet. */
  readonly #brought = new Map<string, number>();
  readonly #holds = new Map<string, Hold>();
  /** Devices that were let lose a good part lately. */
  readonly #hits = new RecentHits();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  get(device: string): Hold | undefined {
    return this.#holds.get(device);
  }

  all(): Iterable<Hold> {
    return this.#holds.values();
  }

  /** Devices that are to be sent nothing. */
  devices(): ReadonlySet<string> {
    return new Set(this.#holds.keys());
  }

  /** A device connected and brought so many rows; `review` decides about it. */
  came(device: string, rows: number): void {
    // One that is held and comes back with nothing is judged anew.
    if (rows > 0 || this.#brought.has(device)) this.#brought.set(device, rows);
  }

  /** Judges who could be sent something now, and looks again at who is held. */
  review(situation: Situation): Review {
    if (this.#brought.size === 0) return nothing;
    const allowed = this.#end(situation);
    const { began, ended, changed } = this.#judge(situation);
    return { began, ended: [...allowed, ...ended], changed: [...allowed.map(({ hold }) => hold.device), ...changed] };
  }

  #end({ isAllowed }: Situation): Ended[] {
    const ended: Ended[] = [];
    for (const [device, hold] of this.#holds) {
      if (!isAllowed(hold)) continue;
      this.#settle(device);
      ended.push({ hold, why: 'Allowed' });
    }
    return ended;
  }

  #judge(situation: Situation): Review {
    const began: Hold[] = [];
    const ended: Ended[] = [];
    const changed: string[] = [];
    for (const [fabric, losses] of this.#losses(situation)) {
      const { limits } = this.#options.fabricOf(losses[0]?.device ?? '');
      const hit = this.#hits.since(fabric, situation.now - limits.windowSeconds * 1000);
      const verdicts = judge(losses, { limits, devices: () => this.#options.sizeOf(fabric), hit });
      for (const loss of losses) {
        const reason = verdicts.get(loss.device);
        const before = this.#holds.get(loss.device);
        if (reason !== undefined) {
          const hold = this.#holdOf(loss, reason, before, situation.now);
          if (before === undefined) began.push(hold);
          if (before?.rows !== hold.rows || before.reason !== hold.reason) changed.push(loss.device);
          this.#holds.set(loss.device, hold);
        } else {
          if (isHit(loss)) this.#hits.hit(fabric, loss.device, situation.now);
          if (before !== undefined) {
            changed.push(loss.device);
            ended.push({ hold: before, why: 'WithinLimits' });
          }
          this.#settle(loss.device);
        }
      }
    }
    return { began, ended, changed };
  }

  #losses(situation: Situation): Map<string, Loss[]> {
    const losses = new Map<string, Loss[]>();
    for (const [device, of] of this.#brought) {
      const loss = this.#loss(device, of, situation);
      if (loss !== undefined) getOrMake(losses, this.#options.fabricOf(device).name, (): Loss[] => []).push(loss);
    }
    return losses;
  }

  /** Undefined while the device can be sent nothing. */
  #loss(device: string, of: number, { devices }: Situation): Loss | undefined {
    const { goal } = this.#options;
    if (devices === undefined) return undefined;
    if (!devices.has(device)) return { device, rows: of, of, emptied: false, isolated: of > 0 };
    if (goal.scope(deviceScope(device)).version === 0) return undefined;
    const size = goal.subscriptions(device).reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
    return { device, rows: Math.max(0, of - size), of, emptied: size === 0 && of > 0, isolated: false };
  }

  #holdOf({ device, rows, of, isolated }: Loss, reason: HoldReason, before: Hold | undefined, now: number): Hold {
    const { name, limits } = this.#options.fabricOf(device);
    const since = before?.since ?? now;
    const token = tokenOf([device, String(since), String(of)]);
    return { device, fabric: name, reason, since, rows, of, limit: rowLimit(of, limits), isolated, token, causes: [], arrived: true };
  }

  #settle(device: string): void {
    this.#brought.delete(device);
    this.#holds.delete(device);
  }
}

const nothing: Review = { began: [], ended: [], changed: [] };
