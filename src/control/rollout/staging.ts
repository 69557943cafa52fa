/**
 * Which rows of a candidate wait for a later wave. A row waits that comes of an edit, on devices whose wave was not let go yet. What
 * devices share goes with the last wave, all of it at once: filters of two VPCs that change together are never one as it was and the
 * other as it is to be. Rows that something else changes meanwhile go at once, but for those
 * that wait already. Pure.
 */
import { deviceScope, rowId, type RowId } from '../../goal/rows.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import { addMember, getOrMake } from '../../kit/maps.ts';
import type { PartiesOf, Reason, Withheld } from '../withheld.ts';

const devicePrefix = deviceScope('');

export interface Sources {
  readonly goal: Pick<GoalState, 'devicesOf' | 'scope'>;
  readonly withheld: Pick<Withheld, 'get' | 'has'>;
  readonly partiesOf: PartiesOf;
}

/** Rows that come of edits, or wait already. */
export interface Staged {
  /** Devices that hold them. */
  readonly devices: ReadonlySet<string>;
  /** By scope. */
  readonly rows: ReadonlyMap<string, readonly RowId[]>;
  /** Keys of edited objects that some of the rows come from. */
  readonly edited: ReadonlySet<string>;
}

/** Devices that a scope concerns and that run something already: a device that is new has nothing to lose. */
export const holdersOf = (scope: string, goal: Sources['goal']): readonly string[] => {
  const holders = scope.startsWith(devicePrefix) ? [scope.slice(devicePrefix.length)] : goal.devicesOf(scope);
  return holders.filter((device) => goal.scope(deviceScope(device)).version > 0);
};

/** @param isEdited by key of an object */
export const stagedIn = (candidate: readonly ScopeChange[], isEdited: (key: string) => boolean, sources: Sources): Staged => {
  const devices = new Set<string>();
  const rows = new Map<string, RowId[]>();
  const edited = new Set<string>();
  for (const { scope, upserts, deletes } of candidate) {
    const holders = holdersOf(scope, sources.goal);
    if (holders.length === 0) continue;
    for (const id of [...deletes, ...upserts.map(rowId)]) {
      const because = sources.partiesOf(scope, id).objects.filter(isEdited);
      if (because.length === 0 && sources.withheld.get(scope, id)?.reason !== 'Staged') continue;
      for (const key of because) edited.add(key);
      getOrMake(rows, scope, (): RowId[] => []).push(id);
      for (const device of holders) devices.add(device);
    }
  }
  return { devices, rows, edited };
};

/** How far the rollout is that a device takes part in, if any. */
export interface Progress {
  /** The device's wave was let go. */
  readonly isReleased: (device: string) => boolean;
  /** All waves were. */
  readonly isThrough: (device: string) => boolean;
}

/** Whether rows of a scope that come of an edit may be committed. */
export const mayGo = (scope: string, goal: Sources['goal'], { isReleased, isThrough }: Progress): boolean =>
  holdersOf(scope, goal).every(scope.startsWith(devicePrefix) ? isReleased : isThrough);

/** Of these rows those that stay. */
export const staysOf = ({ rows }: Pick<Staged, 'rows'>, goal: Sources['goal'], progress: Progress): Map<string, Map<RowId, Reason>> => {
  const stays = new Map<string, Map<RowId, Reason>>();
  for (const [scope, ids] of rows) {
    if (mayGo(scope, goal, progress)) continue;
    stays.set(scope, new Map(ids.map((id): [RowId, Reason] => [id, 'Staged'])));
  }
  return stays;
};

/** Devices by what they are to be grouped by, such as their fabric. */
export const groupDevices = (devices: Iterable<string>, keyOf: (device: string) => string): ReadonlyMap<string, ReadonlySet<string>> => {
  const groups = new Map<string, Set<string>>();
  for (const device of devices) addMember(groups, keyOf(device), device);
  return groups;
};
