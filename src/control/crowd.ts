/**
 * The devices that hold one scope, and the waves that go through them. A wave is a version that somebody waits for; it
 * counts the devices that are behind it, so an acknowledgement costs the waves it passes, and a wait costs one entry,
 * however many devices hold the scope. Pure.
 */
import type { Version } from '../goal/state.ts';
import { byText } from '../kit/order.ts';

const never: Version = -1;

/** Beyond every version: what waits for it waits until it is told which version it waits for (`Crowd.release`). */
export const withheld: Version = Number.MAX_SAFE_INTEGER;

export interface Wave {
  version: Version;
  /** Members that have not acknowledged this version. */
  behind: number;
  readonly waiters: Set<string>;
  /** Their names, sorted; undefined: not asked for since they changed. */
  late: readonly string[] | undefined;
}

/** A device that gave up the scope and has not yet acknowledged that. */
export interface Leaver {
  /** Who has rows in the scope since this version or later never had any on the device. */
  readonly left: Version;
  /** Version of the device's own scope that tells it to give this one up. */
  readonly until: Version;
}

/** Why a device as a whole fails. */
export interface Breakdown {
  readonly code: string;
  readonly message: string;
}

export class Crowd {
  /** Members, with the version that they acknowledged last. */
  readonly #members = new Map<string, Version>();
  /** Lowest version first. Every device behind one is behind all later ones, so waves end in this order. */
  #waves: Wave[] = [];
  #newcomers: Set<string> | undefined;
  #leavers: Map<string, Leaver> | undefined;
  #broken: Map<string, Breakdown> | undefined;
  #newest: Version = never;

  get members(): ReadonlyMap<string, Version> {
    return this.#members;
  }

  /** Members that have acknowledged nothing yet: everybody with rows in the scope waits for them. */
  get newcomers(): ReadonlySet<string> {
    return this.#newcomers ?? noDevices;
  }

  get leavers(): ReadonlyMap<string, Leaver> {
    return this.#leavers ?? noLeavers;
  }

  get broken(): ReadonlyMap<string, Breakdown> {
    return this.#broken ?? noBreakdowns;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#waves.length === 0 && this.#leavers === undefined;
  }

  /** What the device acknowledged; -1 for nothing, undefined when it is no member. */
  acknowledged(device: string): Version | undefined {
    return this.#members.get(device);
  }

  /** Adds a member, or lets one begin anew that lost its state. */
  join(device: string): void {
    const before = this.#members.get(device);
    for (const wave of this.#waves) if (before === undefined || before >= wave.version) this.#shift(wave, 1);
    this.#members.set(device, never);
    (this.#newcomers ??= new Set()).add(device);
    this.endLeave(device);
    this.endBreakdown(device);
  }

  /** Removes a member. Answers the waves that it was behind, and those of them that end with it. */
  leave(device: string): { readonly passed: readonly Wave[]; readonly ended: readonly Wave[] } {
    const before = this.#members.get(device);
    if (before === undefined) return { passed: [], ended: [] };
    const passed = this.#waves.filter(({ version }) => version > before);
    const ended = this.#pass(before, withheld);
    this.#members.delete(device);
    this.#endNewcomer(device);
    this.endBreakdown(device);
    return { passed, ended };
  }

  /** The member acknowledged a version. Answers the waves that end with that. */
  advance(device: string, version: Version): readonly Wave[] {
    const before = this.#members.get(device);
    if (before === undefined || before >= version) return [];
    this.#members.set(device, version);
    this.#newest = Math.max(this.#newest, version);
    if (before === never) this.#endNewcomer(device);
    return this.#pass(before, version);
  }

  /** The wave of a version, made when there is none; undefined when no member is behind it. */
  wave(version: Version): Wave | undefined {
    const at = this.#find(version);
    const found = this.#waves[at];
    if (found?.version === version) return found;
    const behind = version > this.#newest ? this.#members.size : this.late(version).length;
    if (behind === 0) return undefined;
    const made: Wave = { version, behind, waiters: new Set(), late: undefined };
    this.#waves.splice(at, 0, made);
    return made;
  }

  /** Nobody waits for the wave any more. */
  drop(wave: Wave): void {
    const at = this.#waves.indexOf(wave);
    if (at >= 0) this.#waves.splice(at, 1);
  }

  /** Members behind a version, sorted. */
  late(version: Version): readonly string[] {
    const found: string[] = [];
    for (const [device, acknowledged] of this.#members) if (acknowledged < version) found.push(device);
    return found.sort(byText);
  }

  lateOf(wave: Wave): readonly string[] {
    wave.late ??= this.late(wave.version);
    return wave.late;
  }

  waves(): readonly Wave[] {
    return this.#waves;
  }

  startLeave(device: string, leaver: Leaver): void {
    (this.#leavers ??= new Map()).set(device, leaver);
  }

  endLeave(device: string): void {
    this.#leavers?.delete(device);
    if (this.#leavers?.size === 0) this.#leavers = undefined;
  }

  startBreakdown(device: string, breakdown: Breakdown): void {
    (this.#broken ??= new Map()).set(device, breakdown);
  }

  endBreakdown(device: string): void {
    this.#broken?.delete(device);
    if (this.#broken?.size === 0) this.#broken = undefined;
  }

  #endNewcomer(device: string): void {
    this.#newcomers?.delete(device);
    if (this.#newcomers?.size === 0) this.#newcomers = undefined;
  }

  /** One member has passed the waves after `from`, up to `to`. */
  #pass(from: Version, to: Version): readonly Wave[] {
    for (let at = this.#find(from + 1); at < this.#waves.length; at++) {
      const wave = this.#waves[at];
      if (wave === undefined || wave.version > to) break;
      this.#shift(wave, -1);
    }
    const ended = this.#waves.findIndex(({ behind }) => behind > 0);
    return this.#waves.splice(0, ended < 0 ? this.#waves.length : ended);
  }

  #shift(wave: Wave, step: 1 | -1): void {
    wave.behind += step;
    wave.late = undefined;
  }

  /** Position of the first wave of this version or a later one. */
  #find(version: Version): number {
    let [low, high] = [0, this.#waves.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waves[middle]?.version ?? withheld) < version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const noDevices: ReadonlySet<string> = new Set();
const noLeavers: ReadonlyMap<string, Leaver> = new Map();
const noBreakdowns: ReadonlyMap<string, Breakdown> = new Map();

/** Counts devices once, without listing those of the largest crowd. */
export class Counting {
  readonly #largest: Crowd | undefined;
  readonly #others = new Set<string>();

  constructor(crowds: readonly Crowd[]) {
    for (const crowd of crowds) if (crowd.members.size > (this.#largest?.members.size ?? 0)) this.#largest = crowd;
    for (const crowd of crowds) if (crowd !== this.#largest) for (const device of crowd.members.keys()) this.add(device);
  }

  get count(): number {
    return (this.#largest?.members.size ?? 0) + this.#others.size;
  }

  add(device: string): void {
    if (this.#largest?.members.has(device) !== true) this.#others.add(device);
  }
}
