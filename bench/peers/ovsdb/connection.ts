/**
 * JSON-RPC over a unix socket as OVSDB servers (RFC 7047 §4) and the control sockets of the OVS daemons speak it. Just what
 * a benchmark needs: calls, the server's notifications, and an answer to its echo, without which it hangs up.
 */
import { connect, type Socket } from 'node:net';
import { isJsonObject } from '../../../src/kit/json.ts';
import { createSplitter } from './frames.ts';
import { resultsOf, type Operation, type Result } from './rows.ts';

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #calls = new Map<number, Call>();
  readonly #listeners = new Set<(method: string, params: unknown) => void>();
  #nextId = 0;
  #broken: Error | undefined;
  /** The reason once the connection is lost; never rejects. */
  readonly closed: Promise<Error>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const split = createSplitter();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      for (const message of split(text)) this.#receive(JSON.parse(message));
    });
    socket.on('error', (error) => this.#fail(error));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve(this.#fail(new Error('the server closed the connection'))));
    });
  }

  /** Fails with the socket's own error, such as ENOENT and ECONNREFUSED while the server is starting. */
  static open(path: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
    });
  }

  /** Fails when the server answers an error and when the connection is lost. */
  call(method: string, params: readonly unknown[]): Promise<unknown> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  /** All or nothing; the results in the order of the operations. */
  async transact(database: string, operations: readonly Operation[]): Promise<Result[]> {
    return resultsOf(await this.call('transact', [database, ...operations]), operations.length);
  }

  /** Hears the server's notifications, such as `update`, until the answer is called. */
  listen(listener: (method: string, params: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(message: object): void {
    this.#socket.write(JSON.stringify(message));
  }

  #receive(message: unknown): void {
    if (!isJsonObject(message)) return;
    const { id, method, params, result, error } = message;
    if (method === 'echo') this.#send({ id, result: params, error: null });
    else if (typeof method === 'string') for (const listener of this.#listeners) listener(method, params);
    else if (typeof id === 'number') {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === null || error === undefined) call?.resolve(result);
      else call?.reject(new Error(`the server answered an error: ${JSON.stringify(error)}`));
    }
  }

  #fail(error: Error): Error {
    this.#broken ??= error;
    for (const call of this.#calls.values()) call.reject(this.#broken);
    this.#calls.clear();
    return this.#broken;
  }
}
