/**
 * Who still waits for which device. A waiter (an object, or a claim in quarantine) waits for a device to acknowledge a scope
 * at some version or a later one; one acknowledgement settles everything that waited for it, so the work is proportional
 * to what was asked for, never to devices times objects. Pure.
 */
import type { RowId } from '../goal/rows.ts';
import type { Version } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';

export interface Failure {
  readonly device: string;
  readonly scope: string;
  /** Empty when the device as a whole failed. */
  readonly row: RowId | '';
  readonly code: string;
  readonly message: string;
}

/** A row that a device could not realise, and the waiters it matters to; none known when the row is gone from the goal. */
export interface FailedRow {
  readonly row: RowId | '';
  readonly code: string;
  readonly message: string;
  readonly waiters: readonly string[];
}

interface Acknowledgement {
  readonly version: Version;
  readonly failed: ReadonlyMap<RowId, { readonly failure: Failure; readonly waiters: ReadonlySet<string> }>;
}

const neverAcknowledged: Version = -1;
const nothingFailed: Acknowledgement['failed'] = new Map();

export class Barrier {
  /** By device and scope. */
  readonly #acknowledged = new Map<string, Map<string, Acknowledgement>>();
  /** By device and scope: the version each waiter waits for. */
  readonly #waits = new Map<string, Map<string, Map<string, Version>>>();
  /** By waiter and device: the scopes that it waits for there. */
  readonly #pending = new Map<string, Map<string, Set<string>>>();
  readonly #failures = new Map<string, Set<Failure>>();
  /** Waiters that an acknowledgement with any failure does not settle: a row that failed may be one that was to go. */
  readonly #strict = new Set<string>();
  #touched = new Set<string>();

  /** From now on the waiter waits until the device has acknowledged the scope at `version`; nothing happens if it has. */
  expect(waiter: string, device: string, scope: string, version: Version): void {
    const known = this.#acknowledged.get(device)?.get(scope);
    const settled = known !== undefined && known.version >= version;
    if (settled && !(this.#strict.has(waiter) && known.failed.size > 0)) return;
    getOrMake(getOrMake(this.#waits, device, newMap<string, Map<string, Version>>), scope, newMap<string, Version>).set(waiter, version);
    getOrMake(getOrMake(this.#pending, waiter, newMap<string, Set<string>>), device, () => new Set<string>()).add(scope);
    this.#touched.add(waiter);
  }

  /** Lets a strict waiter wait for all that `waiter` waits for at this moment, and for where it failed. */
  follow(strict: string, waiter: string): void {
    this.#strict.add(strict);
    this.#touched.add(strict);
    for (const [device, scopes] of this.#pending.get(waiter) ?? []) {
      for (const scope of scopes) {
        const version = this.#waits.get(device)?.get(scope)?.get(waiter);
        if (version !== undefined) this.expect(strict, device, scope, version);
      }
    }
    for (const { device, scope } of this.#failures.get(waiter) ?? []) {
      this.expect(strict, device, scope, this.#acknowledged.get(device)?.get(scope)?.version ?? 0);
    }
  }

  /** The device is to give up a scope, which it then acknowledges no more: whoever waits for that waits for another one. */
  moveWaits(device: string, from: string, to: string, version: Version): void {
    const waits = this.#waits.get(device)?.get(from);
    this.#waits.get(device)?.delete(from);
    for (const waiter of waits?.keys() ?? []) {
      this.#pending.get(waiter)?.get(device)?.delete(from);
      this.expect(waiter, device, to, version);
      if (this.#pending.get(waiter)?.get(device)?.size === 0) this.#unpend(waiter, device);
    }
    const gone = this.#acknowledged.get(device);
    this.#exchangeFailures(gone?.get(from)?.failed ?? nothingFailed, nothingFailed);
    gone?.delete(from);
  }

  /** A waiter that only an acknowledgement without failures settles; call before `expect`. */
  addStrict(waiter: string): void {
    this.#strict.add(waiter);
    this.#touched.add(waiter);
  }

  /**
   * The device runs the scope at `version`, but for the failed rows; replaces what it said of the scope before. When the
   * device failed as a whole, nothing is settled.
   */
  acknowledge(device: string, scope: string, version: Version, failed: readonly FailedRow[]): void {
    const before = this.#acknowledged.get(device)?.get(scope);
    if (before !== undefined && before.version > version) return;
    const whole = failed.some(({ row }) => row === '');
    const waiting = [...(this.#waits.get(device)?.get(scope)?.keys() ?? [])];
    const settled = whole ? waiting : this.#settle(device, scope, version, failed.length > 0);
    const entries = failed.map(({ row, code, message, waiters }) => {
      const failure = { device, scope, row, code, message };
      // Nobody wants the row any more: it matters to those whose change removed it.
      const removers = waiters.length > 0 && row !== '' ? [] : [...settled, ...(before?.failed.get(row)?.waiters ?? [])];
      return [row, { failure, waiters: new Set([...waiters, ...removers]) }] as const;
    });
    const after: Acknowledgement = {
      version: whole ? (before?.version ?? neverAcknowledged) : version,
      failed: entries.length === 0 ? nothingFailed : new Map(entries),
    };
    this.#exchangeFailures(before?.failed ?? nothingFailed, after.failed);
    getOrMake(this.#acknowledged, device, newMap<string, Acknowledgement>).set(scope, after);
  }

  /** What the device acknowledged counts no more: it lost its state. Whoever needs it must `expect` again. */
  forgetAcknowledged(device: string): void {
    for (const { failed } of this.#acknowledged.get(device)?.values() ?? []) this.#exchangeFailures(failed, nothingFailed);
    this.#acknowledged.delete(device);
  }

  /** The device is no more: nobody waits for it. */
  removeDevice(device: string): void {
    this.forgetAcknowledged(device);
    for (const waiters of this.#waits.get(device)?.values() ?? []) {
      for (const waiter of waiters.keys()) this.#unpend(waiter, device);
    }
    this.#waits.delete(device);
  }

  /** The waiter is no more. */
  removeWaiter(waiter: string): void {
    for (const [device, scopes] of this.#pending.get(waiter) ?? []) {
      for (const scope of scopes) this.#waits.get(device)?.get(scope)?.delete(waiter);
    }
    this.#pending.delete(waiter);
    this.#failures.delete(waiter);
    this.#strict.delete(waiter);
    this.#touched.delete(waiter);
  }

  /** Devices that the waiter waits for. */
  pending(waiter: string): string[] {
    return [...(this.#pending.get(waiter)?.keys() ?? [])];
  }

  isSettled(waiter: string): boolean {
    return !this.#pending.has(waiter);
  }

  failures(waiter: string): Failure[] {
    return [...(this.#failures.get(waiter) ?? [])];
  }

  /** Waiters for which something changed since the last call. */
  takeTouched(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  #settle(device: string, scope: string, version: Version, hasFailures: boolean): string[] {
    const waits = this.#waits.get(device)?.get(scope);
    const settled: string[] = [];
    for (const [waiter, wanted] of waits ?? []) {
      if (wanted > version || (hasFailures && this.#strict.has(waiter))) continue;
      waits?.delete(waiter);
      settled.push(waiter);
      const scopes = this.#pending.get(waiter)?.get(device);
      scopes?.delete(scope);
      if (scopes?.size === 0) this.#unpend(waiter, device);
    }
    return settled;
  }

  #unpend(waiter: string, device: string): void {
    const devices = this.#pending.get(waiter);
    devices?.delete(device);
    if (devices?.size === 0) this.#pending.delete(waiter);
    this.#touched.add(waiter);
  }

  #exchangeFailures(before: Acknowledgement['failed'], after: Acknowledgement['failed']): void {
    for (const { failure, waiters } of before.values()) {
      for (const waiter of waiters) {
        const failures = this.#failures.get(waiter);
        failures?.delete(failure);
        if (failures?.size === 0) this.#failures.delete(waiter);
        this.#touched.add(waiter);
      }
    }
    for (const { failure, waiters } of after.values()) {
      for (const waiter of waiters) {
        getOrMake(this.#failures, waiter, () => new Set<Failure>()).add(failure);
        this.#touched.add(waiter);
      }
    }
  }
}

const newMap = <Key, Value>(): Map<Key, Value> => new Map();
