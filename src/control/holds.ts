/**
 * Deletions that are held. Between what was compiled and what is committed to goal state, this takes out the deletions of
 * devices that would lose more than the safety limits permit (safety.ts): their rows stay, whatever else changes goes on. A
 * held device keeps every row until its deletions are allowed, so that no later small change slips the rest through, and
 * nothing is lost: what is withheld is the difference to what was compiled.
 *
 * A scope that several devices share is one thing: while one of them is held, none of them loses rows of it.
 */
import { createHash } from 'node:crypto';
import { deviceScope, rowId, type RowId } from '../goal/rows.ts';
import type { GoalState, ScopeChange } from '../goal/state.ts';
import { addMember, getOrMake } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import { memberPrefix, netOf, weigh, type Net } from './netchange.ts';
import { RecentHits, RecentLosses } from './recent.ts';
import { suspectsIn } from './suspects.ts';
import { deviceLimit, isHit, judge, judgeDevice, rowLimit, type HoldReason, type Loss, type SafetyLimits } from './safety.ts';

/** What is held on one device. */
export interface Hold {
  readonly device: string;
  readonly fabric: string;
  readonly reason: HoldReason;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Rows that it would lose, with those it lost within the window before. */
  readonly rows: number;
  readonly of: number;
  /** Rows that it may lose without a question. */
  readonly limit: number;
  readonly isolated: boolean;
  /** Of exactly these deletions: whoever names it has seen them. */
  readonly token: string;
  /** Objects that the rows came from, at most a few, and one more when there are others. */
  readonly causes: readonly string[];
  /** The device brought the rows along (arrivals.ts); it is sent nothing at all. */
  readonly arrived: boolean;
}

export interface HoldsOptions {
  readonly goal: GoalState;
  /** The fabric of a device and its limits. */
  readonly fabricOf: (device: string) => { readonly name: string; readonly limits: SafetyLimits };
  /** Of every fabric that there may be. */
  readonly allLimits: () => readonly SafetyLimits[];
  /** Declared devices of a fabric. */
  readonly sizeOf: (fabric: string) => number;
}

export interface Change {
  readonly scopes: readonly ScopeChange[];
  /** Devices whose Switch was deleted, as far as they are not gone yet. */
  readonly removed: ReadonlySet<string>;
  /** Objects that a row which is deleted came from, by key. */
  readonly causesOf: (scope: string, row: RowId) => Iterable<string>;
  /** Whether somebody allowed what is held. */
  readonly isAllowed: (hold: Hold) => boolean;
}

export interface Ended {
  readonly hold: Hold;
  readonly why: 'Allowed' | 'WithinLimits';
}

export interface Admission {
  /** What may be committed. */
  readonly scopes: readonly ScopeChange[];
  /** Of `removed`, those that are to stay for now. */
  readonly kept: ReadonlySet<string>;
  /** Objects some of whose rows stay although they should go, by scope; only scopes where something is different. */
  readonly withheld: ReadonlyMap<string, ReadonlySet<string>>;
  /** Objects that have nothing withheld in the scope any more; the scope's withheld rows, if any are left, are of others. */
  readonly settled: ReadonlyMap<string, ReadonlySet<string>>;
  /** Scopes in which nothing is withheld any more. */
  readonly released: readonly string[];
  readonly began: readonly Hold[];
  readonly ended: readonly Ended[];
  /** Held devices of which something is different. */
  readonly changed: readonly string[];
}

interface Held {
  hold: Hold;
  limits: SafetyLimits;
  /** Rows lost within the window before the hold began, and devices hit: what began it does not end by waiting. */
  readonly before: number;
  readonly hitBefore: number;
}

/** Rows that are to go, by scope. */
type Doomed = Map<string, Map<RowId, ReadonlySet<string>>>;

/** A change, with all that would go if nothing were held. */
interface Prospect {
  readonly net: Net;
  readonly doomed: Doomed;
  readonly removed: ReadonlySet<string>;
  readonly now: number;
}

export const shownCauses = 3;
/** Of `Fabric.spec.safety.windowSeconds`, in milliseconds. */
const longestWindow = 3_600_000;

export class Holds {
  readonly #options: HoldsOptions;
  readonly #held = new Map<string, Held>();
  readonly #withheld: Doomed = new Map();
  #recent = new RecentLosses();
  #hits = new RecentHits();
  #pruneAt = 0;
  /** By scope and row: devices on which its deletion was allowed, while it is held on another one that shares the scope. */
  readonly #allowed = new Map<string, Set<string>>();

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** What knows the same and decides for itself from now on: to find out what would be held. */
  copy(): Holds {
    const copy = new Holds(this.#options);
    for (const [device, held] of this.#held) copy.#held.set(device, { ...held });
    for (const [scope, rows] of this.#withheld) copy.#withheld.set(scope, rows);
    for (const [row, devices] of this.#allowed) copy.#allowed.set(row, new Set(devices));
    copy.#recent = this.#recent.copy();
    copy.#hits = this.#hits.copy();
    copy.#pruneAt = this.#pruneAt;
    return copy;
  }

  get(device: string): Hold | undefined {
    return this.#held.get(device)?.hold;
  }

  /** Objects that a row came from whose deletion is held; undefined when it is not. */
  causesOf(scope: string, row: RowId): ReadonlySet<string> | undefined {
    return this.#withheld.get(scope)?.get(row);
  }

  /** Objects that rows of the scope came from whose deletion is held. */
  objectsIn(scope: string): ReadonlySet<string> {
    return objectsOf(this.#withheld.get(scope) ?? new Map());
  }

  *all(): Generator<Hold> {
    for (const { hold } of this.#held.values()) yield hold;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Decides what of a change may happen now. `now` in milliseconds since 1970. Commit the answer before the next call. */
  admit(change: Change, now: number): Admission {
    const { scopes, removed } = change;
    if (now >= this.#pruneAt) this.#prune(now);
    if (this.#held.size === 0 && removed.size === 0 && scopes.every(({ deletes }) => deletes.length === 0)) {
      this.#gainAll(scopes);
      return { ...nothing, scopes };
    }
    return this.#decide(change, netOf(scopes), now);
  }

  #gainAll(scopes: readonly ScopeChange[]): void {
    if (this.#recent.isEmpty) return;
    const net = netOf(scopes);
    for (const [scope, { upserts }] of net) this.#gain(scope, upserts, net);
  }

  #prune(now: number): void {
    this.#recent.prune(now - longestWindow);
    this.#pruneAt = now + longestWindow;
  }

  #decide({ removed, causesOf, isAllowed }: Change, net: Net, now: number): Admission {
    const before = new Map(this.#withheld);
    const holds = new Map([...this.#held].map(([device, { hold }]) => [device, hold]));
    const prospect: Prospect = { net, removed, now, doomed: this.#doom(net, causesOf) };
    const ended = this.#review(prospect, isAllowed);
    const began = this.#begin(prospect, ended);
    const scopes = this.#split(prospect, this.#closedScopes(), before);
    const changed = new Set(ended.map(({ hold }) => hold.device));
    for (const [device, { hold }] of this.#held) if (holds.get(device) !== hold) changed.add(device);
    const kept = new Set([...removed].filter((device) => this.#held.has(device)));
    return { scopes, kept, ...this.#difference(before), began, ended, changed: [...changed] };
  }

  /** Rows that are to go: what is withheld and not wanted again, and what the change deletes. */
  #doom(net: Net, causesOf: Change['causesOf']): Doomed {
    const doomed: Doomed = new Map(this.#withheld);
    for (const [scope, { upserts, deletes }] of net) {
      // A copy: what is withheld is compared with what was.
      const going = new Map(doomed.get(scope));
      for (const row of upserts) if (going.delete(rowId(row))) this.#allowed.delete(`${scope} ${rowId(row)}`);
      const { rows } = this.#options.goal.scope(scope);
      for (const id of deletes) if (rows.has(id) && !going.has(id)) going.set(id, new Set(causesOf(scope, id)));
      if (going.size > 0) doomed.set(scope, going);
      else doomed.delete(scope);
    }
    return doomed;
  }

  /** Ends what is allowed now, taken back, or within the limits. */
  #review(prospect: Prospect, isAllowed: Change['isAllowed']): Ended[] {
    const ended: Ended[] = [];
    const end = (device: string, hold: Hold, why: Ended['why']): void => {
      this.#held.delete(device);
      ended.push({ hold, why });
    };
    const many = new Map<string, Held[]>();
    for (const [device, held] of this.#held) {
      const { hold } = held;
      if (isAllowed(hold)) {
        this.#allow(device);
        end(device, hold, 'Allowed');
      } else if (!this.#again(held, prospect)) end(device, hold, 'WithinLimits');
      else if (held.hold.reason === 'TooManyDevices') getOrMake(many, hold.fabric, (): Held[] => []).push(held);
    }
    for (const [fabric, group] of many) {
      const hits = group.length + Math.max(...group.map(({ hitBefore }) => hitBefore));
      const [first] = group;
      if (first === undefined || hits > deviceLimit(this.#options.sizeOf(fabric), first.limits)) continue;
      for (const { hold } of group) end(hold.device, hold, 'WithinLimits');
    }
    return ended;
  }

  /** Looks at a hold anew when something about it changed. Answers whether it goes on. */
  #again(held: Held, prospect: Prospect): boolean {
    const { device, reason, since, isolated } = held.hold;
    const { limits } = this.#options.fabricOf(device);
    const isTouched = this.#options.goal.subscriptions(device).some((scope) => prospect.net.has(scope));
    if (!isTouched && limits === held.limits && prospect.removed.has(device) === isolated) return true;
    held.limits = limits;
    const loss = this.#loss(device, prospect, held.before);
    if (loss.going === 0 && !loss.isolated) return false;
    const alone = judgeDevice(loss, limits);
    const now = alone ?? (reason === 'TooManyDevices' && isHit(loss) ? reason : undefined);
    if (now === undefined) return false;
    held.hold = this.#holdOf(loss, now, since, prospect.doomed);
    return true;
  }

  /** Holds devices that would lose too much by what is not held yet. */
  #begin(prospect: Prospect, ended: readonly Ended[]): Hold[] {
    const { fabricOf, sizeOf } = this.#options;
    const losses = new Map<string, Loss[]>();
    for (const device of this.#losers(prospect, ended)) {
      const loss = this.#loss(device, prospect, 0);
      if (loss.going > 0 || loss.isolated) getOrMake(losses, fabricOf(device).name, (): Loss[] => []).push(loss);
    }
    const began: Hold[] = [];
    for (const [fabric, found] of losses) {
      const { limits } = fabricOf(found[0]?.device ?? '');
      const hit = this.#hits.since(fabric, prospect.now - limits.windowSeconds * 1000);
      const verdicts = judge(found, { limits, devices: () => sizeOf(fabric), hit });
      for (const loss of found) {
        const reason = verdicts.get(loss.device);
        if (reason !== undefined) began.push(this.#start(loss, reason, hit.size, prospect));
        else if (isHit(loss)) this.#hits.hit(fabric, loss.device, prospect.now);
      }
    }
    return began;
  }

  /** Devices not held whose rows this change deletes, or sets free; but for those that are far from any limit. */
  #losers({ net, doomed, removed, now }: Prospect, ended: readonly Ended[]): ReadonlySet<string> {
    const { goal, fabricOf, allLimits } = this.#options;
    const free = ended.flatMap(({ hold }) => goal.subscriptions(hold.device));
    const limitsOf = (device: string): SafetyLimits => fabricOf(device).limits;
    const outlook = { goal, recent: this.#recent, limitsOf, allLimits: allLimits(), doomed, now };
    const devices = suspectsIn(new Set([...net.keys(), ...free]), outlook);
    for (const device of removed) devices.add(device);
    for (const device of this.#held.keys()) devices.delete(device);
    for (const { hold, why } of ended) if (why === 'Allowed' && hold.isolated) devices.delete(hold.device);
    return devices;
  }

  #start(loss: Loss, reason: HoldReason, hitBefore: number, { doomed, now }: Prospect): Hold {
    const hold = this.#holdOf(loss, reason, now, doomed);
    const { limits } = this.#options.fabricOf(loss.device);
    this.#held.set(loss.device, { hold, limits, before: this.#recently(loss.device, limits, now), hitBefore });
    return hold;
  }

  #holdOf({ device, rows, of, isolated }: Loss, reason: HoldReason, since: number, doomed: Doomed): Hold {
    const { name, limits } = this.#options.fabricOf(device);
    const ids: string[] = [];
    const causes = new Set<string>();
    for (const scope of this.#options.goal.subscriptions(device)) {
      for (const [id, objects] of doomed.get(scope) ?? []) {
        ids.push(`${scope} ${id}`);
        for (const object of objects) if (causes.size <= shownCauses) causes.add(object);
      }
    }
    const token = tokenOf([device, String(since), ...ids.sort(byText)]);
    return { device, fabric: name, reason, since, rows, of, limit: rowLimit(of, limits), isolated, token, causes: [...causes], arrived: false };
  }

  /**
   * What a device would lose if all that is doomed went, of which `going` now. `before`: what it counts as having lost
   * already, at least.
   */
  #loss(device: string, { doomed, removed, net, now }: Prospect, before: number): Loss & { readonly going: number } {
    const { goal, fabricOf } = this.#options;
    const own = deviceScope(device);
    const isCounted = (scope: string, id: RowId): boolean => this.#allowed.get(`${scope} ${id}`)?.has(device) !== true;
    const given = new Set<string>();
    for (const id of doomed.get(own)?.keys() ?? []) if (id.startsWith(memberPrefix)) given.add(id.slice(memberPrefix.length));
    let [rows, of] = [0, 0];
    for (const scope of goal.subscriptions(device)) {
      const { size } = goal.scope(scope).rows;
      let allowed = 0;
      const going = doomed.get(scope);
      if (given.has(scope)) {
        if (isCounted(own, `${memberPrefix}${scope}`)) rows += size;
        else allowed = size;
      } else if (going !== undefined) {
        for (const id of going.keys()) if (!isCounted(scope, id)) allowed += 1;
        rows += going.size - allowed;
      }
      of += size - allowed;
    }
    const recent = Math.max(before, this.#recently(device, fabricOf(device).limits, now));
    const ids = [...(doomed.get(own)?.keys() ?? [])];
    const left = goal.scope(own).rows.size - ids.length + (net.get(own)?.upserts.length ?? 0);
    const emptied = left === 0 && ids.some((id) => isCounted(own, id));
    return { device, rows: rows + recent, of: of + recent, emptied, isolated: removed.has(device), going: rows };
  }

  #recently(device: string, { windowSeconds }: SafetyLimits, now: number): number {
    let sum = 0;
    for (const scope of this.#options.goal.subscriptions(device)) sum += this.#recent.count(scope, now - windowSeconds * 1000);
    return sum;
  }

  /** What was withheld when the token was made does not count for the device any more, even if another one keeps it from going. */
  #allow(device: string): void {
    for (const scope of this.#options.goal.subscriptions(device)) {
      this.#recent.forget(scope);
      for (const id of this.#withheld.get(scope)?.keys() ?? []) addMember(this.#allowed, `${scope} ${id}`, device);
    }
  }

  /** Scopes that a held device holds. */
  #closedScopes(): ReadonlySet<string> {
    const closed = new Set<string>();
    for (const device of this.#held.keys()) for (const scope of this.#options.goal.subscriptions(device)) closed.add(scope);
    return closed;
  }

  /** Withholds what is doomed in closed scopes, and answers the rest. */
  #split({ net, doomed, now }: Prospect, closed: ReadonlySet<string>, before: Doomed): ScopeChange[] {
    this.#withheld.clear();
    const going = new Map<string, RowId[]>();
    for (const [scope, rows] of doomed) {
      if (closed.has(scope)) this.#withheld.set(scope, rows);
      else going.set(scope, [...rows.keys()]);
    }
    if (this.#allowed.size > 0) for (const [scope, rows] of going) for (const row of rows) this.#allowed.delete(`${scope} ${row}`);
    for (const [scope, rows] of going) this.#lose(scope, rows.filter((row) => before.get(scope)?.has(row) !== true), now);
    return [...new Set([...net.keys(), ...going.keys()])].map((scope) => {
      const upserts = net.get(scope)?.upserts ?? [];
      this.#gain(scope, upserts, net);
      return { scope, upserts, deletes: going.get(scope) ?? [] };
    });
  }

  /** Rows that are new count against those lost before. */
  #gain(scope: string, upserts: ScopeChange['upserts'], net: Net): void {
    if (this.#recent.isEmpty) return;
    const { goal } = this.#options;
    const { rows } = goal.scope(scope);
    const fresh = upserts.map(rowId).filter((id) => !rows.has(id));
    const sizeOf = (shared: string): number => goal.scope(shared).rows.size + (net.get(shared)?.upserts.length ?? 0);
    this.#recent.gained(scope, weigh(scope, fresh, sizeOf));
  }

  /** What was held and is let go was looked at by somebody, and does not count towards the next deletion. */
  #lose(scope: string, rows: readonly RowId[], now: number): void {
    if (rows.length > 0) this.#recent.lost(scope, weigh(scope, rows, (shared) => this.#options.goal.scope(shared).rows.size), now);
  }

  #difference(before: Doomed): Pick<Admission, 'withheld' | 'settled' | 'released'> {
    const withheld = new Map<string, Set<string>>();
    const settled = new Map<string, Set<string>>();
    for (const [scope, rows] of this.#withheld) {
      const former = before.get(scope);
      if (former === rows) continue;
      const still = objectsOf(rows);
      withheld.set(scope, still);
      settled.set(scope, new Set([...objectsOf(former ?? new Map())].filter((object) => !still.has(object))));
    }
    return { withheld, settled, released: [...before.keys()].filter((scope) => !this.#withheld.has(scope)) };
  }
}

const nothing: Omit<Admission, 'scopes'> = {
  kept: new Set(),
  withheld: new Map(),
  settled: new Map(),
  released: [],
  began: [],
  ended: [],
  changed: [],
};

const objectsOf = (rows: ReadonlyMap<RowId, ReadonlySet<string>>): Set<string> => {
  const objects = new Set<string>();
  for (const each of rows.values()) for (const object of each) objects.add(object);
  return objects;
};

/** A short text that only these parts lead to. */
export const tokenOf = (parts: readonly string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
