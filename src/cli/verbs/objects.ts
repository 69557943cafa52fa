/** The verbs that people know from kubectl. */
import { Option, type Command } from 'commander';
import type { Output } from '../get.ts';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import type { GlobalOptions } from '../session.ts';

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

export const kubeconfigOption = (): Option =>
  new Option('--kubeconfig <file>', 'how to reach the API server (else $HEDDLE_KUBECONFIG, $KUBECONFIG, a lab that is up, ~/.kube/config)');

/** A verb that talks to the API server. */
const verb = (program: Command, usage: string, description: string): Command =>
  program
    .command(usage)
    .description(description)
    .addOption(kubeconfigOption())
    .option('-n, --namespace <name>', 'namespace (a tenant) of the objects');

const filename = (required: boolean): Option => {
  const option = new Option('-f, --filename <file>', 'file, folder or - (may be repeated)').argParser(several);
  return required ? option.makeOptionMandatory() : option;
};

export const addObjectVerbs = (program: Command, io: Io, finish: Finish): void => {
  verb(program, 'apply', 'make the server hold what the files say')
    .addOption(filename(true))
    .option('--dry-run', 'let the server check and answer, but keep nothing')
    .option('--server-side', 'let the server merge, and keep who owns which fields')
    .option('--force-conflicts', 'with --server-side: take fields that others own')
    .option('--field-manager <name>', 'with --server-side: the name to own fields under (default: heddle)')
    .action(async (options: GlobalOptions & { filename: string[]; dryRun?: true; serverSide?: true; forceConflicts?: true; fieldManager?: string }) => {
      const { apply } = await import('../apply.ts');
      finish(await apply(io, options));
    });

  verb(program, 'get <kind> [names...]', 'list objects: vpc, vpc,switch, vpc/shop, all')
    .option('-A, --all-namespaces', 'of all namespaces')
    .addOption(new Option('-o, --output <format>', 'format').choices(['table', 'wide', 'json', 'yaml', 'name']).default('table'))
    .option('-w, --watch', 'follow changes until Ctrl-C')
    .option('-l, --selector <labels>', 'only objects with these labels, such as app=shop')
    .action(async (kind: string, names: string[], options: GlobalOptions & { output: Output }) => {
      const { get } = await import('../get.ts');
      finish(await get(io, kind, names, options));
    });

  verb(program, 'describe <kind> [names...]', 'show an object for reading, with its conditions and events').action(
    async (kind: string, names: string[], options: GlobalOptions) => {
      const { describe } = await import('../describe.ts');
      finish(await describe(io, kind, names, options));
    },
  );

  verb(program, 'delete [kind] [names...]', 'delete objects and wait until they are gone')
    .addOption(filename(false))
    .option('--all', 'every object of the kind')
    .option('--ignore-not-found', 'an object that is not there is no fault')
    .option('--no-wait', 'return when deletion was accepted')
    .action(async (kind: string | undefined, names: string[], options: GlobalOptions & { filename?: string[]; wait: boolean; all?: true }) => {
      const { remove } = await import('../delete.ts');
      finish(await remove(io, kind, names, options));
    });

  verb(program, 'wait [objects...]', 'wait until KIND/NAME... has a condition or is gone')
    .requiredOption('--for <what>', 'condition=TYPE, condition=TYPE=STATUS or delete')
    .option('--timeout <time>', 'such as 90s or 5m', '30s')
    .option('--all', 'every object of the kinds')
    .addOption(filename(false))
    .action(async (refs: string[], options: GlobalOptions & { for: string; timeout: string; filename?: string[]; all?: true }) => {
      const { wait } = await import('../wait.ts');
      finish(await wait(io, refs, options));
    });

  verb(program, 'annotate <kind> <name> <annotations...>', 'set annotations (KEY=VALUE), or remove them (KEY-)').action(
    async (kind: string, name: string, annotations: string[], options: GlobalOptions) => {
      const { annotate } = await import('../annotate.ts');
      finish(await annotate(io, kind, name, annotations, options));
    },
  );

  verb(program, 'diff', 'show what apply would change; exit status 2 when something would')
    .addOption(filename(true))
    .action(async (options: GlobalOptions & { filename: string[] }) => {
      const { diff } = await import('../diff.ts');
      finish(await diff(io, options));
    });

  program
    .command('validate')
    .description('check files without a server, every fault with its place')
    .addOption(filename(true))
    .action(async (options: { filename: string[] }) => {
      const { validate } = await import('../validate.ts');
      finish(await validate(io, options.filename));
    });

  verb(program, 'api-resources', 'list the kinds that the server knows').action(async (options: GlobalOptions) => {
    const { apiResources } = await import('../apiresources.ts');
    finish(await apiResources(io, options));
  });

  verb(program, 'version', 'print the version of this program and of the server').action(async (options: GlobalOptions) => {
    const { version } = await import('../version.ts');
    finish(await version(io, options));
  });
};
