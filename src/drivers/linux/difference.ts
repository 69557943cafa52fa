/**
 * The difference of two item maps as ordered steps. Withdrawals come first; everything else follows from what items
 * need. Pure, and ignorant of any tool: what to do with one item is in steps/.
 */
import type { Op } from '../driver.ts';
import type { Item, ItemKey, Items, Kind } from './model.ts';
import { inOrder } from './order.ts';
import { stepsOf } from './steps/all.ts';
import type { Site, Step } from './steps/step.ts';

/** A step with the flags that the Linux driver's `apply` understands. */
export type LinuxOp = Op & Omit<Step, 'argv' | 'stdin'>;

type Fate = 'keep' | 'make' | 'change' | 'replace' | 'remove';

/** What leads from `actual` to `wanted`, in the order in which to do it. */
export const difference = (actual: Items, wanted: Items, site: Site): readonly LinuxOp[] => {
  const fates = fatesOf(actual, wanted, site);
  const removals = removalsOf(actual, fates, site);
  const creations = creationsOf(actual, wanted, fates, removals, site);
  return inOrder([...removals.values(), ...creations].flat());
};

/** Items of `actual` that will not stay as they are, even if they come back. */
export const goneKeys = (actual: Items, wanted: Items, site: Site): ReadonlySet<ItemKey> => {
  const fates = fatesOf(actual, wanted, site);
  return new Set([...fates].flatMap(([key, fate]) => (isGone(fate) ? [key] : [])));
};

const createSteps = <K extends Kind>(item: Item<K>, site: Site): readonly Step[] =>
  stepsOf[item.kind].create(item.state, site);

const againSteps = <K extends Kind>(item: Item<K>, site: Site): readonly Step[] =>
  stepsOf[item.kind].again?.(item.state, site) ?? createSteps(item, site);

const removeSteps = <K extends Kind>(item: Item<K>, site: Site, replaced: boolean): readonly Step[] =>
  stepsOf[item.kind].remove(item.state, site, replaced);

/** Steps from one state to another of the same kind; undefined when it must be replaced. */
const changeSteps = <K extends Kind>(from: Item<K>, to: Item, site: Site): readonly Step[] | undefined =>
  isKind(to, from.kind) ? stepsOf[from.kind].change(from.state, to.state, site) : undefined;

const isKind = <K extends Kind>(item: Item, kind: K): item is Item & Item<K> => item.kind === kind;

const isSame = <K extends Kind>(from: Item<K>, to: Item): boolean => {
  if (!isKind(to, from.kind)) return false;
  const same = stepsOf[from.kind].same;
  return same === undefined ? isDeepEqual(from.state, to.state) : same(from.state, to.state);
};

/** States are plain values, arrays and records of them; the order of fields says nothing. */
const isDeepEqual = (one: unknown, other: unknown): boolean => {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([name, value]) => right.has(name) && isDeepEqual(value, right.get(name)));
};

const fatesOf = (actual: Items, wanted: Items, site: Site): Map<ItemKey, Fate> => {
  const fates = new Map<ItemKey, Fate>();
  for (const item of actual.values()) {
    const to = wanted.get(item.key);
    if (to !== undefined) fates.set(item.key, fateOf(item, to, site));
    else if (item.foreign !== true) fates.set(item.key, 'remove');
  }
  for (const key of wanted.keys()) if (!fates.has(key)) fates.set(key, 'make');
  cascade(actual, wanted, fates);
  return fates;
};

const fateOf = (from: Item, to: Item, site: Site): Fate => {
  if (isSame(from, to)) return 'keep';
  return changeSteps(from, to, site) === undefined ? 'replace' : 'change';
};

const isGone = (fate: Fate | undefined): boolean => fate === 'replace' || fate === 'remove';

/** What needs something that goes away goes with it, and comes back with it. */
const cascade = (actual: Items, wanted: Items, fates: Map<ItemKey, Fate>): void => {
  let changed = true;
  while (changed) {
    changed = false;
    for (const item of actual.values()) {
      const fate = fates.get(item.key);
      if (fate === undefined || isGone(fate) || !wanted.has(item.key)) continue;
      if (!item.needs.some((key) => isGone(fates.get(key)))) continue;
      fates.set(item.key, 'replace');
      changed = true;
    }
  }
};

const removalsOf = (actual: Items, fates: ReadonlyMap<ItemKey, Fate>, site: Site): Map<ItemKey, LinuxOp[]> => {
  const stepsByKey = new Map<ItemKey, readonly Step[]>();
  for (const item of withdrawalsFirst(actual)) {
    const fate = fates.get(item.key);
    if (!isGone(fate) || vanishes(item, actual, fates)) continue;
    const replaced = fate === 'replace';
    if (replaced && stepsOf[item.kind].overwrites === true) continue;
    stepsByKey.set(item.key, removeSteps(item, site, replaced));
  }
  const last = lastKeys('remove', stepsByKey);
  const goesAfter = new Map<ItemKey, Set<string>>();
  for (const item of actual.values()) {
    const done = last.get(item.key);
    if (done === undefined) continue;
    for (const key of [...item.needs, ...(item.after ?? [])]) goesAfter.set(key, (goesAfter.get(key) ?? new Set()).add(done));
  }
  return new Map([...stepsByKey].map(([key, steps]) => [key, opsOf(`remove/${key}`, steps, [...(goesAfter.get(key) ?? [])], [])]));
};

const withdrawalsFirst = (actual: Items): readonly Item[] => {
  const items = [...actual.values()];
  const isDoor = ({ kind }: Item): boolean => kind === 'port' || kind === 'subinterface';
  return [...items.filter(isDoor), ...items.filter((item) => !isDoor(item))];
};

/** Whether the item disappears because what it is within does. */
const vanishes = (item: Item, actual: Items, fates: ReadonlyMap<ItemKey, Fate>): boolean => {
  if (item.within === undefined) return false;
  if (isGone(fates.get(item.within)) && actual.has(item.within)) return true;
  const container = actual.get(item.within);
  return container !== undefined && vanishes(container, actual, fates);
};

const creationsOf = (
  actual: Items,
  wanted: Items,
  fates: ReadonlyMap<ItemKey, Fate>,
  removals: ReadonlyMap<ItemKey, readonly LinuxOp[]>,
  site: Site,
): readonly LinuxOp[][] => {
  const stepsByKey = new Map<ItemKey, readonly Step[]>();
  for (const item of wanted.values()) {
    const steps = wantedSteps(actual.get(item.key), item, fates.get(item.key), site);
    if (steps.length > 0) stepsByKey.set(item.key, steps);
  }
  const last = lastKeys('', stepsByKey);
  return [...stepsByKey].map(([key, steps]) => {
    const item = wanted.get(key);
    const before = [...(item?.needs ?? []), ...(item?.after ?? [])].map((need) => last.get(need));
    const removed = removals.get(key)?.at(-1)?.key;
    return opsOf(key, steps, [...before, removed].filter((after) => after !== undefined), item?.rows ?? []);
  });
};

const wantedSteps = (from: Item | undefined, to: Item, fate: Fate | undefined, site: Site): readonly Step[] => {
  if (fate === 'make') return createSteps(to, site);
  if (fate === 'replace') return againSteps(to, site);
  return fate === 'change' && from !== undefined ? (changeSteps(from, to, site) ?? []) : [];
};

const lastKeys = (verb: string, stepsByKey: ReadonlyMap<ItemKey, readonly Step[]>): Map<ItemKey, string> =>
  new Map([...stepsByKey].filter(([, steps]) => steps.length > 0).map(([key]) => [key, verb === '' ? key : `${verb}/${key}`]));

/** Steps of one item, each after the one before; the last carries the item's own key, so others can wait for it. */
const opsOf = (key: string, steps: readonly Step[], after: readonly string[], rows: readonly string[]): LinuxOp[] =>
  steps.map((step, index) => ({
    key: index === steps.length - 1 ? key : `${key}#${index + 1}`,
    ...step,
    after: index === 0 ? [...new Set(after)] : [`${key}#${index}`],
    rows,
  }));
