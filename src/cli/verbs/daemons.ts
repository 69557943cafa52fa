/** The long-running programs and what they need to know each other. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';

export const addDaemonVerbs = (program: Command, _io: Io, _finish: Finish): void => {
  program.command('server');
};
