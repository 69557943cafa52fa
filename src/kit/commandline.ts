/** A command as a person types it. */

/** Arguments that a shell would take apart are quoted. */
export const commandLine = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
