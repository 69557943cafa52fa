/** What may come next on a half-typed command line: verbs and options from the tree of commands, names from the server. */
import type { Command, Option } from 'commander';
import { labNames, findManifest } from '../lab/manifest.ts';
import type { Io } from './io.ts';
import { findType, pathOf } from '../client/discovery.ts';
import { itemsOf } from '../client/live.ts';
import { withSession } from './session.ts';

const scripts = {
  bash: `# heddle completion for bash
_heddle() {
  local IFS=$'\\n'
  COMPREPLY=($(heddle complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); fi
}
complete -F _heddle heddle
`,
  zsh: `#compdef heddle
_heddle() {
  local -a found
  found=("\${(@f)$(heddle complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _heddle heddle
`,
  fish: `# heddle completion for fish
complete -c heddle -f -a '(heddle complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c heddle -n '__fish_seen_argument -s f -l filename' -F
`,
} as const;

export const completionScript = (shell: 'bash' | 'zsh' | 'fish'): string => scripts[shell];

/** Words that may stand where the last of `words` stands, which may be empty or begun. No answer: a file name, or nothing. */
export const candidates = async (program: Command, words: readonly string[], io: Io): Promise<string[]> => {
  const done = words.slice(0, -1);
  const begun = words.at(-1) ?? '';
  const { command, rest } = descend(program, done);
  const all = await possible(command, rest, begun, io);
  return [...new Set(all)].filter((word) => word.startsWith(begun)).sort();
};

/** The command that the words lead to, and those words that are its arguments. */
const descend = (program: Command, words: readonly string[]): { command: Command; rest: readonly string[] } => {
  let command = program;
  for (const [index, word] of words.entries()) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) return { command, rest: words.slice(index) };
    command = next;
  }
  return { command, rest: [] };
};

const possible = async (command: Command, rest: readonly string[], begun: string, io: Io): Promise<string[]> => {
  const pending = optionOf(command, rest.at(-1));
  if (pending !== undefined && (pending.required || pending.optional)) return optionValues(pending, io);
  if (begun.startsWith('-')) return command.options.filter((option) => !option.hidden).map((option) => option.long ?? option.short ?? '');
  const children = command.commands.filter((child) => !isHidden(child)).map((child) => child.name());
  return children.length > 0 ? children : argumentValues(command, rest, begun, io);
};

/** `createHelp` leaves hidden commands out, and nothing else of commander's public face tells them apart. */
const isHidden = (command: Command): boolean => !(command.parent?.createHelp().visibleCommands(command.parent).includes(command) ?? true);

const optionOf = (command: Command, word: string | undefined): Option | undefined =>
  command.options.find((option) => word !== undefined && (option.short === word || option.long === word));

const positional = (command: Command, words: readonly string[]): string[] =>
  words.filter((word, index) => !word.startsWith('-') && optionOf(command, words[index - 1])?.required !== true);

const optionValues = async (option: Option, io: Io): Promise<string[]> => {
  if (option.argChoices !== undefined) return option.argChoices;
  if (option.long === '--namespace') return live(io, 'namespace');
  if (option.long === '--name') return labNames();
  if (option.long === '--down') return ['switch', 'link', 'server'];
  if (option.long === '--against') return ['server'];
  return [];
};

const argumentValues = async (command: Command, rest: readonly string[], begun: string, io: Io): Promise<string[]> => {
  const before = positional(command, rest);
  const choices = command.registeredArguments[before.length]?.argChoices;
  if (choices !== undefined) return choices;
  if (command.name() === 'exec') return before.length > 0 ? [] : nodes(rest);
  if (command.name() === 'explain') return explainValues(before, io);
  if (command.name() === 'whatif') return outageValues(rest, begun, io);
  if (command.name() === 'trace') return before.length > 1 ? [] : endValues(begun, io);
  const takesKind = command.registeredArguments.some((argument) => ['kind', 'objects'].includes(argument.name()));
  if (!takesKind) return [];
  const [kind] = before;
  if (kind !== undefined && !kind.includes('/')) return live(io, kind);
  const [slashed, name] = begun.split('/');
  if (name !== undefined && slashed !== undefined) return (await live(io, slashed)).map((item) => `${slashed}/${item}`);
  return kinds(io);
};

/** Servers, Externals and attachments; VPCs too, whose address comes after a colon. */
const endValues = async (begun: string, io: Io): Promise<string[]> => {
  const [namespace, slash] = [begun.slice(0, begun.indexOf('/')), begun.includes('/')];
  if (!slash) return (await Promise.all(['server', 'external', 'vpcattachment', 'namespace'].map(async (kind) => (await live(io, kind)).map((name) => (kind === 'namespace' ? `${name}/` : name))))).flat();
  const [attachments, vpcs] = await Promise.all([live(io, 'vpcattachment', namespace), live(io, 'vpc', namespace)]);
  return [...attachments.map((name) => `${namespace}/${name}`), ...vpcs.map((name) => `${namespace}/${name}:`)];
};

/** What may fail, in pairs of words; of a link the device, then its ports. */
const outageValues = async (rest: readonly string[], begun: string, io: Io): Promise<string[]> => {
  const what = rest.at(-1) ?? '';
  if (what === 'switch' || what === 'server') return live(io, what);
  if (what !== 'link') return rest.includes('--down') ? ['switch', 'link', 'server'] : [];
  const device = begun.slice(0, begun.indexOf('/'));
  if (!begun.includes('/')) return (await live(io, 'switch')).map((name) => `${name}/`);
  const rows = await quietly(() => withSession(io, {}, async (session) => (await import('./explain.ts')).rowNames(session, device)));
  return rows.flatMap((row) => (row.startsWith('port/') ? [`${device}/${row.slice('port/'.length)}`] : []));
};

const explainValues = async ([device, ...more]: readonly string[], io: Io): Promise<string[]> => {
  if (device === undefined) return live(io, 'switch');
  return more.length > 0 ? [] : quietly(() => withSession(io, {}, async (session) => (await import('./explain.ts')).rowNames(session, device)));
};

/** Nodes of the lab that the words name, else of every lab. */
const nodes = (words: readonly string[]): string[] => {
  const index = words.indexOf('--name') + 1;
  const labs = index === 0 ? labNames() : words.slice(index, index + 1);
  return labs.flatMap((lab) => findManifest(lab)?.nodes.map((node) => node.name) ?? []);
};

/** Completion never complains: without a server it knows less. */
const quietly = async (work: () => Promise<string[]>): Promise<string[]> => {
  try {
    return await work();
  } catch {
    return [];
  }
};

const kinds = (io: Io): Promise<string[]> =>
  quietly(() => withSession(io, {}, async (session) => (await session.types()).filter(({ verbs }) => verbs.includes('list')).map(({ singular }) => singular)));

const live = (io: Io, kind: string, namespace?: string): Promise<string[]> =>
  quietly(() =>
    withSession(io, {}, async (session) => {
      const type = findType(await session.types(), kind);
      const { body } = await session.client.call({ path: pathOf(type, namespace ?? session.namespace) });
      return itemsOf(body, type, '').map((object) => object.metadata.name);
    }),
  );
