/**
 * `npm run bench [-- NAME... --json]`: runs the benchmarks of this folder one after another and prints a table, or with
 * --json one object a line. Figures that missed their mark are marked; they do not fail the run.
 */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { columnWidths, tableLine } from '../src/kit/table.ts';
import { isMissed, type Benchmark, type Figure } from './figure.ts';

const folder = import.meta.dirname;
const parts = new Set(['run', 'figure', 'workload']);
const known = globSync('*.ts', { cwd: folder })
  .map((file) => basename(file, '.ts'))
  .filter((name) => !parts.has(name) && !name.includes('.'))
  .sort();

const usage = `npm run bench [-- NAME... --json]: run benchmarks and print what they measured; all of them without a name

  --json        one JSON object a line instead of a table
  -h, --help    this

names: ${known.join(', ')}
`;

const badUsage = (message: string): never => {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(2);
};

const { values, positionals } = read();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) badUsage(`there is no benchmark "${unknown.join('", "')}": there are ${known.join(', ')}`);

const rows: string[][] = [['BENCH', 'FIGURE', 'VALUE', 'UNIT', 'N', 'AT MOST', '', 'PEER']];
for (const bench of positionals.length > 0 ? positionals : known) {
  const { run } = (await import(join(folder, `${bench}.ts`))) as { run: Benchmark };
  process.stderr.write(`bench: ${bench}\n`);
  await run((figure) => {
    if (values.json) process.stdout.write(`${JSON.stringify(asJson(bench, figure))}\n`);
    else rows.push(asRow(bench, figure));
  });
}
const widths = columnWidths(rows);
if (!values.json) for (const row of rows) process.stdout.write(`${tableLine(row, widths)}\n`);
process.exit();

function parse() {
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({ options: { json: flag, help: { ...flag, short: 'h' } }, allowPositionals: true });
}

function read(): ReturnType<typeof parse> {
  try {
    return parse();
  } catch (error) {
    return badUsage(`${error instanceof Error ? error.message.replace(/\. To specify .*/s, '') : String(error)}\n(npm run bench -- --help)`);
  }
}

function asJson(bench: string, figure: Figure): object {
  const ratio = figure.peerValue === undefined ? {} : { ratio: figure.value / figure.peerValue };
  return { bench, ...figure, ...ratio };
}

function asRow(bench: string, figure: Figure): string[] {
  const { value, unit, n, limit, peer, peerValue } = figure;
  const beside = peer === undefined ? '' : `${peer} ${digits(peerValue ?? Number.NaN)}`;
  return [bench, figure.figure, digits(value), unit, String(n), limit === undefined ? '' : digits(limit), isMissed(figure) ? 'missed' : '', beside];
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
