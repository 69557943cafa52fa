/**
 * How far the switches of a redundancy group are apart: from the first that runs a version of what they share to the last. In
 * this time they differ. A window begins with a version that none of them had; one that changes its members meanwhile is not
 * measured. Pure.
 */
import type { Version } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';

interface Window {
  readonly version: Version;
  /** Monotonic milliseconds. */
  readonly since: number;
  /** Names, to tell whether they are still the same. */
  readonly members: string;
}

interface Group {
  newest: Version;
  /** Lowest version first. */
  windows: readonly Window[];
}

/** Changes that are under way at once; what is beyond is a device that does not answer, which is told elsewhere. */
const mostWindows = 64;

export class GroupSkew {
  readonly #groups = new Map<string, Group>();

  /**
   * A member has acknowledged this version. Answers the milliseconds of each window that ends with that.
   * @param members what each member of the scope has acknowledged, -1 for nothing
   */
  heard(scope: string, version: Version, members: ReadonlyMap<string, Version>, now: number): readonly number[] {
    const group = getOrMake(this.#groups, scope, (): Group => ({ newest: -1, windows: [] }));
    const names = [...members.keys()].sort().join(' ');
    if (version > group.newest && members.size > 1) {
      group.windows = [...group.windows, { version, since: now, members: names }].slice(-mostWindows);
    }
    group.newest = Math.max(group.newest, version);
    const least = Math.min(...members.values());
    const ended = group.windows.filter((window) => window.version <= least);
    group.windows = group.windows.filter((window) => window.version > least);
    return ended.filter((window) => window.members === names).map(({ since }) => now - since);
  }
}
