/**
 * One `ip` or `bridge` that stays and takes commands line by line. `-force` lets it go on after a line that failed; every
 * failure is named on standard error with its line, in order. That a line is over is seen by the next one, which always fails:
 * the tool does not know its object, and never asks the kernel. One such after every line costs 2 us, and it is known how far
 * a tool came that dies: no line need ever run twice, which `add` and `del` do not bear.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Argv } from '../../../kit/process.ts';

/** What the tool said about a line; undefined when the line did what it should. */
export type Verdict = string | undefined;

const marker = 'end-of-batch';
const failedLine = /^Command failed -:(\d+)$/;

interface Exchange {
  readonly verdicts: Verdict[];
  /** Line number of the first line. */
  readonly first: number;
  /** Lines known to be over. */
  settled: number;
  readonly resolve: (end: ExchangeEnd) => void;
}

export interface ExchangeEnd {
  readonly verdicts: readonly Verdict[];
  /** How many lines were settled; fewer than were asked when the tool died. */
  readonly settled: number;
  /** What a tool that died said last. */
  readonly said: string;
}

export class BatchProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  #line = 0;
  #exchange: Exchange | undefined;
  #unread = '';
  #said: string[] = [];
  #over = false;

  constructor(prefix: Argv, env: NodeJS.ProcessEnv) {
    const [tool, ...words] = prefix;
    this.#child = spawn(tool, [...words, '-force', '-batch', '-'], { env, stdio: 'pipe' });
    this.#child.stdout.resume();
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#said.push(error.message);
        this.#end();
        resolve();
      });
      this.#child.once('close', () => {
        this.#end();
        resolve();
      });
    });
  }

  /** It ended, or was ended; nothing more can be asked of it. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Runs lines. One call at a time. */
  run(lines: readonly string[], patienceMilliseconds: number): Promise<ExchangeEnd> {
    if (this.#over) return Promise.resolve({ verdicts: [], settled: 0, said: this.#said.join('; ') });
    const { promise, resolve } = Promise.withResolvers<ExchangeEnd>();
    const verdicts: Verdict[] = Array.from(lines, () => undefined);
    this.#said = [];
    this.#exchange = { verdicts, first: this.#line + 1, settled: 0, resolve };
    this.#line += 2 * lines.length;
    this.#child.stdin.write(lines.map((line) => `${line}\n${marker}\n`).join(''));
    const timer = setTimeout(() => {
      this.#said = [`did not answer within ${patienceMilliseconds / 1000} s`];
      this.#child.kill('SIGKILL');
    }, patienceMilliseconds);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Resolves when the process is gone, and with it its hold on a namespace. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#closed;
  }

  #read(text: string): void {
    const lines = `${this.#unread}${text}`.split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) {
      const failed = failedLine.exec(line)?.[1];
      if (failed === undefined) this.#said.push(line.trim());
      else this.#failed(Number(failed));
    }
  }

  #failed(line: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const { verdicts, first, resolve } = exchange;
    const number = Math.floor((line - first) / 2);
    const isMarker = (line - first) % 2 === 1;
    const said = this.#said.filter((text) => text !== '').join('; ');
    this.#said = [];
    if (!isMarker) {
      verdicts[number] = said === '' ? 'failed without a word' : said;
      return;
    }
    exchange.settled = number + 1;
    if (exchange.settled < verdicts.length) return;
    this.#exchange = undefined;
    resolve({ verdicts, settled: exchange.settled, said: '' });
  }

  #end(): void {
    this.#over = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const said = [...this.#said, this.#unread.trim()].filter((text) => text !== '').join('; ');
    exchange?.resolve({ verdicts: exchange.verdicts, settled: exchange.settled, said });
  }
}
