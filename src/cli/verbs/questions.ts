/** What becomes of packets: of one, of all, and of all when something fails. */
import { Option, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import type { PlanOptions } from '../questions/plan.ts';
import type { TraceOptions } from '../questions/trace.ts';
import type { VerifyOptions } from '../questions/verify.ts';
import type { WhatIfOptions } from '../questions/whatif.ts';
import { kubeconfigOption } from './objects.ts';

const controllerOption = (): Option => new Option('--controller <url>', 'ask "heddle controller" there, such as http://127.0.0.1:8081, in place of the API server');

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

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

  program
    .command('verify')
    .description('check all goal state against what objects promise; with --matrix show what reaches what, with --against what a change makes of it')
    .addOption(kubeconfigOption())
    .option('-n, --namespace <name>', 'with --matrix: only VPCs of this namespace')
    .addOption(new Option('-f, --filename <file>', 'judge what these files or folders say, without a server (may be repeated)').argParser(several))
    .option('--matrix', 'what passes between subnets, and networks outside')
    .addOption(new Option('--against <files>', 'what is newly allowed and newly denied since these files or folders (may be repeated), or "server": what -f changes of what it has').argParser(several))
    .option('--revision <number>', 'what is newly allowed and newly denied since this revision of the server')
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExit status: 0 fine, 1 something is wrong, 2 (with --against or --revision) a difference.\nExamples: heddle verify; heddle verify --matrix -n shop; heddle verify -f change.yaml --against server; heddle verify -f new/ --against old/')
    .action(async (options: VerifyOptions) => {
      const { verify } = await import('../questions/verify.ts');
      finish(await verify(io, options));
    });

  program
    .command('plan')
    .description('show what would follow from applying (or deleting) what the files say, without doing it')
    .addOption(kubeconfigOption())
    .option('-n, --namespace <name>', 'namespace (a tenant) of objects that name none')
    .addOption(new Option('-f, --filename <file>', 'file, folder or - (may be repeated)').argParser(several).makeOptionMandatory())
    .option('--delete', 'what the files name is to be deleted')
    .option('--all', 'every device, row and command, however many')
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExit status: 0 nothing would change, 2 something would, 1 it is refused, withheld or held.\nExamples: heddle plan -f change.yaml; heddle plan --delete -f tenant/')
    .action(async (options: PlanOptions) => {
      const { plan } = await import('../questions/plan.ts');
      finish(await plan(io, options));
    });

  program
    .command('whatif')
    .description('show who loses whom, and who loses redundancy, when cables or devices fail; exit status 1 when somebody is parted')
    .addOption(kubeconfigOption())
    .option('--down <what...>', 'all that fails at once: switch NAME, link SWITCH/PORT, server NAME')
    .option('--all-single', 'every device and every cable, one after another; those without consequence are only counted')
    .addOption(new Option('-f, --filename <file>', 'judge what these files or folders say, without a server (may be repeated)').argParser(several))
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExample: heddle whatif --down switch spine-1 link leaf-2/E1/50')
    .action(async (options: WhatIfOptions) => {
      const { whatIf } = await import('../questions/whatif.ts');
      finish(await whatIf(io, options));
    });
};
