/**
 * The ways of packets between devices, from the rows of ports and sessions. Every device is an AS of its own and uses all
 * routes of the shortest AS path (RFC 7938), so the ways are the shortest ones; a gateway lets nothing through, and what is
 * drained is used only where nothing else leads (RFC 8326). Pure.
 */
import { deviceScope } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';

/** One end of a cable. */
export interface PortOf {
  readonly device: string;
  readonly port: string;
}

export interface Adjacency {
  readonly port: string;
  /** The other end. */
  readonly far: PortOf;
  readonly drained: boolean;
}

/** What is taken for gone: a device, or a port with its cable. */
export type IsDown = (device: string, port?: string) => boolean;

/** How a device reaches the destination of a tree. */
export interface Reached {
  /** Number of cables. */
  readonly distance: number;
  /** All that are equally short. */
  readonly nexts: readonly Adjacency[];
}

/** By device; those that do not reach it are not there. The destination has the distance 0. */
export type Tree = ReadonlyMap<string, Reached>;

export interface Ways {
  /** Cables of each way; 0 on one device. */
  readonly distance: number;
  /** Some of the ways, each as its cables in the order of travel. */
  readonly ways: readonly (readonly { readonly from: PortOf; readonly to: PortOf }[])[];
  /** How many there are. */
  readonly count: number;
}

/** Reads the rows of a device when it is first met. */
export class Underlay {
  readonly #goal: Pick<GoalState, 'scope'>;
  readonly #isDown: IsDown;
  readonly #neighbours = new Map<string, readonly Adjacency[]>();

  constructor(goal: Pick<GoalState, 'scope'>, isDown: IsDown = () => false) {
    this.#goal = goal;
    this.#isDown = isDown;
  }

  /** Over cables that have a session at both ends. */
  neighbours(device: string): readonly Adjacency[] {
    return getOrMake(this.#neighbours, device, () => this.#read(device));
  }

  /** Whether routes learnt from one neighbour are told to the others. */
  isTransit(device: string): boolean {
    const row = this.#goal.scope(deviceScope(device)).rows.get('system/self');
    return row?.table === 'system' && row.value.role !== 'gateway';
  }

  isDrained(device: string): boolean {
    const row = this.#goal.scope(deviceScope(device)).rows.get('bgp/underlay');
    return row?.table === 'bgp' && row.value.drained === true;
  }

  #read(device: string): Adjacency[] {
    if (this.#isDown(device)) return [];
    const { rows } = this.#goal.scope(deviceScope(device));
    const found: Adjacency[] = [];
    for (const peer of rows.in('bgpPeer')) {
      if (peer.table !== 'bgpPeer' || this.#isDown(device, peer.value.port)) continue;
      const own = { device, port: peer.value.port };
      const far = this.#far(own);
      if (far === undefined || this.#isDown(far.device) || this.#isDown(far.device, far.port)) continue;
      found.push({ port: own.port, far, drained: peer.value.drained === true || this.#isDrainedAt(far) });
    }
    return found;
  }

  /** The other end of a cable, when that says the same. */
  #far({ device, port }: PortOf): PortOf | undefined {
    const row = this.#goal.scope(deviceScope(device)).rows.get(`port/${port}`);
    const far = row?.table === 'port' ? portOf(row.value.peer) : undefined;
    if (far === undefined) return undefined;
    const { rows } = this.#goal.scope(deviceScope(far.device));
    const back = rows.get(`port/${far.port}`);
    return rows.has(`bgpPeer/${far.port}`) && back?.table === 'port' && back.value.peer === `${device}/${port}` ? far : undefined;
  }

  #isDrainedAt({ device, port }: PortOf): boolean {
    const row = this.#goal.scope(deviceScope(device)).rows.get(`bgpPeer/${port}`);
    return row?.table === 'bgpPeer' && row.value.drained === true;
  }
}

/** `<device>/<port>`; ports have slashes in their names, devices have none. */
const portOf = (text: string): PortOf => {
  const slash = text.indexOf('/');
  return { device: text.slice(0, slash), port: text.slice(slash + 1) };
};

/**
 * How everybody reaches a device: over what is not drained, and those who cannot, over all there is.
 * @param until nothing farther away than this device is looked for
 */
export const treeTo = (underlay: Underlay, device: string, until?: string): Tree => {
  const usual = grow(underlay, device, until, false);
  if (until !== undefined && usual.has(until)) return usual;
  const any = grow(underlay, device, until, true);
  return until === undefined ? new Map([...any, ...usual]) : any;
};

const grow = (underlay: Underlay, device: string, until: string | undefined, overDrained: boolean): Tree => {
  const tree = new Map<string, { distance: number; nexts: Adjacency[] }>([[device, { distance: 0, nexts: [] }]]);
  const leadsOn = (known: string): boolean => known === device || (underlay.isTransit(known) && (overDrained || !underlay.isDrained(known)));
  const own = until === undefined ? [] : underlay.neighbours(until).filter(({ drained }) => overDrained || !drained);
  let level = until === device ? [] : [device];
  for (let distance = 1; level.length > 0; distance += 1) {
    // Whoever is looked for knows its neighbours: those of a spine, which are thousands, need not be looked through for it.
    const found = own.filter(({ far }) => tree.get(far.device)?.distance === distance - 1 && leadsOn(far.device));
    if (until !== undefined && found.length > 0) return tree.set(until, { distance, nexts: found });
    const next: string[] = [];
    for (const known of level) {
      if (!leadsOn(known)) continue;
      for (const { port, far, drained } of underlay.neighbours(known)) {
        if (drained && !overDrained) continue;
        const reached = tree.get(far.device);
        if (reached !== undefined && reached.distance < distance) continue;
        const back = { port: far.port, far: { device: known, port }, drained };
        if (reached !== undefined) reached.nexts.push(back);
        else {
          tree.set(far.device, { distance, nexts: [back] });
          next.push(far.device);
        }
      }
    }
    level = next;
  }
  return tree;
};

/** Ways from one device to another, at most `most` of them spelt out; undefined when there is none. */
export const waysBetween = (underlay: Underlay, from: string, to: string, most = 8): Ways | undefined => {
  const tree = treeTo(underlay, to, from);
  const start = tree.get(from);
  if (start === undefined) return undefined;
  const counts = new Map<string, number>();
  const countOf = (device: string): number =>
    device === to ? 1 : getOrMake(counts, device, () => (tree.get(device)?.nexts ?? []).reduce((sum, { far }) => sum + countOf(far.device), 0));
  const ways: { readonly from: PortOf; readonly to: PortOf }[][] = [];
  const walk = (device: string, way: readonly { readonly from: PortOf; readonly to: PortOf }[]): void => {
    if (ways.length >= most) return;
    if (device === to) return void ways.push([...way]);
    for (const { port, far } of byPort(tree.get(device)?.nexts ?? [])) walk(far.device, [...way, { from: { device, port }, to: far }]);
  };
  walk(from, []);
  return { distance: start.distance, ways, count: countOf(from) };
};

const byPort = (nexts: readonly Adjacency[]): readonly Adjacency[] =>
  nexts.toSorted((left, right) => left.port.localeCompare(right.port, 'en', { numeric: true }));
