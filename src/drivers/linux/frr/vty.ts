/**
 * A connection to one FRR daemon, as vtysh has it: a command and a NUL byte; the answer is text, three NUL bytes and a status
 * (lib/vty.c, `vtysh_read`). It saves the 26 ms that a vtysh needs to learn all commands of all daemons.
 */
import { type Socket, connect } from 'node:net';
import { HeddleError } from '../../../kit/error.ts';

export interface Answer {
  readonly text: string;
  /** `CMD_…` of FRR's lib/command.h. */
  readonly status: number;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: HeddleError) => void;
}

const trailer = 4;

export class VtyConnection {
  readonly #path: string;
  readonly #patience: number;
  #socket: Socket | undefined;
  #chunks: Buffer[] = [];
  /** Commands are answered in order. */
  #waiting: Waiting[] = [];

  constructor(path: string, patienceMilliseconds = 60_000) {
    this.#path = path;
    this.#patience = patienceMilliseconds;
  }

  /** Connects when there is no connection. @throws HeddleError `Unavailable` when the daemon does not answer. */
  async ask(command: string): Promise<Answer> {
    if (/[\0\n\r]/.test(command)) throw new HeddleError('Invalid', `"${command}" cannot be a command`);
    const socket = this.#socket ?? this.#connect();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ resolve, reject });
    socket.write(`${command}\0`);
    const timer = setTimeout(() => this.#lost(`no answer within ${this.#patience / 1000} s`), this.#patience);
    return promise.finally(() => clearTimeout(timer));
  }

  close(): void {
    this.#lost('the connection was closed');
  }

  #connect(): Socket {
    const socket = connect(this.#path);
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.once('error', (error) => this.#socket === socket && this.#lost(error.message));
    socket.once('close', () => this.#socket === socket && this.#lost('the daemon ended the connection'));
    this.#waiting.push({ resolve: () => {}, reject: () => {} });
    socket.write('enable\0');
    return socket;
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    // Text holds no NUL, so an answer that has not ended yet is not put together for every chunk of it.
    if (!chunk.includes(0) && this.#chunks.at(-2)?.includes(0) !== true) return;
    let bytes = Buffer.concat(this.#chunks);
    for (let end = bytes.indexOf(0); end >= 0 && bytes.length >= end + trailer; end = bytes.indexOf(0)) {
      this.#waiting.shift()?.resolve({ text: bytes.toString('utf8', 0, end), status: bytes[end + trailer - 1] ?? 0 });
      bytes = bytes.subarray(end + trailer);
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
  }

  #lost(reason: string): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#chunks = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(new HeddleError('Unavailable', `FRR does not answer at ${this.#path}: ${reason}`));
  }
}
