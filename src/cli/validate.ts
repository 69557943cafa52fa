/** `heddle validate`: everything that can be said about files without a server. */
import { crossCheck } from './crosscheck.ts';
import { checkSources, formatFaults } from './offline.ts';
import type { ExitStatus, Io } from './io.ts';
import { readSources } from './source.ts';

export const validate = async (io: Io, files: readonly string[]): Promise<ExitStatus> => {
  const { sources, faults } = await readSources(files, io.stdin);
  const own = [...faults, ...checkSources(sources)];
  const crossed = own.length === 0 ? crossCheck(sources) : { faults: [], warnings: [] };
  const all = [...own, ...crossed.faults];
  io.note(formatFaults(all));
  io.note(formatFaults(crossed.warnings.map(({ place, finding }) => ({ place: `${place}: warning`, finding }))));
  if (all.length === 0) io.out(`${sources.length} ${sources.length === 1 ? 'object' : 'objects'}, no fault\n`);
  return all.length === 0 ? 0 : 1;
};
