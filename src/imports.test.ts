/**
 * Reads the table of ARCHITECTURE.md and holds it: which folder may import which, and that the pure folders stay pure. The
 * direction is what lets a part be understood, tested and replaced without those above it.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const source = import.meta.dirname;

interface Rule {
  readonly folder: string;
  /** No clock, no random, no input or output: what makes it testable without a network. */
  readonly isPure: boolean;
  /** Folders that it may import. */
  readonly mayImport: readonly string[] | 'everything';
}

/** Rows of three columns, such as "| `net` | prefixes, MACs (pure) | kit |". */
const rulesIn = (document: string): Rule[] => {
  const section = /^## What may import what\n([^]*?)^## /m.exec(document)?.[1] ?? '';
  return [...section.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, folder = '', what = '', imports = '']) => ({
    folder,
    isPure: what.endsWith('(pure)'),
    mayImport: imports === 'everything' ? imports : imports === 'nothing of ours' ? [] : imports.split(' '),
  }));
};

const rules = new Map(rulesIn(readFileSync(join(source, '../ARCHITECTURE.md'), 'utf8')).map((rule) => [rule.folder, rule]));

/** The pure files of every driver. */
const pureDriverFile = /^drivers\/[^/]+\/(model|render|plan)[^/]*(\/.*)?\.ts$/;
/** Members of kit without an effect; pure folders may use these only. */
const pureKit = ['kit/error.ts', 'kit/duration.ts', 'kit/json.ts', 'kit/maps.ts', 'kit/order.ts', 'kit/table.ts'];

const clockOrChance = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, 'reads the clock: take the time as an argument'],
  [/\bMath\.random\b|\bcrypto\.(randomUUID|getRandomValues)\b/, 'draws random numbers: take them as an argument'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'waits: leave waiting to the edge'],
  [/\bprocess\.|\bfetch\(/, 'touches the outside world: leave effects to the edge'],
] as const;

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  /** File below src/ for an import of ours, else undefined. */
  readonly target: string | undefined;
}

const files = globSync('**/*.ts', { cwd: source }).filter((file) => !file.endsWith('_pb.ts')).sort();
const isTest = (file: string): boolean => /\.test\.ts$|(^|\/)testing[^/]*\.ts$/.test(file);
const read = (file: string): string => readFileSync(join(source, file), 'utf8');
const folderOf = (file: string): string => file.split('/')[0] ?? '';
const isPure = (file: string): boolean => rules.get(folderOf(file))?.isPure === true || pureDriverFile.test(file);
const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

const importsOf = (file: string): Import[] => {
  const text = read(file);
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s*'([^']+)'/g)].map(
    (match) => {
      const specifier = match[1] ?? match[2] ?? match[3] ?? '';
      const target = specifier.startsWith('.') ? relative(source, normalize(join(source, dirname(file), specifier))) : undefined;
      return { file, line: lineAt(text, match.index + match[0].indexOf(specifier)), specifier, target };
    },
  );
};

const directionFault = ({ file, line, target }: Import): string[] => {
  const [from, to] = [folderOf(file), folderOf(target ?? '')];
  if (target === undefined || target.startsWith('..') || from === to) return [];
  const allowed = rules.get(from)?.mayImport;
  if (allowed === 'everything' || allowed?.includes(to) === true) return [];
  const list = allowed === undefined || allowed.length === 0 ? 'nothing of ours' : allowed.join(', ');
  return [`src/${file}:${line}: ${from} must not import ${to} (it may: ${list}); move what both need below both`];
};

const purityFaults = ({ file, line, specifier, target }: Import): string[] => {
  if (specifier.startsWith('node:')) return [`src/${file}:${line}: pure code must not import "${specifier}": take what it gives as an argument`];
  if (target?.startsWith('kit/') === true && !pureKit.includes(target)) {
    return [`src/${file}:${line}: pure code may use of kit only ${pureKit.join(', ')}, "${target}" has effects`];
  }
  return [];
};

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g, (comment) => comment.replaceAll(/[^\n]/g, ' '));

const effectFaults = (file: string): string[] => {
  const text = withoutComments(read(file));
  return clockOrChance.flatMap(([pattern, why]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`src/${file}:${lineAt(text, found.index)}: pure code ${why} ("${found[0]}")`];
  });
};

const folders = [...new Set(files.filter((file) => file.includes('/')).map(folderOf))];

test('every folder of src has its line in the table of ARCHITECTURE.md, and every line its folder', () => {
  assert.deepEqual([...rules.keys()].toSorted(), folders.toSorted());
  const named = [...rules.values()].flatMap(({ mayImport }) => (mayImport === 'everything' ? [] : mayImport));
  assert.deepEqual(named.filter((folder) => !rules.has(folder)), []);
});

test('the table is read: what it calls pure, what it forbids', () => {
  assert.deepEqual([...rules.values()].filter(({ isPure }) => isPure).map(({ folder }) => folder), ['net', 'api', 'compile', 'goal', 'specify', 'verify', 'convert']);
  assert.deepEqual(rules.get('kit')?.mayImport, []);
  assert.equal(directionFault({ file: 'net/x.ts', line: 1, specifier: '', target: 'goal/rows.ts' }).length, 1);
  assert.equal(directionFault({ file: 'goal/x.ts', line: 1, specifier: '', target: 'net/mac.ts' }).length, 0);
});

test('nothing imports in a circle: what a folder may import may not import it', () => {
  const reaches = (from: string, seen: Set<string>): Set<string> => {
    const allowed = rules.get(from)?.mayImport ?? [];
    for (const next of allowed === 'everything' ? [] : allowed) if (!seen.has(next)) reaches(next, seen.add(next));
    return seen;
  };
  assert.deepEqual([...rules.keys()].filter((folder) => reaches(folder, new Set()).has(folder)), []);
});

test('imports go down only, as the table of ARCHITECTURE.md says', () => {
  const product = files.filter((file) => file.includes('/') && !isTest(file));
  assert.deepEqual(product.flatMap(importsOf).flatMap(directionFault), []);
});

test('pure code imports neither Node nor those parts of kit that have effects', () => {
  const pure = files.filter((file) => isPure(file) && !isTest(file));
  assert.ok(pure.length > 0);
  assert.deepEqual(pure.flatMap(importsOf).flatMap(purityFaults), []);
});

test('pure code reads no clock, draws no random numbers and waits for nothing', () => {
  assert.deepEqual(files.filter((file) => isPure(file) && !isTest(file)).flatMap(effectFaults), []);
});

test('the reader of imports sees all their forms', () => {
  const here = importsOf('imports.test.ts').map(({ specifier }) => specifier);
  assert.deepEqual(here, ['node:assert/strict', 'node:fs', 'node:path', 'node:test']);
  assert.ok(importsOf('cli/verbs/objects.ts').some(({ target }) => target === 'cli/apply.ts'), 'import() is seen');
  assert.ok(importsOf('cli/program.ts').some(({ target }) => target === 'kit/error.ts'), 'import … from is seen');
});
