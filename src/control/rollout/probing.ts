/**
 * Whether leaves still reach each other while a change goes from device to device. Before a wave goes, each of its leaves is asked
 * which leaves that hold the same VRFs answer it, VTEP to VTEP; after that it is asked again and again about those that did, until
 * the rollout is over. Who cannot probe, or says nothing, is not held up by it.
 */
import { deviceScope, rowId } from '../../goal/rows.ts';
import type { GoalState } from '../../goal/state.ts';
import type { Clock } from '../../kit/clock.ts';
import { byText } from '../../kit/order.ts';
import type { Answer } from '../../southbound/pending.ts';

export interface ProbingOptions {
  readonly goal: Pick<GoalState, 'subscriptions' | 'devicesOf' | 'scope'>;
  /** Asks a device which of these addresses answer it. */
  readonly probe: (device: string, targets: readonly string[], milliseconds: number) => Promise<Answer<ReadonlyMap<string, boolean>>>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly later: (milliseconds: number, action: () => void) => void;
  /** Something was answered, or was not in time. */
  readonly onAnswer: () => void;
  /** Between two rounds. Default 500. */
  readonly pauseMilliseconds?: number;
}

/** Names for people, by address. */
type Targets = ReadonlyMap<string, string>;

interface Watched {
  readonly targets: Targets;
  /** When what is known was asked for, monotonic milliseconds. */
  asked: number;
  /** By name; undefined: it said nothing. */
  results: ReadonlyMap<string, boolean> | undefined;
}

const probeMilliseconds = 1000;
const mostTargets = 8;
/** Of the VRFs of a leaf; their holders are looked through. */
const mostVrfs = 16;
/** Devices that are asked at the same time. */
const mostAtOnce = 32;

export class Probing {
  readonly #options: ProbingOptions;
  /** By device, those of the last wave last. */
  readonly #watched = new Map<string, Watched>();
  #isGoing = false;

  constructor(options: ProbingOptions) {
    this.#options = options;
  }

  /** Finds out who answers these devices now, and watches them from then on. Never rejects. */
  async begin(devices: readonly string[]): Promise<void> {
    await inTurns(devices, async (device) => {
      this.#watched.delete(device);
      const targets = targetsOf(device, this.#options.goal);
      if (targets.size === 0) return;
      const asked = this.#options.clock.monotonic();
      const found = await this.#ask(device, targets);
      const answering = new Map([...targets].filter(([, name]) => found?.get(name) === true));
      if (answering.size > 0) this.#watched.set(device, { targets: answering, asked, results: named(answering, () => true) });
    });
    this.#go();
  }

  /** These are asked no more. */
  forget(devices: Iterable<string>): void {
    for (const device of devices) this.#watched.delete(device);
  }

  /** Whether those that a device reached answer it, by name; undefined: it does not probe. */
  results(device: string): ReadonlyMap<string, boolean> | undefined {
    return this.#watched.get(device)?.results;
  }

  /** Whether what is known of a device was asked for at a time or later; true for one that does not probe. */
  isFresh(device: string, since: number): boolean {
    return (this.#watched.get(device)?.asked ?? since) >= since;
  }

  #go(): void {
    if (this.#isGoing || this.#watched.size === 0) return;
    this.#isGoing = true;
    this.#options.later(this.#options.pauseMilliseconds ?? 500, () => void this.#round());
  }

  async #round(): Promise<void> {
    await inTurns([...this.#watched.keys()].toReversed(), (device) => this.#again(device));
    this.#isGoing = false;
    this.#go();
  }

  async #again(device: string): Promise<void> {
    const watched = this.#watched.get(device);
    if (watched === undefined) return;
    const asked = this.#options.clock.monotonic();
    watched.results = await this.#ask(device, watched.targets);
    watched.asked = asked;
    this.#options.onAnswer();
  }

  /** By name; undefined: the device says nothing. */
  async #ask(device: string, targets: Targets): Promise<ReadonlyMap<string, boolean> | undefined> {
    const answer = await this.#options.probe(device, [...targets.keys()], probeMilliseconds);
    return answer.ok ? named(targets, (address) => answer.found.get(address) === true) : undefined;
  }
}

const named = (targets: Targets, answers: (address: string) => boolean): ReadonlyMap<string, boolean> =>
  new Map([...targets].map(([address, name]) => [name, answers(address)]));

const inTurns = async (devices: readonly string[], work: (device: string) => Promise<void>): Promise<void> => {
  const rest = devices.values();
  const turn = async (): Promise<void> => {
    for (const device of rest) await work(device);
  };
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, devices.length) }, turn));
};

/** Leaves that hold VRFs of this one, at most 8 of them, by the address of their VTEP. */
export const targetsOf = (device: string, goal: ProbingOptions['goal']): Targets => {
  if (vtepOf(device, goal) === undefined) return new Map();
  const vrfs = evenly(goal.subscriptions(device).filter((scope) => scope.startsWith('vpc/')).toSorted(byText), mostVrfs);
  const holders = new Set(vrfs.flatMap((scope) => [...goal.devicesOf(scope)]));
  holders.delete(device);
  const leaves = [...holders].toSorted(byText).flatMap((name) => {
    const address = vtepOf(name, goal);
    return address === undefined ? [] : [[address, `${name} (${address})`] as const];
  });
  return new Map(evenly(leaves, mostTargets));
};

const vtepOf = (device: string, goal: ProbingOptions['goal']): string | undefined => {
  const row = goal.scope(deviceScope(device)).rows.get(rowId({ table: 'vtep', key: 'self' }));
  return row?.table === 'vtep' ? row.value.address : undefined;
};

/** So many of a list, with about the same number left out between them. */
const evenly = <Item>(list: readonly Item[], most: number): readonly Item[] =>
  list.length <= most ? list : list.filter((_, index) => Math.floor((index * most) / list.length) !== Math.floor(((index - 1) * most) / list.length));
