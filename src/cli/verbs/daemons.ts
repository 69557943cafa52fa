/** The long-running programs, and the token by which one knows the other. */
import { Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import { addStoreOptions, type StoreOptions } from '../storeoption.ts';

export const addDaemonVerbs = (program: Command, io: Io, finish: Finish): void => {
  addStoreOptions(program.command('server'))
    .description('run the control plane: API server, controller and goal-state service')
    .requiredOption('--data <folder>', 'where it keeps its state; holds the kubeconfig')
    .option('--listen <host:port>', 'where the API listens', '127.0.0.1:6443')
    .option('--southbound <host:port>', 'where agents dial in', '127.0.0.1:7443')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .action(async (options: StoreOptions & { data: string; listen: string; southbound: string; logLevel: string }) => {
      const { runServer } = await import('../server.ts');
      finish(await runServer(io, options));
    });

  program
    .command('agent')
    .description('run the agent of one device (its own --help tells the options)')
    .argument('[arguments...]')
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { main } = await import('../../agent/main.ts');
      finish(await main(words));
    });

  program
    .command('token')
    .description('tokens by which devices prove their names')
    .command('create')
    .description('print the token of a device')
    .requiredOption('--device <name>', 'name of the Switch object')
    .requiredOption('--data <folder>', 'the data folder of the server')
    .action(async (options: { device: string; data: string }) => {
      const { createToken } = await import('../token.ts');
      io.out(`${createToken(options)}\n`);
      finish(0);
    });
};
