/**
 * Who leads, decided by a Lease of coordination.k8s.io/v1 as Kubernetes' own components do. Whoever holds it renews it; whoever
 * does not, takes it when it was given back or has not changed for as long as it lasts, by the waiting one's own clock that
 * never goes back: times in the Lease are for people. Two can never take one state of it, as the write names the version read.
 *
 * A leader that cannot renew in time stops before anybody else can begin. One that was asleep over it learns that late, which
 * is why its writes are fenced as well (term.ts, fence.ts) and devices refuse its term.
 */
import type { ResourceClient } from '../../api/client.ts';
import type { Resource } from '../../api/object.ts';
import type { Clock } from '../../kit/clock.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Logger } from '../../kit/log.ts';
import { leaseObject, microTime, recordOf, southboundAnnotation, termAnnotation, termOf, type LeaseName, type LeaseRecord } from './record.ts';
import type { LeaseTiming } from './timing.ts';

/** What one who was elected may do, until the signal aborts. */
export interface Office {
  /** Greater than that of everybody who held the Lease before. */
  readonly term: number;
  /** Aborts when the office is lost or given up; nothing of it may be written or sent after that. */
  readonly signal: AbortSignal;
  /** The Lease as it was last written or read by its holder. */
  readonly lease: Resource;
  /** Whether somebody else may be in office by now: then nothing more is written, not even what was begun. */
  readonly isLost: boolean;
  /** Whether nobody else can be in office at this moment: false already when time is up, before anything was heard or done about it. */
  readonly mayWrite: boolean;
  /** Ends it because somebody else leads, such as when a write was refused for that. */
  lose(why: string): void;
}

/** The leader as others see it. */
export interface LeaderSeen {
  readonly identity: string;
  /** Where its agents are served; undefined when it does not say. */
  readonly southbound?: string;
  /** The Lease's version: a leader that renews changes it. */
  readonly version: string;
}

export interface ElectionOptions {
  readonly client: Pick<ResourceClient, 'get' | 'create' | 'update'>;
  readonly lease: LeaseName;
  /** Unlike that of every other candidate that may be alive. */
  readonly identity: string;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  readonly log: Logger;
  /** Written on the Lease by the holder. */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Called once elected. Stops what it began when the office's signal aborts and resolves when nothing of it runs any more; what
   * it throws ends the office.
   */
  readonly lead: (office: Office) => Promise<void>;
  /** Told whenever the Lease was seen to change or to have run out; undefined: nobody leads as far as we know. */
  readonly onSeen?: (leader: LeaderSeen | undefined) => void;
  /** Between 0 and 1; default Math.random. */
  readonly random?: () => number;
}

export interface Election {
  readonly isLeader: boolean;
  /** Ends the office if there is one, waits for `lead`, and gives the Lease back so that the next one leads at once. */
  stop(): Promise<void>;
}

export const startElection = (options: ElectionOptions): Election => new Candidate(options);

class Candidate implements Election {
  readonly #options: ElectionOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** The Lease as last read or written, and when that state was first seen. */
  #seen: { readonly lease: Resource; readonly state: string; readonly at: number } | undefined;
  #office: Tenure | undefined;
  #lastFault = '';

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get isLeader(): boolean {
    return this.#office !== undefined && !this.#office.signal.aborted;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#office?.resign('stopped');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { lookMilliseconds } = this.#options.timing;
    while (!this.#stop.signal.aborted) {
      const office = await this.#look();
      if (office !== undefined) await this.#hold(office);
      // Also after an office: what could not lead gives others the chance.
      await this.#sleep(lookMilliseconds * (1 + (this.#options.random ?? Math.random)() / 5), this.#stop.signal);
    }
  }

  /** One look at the Lease; the office when it could be taken. */
  async #look(): Promise<Tenure | undefined> {
    const { client, lease: at, log, identity } = this.#options;
    try {
      const found = await client.get({ kind: 'Lease', ...at }).catch(undefinedIfMissing);
      if (found !== undefined) this.#note(found);
      if (this.#stop.signal.aborted || (found !== undefined && !this.#isFree(found))) return undefined;
      const office = await this.#take(found);
      log.info({ identity, term: office.term }, 'leading');
      this.#lastFault = '';
      return office;
    } catch (thrown) {
      const { code, message } = HeddleError.from(thrown);
      // Somebody else was faster: the next look shows who.
      if (code === 'Conflict' || code === 'AlreadyExists') return undefined;
      if (message !== this.#lastFault) log.warn({ error: message }, 'the Lease cannot be had: trying again');
      this.#lastFault = message;
      return undefined;
    }
  }

  #note(lease: Resource): void {
    const state = JSON.stringify(lease.spec);
    const isNews = state !== this.#seen?.state;
    this.#seen = { lease, state, at: isNews ? this.#options.clock.monotonic() : (this.#seen?.at ?? 0) };
    this.#tell(lease);
  }

  #tell(lease: Resource): void {
    const { holder } = recordOf(lease);
    const southbound = lease.metadata.annotations?.[southboundAnnotation];
    const version = lease.metadata.resourceVersion ?? '';
    const leader = { identity: holder, version, ...(southbound === undefined ? {} : { southbound }) };
    this.#options.onSeen?.(holder === '' || this.#hasRunOut(lease) ? undefined : leader);
  }

  #isFree(lease: Resource): boolean {
    const { holder } = recordOf(lease);
    return holder === '' || holder === this.#options.identity || this.#hasRunOut(lease);
  }

  /** Whoever made the Lease said how long it lasts; a Lease without that lasts as long as ours. */
  #hasRunOut(lease: Resource): boolean {
    const { durationSeconds } = recordOf(lease);
    const lasts = (durationSeconds > 0 ? durationSeconds : this.#options.timing.leaseSeconds) * 1000;
    return this.#options.clock.monotonic() - (this.#seen?.at ?? 0) > lasts;
  }

  async #take(former: Resource | undefined): Promise<Tenure> {
    const { client, clock, lease: at, identity, timing, annotations = {} } = this.#options;
    const began = clock.monotonic();
    const before = former === undefined ? undefined : recordOf(former);
    const now = microTime(clock.now());
    const isSame = before?.holder === identity;
    const record: LeaseRecord = {
      holder: identity,
      durationSeconds: timing.leaseSeconds,
      acquireTime: isSame ? before.acquireTime : now,
      renewTime: now,
      transitions: (before?.transitions ?? 0) + (before === undefined || isSame ? 0 : 1),
    };
    const term = Math.max((former === undefined ? 0 : termOf(former)) + 1, Math.floor(clock.now() / 1000));
    const wanted = leaseObject(at, record, { ...annotations, [termAnnotation]: String(term) }, former);
    const lease = await (former === undefined ? client.create(wanted) : client.update(wanted));
    this.#note(lease);
    return new Tenure(term, lease, began, (renewed) => clock.monotonic() - renewed < timing.giveUpMilliseconds);
  }

  /** Leads and renews side by side; on an orderly end renews until everything is at rest, and gives back. */
  async #hold(office: Tenure): Promise<void> {
    const { lead, log, identity } = this.#options;
    this.#office = office;
    if (this.#stop.signal.aborted) office.resign('stopped');
    const ended = new AbortController();
    const renewing = this.#renew(office, ended.signal);
    try {
      await lead(office);
      office.resign('there is nothing more to lead');
    } catch (thrown) {
      office.resign(HeddleError.from(thrown).message);
    }
    ended.abort();
    await renewing;
    log[office.isLost ? 'warn' : 'info']({ identity, term: office.term, why: office.why }, 'leading no longer');
    this.#office = undefined;
    if (!office.isLost) await this.#giveBack(office);
  }

  async #renew(office: Tenure, ended: AbortSignal): Promise<void> {
    const { timing, clock } = this.#options;
    const { giveUpMilliseconds, renewMilliseconds } = timing;
    while (!ended.aborted && !office.isLost) {
      await this.#sleep(renewMilliseconds, ended);
      while (!ended.aborted && !office.isLost) {
        const left = office.renewed + giveUpMilliseconds - clock.monotonic();
        if (left <= 0) office.lose(`the Lease could not be renewed for ${giveUpMilliseconds} ms`);
        // An answer that never comes must not keep the leader in office.
        else if (await this.#inTime(this.#renewOnce(office), left, ended)) break;
        else await this.#sleep(Math.min(renewMilliseconds / 2, left), ended);
      }
    }
  }

  async #inTime(renewed: Promise<boolean>, milliseconds: number, ended: AbortSignal): Promise<boolean> {
    const either = new AbortController();
    const signal = AbortSignal.any([either.signal, ended]);
    const late = this.#options.clock.sleep(milliseconds, signal).then(() => false, () => false);
    try {
      return await Promise.race([renewed, late]);
    } finally {
      either.abort();
    }
  }

  /** Whether the Lease is ours for another while. */
  async #renewOnce(office: Tenure): Promise<boolean> {
    const { client, clock, lease: at, log, identity } = this.#options;
    const began = clock.monotonic();
    try {
      const record = { ...recordOf(office.lease), renewTime: microTime(clock.now()) };
      office.renew(await client.update(leaseObject(at, record, {}, office.lease)), began);
      this.#note(office.lease);
      return true;
    } catch (thrown) {
      const { code, message } = HeddleError.from(thrown);
      if (code !== 'Conflict' && code !== 'NotFound') {
        log.warn({ identity, error: message }, 'the Lease was not renewed: trying again');
        return false;
      }
      return this.#reclaim(office, began);
    }
  }

  /** Somebody wrote the Lease or took it away: it may still be ours, such as when it was only annotated. */
  async #reclaim(office: Tenure, began: number): Promise<boolean> {
    const { client, lease: at, identity } = this.#options;
    try {
      const found = await client.get({ kind: 'Lease', ...at }).catch(undefinedIfMissing);
      if (found === undefined) {
        const { metadata: { annotations = {} } } = office.lease;
        office.renew(await client.create(leaseObject(at, recordOf(office.lease), annotations)), began);
        return true;
      }
      const holder = recordOf(found).holder;
      if (holder === identity) office.found(found);
      else office.lose(holder === '' ? 'somebody gave the Lease back' : `"${holder}" holds the Lease now`);
      this.#note(found);
      return false;
    } catch {
      return false;
    }
  }

  /** As client-go does: for whoever looks next it has run out. */
  async #giveBack(office: Tenure): Promise<void> {
    const { client, clock, lease: at, log } = this.#options;
    const now = microTime(clock.now());
    const record = { ...recordOf(office.lease), holder: '', durationSeconds: 1, acquireTime: now, renewTime: now };
    const given = client.update(leaseObject(at, record, {}, office.lease)).then(
      (lease) => this.#note(lease),
      (thrown: unknown) => log.info({ error: HeddleError.from(thrown).message }, 'the Lease was not given back: it runs out'),
    );
    // Whoever stops does not wait for a store that is gone.
    await this.#inTime(given.then(() => true), this.#options.timing.giveUpMilliseconds, new AbortController().signal);
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(milliseconds, signal).catch(() => undefined);
  }
}

class Tenure implements Office {
  readonly term: number;
  readonly #isInTime: (renewed: number) => boolean;
  readonly #abort = new AbortController();
  #lease: Resource;
  #renewed: number;
  #why = '';
  #lost = false;

  constructor(term: number, lease: Resource, renewed: number, isInTime: (renewed: number) => boolean) {
    this.term = term;
    this.#isInTime = isInTime;
    this.#lease = lease;
    this.#renewed = renewed;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get lease(): Resource {
    return this.#lease;
  }

  /** When the last write that made it ours was asked for, by the monotonic clock. */
  get renewed(): number {
    return this.#renewed;
  }

  get why(): string {
    return this.#why;
  }

  /** Whether the Lease may be somebody else's by now. */
  get isLost(): boolean {
    return this.#lost;
  }

  get mayWrite(): boolean {
    return !this.#lost && this.#isInTime(this.#renewed);
  }

  renew(lease: Resource, at: number): void {
    this.#lease = lease;
    this.#renewed = at;
  }

  found(lease: Resource): void {
    this.#lease = lease;
  }

  resign(why: string): void {
    if (this.#abort.signal.aborted) return;
    this.#why = why;
    this.#abort.abort(new HeddleError('Unavailable', why));
  }

  lose(why: string): void {
    this.#lost = true;
    this.resign(why);
  }
}

const undefinedIfMissing = (thrown: unknown): undefined => {
  if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
};
