/**
 * What the driver remembers over a restart of the agent. Nothing depends on it but time: it is believed only by the very
 * program that wrote it, and whatever is wrong with the file makes it as good as absent.
 */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';

export interface DeviceMemory<Value> {
  recall(): Promise<Value | undefined>;
  /** Writes a value that is not the one it has; undefined is not worth a file. */
  keep(value: Value | undefined): Promise<void>;
}

export const deviceMemory = <Value>(file: string, program = import.meta.filename): DeviceMemory<Value> => {
  let last: Value | undefined;
  return {
    recall: async () => {
      try {
        const { writer, value } = JSON.parse(await readFile(file, 'utf8')) as { readonly writer: string; readonly value: Value };
        const own = await identityOf(program);
        return own !== undefined && writer === own ? value : undefined;
      } catch {
        return undefined;
      }
    },
    keep: async (value) => {
      if (value === undefined || value === last) return;
      last = value;
      try {
        const writer = await identityOf(program);
        if (writer === undefined) return;
        await writeFile(`${file}.new`, JSON.stringify({ writer, value }), { mode: 0o600 });
        await rename(`${file}.new`, file);
      } catch {
        // A full disk costs the next start some seconds.
      }
    },
  };
};

/** Of a bundle; among sources, where a change may be in any file, nobody is the program that wrote it. */
const identityOf = async (program: string): Promise<string | undefined> => {
  if (program.endsWith('.ts')) return undefined;
  const { size, mtimeMs } = await stat(program);
  return `${program} ${size} ${mtimeMs}`;
};
