/** The long-running programs, and the token by which one knows the other. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import { addAccessOptions, type AccessOptions } from '../accessoptions.ts';
import type { TokenVerbOptions } from '../accounttoken.ts';
import { addStoreOptions, type StoreOptions } from '../storeoption.ts';

const wholeSeconds = (text: string): number => {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('it takes whole seconds from 1 to 3600.');
};

export const addDaemonVerbs = (program: Command, io: Io, finish: Finish): void => {
  addAccessOptions(addStoreOptions(program.command('server')))
    .description('run the control plane: API server, controller and goal-state service')
    .requiredOption('--data <folder>', 'where it keeps its state; holds the kubeconfig')
    .option('--listen <host:port>', 'where the API listens', '127.0.0.1:6443')
    .option('--southbound <host:port>', 'where agents dial in', '127.0.0.1:7443')
    .option('--advertise-southbound <host:port>', 'where other servers of the cluster send agents, when it is not where agents dial in')
    .option('--no-controller', 'serve the API alone: "heddle controller" runs elsewhere')
    .addOption(new Option('--lease-seconds <n>', 'with etcd: how long after the leader is gone another server leads').argParser(wholeSeconds).default(2))
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .action(async (options: StoreOptions & AccessOptions & { data: string; listen: string; southbound: string; advertiseSouthbound?: string; leaseSeconds: number; controller: boolean; logLevel: string }) => {
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
    .description('tokens by which devices and programs prove their names')
    .command('create')
    .description('print the token of a device, or of a program as a ServiceAccount')
    .option('--device <name>', 'name of the Switch object; needs --data')
    .option('--for <name>', 'name of the ServiceAccount, made when there is none')
    .option('-n, --namespace <namespace>', 'namespace of the ServiceAccount')
    .option('--group <name>', 'group that the token is in beside its own; may be given several times', (name: string, all: string[]) => [...all, name], [])
    .option('--duration <time>', 'how long the token is good', '24h')
    .addOption(new Option('-o, --output <form>', 'the token alone, or a kubeconfig with it').choices(['token', 'kubeconfig']).default('token'))
    .option('--data <folder>', 'the data folder of the server')
    .option('--kubeconfig <file>', 'how to reach the server')
    .action(async (options: TokenVerbOptions) => {
      const { printToken } = await import('../accounttoken.ts');
      finish(await printToken(io, options));
    });
};
