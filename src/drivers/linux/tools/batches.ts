/** The `ip` and `bridge` that stay while a plan is applied: one a namespace, started when first needed, and anew when one dies. */
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

  constructor(env: NodeJS.ProcessEnv, onStart: (tool: string) => void) {
    this.#env = env;
    this.#onStart = onStart;
  }

  /**
   * One verdict a line. All lines are run once, also after one that failed; a line at which the tool dies (some bad words end
   * it) has failed with what the tool said last, and those behind it run in another process.
   */
  async run(prefix: Argv, lines: readonly string[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    for (let start = 0; start < lines.length; start += mostLines) {
      const chunk = lines.slice(start, start + mostLines);
      for (const verdict of await this.#runChunk(prefix, chunk)) verdicts.push(verdict);
    }
    return verdicts;
  }

  /** Ends the processes in a namespace, which would keep it alive; without a place, all. */
  async end(place?: Place): Promise<void> {
    const ending = [...this.#processes].filter(([key]) => place === undefined || key.endsWith(` -n ${place}`));
    for (const [key] of ending) this.#processes.delete(key);
    await Promise.all(ending.map(([, process]) => process.end()));
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
