/**
 * The `ip` and `bridge` that stay while a plan is applied: one a namespace, started when first needed, and anew when one dies.
 * Who asks while another is being answered waits for his turn, and so does who wants a process to end.
 */
import type { Argv } from '../../../kit/process.ts';
import type { Place } from '../model.ts';
import { BatchProcess } from './batch.ts';
import type { Verdict } from './batch.ts';

/** Commands given at once; bounds what is in memory, not what can be run. */
const mostLines = 8192;
const patienceMilliseconds = 60_000;
/** Processes in a row that did nothing before they died. */
const mostDeaths = 3;

export class Batches {
  readonly #env: NodeJS.ProcessEnv;
  readonly #onStart: (tool: string) => void;
  readonly #processes = new Map<string, BatchProcess>();
  /** By process: when all that was asked of it so far is over. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(env: NodeJS.ProcessEnv, onStart: (tool: string) => void) {
    this.#env = env;
    this.#onStart = onStart;
  }

  /**
   * One verdict a line. All lines are run once, also after one that failed; a line at which the tool dies (some bad words end
   * it) has failed with what the tool said last, and those behind it run in another process.
   */
  run(prefix: Argv, lines: readonly string[]): Promise<readonly Verdict[]> {
    return this.#inTurn(prefix.join(' '), () => this.#runAll(prefix, lines));
  }

  async #runAll(prefix: Argv, lines: readonly string[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    for (let start = 0; start < lines.length; start += mostLines) {
      const chunk = lines.slice(start, start + mostLines);
      for (const verdict of await this.#runChunk(prefix, chunk)) verdicts.push(verdict);
    }
    return verdicts;
  }

  /** Ends the processes in a namespace, which would keep it alive; without a place, all. */
  async end(place?: Place): Promise<void> {
    const keys = new Set([...this.#processes.keys(), ...this.#turns.keys()]);
    const ending = [...keys].filter((key) => place === undefined || key.endsWith(` -n ${place}`));
    await Promise.all(ending.map((key) => this.#inTurn(key, () => this.#end(key))));
  }

  async #end(key: string): Promise<void> {
    const process = this.#processes.get(key);
    this.#processes.delete(key);
    await process?.end();
  }

  async #inTurn<Result>(key: string, action: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(key);
    const { promise: turn, resolve: end } = Promise.withResolvers<void>();
    this.#turns.set(key, turn);
    await before;
    try {
      return await action();
    } finally {
      end();
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  async #runChunk(prefix: Argv, lines: readonly string[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    let deaths = 0;
    while (verdicts.length < lines.length) {
      const left = lines.slice(verdicts.length);
      const end = await this.#process(prefix).run(left, patienceMilliseconds);
      for (const verdict of end.verdicts.slice(0, end.settled)) verdicts.push(verdict);
      if (end.settled === left.length) continue;
      const said = end.said === '' ? `"${prefix.join(' ')}" ended` : end.said;
      deaths = end.settled === 0 ? deaths + 1 : 1;
      // It does not start, or its namespace is gone: that is no line's fault.
      if (deaths === mostDeaths) return [...verdicts, ...Array.from({ length: lines.length - verdicts.length }, () => said)];
      verdicts.push(said);
    }
    return verdicts;
  }

  #process(prefix: Argv): BatchProcess {
    const key = prefix.join(' ');
    const found = this.#processes.get(key);
    if (found !== undefined && !found.isOver) return found;
    this.#onStart(prefix[0]);
    const process = new BatchProcess(prefix, this.#env);
    this.#processes.set(key, process);
    return process;
  }
}
