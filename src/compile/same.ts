/**
 * Structural equality of plain values. It is what cuts a change off early: a query that answers the same again does not
 * wake those who read it. A member that is `undefined` equals one that is missing.
 */

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Whether two values of JSON shape (plus `undefined`) are equal; order of members is ignored. */
export const same = (left: unknown, right: unknown): boolean => {
  if (Object.is(left, right)) return true;
  if (!isRecord(left) || !isRecord(right)) return false;
  if (Array.isArray(left) || Array.isArray(right)) return sameArrays(left, right);
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const name of names) if (!same(left[name], right[name])) return false;
  return true;
};

const sameArrays = (left: unknown, right: unknown): boolean =>
  Array.isArray(left) &&
  Array.isArray(right) &&
  left.length === right.length &&
  left.every((item, position) => same(item, right[position]));
