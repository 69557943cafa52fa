/**
 * Who still waits for which device. A waiter (an object) waits for a scope at some version, that is for every device that
 * holds the scope; the scope counts devices (crowd.ts), so memory is proportional to devices, scopes and waiters, and an
 * acknowledgement costs what it settles, never devices times objects. Claims in quarantine wait more strictly (strict.ts).
 * Pure.
 *
 * Beside what it waits for by name, an object with rows in a scope waits for devices that joined the scope, or lost their
 * state, and for those that are to give the scope up: `newcomers` and `leavers` of the crowd, kept once for all objects.
 */
import { deviceScope } from '../goal/rows.ts';
import type { Version } from '../goal/state.ts';
import { addMember, getOrMake, removeMember } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import { Audience } from './audience.ts';
import { Counting, Crowd, withheld, type Wave } from './crowd.ts';
import { Failures, type FailedRow, type Failure } from './failures.ts';
import { StrictWaits } from './strict.ts';

/** How far a waiter's devices are. */
export interface Tally {
  /** All devices that hold, or have yet to give up, something of the object. */
  readonly devices: number;
  /** Those that have not acknowledged yet, sorted. */
  readonly late: readonly string[];
  readonly failures: readonly Failure[];
  /** Something is not sent before somebody releases it. */
  readonly withheld: boolean;
}

/** Waiters and scopes for which something changed. */
export interface News {
  /** Nothing is left that they wait for, or they began to wait, or their failures changed. */
  readonly waiters: ReadonlySet<string>;
  /** They have fewer devices to wait for than before, but some. */
  readonly progress: ReadonlySet<string>;
  /** Something changed for everybody with rows in these scopes or who waits for them (`waitersOf`). */
  readonly scopes: ReadonlySet<string>;
}

export class Barrier {
  readonly audience = new Audience();
  readonly #crowds = new Map<string, Crowd>();
  /** By device: scopes it holds, and shared ones of those that it never acknowledged. */
  readonly #held = new Map<string, Set<string>>();
  readonly #joining = new Map<string, Set<string>>();
  /** By device: an acknowledgement of its own scope, while it has yet to acknowledge a scope that this one names. */
  readonly #deferred = new Map<string, Version>();
  /** By device: shared scopes it is to give up. */
  readonly #leaving = new Map<string, Set<string>>();
  readonly #waves = new Map<string, Map<string, Wave>>();
  readonly #failures = new Failures();
  readonly #strict = new StrictWaits();
  #touched = new Set<string>();
  #progress = new Set<string>();
  #stirred = new Set<string>();

  /** The device holds the scope from now on and has acknowledged nothing of it: also when it lost what it had. */
  join(device: string, scope: string): void {
    getOrMake(this.#crowds, scope, () => new Crowd()).join(device);
    addMember(this.#held, device, scope);
    if (scope === deviceScope(device)) this.#deferred.delete(device);
    else addMember(this.#joining, device, scope);
    removeMember(this.#leaving, device, scope);
    this.#fail(device, scope, []);
    this.#stirred.add(scope);
  }

  /**
   * The device is to give up a shared scope, which it acknowledges with a version of its own scope: whoever waits for it
   * there waits for that.
   * @param left version of the commit; who has rows in the scope since then does not wait for the device
   */
  leave(device: string, scope: string, left: Version, until: Version): void {
    const crowd = this.#crowds.get(scope);
    if (crowd?.acknowledged(device) === undefined) return;
    const own = deviceScope(device);
    const { passed, ended } = crowd.leave(device);
    const objects = this.audience.objects(scope);
    for (const { waiters } of passed) for (const waiter of waiters) if (!objects.has(waiter)) this.expect(waiter, own, until);
    crowd.startLeave(device, { left, until });
    addMember(this.#leaving, device, scope);
    this.#strict.move(device, scope, own, until);
    this.#end(scope, ended);
    this.#quit(device, scope);
    this.#stirred.add(scope);
  }

  /** From now on the waiter waits until every device that holds the scope has acknowledged this version; replaces a lower one. */
  expect(waiter: string, scope: string, version: Version): void {
    const before = this.#waves.get(waiter)?.get(scope);
    if (before === undefined || before.version < version) this.#await(waiter, scope, version, before);
  }

  #await(waiter: string, scope: string, version: Version, before: Wave | undefined): void {
    const wave = this.#crowds.get(scope)?.wave(version);
    if (before !== undefined) this.#leaveWave(waiter, scope, before);
    this.#touched.add(waiter);
    if (wave === undefined) return;
    wave.waiters.add(waiter);
    getOrMake(this.#waves, waiter, () => new Map<string, Wave>()).set(scope, wave);
  }

  /** The waiter waits for a change of the scope that is not to be sent yet. */
  withhold(waiter: string, scope: string): void {
    this.expect(waiter, scope, withheld);
  }

  /**
   * What was withheld of the scope is in this version, or is not withheld any more.
   * @param isStill who waits for something that is withheld yet; claims in quarantine wait until nobody does
   */
  release(scope: string, version: Version, isStill: (waiter: string) => boolean = () => false): void {
    const crowd = this.#crowds.get(scope);
    const wave = crowd?.waves().find((each) => each.version === withheld);
    const waiters = [...(wave?.waiters ?? [])];
    const released = waiters.filter((waiter) => !isStill(waiter));
    for (const waiter of released) this.#await(waiter, scope, version, wave);
    if (released.length < waiters.length) return;
    for (const device of crowd?.members.keys() ?? []) {
      this.#strict.revise(device, scope, withheld, version);
      this.#settleStrictly(device, scope);
    }
  }

  /** Waits, until an acknowledgement without failures comes, for one device and one scope. */
  expectStrictly(waiter: string, device: string, scope: string, version: Version): void {
    const acknowledged = this.#acknowledged(device, scope);
    if (acknowledged === undefined) return;
    if (acknowledged >= version && !this.#isFailing(device, scope)) return;
    this.#strict.expect(waiter, device, scope, version);
  }

  /** Lets a waiter wait strictly for all that another one waits for at this moment, and for where that one failed. */
  follow(strict: string, waiter: string): void {
    for (const [scope, wave] of this.#waves.get(waiter) ?? []) {
      const late = this.#crowds.get(scope)?.lateOf(wave) ?? [];
      for (const device of late) this.expectStrictly(strict, device, scope, wave.version);
    }
    for (const [scope, since] of this.audience.scopes(waiter)) {
      const crowd = this.#crowds.get(scope);
      for (const device of crowd?.newcomers ?? []) this.expectStrictly(strict, device, scope, 0);
      for (const [device, { left, until }] of crowd?.leavers ?? []) {
        if (since < left) this.expectStrictly(strict, device, deviceScope(device), until);
      }
    }
    for (const { device, scope } of this.#failures.of(waiter)) {
      this.expectStrictly(strict, device, scope, this.#acknowledged(device, scope) ?? 0);
    }
    this.#touched.add(strict);
  }

  /** The waiter is to be looked at, whether it waits or not. */
  touch(waiter: string): void {
    this.#touched.add(waiter);
  }

  /**
   * The device runs the scope at `version`, but for the failed rows; replaces what it said of the scope before. When the
   * device failed as a whole, nothing is settled.
   */
  acknowledge(device: string, scope: string, version: Version, failed: readonly FailedRow[]): void {
    const crowd = this.#crowds.get(scope);
    const before = this.#acknowledged(device, scope);
    if (crowd === undefined || before === undefined || before > version) return;
    const whole = failed.find(({ row }) => row === '');
    if (whole === undefined) crowd.endBreakdown(device);
    else crowd.startBreakdown(device, whole);
    const isPassed = (wave: Wave): boolean => wave.version > (crowd.acknowledged(device) ?? version) && wave.version <= version;
    this.#fail(device, scope, failed, () => crowd.waves().filter(isPassed).flatMap(({ waiters }) => [...waiters]));
    if (whole === undefined) this.#advance(device, scope, version);
    this.#settleStrictly(device, scope);
    if (whole !== undefined) this.#stirred.add(scope);
  }

  /** What the device acknowledged counts no more: it lost its state. Whoever has rows on it waits for it anew. */
  forgetAcknowledged(device: string): void {
    for (const scope of this.#held.get(device) ?? []) this.join(device, scope);
  }

  /** The device is no more: nobody waits for it. */
  removeDevice(device: string): void {
    for (const scope of this.#held.get(device) ?? []) {
      this.#end(scope, this.#crowds.get(scope)?.leave(device).ended ?? []);
      this.#quit(device, scope);
      this.#stirred.add(scope);
    }
    for (const scope of this.#leaving.get(device) ?? []) this.#endLeave(device, scope);
    this.#leaving.delete(device);
    this.#deferred.delete(device);
    for (const waiter of this.#strict.removeDevice(device)) this.#touched.add(waiter);
  }

  /** The waiter is no more. */
  removeWaiter(waiter: string): void {
    for (const [scope, wave] of this.#waves.get(waiter) ?? []) this.#leaveWave(waiter, scope, wave);
    this.#failures.removeWaiter(waiter);
    this.#strict.removeWaiter(waiter);
    this.#touched.delete(waiter);
    this.#progress.delete(waiter);
  }

  isSettled(waiter: string): boolean {
    if (this.#waves.has(waiter) || this.#strict.isWaiting(waiter)) return false;
    for (const [scope, since] of this.audience.scopes(waiter)) {
      const crowd = this.#crowds.get(scope);
      if (crowd !== undefined && (crowd.newcomers.size > 0 || leaversSince(crowd, since).length > 0)) return false;
    }
    return true;
  }

  failures(waiter: string): readonly Failure[] {
    return this.#failures.of(waiter);
  }

  /** Devices of the waiter, those that it waits for, and what failed; work grows with its scopes and with those devices. */
  tally(waiter: string): Tally {
    const late = this.#lateOf(waiter);
    const failures = [...this.failures(waiter), ...this.#breakdowns(waiter, late)];
    const scopes = this.audience.scopes(waiter);
    const crowds = [...scopes.keys()].flatMap((scope) => this.#crowds.get(scope) ?? []);
    const devices = new Counting(crowds);
    for (const device of late) devices.add(device);
    for (const { device } of failures) devices.add(device);
    const isWithheld = [...(this.#waves.get(waiter)?.values() ?? [])].some(({ version }) => version === withheld);
    return { devices: devices.count, late, failures, withheld: isWithheld };
  }

  /** Devices that the waiter waits for, sorted. */
  pending(waiter: string): readonly string[] {
    return this.#lateOf(waiter);
  }

  /** Devices that hold the scope, with the version that each has acknowledged; -1 for none. */
  members(scope: string): ReadonlyMap<string, Version> {
    return this.#crowds.get(scope)?.members ?? new Map();
  }

  /** Version of the scope that the device has acknowledged; -1 for none, undefined when it does not hold the scope. */
  acknowledged(device: string, scope: string): Version | undefined {
    return this.#acknowledged(device, scope);
  }

  /** Rows of the scope that failed on the device. */
  failedRows(device: string, scope: string): readonly Failure[] {
    return this.#failures.on(device, scope);
  }

  /** Everybody with rows in the scope or who waits for it. */
  waitersOf(scope: string): ReadonlySet<string> {
    const waiters = new Set(this.audience.objects(scope));
    for (const wave of this.#crowds.get(scope)?.waves() ?? []) for (const waiter of wave.waiters) waiters.add(waiter);
    return waiters;
  }

  /** What changed since the last call. */
  takeNews(): News {
    const news = { waiters: this.#touched, progress: this.#progress, scopes: this.#stirred };
    this.#touched = new Set();
    this.#progress = new Set();
    this.#stirred = new Set();
    return news;
  }

  /** As the device said it, also while a scope that its own one names is missing. */
  #acknowledged(device: string, scope: string): Version | undefined {
    const counted = this.#crowds.get(scope)?.acknowledged(device);
    return counted !== undefined && scope === deviceScope(device) ? Math.max(counted, this.#deferred.get(device) ?? counted) : counted;
  }

  /** A device has its own scope as of a version only when it also has every scope that this one names. */
  #advance(device: string, scope: string, version: Version): void {
    const own = deviceScope(device);
    if (scope === own) {
      for (const shared of this.#leaving.get(device) ?? []) {
        if ((this.#crowds.get(shared)?.leavers.get(device)?.until ?? 0) <= version) this.#endLeave(device, shared);
      }
      if (this.#joining.has(device)) this.#deferred.set(device, version);
      else this.#pass(device, scope, version);
      return;
    }
    this.#pass(device, scope, version);
    removeMember(this.#joining, device, scope);
    this.#undefer(device);
  }

  #undefer(device: string): void {
    const version = this.#deferred.get(device);
    if (version === undefined || this.#joining.has(device)) return;
    this.#deferred.delete(device);
    this.#pass(device, deviceScope(device), version);
  }

  #pass(device: string, scope: string, version: Version): void {
    const crowd = this.#crowds.get(scope);
    if (crowd === undefined) return;
    // Those who wait for nothing by name hear of it when the scope is stirred.
    if (crowd.members.size > 1 || crowd.newcomers.has(device)) this.#stirred.add(scope);
    this.#end(scope, crowd.advance(device, version));
  }

  #endLeave(device: string, scope: string): void {
    this.#crowds.get(scope)?.endLeave(device);
    removeMember(this.#leaving, device, scope);
    this.#forgetIfEmpty(scope);
    this.#stirred.add(scope);
  }

  /** The device is no member of the scope any more. */
  #quit(device: string, scope: string): void {
    this.#fail(device, scope, []);
    removeMember(this.#held, device, scope);
    removeMember(this.#joining, device, scope);
    this.#undefer(device);
    this.#forgetIfEmpty(scope);
  }

  #forgetIfEmpty(scope: string): void {
    if (this.#crowds.get(scope)?.isEmpty === true) this.#crowds.delete(scope);
  }

  #end(scope: string, waves: readonly Wave[]): void {
    for (const { waiters } of waves) {
      for (const waiter of waiters) {
        const own = this.#waves.get(waiter);
        own?.delete(scope);
        if (own?.size === 0) this.#waves.delete(waiter);
        (own?.size === 0 ? this.#touched : this.#progress).add(waiter);
      }
    }
  }

  #leaveWave(waiter: string, scope: string, wave: Wave): void {
    wave.waiters.delete(waiter);
    if (wave.waiters.size === 0) this.#crowds.get(scope)?.drop(wave);
    const own = this.#waves.get(waiter);
    own?.delete(scope);
    if (own?.size === 0) this.#waves.delete(waiter);
  }

  #settleStrictly(device: string, scope: string): void {
    const acknowledged = this.#acknowledged(device, scope);
    if (acknowledged === undefined || acknowledged < 0 || this.#isFailing(device, scope)) return;
    for (const waiter of this.#strict.acknowledge(device, scope, acknowledged)) this.#touched.add(waiter);
  }

  #isFailing(device: string, scope: string): boolean {
    return this.#failures.has(device, scope) || this.#crowds.get(scope)?.broken.has(device) === true;
  }

  #fail(device: string, scope: string, failed: readonly FailedRow[], removers: () => readonly string[] = () => []): void {
    for (const waiter of this.#failures.replace(device, scope, failed, removers)) this.#touched.add(waiter);
  }

  #lateOf(waiter: string): readonly string[] {
    const lists: (readonly string[])[] = [];
    const waves = this.#waves.get(waiter);
    for (const [scope, wave] of waves ?? []) lists.push(this.#crowds.get(scope)?.lateOf(wave) ?? []);
    for (const [scope, since] of this.audience.scopes(waiter)) {
      const crowd = this.#crowds.get(scope);
      if (crowd === undefined) continue;
      if (crowd.newcomers.size > 0 && waves?.has(scope) !== true) lists.push([...crowd.newcomers].sort(byText));
      const leavers = leaversSince(crowd, since);
      if (leavers.length > 0) lists.push(leavers);
    }
    const [only, ...others] = lists;
    return others.length === 0 ? (only ?? []) : [...new Set(lists.flat())].sort(byText);
  }

  /** Of a device that is waited for and fails as a whole. */
  #breakdowns(waiter: string, late: readonly string[]): Failure[] {
    if (late.length === 0) return [];
    const found = new Map<string, Failure>();
    const scopes = new Set([...this.audience.scopes(waiter).keys(), ...(this.#waves.get(waiter)?.keys() ?? [])]);
    for (const scope of scopes) {
      const broken = this.#crowds.get(scope)?.broken;
      if (broken === undefined || broken.size === 0) continue;
      const waiting = new Set(late);
      for (const [device, { code, message }] of broken) {
        if (waiting.has(device)) found.set(device, { device, scope, row: '', code, message });
      }
    }
    return [...found.values()];
  }
}

const leaversSince = ({ leavers }: Crowd, since: Version): readonly string[] =>
  leavers.size === 0 ? [] : [...leavers].filter(([, { left }]) => since < left).map(([device]) => device).sort(byText);
