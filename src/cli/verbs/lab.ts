/** A wiring diagram as network namespaces on this machine. */
import { Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];
const nameOption = (what: string): Option => new Option('--name <name>', what);
const outputOption = (): Option => new Option('-o, --output <format>', 'format').choices(['table', 'json']).default('table');
const theOnly = 'name of the lab (default: the only one that is up)';

export interface LabReadOptions {
  readonly name?: string;
  readonly output: 'table' | 'json';
}

export const addLabVerbs = (program: Command, io: Io, finish: Finish): void => {
  const lab = program.command('lab').description('a fabric of network namespaces on this machine').enablePositionalOptions();

  lab
    .command('up')
    .description('build the fabric that the files describe; returns when it has converged')
    .addOption(new Option('-f, --filename <file>', 'file or folder (may be repeated; default: the example spine-leaf)').argParser(several))
    .addOption(nameOption('name of the lab').default('lab'))
    .option('--timeout <time>', 'how long it may take to converge', '60s')
    .option('--keep', 'leave a lab that failed as it is, to look at')
    .action(async (options: { filename?: string[]; name: string; timeout: string; keep?: true }) => {
      const { labUpVerb } = await import('../lab.ts');
      finish(await labUpVerb(io, options));
    });

  lab
    .command('down')
    .description('remove the lab, whatever state it is in')
    .addOption(nameOption(theOnly))
    .action(async (options: { name?: string }) => {
      const { labDownVerb } = await import('../lab.ts');
      finish(await labDownVerb(io, options.name));
    });

  lab
    .command('check')
    .description('probe every ordered pair of servers and compare with what the VPCs say; exit status 1 when one differs')
    .addOption(nameOption(theOnly))
    .addOption(outputOption())
    .action(async (options: LabReadOptions) => {
      const { labCheckVerb } = await import('../lab.ts');
      finish(await labCheckVerb(io, options));
    });

  lab
    .command('status')
    .description('what runs, whether it is connected and what it costs')
    .addOption(nameOption(theOnly))
    .addOption(outputOption())
    .action(async (options: LabReadOptions) => {
      const { labStatusVerb } = await import('../lab.ts');
      finish(await labStatusVerb(io, options));
    });

  lab
    .command('exec <node> [command...]')
    .description('run a command (default: a shell) in a server or switch: heddle lab exec web-1 -- ping 10.1.1.3')
    .addOption(nameOption(theOnly))
    .passThroughOptions()
    .action(async (node: string, command: string[], options: { name?: string }) => {
      const { labExecVerb } = await import('../lab.ts');
      finish(await labExecVerb(node, command, options.name));
    });
};
