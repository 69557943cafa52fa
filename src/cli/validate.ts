/** `heddle validate`: everything that can be said about files without a server. */
import { checkSources, formatFaults } from './offline.ts';
import type { ExitStatus, Io } from './io.ts';
import { readSources } from './source.ts';

export const validate = async (io: Io, files: readonly string[]): Promise<ExitStatus> => {
  const { sources, faults } = await readSources(files, io.stdin);
  const all = [...faults, ...checkSources(sources)];
  io.note(formatFaults(all));
  if (all.length === 0) io.out(`${sources.length} ${sources.length === 1 ? 'object' : 'objects'}, no fault\n`);
  return all.length === 0 ? 0 : 1;
};
