/** The merge patch (RFC 7386) that turns one JSON value into another; undefined when they are equal. Pure. */
import { isJsonObject, type JsonObject } from '../kit/json.ts';

/** Members of `wanted` that are undefined count as absent. Arrays are replaced whole, as a merge patch cannot do better. */
export const mergeDiff = (current: unknown, wanted: unknown): unknown => {
  if (!isJsonObject(current) || !isJsonObject(wanted)) return equal(current, wanted) ? undefined : wanted;
  const patch: JsonObject = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const difference = Object.hasOwn(current, name) ? mergeDiff(current[name], value) : value;
    if (difference !== undefined) patch[name] = difference;
  }
  for (const name of Object.keys(current)) if (wanted[name] === undefined) patch[name] = null;
  return Object.keys(patch).length === 0 ? undefined : patch;
};

const equal = (left: unknown, right: unknown): boolean => {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, position) => equal(item, right[position]));
  }
  if (isJsonObject(left) && isJsonObject(right)) return mergeDiff(left, right) === undefined;
  return left === right;
};
