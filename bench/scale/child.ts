/** A process beside the benchmark that answers questions, one at a time, so that its CPU and memory are its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { residentMegabytes } from '../peers/meter.ts';

/** Those of bin/heddle, which starts a server with them. */
export const serverFlags: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=100', '--external-memory-accounted-in-global-limit'];

/** Of them, what it gives `simulate` and matters to thousands of connections. */
export const fleetFlags: readonly string[] = ['--external-memory-accounted-in-global-limit'];

export class Child<Question, Answer> {
  readonly #process: ChildProcess;

  constructor(file: string, flags: readonly string[] = []) {
    const execArgv = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0123', ...flags];
    const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
    this.#process = fork(join(import.meta.dirname, file), { execArgv, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }

  /** Sends a question and waits for its answer; fails when the process ends instead. */
  async ask(question: Question): Promise<Answer> {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      this.#process.send(question as object);
      const ended = once(this.#process, 'exit', { signal }).then(() => {
        throw new Error(`"${this.#process.spawnargs.at(-1)}" ended`);
      });
      const [answer] = (await Promise.race([once(this.#process, 'message', { signal }), ended])) as [Answer | { fault: string }];
      if (typeof answer === 'object' && answer !== null && 'fault' in answer) throw new Error(answer.fault);
      return answer as Answer;
    } finally {
      waiting.abort();
    }
  }

  residentMegabytes(): number {
    return residentMegabytes(this.#process.pid ?? 0);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** The other side of `Child`. */
export const answerQuestions = <Question, Answer>(answerTo: (question: Question) => Promise<Answer>): void => {
  process.on('message', (question: Question) => {
    answerTo(question).then(
      (answer) => void process.send?.(answer),
      (thrown: unknown) => void process.send?.({ fault: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    );
  });
  process.on('disconnect', () => process.exit());
};
