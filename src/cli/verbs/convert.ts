/** Verbs between this and other systems: import and export. */
import { Option, type Command } from 'commander';
import type { ExportOptions, WiringFormat } from '../export.ts';
import type { ImportOptions } from '../import.ts';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import { kubeconfigOption } from './objects.ts';

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

const filename = (): Option => new Option('-f, --filename <file>', 'file, folder or - (may be repeated)').argParser(several);

const importVerb = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .addOption(filename().makeOptionMandatory())
    .addOption(new Option('-o, --output <format>', 'format').choices(['yaml', 'json']).default('yaml'))
    .option('--profile <name>', 'SwitchProfile of all switches, such as linux-soft for a lab');

export const addConvertVerbs = (program: Command, io: Io, finish: Finish): void => {
  const importing = program.command('import').description("print other systems' documents as objects of ours, and say what has no equivalent");
  importVerb(importing, 'hedgehog', 'wiring, VPCs and externals of Hedgehog (*.githedgehog.com), names kept')
    .option('-n, --namespace <name>', 'namespace (a tenant) that gets the VPCs', 'default')
    .action(async (options: ImportOptions) => {
      const { importHedgehog } = await import('../import.ts');
      finish(await importHedgehog(io, options));
    });
  importVerb(importing, 'containerlab', 'nodes and links of a containerlab topology as wiring').action(async (options: ImportOptions) => {
    const { importContainerlab } = await import('../import.ts');
    finish(await importContainerlab(io, options));
  });
  program
    .command('export')
    .description('print wiring for other programs')
    .command('wiring')
    .description('devices and cables as a drawing, or as a containerlab topology')
    .addOption(kubeconfigOption())
    .addOption(filename().conflicts('kubeconfig'))
    .addOption(new Option('--format <format>', 'format').choices(['mermaid', 'dot', 'drawio', 'containerlab']).default('mermaid' satisfies WiringFormat))
    .action(async (options: ExportOptions) => {
      const { exportWiring } = await import('../export.ts');
      finish(await exportWiring(io, options));
    });
};
