/** How changes of a fabric reach its devices, and what was changed. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { HistoryOptions, StatusOptions, UndoOptions } from '../rollouts.ts';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import type { GlobalOptions } from '../session.ts';
import { kubeconfigOption } from './objects.ts';

const revisionNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is no revision; "heddle history" lists them.');
  return Number(text);
};

export const addRolloutVerbs = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('history')
    .description('list changes of a fabric that were rolled out; with --revision, show one')
    .argument('[fabric]', 'Fabric', 'default')
    .addOption(kubeconfigOption())
    .addOption(new Option('--revision <n>', 'show what this one changed').argParser(revisionNumber))
    .addOption(new Option('-o, --output <format>', 'format').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (fabric: string, options: HistoryOptions) => {
      const { history } = await import('../rollouts.ts');
      finish(await history(io, fabric, options));
    });

  const rollout = program.command('rollout').description('changes of a fabric on their way through its devices, wave by wave (Fabric.spec.rollout)');
  verb(rollout, 'status', 'follow the newest rollout to its end; exit status 1 when it was halted')
    .option('--no-watch', 'print how far it is and end')
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json']).default('text'))
    .action(async (fabric: string, options: StatusOptions) => {
      const { rolloutStatus } = await import('../rollouts.ts');
      finish(await rolloutStatus(io, fabric, options));
    });
  for (const [name, description] of [['pause', 'let no further wave go'], ['resume', 'go on with what was paused']] as const) {
    verb(rollout, name, description).action(async (fabric: string, options: GlobalOptions) => {
      const { pause } = await import('../rollouts.ts');
      finish(await pause(io, fabric, name === 'pause', options));
    });
  }
  verb(rollout, 'undo', 'set objects back to what they said before the newest change, or after an earlier revision')
    .addOption(new Option('--to-revision <n>', 'what was so after this one').argParser(revisionNumber))
    .option('--dry-run', 'only say what would be done')
    .action(async (fabric: string, options: UndoOptions) => {
      const { undo } = await import('../rollouts.ts');
      finish(await undo(io, fabric, options));
    });
};

const verb = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description).argument('[fabric]', 'Fabric', 'default').addOption(kubeconfigOption());
