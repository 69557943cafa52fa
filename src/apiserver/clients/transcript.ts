/**
 * What real clients did with the server and what came of it, by client and command, gathered while their stories are played.
 * A command is noted in general terms, without the names and files of the story: `apply --server-side -f`.
 */
export class Transcript {
  readonly #commands = new Map<string, Set<string>>();

  /** These commands of a client did what a story wants of them. */
  note(client: string, commands: Iterable<readonly string[]>): void {
    const known = this.#commands.get(client) ?? new Set();
    for (const command of commands) known.add(commandOf(command));
    this.#commands.set(client, known);
  }

  /** Commands by client, both sorted. */
  get commands(): Record<string, string[]> {
    return Object.fromEntries([...this.#commands].sort(([one], [other]) => order.compare(one, other)).map(([client, known]) => [client, [...known].sort()]));
  }
}

/** One for all stories of a process. */
export const transcript = new Transcript();

const order = new Intl.Collator('en', { numeric: true });

/** Options whose value says what is done, not to what. */
const telling = new Set(['-o', '--type', '--dry-run', '--for', '--cascade', '--subresource', '--propagation-policy', '--chunk-size', '--validate']);
/** Options that a story needs and that say nothing of the server. */
const silent = /^(--timeout|--wait|--kubeconfig|--token|-n|--namespace|--overwrite|--request-timeout|-v|--server|--field-manager)(=|$)/;
/** Verbs whose next word is part of what they do. */
const compound = new Set(['apply', 'auth', 'create', 'rollout', 'config', 'certificate', 'set', 'cluster-info']);

export const commandOf = (words: readonly string[]): string => {
  const [verb = '', next = '', ...rest] = words;
  const isCompound = compound.has(verb) && /^[a-z-]+$/.test(next) && !next.startsWith('-');
  const options = optionsOf(verb, isCompound ? rest : [next, ...rest]);
  return [verb, ...(isCompound ? [next] : []), ...[...new Set(options)].sort()].join(' ');
};

const optionsOf = (verb: string, words: readonly string[]): string[] =>
  words.flatMap((word, place) => {
    if (!word.startsWith('-') || word === '--' || silent.test(word)) return [];
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? (words[place + 1] ?? '') : word.slice(equals + 1);
    // Of a wait it is the condition, of events an object.
    if (!telling.has(name) || (name === '--for' && verb !== 'wait')) return [name];
    return [`${name} ${/^[a-zA-Z-]+/.exec(value)?.[0] ?? ''}`.trim()];
  });
