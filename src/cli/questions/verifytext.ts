/** Verdicts, matrices and differences as lines for people. Pure. */
import type { VerifyView, ViolationView } from '../../api/matrixview.ts';
import { formatTable } from '../../kit/table.ts';
import { formatServices, type Cell, type Change, type Difference } from '../../verify/matrix.ts';

export const formatViolations = ({ violations, checkedClasses }: VerifyView): string => {
  if (violations.length === 0) return `no violation; ${checkedClasses} classes checked\n`;
  const blocks = violations.map((violation) => formatViolation(violation).join('\n'));
  return `${blocks.join('\n\n')}\n\n${violations.length} ${violations.length === 1 ? 'violation' : 'violations'}; ${checkedClasses} classes checked\n`;
};

export const formatViolation = ({ code, message, witness, rows, objects }: ViolationView): string[] => [
  `${code}: ${message}`,
  ...(witness === undefined ? [] : [`  packet ${witness.packet}, in at ${witness.at}`, ...witness.steps.map((step) => `    ${step}`), `    ${witness.outcome}`]),
  ...rows.map(({ scope, row }) => `  row ${row} in ${scope}`),
  ...objects.map((object) => `  object ${object}`),
];

export const formatMatrix = (cells: readonly Cell[]): string => {
  const rows = merged(cells, (cell) => `${servicesText(cell)}`);
  return formatTable(['from', 'to', 'family', 'passes'], rows.map(({ item, families }) => [item.from, item.to, families, servicesText(item)]));
};

const servicesText = ({ all, some }: Cell): string => {
  const [full, part] = [formatServices(all), formatServices(some)];
  return full === part ? full : `${full}; between some hosts ${part}`;
};

export const formatDifference = ({ allows, denies }: Difference): string => {
  const lines = [...changeLines('newly allows', allows), ...changeLines('newly denies', denies)];
  return lines.length === 0 ? 'no difference in what reaches what\n' : `${lines.join('\n')}\n`;
};

const changeLines = (what: string, changes: readonly Change[]): string[] =>
  merged(changes, ({ services, isPartial }) => `${formatServices(services)}${isPartial ? ' between some hosts' : ''}`).map(
    ({ item, families, text }) => `${what} ${item.from} -> ${item.to}: ${text}${families === 'IPv4' ? '' : ` (${families})`}`,
  );

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
}

/** Of pairs that are alike in both families one line. */
const merged = <Item extends Pair>(items: readonly Item[], textOf: (item: Item) => string) =>
  [...Map.groupBy(items, (item) => `${item.from} -> ${item.to}: ${textOf(item)}`)].toSorted(([left], [right]) => (left < right ? -1 : 1)).flatMap(([, alike]) => {
    const [item] = alike;
    const families = [...new Set(alike.map(({ family }) => `IPv${family}`))].sort().join(' ');
    return item === undefined ? [] : [{ item, families, text: textOf(item) }];
  });
