/**
 * Carries out what the allocator decided: makes Claim objects, marks them as quarantined, and deletes them once no device
 * can still hold their value. A value is free again when the store says that its Claim is gone, never before.
 */
import type { ResourceClient } from '../api/client.ts';
import { refKey, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { claimRef, type Allocator, type Decisions } from './allocate.ts';
import type { Barrier } from './barrier.ts';
import type { ObjectChange } from './informer.ts';

export interface ClaimsOptions {
  readonly client: ResourceClient;
  readonly allocator: Allocator;
  readonly barrier: Barrier;
  readonly log: Logger;
  /** Something failed: ask for decisions again in a while. */
  readonly retryLater: () => void;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (action: () => void) => void;
}

export const claimWaiter = (name: string): string => refKey(claimRef(name));

/** Waits, from the start on, for every device: what it holds from a former run was not recorded. */
const restartWaiter = '(claims of a former run)';

export class Claims {
  readonly #options: ClaimsOptions;
  /** In quarantine, and perhaps in use by a device that has not spoken since the start. */
  readonly #former = new Set<string>();
  readonly #writes = new Set<Promise<void>>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Creates and gives back to their holders; answers the claims as the store has them now. */
  async grant({ create, rebind }: Decisions): Promise<ObjectChange[]> {
    const changes = [...create.map((claim) => this.#create(claim)), ...rebind.map((name) => this.#rebind(name))];
    return (await Promise.all(changes)).filter((change) => change !== undefined);
  }

  /**
   * The claim's value may be used by every device that its holder waits for at this moment, and by those that have not said
   * since the start what they hold: a device that was away when its part of the holder went is none of the holder's any more.
   */
  quarantine(name: string): void {
    const { allocator, barrier } = this.#options;
    const claim = allocator.claim(name);
    if (claim === undefined) return;
    if (!barrier.isSettled(restartWaiter)) this.#former.add(name);
    barrier.follow(claimWaiter(name), claim.ownerKey);
    this.#tellQuarantine(name);
  }

  /** At start: nobody knows what the devices hold, so every one of them must speak first. */
  holdFormer(devices: ReadonlySet<string>, expect: (waiter: string, device: string) => void): void {
    const { allocator, barrier } = this.#options;
    for (const name of allocator.quarantined()) {
      this.#former.add(name);
      this.#tellQuarantine(name);
    }
    for (const device of devices) expect(restartWaiter, device);
    barrier.touch(restartWaiter);
  }

  /** Whether the waiter was one of a claim; frees what it waited with when nothing is left to wait for. */
  settle(waiter: string): boolean {
    const { barrier } = this.#options;
    if (waiter === restartWaiter) {
      if (barrier.isSettled(waiter)) for (const name of this.#former) this.#releaseIfSettled(name);
      return true;
    }
    if (!waiter.startsWith(claimWaiter(''))) return false;
    this.#releaseIfSettled(waiter.slice(claimWaiter('').length));
    return true;
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
  }

  #releaseIfSettled(name: string): void {
    const { barrier } = this.#options;
    if (!barrier.isSettled(claimWaiter(name))) return;
    if (!this.#former.has(name) || barrier.isSettled(restartWaiter)) this.#release(name);
  }

  #release(name: string): void {
    const { allocator, barrier, client } = this.#options;
    this.#former.delete(name);
    barrier.removeWaiter(claimWaiter(name));
    if (allocator.claim(name)?.quarantined !== true) return;
    allocator.release(name);
    // Only while it is the claim that was released: its name comes again when its value does.
    this.#background(name, () => client.delete(claimRef(name)), () => allocator.isReleased(name));
  }

  async #create(claim: Resource): Promise<ObjectChange | undefined> {
    const { name } = claim.metadata;
    try {
      return { ref: claimRef(name), object: await this.#options.client.create(claim) };
    } catch (thrown) {
      const error = HeddleError.from(thrown);
      if (error.code === 'AlreadyExists') return this.#adopt(name);
      this.#options.log.error({ claim: name, error: error.message }, 'claim not written');
      this.#options.allocator.observe(name, undefined);
      this.#options.retryLater();
      return undefined;
    }
  }

  /** Somebody else made it, or an earlier answer got lost: it is as it is, and the demand is looked at again. */
  async #adopt(name: string): Promise<ObjectChange | undefined> {
    try {
      const object = await this.#options.client.get(claimRef(name));
      this.#options.allocator.observe(name, object);
      return { ref: claimRef(name), object };
    } catch {
      this.#options.allocator.observe(name, undefined);
      this.#options.retryLater();
      return undefined;
    }
  }

  async #rebind(name: string): Promise<ObjectChange | undefined> {
    this.#former.delete(name);
    this.#options.barrier.removeWaiter(claimWaiter(name));
    try {
      return { ref: claimRef(name), object: await this.#setPhase(name, 'Bound') };
    } catch {
      return this.#adopt(name);
    }
  }

  #tellQuarantine(name: string): void {
    const isQuarantined = (): boolean => this.#options.allocator.claim(name)?.quarantined === true;
    this.#background(name, () => this.#setPhase(name, 'Quarantined'), isQuarantined);
  }

  #setPhase(name: string, phase: 'Bound' | 'Quarantined'): Promise<Resource> {
    return this.#options.client.patchStatus(claimRef(name), { phase });
  }

  /** A write that nobody waits for: until it succeeds the value stays taken, so it is tried for as long as it is due. */
  #background(name: string, write: () => Promise<unknown>, isDue: () => boolean): void {
    const watched = write()
      .then(() => undefined)
      .catch((thrown: unknown) => {
        const error = HeddleError.from(thrown);
        if (error.code === 'NotFound') return;
        this.#options.log.warn({ claim: name, error: error.message }, 'claim not updated, will try again');
        this.#options.later(() => {
          if (isDue()) this.#background(name, write, isDue);
        });
      })
      .finally(() => this.#writes.delete(watched));
    this.#writes.add(watched);
  }
}
