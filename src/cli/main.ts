/** The `heddle` command. Everything it can do hangs on `createProgram`; this file only joins it to the process. */
import { processIo } from './io.ts';
import { runProgram } from './program.ts';

const interrupt = new AbortController();
// The second one ends the process the usual way, whatever it is doing.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(new Error('interrupted')));
// A reader such as `head` that closes the pipe early is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram(process.argv.slice(2), processIo(interrupt.signal));
