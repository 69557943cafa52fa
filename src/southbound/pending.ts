/** Questions to devices that are under way: each ends with an answer, with the connection, or when its time is up. */

/** What was found, or why nothing is known. */
export type Answer<Found> = { readonly ok: true; readonly found: Found } | { readonly ok: false; readonly reason: string };

interface Question<Found> {
  readonly device: string;
  readonly answer: (answer: Answer<Found>) => void;
  readonly timer: NodeJS.Timeout;
}

/** Who asks much waits; a device must not be asked to death. */
const mostPending = 64;

export class Pending<Found> {
  readonly #questions = new Map<bigint, Question<Found>>();
  #last = 0n;

  /** Never rejects. @param send hands the question with this id to the device, and answers whether it could */
  ask(device: string, milliseconds: number, send: (id: bigint) => boolean): Promise<Answer<Found>> {
    const mine = [...this.#questions.values()].filter((each) => each.device === device).length;
    if (mine >= mostPending) return Promise.resolve({ ok: false, reason: 'it is being asked too much' });
    this.#last += 1n;
    const id = this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(id, { ok: false, reason: `it did not answer within ${milliseconds} ms` }), milliseconds);
      this.#questions.set(id, { device, answer: resolve, timer });
      if (!send(id)) this.#end(id, { ok: false, reason: 'it is not connected' });
    });
  }

  /** An answer counts only from whom was asked. */
  answered(device: string, id: bigint, answer: Answer<Found>): void {
    if (this.#questions.get(id)?.device === device) this.#end(id, answer);
  }

  /** The connection is gone, and with it whoever would have answered. */
  left(device: string): void {
    for (const [id, question] of this.#questions) if (question.device === device) this.#end(id, { ok: false, reason: 'its connection ended' });
  }

  close(): void {
    for (const id of this.#questions.keys()) this.#end(id, { ok: false, reason: 'the server is ending' });
  }

  #end(id: bigint, answer: Answer<Found>): void {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    clearTimeout(question?.timer);
    question?.answer(answer);
  }
}
