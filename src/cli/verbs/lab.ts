/** A wiring diagram as network namespaces on this machine. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';

export const addLabVerbs = (program: Command, _io: Io, _finish: Finish): void => {
  program.command('lab');
};
