/** Devices that are not there, for whoever wants to see what a server does with thousands of them. */
import { Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import type { SimulateOptions } from '../simulate.ts';
import { kubeconfigOption } from './objects.ts';

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

export const addSimulateVerbs = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('simulate')
    .description('devices that exist only in memory, with real agents')
    .command('devices')
    .description('run the agents of many simulated devices against a running server, until Ctrl-C')
    .addOption(kubeconfigOption())
    .optionsGroup('Which devices:')
    .option('--from-cluster', 'every Switch that the API server knows (the default)')
    .option('--count <number>', 'this many, named by --prefix and a number')
    .option('--prefix <text>', 'what their names begin with', 'leaf-')
    .option('--first <number>', 'number of the first', '1')
    .option('--declare', 'create the Switch objects that are missing, with role leaf, and the Fabric "default" if there is none')
    .optionsGroup('Which server:')
    .option('--server <host:port>', 'where agents dial in', '127.0.0.1:7443')
    .option('--server-name <name>', "name in the server's certificate when it is not the host of --server")
    .option('--data <folder>', 'data folder of the server, for its authority and its token secret (default: where the kubeconfig is)')
    .optionsGroup('What goes wrong:')
    .option('--latency <time>', 'of every message, one way: 20ms, or 5ms-80ms')
    .option('--loss <share>', 'messages of the server that are lost, and the connection with them: 0.1%')
    .option('--answer-loss <share>', 'answers of devices that are lost')
    .option('--duplicate <share>', 'answers of devices that come twice')
    .option('--reorder <share>', 'answers of devices that are overtaken by the next')
    .addOption(new Option('--reject <rows=share>', 'rows that devices refuse: host/*=5% (may be repeated)').argParser(several))
    .addOption(new Option('--slow <table=time>', 'tables that take time, for each row: segment=20ms (may be repeated)').argParser(several))
    .option('--crash-every <time>', 'mean time between crashes of an agent, which keeps journal and data plane')
    .option('--reboot-every <time>', 'mean time between power failures of a device; every second one costs it the journal too')
    .option('--drift-every <time>', 'mean time between rows that somebody else takes away from a device')
    .option('--clock-skew <share>', 'how far clocks of devices run fast or slow at most')
    .option('--seed <number>', 'what decides everything left to chance', '1')
    .optionsGroup('How it runs:')
    .option('--drift-interval <time>', 'how often an agent compares its device with its goal', '60s')
    .option('--for <time>', 'end after this time')
    .option('--control', 'take commands on standard input and answer on standard output, one JSON object a line')
    .addOption(new Option('-o, --output <format>', 'format of the summary at the end').choices(['table', 'json']).default('table'))
    .action(async (options: SimulateOptions) => {
      const { simulateDevices } = await import('../simulate.ts');
      finish(await simulateDevices(io, options));
    });
};
