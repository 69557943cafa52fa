/**
 * Devices whose stream has ended and whose absence is not told yet. One that is back within the grace was not away, and
 * nobody writes down its going and its coming. When thousands go at once, their handshakes take longer than the grace of one:
 * then it grows with their number for as long as they are returning, or the writing would delay the very return.
 */

export interface AbsencesOptions {
  /** Milliseconds that one device may be away. 0: every absence is told. */
  readonly grace: number;
  /** Whether devices are dialling that have not said yet who they are. */
  readonly areDialling: () => boolean;
}

/** Several times what a handshake and a welcome cost this side. */
const graceOfEach = 5;
/** An operator must hear of a lost part of the fabric while the rest of it is still coming back. */
const longestGrace = 30_000;
/** Who is returning in a crowd follows another one within this time. */
const pauseMilliseconds = 1000;

export class Absences {
  readonly #options: AbsencesOptions;
  /** Since when, the oldest first. */
  readonly #since = new Map<string, number>();
  /** How many there were at the most since there were none. */
  #most = 0;
  #returnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AbsencesOptions) {
    this.#options = options;
  }

  /** The device's stream has ended. Answers whether that is to be told at once. `now` in milliseconds, as everywhere here. */
  left(device: string, now: number): boolean {
    if (this.#options.grace === 0) return true;
    this.#since.set(device, now);
    this.#most = Math.max(this.#most, this.#since.size);
    return false;
  }

  returned(device: string, now: number): void {
    if (!this.#since.delete(device)) return;
    this.#returnedAt = now;
    this.#forgetCrowd();
  }

  /** Devices that have been away for too long; each is answered once. */
  overdue(now: number): readonly string[] {
    const grace = this.#grace(now);
    const overdue: string[] = [];
    for (const [device, since] of this.#since) {
      if (now - since < grace) break;
      this.#since.delete(device);
      overdue.push(device);
    }
    this.#forgetCrowd();
    return overdue;
  }

  #grace(now: number): number {
    const { grace, areDialling } = this.#options;
    const isCrowdReturning = now - this.#returnedAt < pauseMilliseconds || areDialling();
    return isCrowdReturning ? Math.max(grace, Math.min(longestGrace, grace + (this.#most - 1) * graceOfEach)) : grace;
  }

  #forgetCrowd(): void {
    if (this.#since.size === 0) this.#most = 0;
  }
}
