/**
 * Results on their way to the server. A fast device is received, programmed and verified within one turn of the event loop;
 * since a phase implies the ones before it, that is one word and not three, and one message whatever the number of scopes.
 */
import { Phase, type Result } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** Together at most so many failed rows in one message, which must not grow beyond what a server takes. */
const mostFailedRows = 4000;
const mostResults = 4000;

export class Outbox {
  readonly #send: (results: Result[]) => void;
  /** By scope; in the order in which they came true. */
  readonly #results = new Map<string, Result>();
  #failedRows = 0;
  #turn: NodeJS.Immediate | undefined;

  constructor(send: (results: Result[]) => void) {
    this.#send = send;
  }

  put(result: Result): void {
    const waiting = this.#results.get(result.scope);
    if (waiting !== undefined && !isImplied(waiting, result)) this.flush();
    this.#results.delete(result.scope);
    this.#results.set(result.scope, result);
    this.#failedRows += result.failed.length;
    if (this.#failedRows >= mostFailedRows || this.#results.size >= mostResults) return this.flush();
    this.#turn ??= setImmediate(() => this.flush());
  }

  /** Sends what waits, now. */
  flush(): void {
    const results = [...this.#results.values()];
    this.clear();
    if (results.length > 0) this.#send(results);
  }

  clear(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#results.clear();
    this.#failedRows = 0;
  }
}

const isImplied = (former: Result, latter: Result): boolean =>
  former.version === latter.version && former.phase <= latter.phase && latter.phase !== Phase.REFUSED && former.phase !== Phase.REFUSED;
