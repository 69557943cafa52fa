/** What a device is to hold, and why. */
import { Option, type Command } from 'commander';
import type { ExplainOptions } from '../explain.ts';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import { kubeconfigOption } from './objects.ts';

export const addExplainVerb = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('explain <device> [row]')
    .description('show a row of goal state, such as attachment/E1/1, and the objects it comes from; without a row, or with a table, list them')
    .addOption(kubeconfigOption())
    .option('--controller <url>', 'ask "heddle controller" there, such as http://127.0.0.1:8081, in place of the API server')
    .addOption(new Option('-o, --output <format>', 'format').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (device: string, row: string | undefined, options: ExplainOptions) => {
      const { explain } = await import('../explain.ts');
      finish(await explain(io, device, row, options));
    });
};
