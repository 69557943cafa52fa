/**
 * What is lost when cables or devices fail: who no longer reaches whom, and who is left with one cable or one way. Servers that
 * are in one subnet behind the same devices are alike, and so are leaves with the same neighbours: each question is asked once
 * for all that are alike. Pure.
 */
import { getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import { matrixOf } from './matrix.ts';
import { localScopes, rowIn, rowsIn, vrfIn, type GoalReader, type VrfAt } from './surroundings.ts';
import { treeTo, Underlay, type IsDown, type PortOf } from './underlay.ts';

export interface Outage {
  /** Such as `switch spine-1` or `link leaf-1/E1/49`. */
  readonly name: string;
  readonly devices: readonly string[];
  /** Both ends of cables between devices; of a server's cable the device's end. */
  readonly ports: readonly PortOf[];
}

export interface LostPair {
  /** `<namespace>/<vpc>/<subnet>`, or the name of an External. */
  readonly from: string;
  readonly to: string;
  /** How many pairs of servers. */
  readonly pairs: number;
  /** One of them. */
  readonly example: string;
}

export interface Loss {
  readonly name: string;
  /** Servers with their subnet: out of reach of everybody, and left with one cable of several. */
  readonly cut: readonly string[];
  readonly single: readonly string[];
  /** Pairs that do not reach each other any more, and those that have one cable or way left of several. */
  readonly lost: readonly LostPair[];
  readonly degraded: readonly LostPair[];
}

/** Cables by device; what is behind one of two leaves has two. */
type Cables = ReadonlyMap<string, readonly string[]>;

interface Station {
  readonly name: string;
  readonly subnet: string;
  readonly vrf: string;
  readonly cables: Cables;
}

/** Stations of one subnet with as many cables to the same devices. */
interface Alike {
  readonly subnet: string;
  readonly stations: readonly Station[];
  readonly cables: ReadonlyMap<string, number>;
}

export type Goal = GoalReader & { scopes(): Iterable<string> };

export class WhatIf {
  readonly #goal: Goal;
  readonly #usual: Ways;
  /** By VRF. */
  readonly #stations: ReadonlyMap<string, readonly Station[]>;
  /** By device. */
  readonly #vrfsOn = new Map<string, Set<string>>();
  readonly #vrfs = new Map<string, VrfAt>();
  /** Pairs of subnets that talk, by VRF. */
  readonly #talking = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  #transits: ReadonlySet<string> | undefined;

  constructor(goal: Goal) {
    this.#goal = goal;
    this.#usual = new Ways(goal, () => false);
    for (const scope of goal.scopes()) {
      const vrf = scope.startsWith('vpc/') ? vrfIn(goal, scope) : undefined;
      if (vrf !== undefined) this.#vrfs.set(vrf.name, vrf);
    }
    this.#stations = Map.groupBy(stationsOf(goal), ({ vrf }) => vrf);
    for (const [vrf, stations] of this.#stations) for (const { cables } of stations) for (const device of cables.keys()) getOrMake(this.#vrfsOn, device, () => new Set<string>()).add(vrf);
  }

  /** Every device, and every cable once. */
  singles(): Outage[] {
    const devices = this.devices();
    const links = devices.flatMap((device) => [...rowsIn(this.#goal, `device/${device}`, 'port')].map(({ key }) => linkAt(this.#goal, { device, port: key })));
    const distinct = new Map(links.map((link) => [link.ports.map(({ device, port }) => `${device}/${port}`).sort().join(' '), link]));
    return [...devices.map((device): Outage => ({ name: `switch ${device}`, devices: [device], ports: [] })), ...distinct.values()];
  }

  devices(): string[] {
    return [...this.#goal.scopes()].filter((scope) => scope.startsWith('device/')).map((scope) => scope.slice('device/'.length)).sort(byText);
  }

  fail(outage: Outage): Loss {
    const steps = this.steps(outage);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same in portions of one VRF each. */
  *steps({ name, devices, ports }: Outage): Generator<undefined, Loss> {
    const down = new Set([...devices, ...ports.map(({ device, port }) => `${device} ${port}`)]);
    const isDown: IsDown = (device, port) => down.has(device) || (port !== undefined && down.has(`${device} ${port}`));
    const concerned = this.#concerned(devices, ports);
    const ways = this.#waysWithout(devices, ports, isDown, concerned);
    const vrfs = new Set([...concerned].flatMap((device) => [...(this.#vrfsOn.get(device) ?? [])]).flatMap((vrf) => [vrf, ...this.#insideOf(vrf)]));
    const tally = { cut: new Set<string>(), single: new Set<string>(), lost: new Map<string, LostPair>(), degraded: new Map<string, LostPair>() };
    const [done, alike] = [new Set<string>(), new Map<string, readonly AlikeNow[]>()];
    for (const vrf of vrfs) {
      this.#vrf(vrf, { ways, isDown, concerned, tally, done, alike });
      yield undefined;
    }
    const sorted = (pairs: ReadonlyMap<string, LostPair>): LostPair[] => [...pairs.values()].sort((left, right) => right.pairs - left.pairs || byText(left.from, right.from) || byText(left.to, right.to));
    return { name, cut: [...tally.cut].sort(byText), single: [...tally.single].sort(byText), lost: sorted(tally.lost), degraded: sorted(tally.degraded) };
  }

  /** The usual ones where no cable between devices fails; and where it is a leaf's own, only that leaf's are others. */
  #waysWithout(devices: readonly string[], ports: readonly PortOf[], isDown: IsDown, concerned: ReadonlySet<string>): Ways {
    const isOfServers = devices.length === 0 && ports.every(({ device, port }) => !this.#goal.scope(`device/${device}`).rows.has(`bgpPeer/${port}`));
    if (isOfServers) return this.#usual;
    return concerned.size < this.#vrfsOn.size ? new Ways(this.#goal, isDown, { usual: this.#usual, others: concerned }) : new Ways(this.#goal, isDown);
  }

  /** Devices for whose servers something may change: a leaf that nobody goes through concerns its own alone. */
  #concerned(devices: readonly string[], ports: readonly PortOf[]): ReadonlySet<string> {
    const all = [...devices, ...ports.map(({ device }) => device)];
    const leaves = all.filter((device) => this.#isEnd(device));
    const isLocal = leaves.length > 0 && devices.every((device) => this.#isEnd(device)) && leaves.every((device) => !this.#throughs().has(device));
    return isLocal ? new Set(leaves) : new Set(this.#vrfsOn.keys());
  }

  #isEnd(device: string): boolean {
    return this.#goal.scope(`device/${device}`).rows.has('vtep/self');
  }

  /** Devices with servers that traffic of others goes through. */
  #throughs(): ReadonlySet<string> {
    return (this.#transits ??= this.#usual.transits([...this.#vrfsOn.keys()]));
  }

  #vrf(vrf: string, around: Around): void {
    for (const [peer, pairs] of this.#talkingOf(vrf)) {
      const key = [vrf, peer].sort(byText).join(' ');
      if (around.done.has(key)) continue;
      around.done.add(key);
      const [own, theirs] = [this.#alike(vrf, around), vrf === peer ? undefined : this.#alike(peer, around)];
      const isConcerned = (alike: AlikeNow): boolean => alike.isConcerned;
      for (const left of own.filter(isConcerned)) {
        // Of two of one VRF one order is enough.
        for (const right of theirs ?? own) if (theirs !== undefined || !right.isConcerned || left.rank <= right.rank) this.#pair(left, right, pairs, around);
      }
      for (const right of theirs?.filter(isConcerned) ?? []) for (const left of own) if (!left.isConcerned) this.#pair(left, right, pairs, around);
    }
    for (const alike of this.#alike(vrf, around)) noteStations(alike, around);
  }

  /** Of a network outside, the VPCs that reach it: what talks is known by them. */
  #insideOf(name: string): string[] {
    const scope = this.#vrfs.get(name)?.scope;
    if (scope === undefined || [...rowsIn(this.#goal, scope, 'vrf')][0]?.value.external === undefined) return [];
    return [...rowsIn(this.#goal, scope, 'leak')].map(({ value }) => value.peerVrf);
  }

  #pair(left: AlikeNow, right: AlikeNow, talking: ReadonlySet<string>, { ways, tally }: Around): void {
    const isOne = left === right;
    if (!talking.has(`${left.subnet} ${right.subnet}`) && !talking.has(`${right.subnet} ${left.subnet}`)) return;
    if (isOne && left.stations.length < 2) return;
    const before = levelOf(left.cables, right.cables, this.#usual);
    if (before === 0) return;
    const after = levelOf(left.now, right.now, ways);
    const into = after === 0 ? tally.lost : after === 1 && before > 1 ? tally.degraded : undefined;
    if (into === undefined) return;
    const [near, far] = left.subnet <= right.subnet ? [left, right] : [right, left];
    const [from, to] = [near.subnet, far.subnet];
    const count = isOne ? (left.stations.length * (left.stations.length - 1)) / 2 : left.stations.length * right.stations.length;
    const [first, second] = [near.stations[0]?.name, far.stations[isOne ? 1 : 0]?.name];
    const former = into.get(`${from} ${to}`);
    into.set(`${from} ${to}`, { from, to, pairs: (former?.pairs ?? 0) + count, example: former?.example ?? `${first} <-> ${second}` });
  }

  /** Stations of a VRF by what they have in common, before and after. */
  #alike(vrf: string, { isDown, alike, concerned }: Around): readonly AlikeNow[] {
    return getOrMake(alike, vrf, () => {
      const groups = Map.groupBy(this.#stations.get(vrf) ?? [], ({ subnet, cables }) => {
        const counts = [...cables].map(([device, ports]) => `${device}:${ports.length}:${ports.filter((port) => !isDown(device, port)).length}`);
        return `${subnet} ${counts.sort(byText).join()}`;
      });
      return [...groups.values()].flatMap((stations, rank) => {
        const [first] = stations;
        if (first === undefined) return [];
        const counts = (isUp: (device: string, port: string) => boolean): Map<string, number> =>
          new Map([...first.cables].map(([device, ports]) => [device, ports.filter((port) => isUp(device, port)).length] as const).filter(([, count]) => count > 0));
        return [{ subnet: first.subnet, stations, rank, isConcerned: [...first.cables.keys()].some((device) => concerned.has(device)), cables: counts(() => true), now: counts((device, port) => !isDown(device) && !isDown(device, port)) }];
      });
    });
  }

  /** By peer, pairs of subnets of which one may send the other something. */
  #talkingOf(name: string): ReadonlyMap<string, ReadonlySet<string>> {
    return getOrMake(this.#talking, name, () => {
      const vrf = this.#vrfs.get(name);
      const found = new Map<string, Set<string>>();
      const outside = vrf === undefined ? undefined : [...rowsIn(this.#goal, vrf.scope, 'vrf')][0]?.value.external;
      if (vrf === undefined || outside !== undefined) return found;
      const peers = [name, ...[...rowsIn(this.#goal, vrf.scope, 'leak')].map(({ value }) => value.peerVrf)];
      const homes = new Map(peers.flatMap((peer) => [...new Set((this.#stations.get(peer) ?? []).map(({ subnet }) => subnet))].map((subnet) => [subnet, peer] as const)));
      for (const { from, to } of matrixOf(this.#goal, vrf, 'both')) {
        const [source, destination] = [partyOf(from), partyOf(to)];
        const peer = [source, destination].map((party) => homes.get(party)).find((home) => home !== undefined && home !== name) ?? name;
        const own = homes.get(source) === name ? [source, destination] : [destination, source];
        getOrMake(found, peer, () => new Set<string>()).add(own.join(' ')).add(peer === name ? own.join(' ') : own.toReversed().join(' '));
      }
      return found;
    });
  }
}

interface AlikeNow extends Alike {
  readonly rank: number;
  /** Behind a device for whose servers something may change. */
  readonly isConcerned: boolean;
  /** Cables that are left. */
  readonly now: ReadonlyMap<string, number>;
}

interface Around {
  readonly ways: Ways;
  readonly isDown: IsDown;
  readonly concerned: ReadonlySet<string>;
  readonly tally: { readonly cut: Set<string>; readonly single: Set<string>; readonly lost: Map<string, LostPair>; readonly degraded: Map<string, LostPair> };
  /** Pairs of VRFs that were looked at. */
  readonly done: Set<string>;
  /** By VRF. */
  readonly alike: Map<string, readonly AlikeNow[]>;
}

const noteStations = ({ stations, cables, now }: AlikeNow, { tally }: Around): void => {
  const [before, after] = [sum(cables), sum(now)];
  const into = after === 0 ? tally.cut : after === 1 && before > 1 ? tally.single : undefined;
  for (const { name, subnet } of stations) into?.add(`${name} (${subnet})`);
};

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((total, count) => total + count, 0);

/** Of an External that is met at several prefixes, its name. */
const partyOf = (party: string): string => party.split(' ')[0] ?? party;

/** How many cables or ways may fail until two are apart: the least of the cables of each and of the ways between. */
const levelOf = (left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>, ways: Ways): number => {
  const between = (from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): number =>
    [...from.keys()].reduce((total, device) => total + (to.has(device) ? Number.POSITIVE_INFINITY : Math.max(0, ...[...to.keys()].map((far) => ways.between(device, far)))), 0);
  return Math.min(sum(left), sum(right), between(left, right), between(right, left));
};

/** What is as usual but for some leaves, that nobody goes through. */
interface Likeness {
  readonly usual: Ways;
  readonly others: ReadonlySet<string>;
}

/** Numbers of ways between devices, asked once for all that have the same neighbours. */
class Ways {
  readonly #underlay: Underlay;
  readonly #likeness: Likeness | undefined;
  readonly #signatures = new Map<string, string>();
  /** Of leaves with the same neighbours, whichever cables of theirs are gone. */
  readonly #widths: Map<string, number>;

  constructor(goal: GoalReader, isDown: IsDown, likeness?: Likeness) {
    this.#underlay = new Underlay(goal, isDown);
    this.#likeness = likeness;
    this.#widths = likeness === undefined ? new Map<string, number>() : likeness.usual.#widths;
  }

  /** The fewer of the first steps from either end; 0: there is no way. */
  between(left: string, right: string): number {
    const [from, to] = [this.#signature(left), this.#signature(right)];
    return getOrMake(this.#widths, from < to ? `${from} | ${to}` : `${to} | ${from}`, () => Math.min(this.#width(left, right), this.#width(right, left)));
  }

  #width(from: string, to: string): number {
    return treeTo(this.#underlay, to, from).get(from)?.nexts.length ?? 0;
  }

  /** Neighbours and cables to them; of who has neighbours of its own kind, the name too. */
  #signature(device: string): string {
    const { usual, others } = this.#likeness ?? {};
    if (usual !== undefined && others?.has(device) !== true) return usual.#signature(device);
    return getOrMake(this.#signatures, device, () => {
      const neighbours = this.#underlay.neighbours(device);
      const all = (usual ?? this).#underlay;
      const isPlain = neighbours.every(({ far }) => all.neighbours(far.device).length > neighbours.length);
      const texts = neighbours.map(({ far, drained }) => `${far.device}${drained ? '!' : ''}`).sort(byText);
      return isPlain && neighbours.length > 0 && !this.#underlay.isDrained(device) ? texts.join() : `${device}: ${texts.join()}`;
    });
  }

  /** Those of the devices that lie on ways between others of them. */
  transits(devices: readonly string[]): Set<string> {
    const ends = new Set(devices);
    const found = new Set<string>();
    const seen = new Set<string>();
    for (const device of devices) {
      const signature = this.#signature(device);
      if (seen.has(signature)) continue;
      seen.add(signature);
      const tree = treeTo(this.#underlay, device);
      for (const other of devices) {
        // The last step into the destination goes through nobody.
        const steps = [...(tree.get(other)?.nexts ?? [])].map(({ far }) => far.device);
        for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
          if (step === device || found.has(step)) continue;
          if (ends.has(step)) found.add(step);
          const mark = `${signature} ${step}`;
          if (seen.has(mark)) continue;
          seen.add(mark);
          steps.push(...(tree.get(step)?.nexts ?? []).map(({ far }) => far.device));
        }
      }
    }
    return found;
  }
}

/** The cable at a port: both ends where the other one is a device too. */
export const linkAt = (goal: Pick<GoalReader, 'scope'>, own: PortOf): Outage => {
  const peer = rowIn(goal, `device/${own.device}`, 'port', own.port)?.value.peer ?? '';
  const slash = peer.indexOf('/');
  const far = { device: peer.slice(0, slash), port: peer.slice(slash + 1) };
  const hasFar = goal.scope(`device/${far.device}`).rows.has(`port/${far.port}`);
  return { name: `link ${own.device}/${own.port}${peer === '' ? '' : ` - ${peer}`}`, devices: [], ports: hasFar ? [own, far] : [own] };
};

const stationsOf = (goal: Goal): Station[] => {
  const stations = new Map<string, { name: string; subnet: string; vrf: string; cables: Map<string, string[]> }>();
  const descriptions = new Map<string, string>();
  for (const scope of goal.scopes()) for (const { value } of rowsIn(goal, scope, 'vrf')) descriptions.set(value.name, value.description);
  for (const scope of goal.scopes()) {
    if (!scope.startsWith('device/')) continue;
    const device = scope.slice('device/'.length);
    for (const local of localScopes(goal, device)) {
      for (const { key, value } of rowsIn(goal, local, 'attachment')) {
        const segment = rowIn(goal, local, 'segment', `${value.segment}`)?.value;
        if (segment === undefined) continue;
        const cables = cablesAt(goal, device, value.port);
        // What several leaves share is said in one scope, and is one station.
        const made = getOrMake(stations, `${local} ${key}`, () => ({ name: serverOf(goal, device, cables[0] ?? value.port), subnet: segment.description, vrf: segment.vrf, cables: new Map<string, string[]>() }));
        made.cables.set(device, cables);
      }
      for (const { value } of rowsIn(goal, local, 'vrfPort')) {
        const name = descriptions.get(value.vrf) ?? value.vrf;
        const made = getOrMake(stations, `outside ${value.vrf}`, () => ({ name, subnet: name, vrf: value.vrf, cables: new Map<string, string[]>() }));
        getOrMake(made.cables, device, () => [] as string[]).push(...cablesAt(goal, device, value.port));
      }
    }
  }
  return [...stations.values()];
};

/** Ports of a bundle, or the port itself. */
const cablesAt = (goal: Goal, device: string, port: string): string[] => {
  const members = [...rowsIn(goal, `device/${device}`, 'port')].filter(({ value }) => value.bundle === port).map(({ key }) => key);
  return members.length > 0 ? members : [port];
};

const serverOf = (goal: Goal, device: string, port: string): string => {
  const peer = rowIn(goal, `device/${device}`, 'port', port)?.value.peer ?? `${device}/${port}`;
  return peer.slice(0, peer.indexOf('/'));
};
