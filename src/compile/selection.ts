/** What a selector selects. It is a conjunction, so any one of its terms finds all that it may select. */
import type { Selector } from '../api/kinds/selector.ts';
import { byText } from '../kit/order.ts';

export interface Labelled {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Expression = NonNullable<Selector['matchExpressions']>[number];

export const matches = ({ matchLabels = {}, matchExpressions = [], names }: Selector, { name, labels }: Labelled): boolean =>
  Object.entries(matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
  matchExpressions.every((expression) => holds(expression, valueOf(labels, expression.key))) &&
  (names === undefined || names.includes(name));

/** A tenant may call a label "constructor". */
const valueOf = (labels: Labelled['labels'], key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);

const holds = ({ operator, values = [] }: Expression, value: string | undefined): boolean => {
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  return (value !== undefined && values.includes(value)) === (operator === 'In');
};

/** A label alone stands for every value of it. */
export const labelTerm = (key: string, value?: string): string => (value === undefined ? key : `${key}=${value}`);

/** Under which of these is everything that has the labels. */
export const termsOf = (labels: Labelled['labels']): string[] =>
  Object.entries(labels).flatMap(([key, value]) => [labelTerm(key), labelTerm(key, value)]);

/** Terms of which everything selected has at least one; undefined when the selector asks for no label. */
export const termsToSearch = ({ matchLabels = {}, matchExpressions = [] }: Selector): readonly string[] | undefined => {
  const [label] = Object.entries(matchLabels);
  if (label !== undefined) return [labelTerm(...label)];
  const some = matchExpressions.find(({ operator }) => operator === 'In');
  if (some !== undefined) return (some.values ?? []).map((value) => labelTerm(some.key, value));
  const present = matchExpressions.find(({ operator }) => operator === 'Exists');
  return present && [labelTerm(present.key)];
};

/** Equal texts for selectors that say the same in another order. */
export const selectorText = (selector: Selector): string => constraintsOf(selector).join(' ');

/** Everything that must hold, one text a constraint, in order. */
const constraintsOf = ({ matchLabels = {}, matchExpressions = [], names }: Selector): string[] =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key} In ${JSON.stringify([value])}`),
    ...matchExpressions.map(({ key, operator, values }) => `${key} ${operator}${values === undefined ? '' : ` ${JSON.stringify(values.toSorted(byText))}`}`),
    ...(names === undefined ? [] : [`names ${JSON.stringify(names.toSorted(byText))}`]),
  ].sort(byText);

/** Whether whatever `inner` selects `outer` selects too, seen from what they say: all that the wider asks, the narrower asks as well. */
export const isWithin = (inner: Selector | undefined, outer: Selector | undefined): boolean => {
  if (outer === undefined) return true;
  const asked = new Set(inner === undefined ? [] : constraintsOf(inner));
  return constraintsOf(outer).every((constraint) => asked.has(constraint));
};
