/**
 * Rows of pairs: kept as the product of what two relations hold under each key, one pair at a time. A value that comes or
 * goes costs one row for each value at the other side and nothing for those at its own.
 */
import type { GoalTable } from './merge.ts';
import type { PairTranslator } from './view.ts';
import type { World } from './world.ts';

/** Keeps the rows of a pair translator in the goal table from now on. Both relations must still be empty. */
export const joinPairs = ({ name, left, right, translate }: PairTranslator, world: World, goal: GoalTable): void => {
  const [lefts, rights] = [world.relation(left), world.relation(right)];
  const replace = (key: string, one: unknown, other: unknown, step: 1 | -1): void => {
    const { owner, age, ...row } = translate(key, one, other);
    // A value may come back as that of a younger object before its former self goes: each is a contribution of its own.
    goal.replace({ owner, translator: `${name} ${age}`, age }, step === 1 ? [] : [row], step === 1 ? [row] : []);
  };
  lefts.listen((key, value, step) => {
    for (const other of rights.peek(key)) replace(key, value, other, step);
  });
  rights.listen((key, value, step) => {
    for (const other of lefts.peek(key)) replace(key, other, value, step);
  });
};
