/**
 * Who waits for one device and one scope, and is content only with an acknowledgement without failures: claims in
 * quarantine, because a row that failed may be the one that was to go. They are few, so each wait is an entry. Pure.
 */
import type { Version } from '../goal/state.ts';
import { addMember, getOrMake, removeMember } from '../kit/maps.ts';

export class StrictWaits {
  /** By device and scope: the version each waiter waits for. */
  readonly #waits = new Map<string, Map<string, Map<string, Version>>>();
  /** By waiter: devices and scopes, as one key. */
  readonly #places = new Map<string, Set<string>>();

  /** Waits for this version, or for the later one that it waits for already. */
  expect(waiter: string, device: string, scope: string, version: Version): void {
    const scopes = getOrMake(this.#waits, device, () => new Map<string, Map<string, Version>>());
    const waits = getOrMake(scopes, scope, () => new Map<string, Version>());
    waits.set(waiter, Math.max(version, waits.get(waiter) ?? version));
    addMember(this.#places, waiter, placeOf(device, scope));
  }

  isWaiting(waiter: string): boolean {
    return this.#places.has(waiter);
  }

  /** The device acknowledged the scope without failures. Answers who waits for nothing any more. */
  acknowledge(device: string, scope: string, version: Version): readonly string[] {
    const waits = this.#waits.get(device)?.get(scope);
    const done: string[] = [];
    for (const [waiter, wanted] of waits ?? []) if (wanted <= version && this.#end(waiter, device, scope)) done.push(waiter);
    return done;
  }

  /** The device is to give up a scope: who waits for that waits for another one. */
  move(device: string, from: string, to: string, version: Version): void {
    for (const waiter of this.#waits.get(device)?.get(from)?.keys() ?? []) {
      this.#end(waiter, device, from);
      this.expect(waiter, device, to, version);
    }
  }

  /** Who waits for one version of the scope on a device waits for another one. */
  revise(device: string, scope: string, from: Version, to: Version): void {
    const waits = this.#waits.get(device)?.get(scope);
    for (const [waiter, version] of waits ?? []) if (version === from) waits?.set(waiter, to);
  }

  /** The device is no more. Answers who waits for nothing any more. */
  removeDevice(device: string): readonly string[] {
    const done: string[] = [];
    for (const [scope, waits] of this.#waits.get(device) ?? []) {
      for (const waiter of waits.keys()) if (this.#end(waiter, device, scope)) done.push(waiter);
    }
    this.#waits.delete(device);
    return done;
  }

  removeWaiter(waiter: string): void {
    for (const place of this.#places.get(waiter) ?? []) {
      const cut = place.indexOf(' ');
      this.#end(waiter, place.slice(0, cut), place.slice(cut + 1));
    }
  }

  /** Whether that was the last thing it waited for. */
  #end(waiter: string, device: string, scope: string): boolean {
    const scopes = this.#waits.get(device);
    const waits = scopes?.get(scope);
    waits?.delete(waiter);
    if (waits?.size === 0) scopes?.delete(scope);
    if (scopes?.size === 0) this.#waits.delete(device);
    removeMember(this.#places, waiter, placeOf(device, scope));
    return !this.#places.has(waiter);
  }
}

/** Names of devices hold no blank. */
const placeOf = (device: string, scope: string): string => `${device} ${scope}`;
