/** The CLI as its user meets it: a command line in, what it printed and its exit status out, against a real API server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kinds } from '../api/kinds.ts';
import { startApiServer } from '../apiserver/server.ts';
import { createMemoryStore } from '../store/memory.ts';
import { runProgram } from './program.ts';

export interface Printed {
  readonly status: number;
  readonly out: string;
  readonly note: string;
}

export interface Workbench {
  readonly folder: string;
  readonly server: Awaited<ReturnType<typeof startApiServer>>;
  /** Runs a command line, words split at blanks; `stdin` is what `-f -` reads. */
  readonly heddle: (commandLine: string, options?: { readonly stdin?: string; readonly signal?: AbortSignal }) => Promise<Printed>;
  readonly close: () => Promise<void>;
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A server on a free port with an empty memory store, and a command line that knows its kubeconfig. */
export const openWorkbench = async (): Promise<Workbench> => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-cli-'));
  const store = createMemoryStore();
  const server = await startApiServer({ store, kinds, dataDir: folder, listen: { host: '127.0.0.1', port: 0 }, log: silent });
  return {
    folder,
    server,
    heddle: async (commandLine, { stdin = '', signal = new AbortController().signal } = {}) => {
      let [out, note] = ['', ''];
      const env = { HEDDLE_KUBECONFIG: server.kubeconfigPath };
      const status = await runProgram(commandLine.split(' '), {
        out: (text) => (out += text),
        note: (text) => (note += text),
        stdin: async () => stdin,
        env,
        signal,
        columns: 120,
        isTerminal: false,
      });
      return { status, out, note };
    },
    close: async () => {
      await server.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
