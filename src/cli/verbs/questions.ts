/** What becomes of packets: of one, of all, and of all when something fails. */
import { Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import type { TraceOptions } from '../questions/trace.ts';
import { kubeconfigOption } from './objects.ts';

const controllerOption = (): Option => new Option('--controller <url>', 'ask "heddle controller" there, such as http://127.0.0.1:8081, in place of the API server');

export const addQuestionVerbs = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('trace <from> <to>')
    .description('show the way of a packet and of its answer, hop by hop; exit status 1 when one does not arrive')
    .addOption(kubeconfigOption())
    .option('-n, --namespace <name>', 'namespace (a tenant) of ends that name none')
    .addOption(controllerOption())
    .addOption(new Option('--proto <protocol>', 'protocol (default: icmp, with --port tcp)').choices(['tcp', 'udp', 'icmp']))
    .option('--port <number>', 'port that is asked for at <to>')
    .option('--actual', 'also ask the devices on the way what they run, and say where that first differs')
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json', 'mermaid']).default('text'))
    .addHelpText('after', '\nAn end is a server, NAMESPACE/ATTACHMENT, NAMESPACE/VPC:ADDRESS, an External (or EXTERNAL:ADDRESS), or an address.\nExample: heddle trace a1 shop/db-1 --port 5432')
    .action(async (from: string, to: string, options: TraceOptions) => {
      const { trace } = await import('../questions/trace.ts');
      finish(await trace(io, from, to, options));
    });
};
