/**
 * One `ip` or `bridge` that stays and takes commands line by line. `-force` lets it go on after a line that failed; every
 * failure is named on standard error with its line, in order. The end of a batch is seen by a line that always fails: the
 * tool does not know its object, and never asks the kernel.
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
  /** Lines per marker. */
  readonly stride: number;
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

  /** Runs lines; with a marker after every `stride` of them it is known how far a tool came that dies. One call at a time. */
  run(lines: readonly string[], stride: number, patienceMilliseconds: number): Promise<ExchangeEnd> {
    if (this.#over) return Promise.resolve({ verdicts: [], settled: 0, said: this.#said.join('; ') });
    const { promise, resolve } = Promise.withResolvers<ExchangeEnd>();
    const verdicts: Verdict[] = Array.from(lines, () => undefined);
    this.#said = [];
    this.#exchange = { verdicts, first: this.#line + 1, stride, settled: 0, resolve };
    this.#line += lines.length + Math.ceil(lines.length / stride);
    this.#child.stdin.write(marked(lines, stride));
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
    const { verdicts, first, stride, resolve } = exchange;
    const offset = line - first;
    const group = Math.floor(offset / (stride + 1));
    const said = this.#said.filter((text) => text !== '').join('; ');
    this.#said = [];
    const isMarker = offset % (stride + 1) === stride || offset === verdicts.length + group;
    if (!isMarker) {
      verdicts[offset - group] = said === '' ? 'failed without a word' : said;
      return;
    }
    exchange.settled = Math.min(verdicts.length, (group + 1) * stride);
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

const marked = (lines: readonly string[], stride: number): string => {
  const text: string[] = [];
  for (let start = 0; start < lines.length; start += stride) text.push(...lines.slice(start, start + stride), marker);
  return `${text.join('\n')}\n`;
};
