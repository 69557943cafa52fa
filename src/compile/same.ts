/**
 * Structural equality of plain values. It is what cuts a change off early: a query that answers the same again does not
 * wake those who read it. A member that is `undefined` equals one that is missing. Parts that are one and the same object
 * are not looked into, so a large value with a small change costs no more than a walk over its longest list.
 */

type Members = { readonly [name: string]: unknown };

/** Whether two values of JSON shape (plus `undefined`) are equal; order of members is ignored. */
export const same = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) return Array.isArray(right) && sameItems(left, right);
  return !Array.isArray(right) && sameMembers(left as Members, right as Members);
};

const sameItems = (left: readonly unknown[], right: readonly unknown[]): boolean => {
  if (left.length !== right.length) return false;
  for (let position = 0; position < left.length; position++) {
    if (!same(left[position], right[position])) return false;
  }
  return true;
};

const sameMembers = (left: Members, right: Members): boolean => {
  for (const name of Object.keys(left)) if (!same(left[name], own(right, name))) return false;
  for (const name of Object.keys(right)) if (right[name] !== undefined && !Object.hasOwn(left, name)) return false;
  return true;
};

/** A tenant may call a subnet "constructor". */
const own = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined);
