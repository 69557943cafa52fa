/** Completion for the three shells: each asks `heddle complete`, which walks the same tree of commands that runs. */
import { Argument, type Command } from 'commander';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';

export const addShellVerbs = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('completion')
    .description('print the completion script: source <(heddle completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion.ts');
      io.out(completionScript(shell));
      finish(0);
    });

  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { candidates } = await import('../completion.ts');
      for (const word of await candidates(program, words, io)) io.out(`${word}\n`);
      finish(0);
    });
};
