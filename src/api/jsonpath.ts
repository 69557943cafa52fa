/**
 * The part of kubectl's JSONPath that table columns and field selectors use: `.a.b`, `['a.b']`, `[0]`, `[-1]`, `[*]`, `.*`, `\.`
 * inside a name, and the filter `[?(@.type=="Ready")]`. Columns written in it can go into a CRD unchanged.
 */
import { HeddleError } from '../kit/error.ts';

type Step =
  | { readonly type: 'member'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'all' }
  | { readonly type: 'filter'; readonly path: readonly Step[]; readonly equal: boolean; readonly value: unknown };

/** Answers every value at the path, in document order; an absent path answers none. */
export type JsonPath = (root: unknown) => readonly unknown[];

/** Compiles the path, with or without braces; throws `BadRequest` when it is outside the subset. */
export const compileJsonPath = (text: string): JsonPath => {
  const steps = parse(text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text);
  return (root) => walk(steps, root);
};

const name = /^\.((?:\\.|[^.[\]\\*])+)/;
const quoted = /^\[(?:'([^']*)'|"([^"]*)")\]/;
const index = /^\[(-?\d+)\]/;
const all = /^(?:\.\*|\[\*\])/;
const filter = /^\[\?\(\s*@((?:\.(?:\\.|[^.[\]\\*=!\s])+)+)\s*(==|!=)\s*("[^"]*"|'[^']*'|[\w.-]+)\s*\)\]/;

const parse = (text: string): readonly Step[] => {
  const steps: Step[] = [];
  let rest = text.startsWith('$') ? text.slice(1) : text;
  while (rest !== '' && rest !== '.') {
    const [step, length] = parseStep(rest, text);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
};

const parseStep = (rest: string, whole: string): [Step, number] => {
  const matchedAll = all.exec(rest);
  if (matchedAll !== null) return [{ type: 'all' }, matchedAll[0].length];
  const matchedName = name.exec(rest);
  if (matchedName !== null) {
    return [{ type: 'member', name: (matchedName[1] ?? '').replace(/\\(.)/g, '$1') }, matchedName[0].length];
  }
  const matchedQuoted = quoted.exec(rest);
  if (matchedQuoted !== null) {
    return [{ type: 'member', name: matchedQuoted[1] ?? matchedQuoted[2] ?? '' }, matchedQuoted[0].length];
  }
  const matchedIndex = index.exec(rest);
  if (matchedIndex !== null) return [{ type: 'index', index: Number(matchedIndex[1]) }, matchedIndex[0].length];
  const matchedFilter = filter.exec(rest);
  if (matchedFilter !== null) return [parseFilter(matchedFilter), matchedFilter[0].length];
  throw new HeddleError('BadRequest', `JSONPath "${whole}" is not understood from "${rest}" on`);
};

const parseFilter = (match: RegExpExecArray): Step => ({
  type: 'filter',
  path: parse(match[1] ?? ''),
  equal: match[2] === '==',
  value: literal(match[3] ?? ''),
});

const literal = (text: string): unknown => {
  if (text.startsWith('"') || text.startsWith("'")) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
};

const walk = (steps: readonly Step[], root: unknown): readonly unknown[] =>
  steps.reduce<readonly unknown[]>((values, step) => values.flatMap((value) => children(step, value)), [root]);

const children = (step: Step, value: unknown): readonly unknown[] => {
  if (typeof value !== 'object' || value === null) return [];
  const items: readonly unknown[] = Object.values(value);
  switch (step.type) {
    case 'member':
      return Object.hasOwn(value, step.name) ? [Reflect.get(value, step.name)] : [];
    case 'index':
      return Array.isArray(value) ? items.slice(step.index, step.index === -1 ? undefined : step.index + 1) : [];
    case 'all':
      return items;
    case 'filter':
      return items.filter((item) => walk(step.path, item).some((found) => found === step.value) === step.equal);
  }
};
