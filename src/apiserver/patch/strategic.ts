/**
 * Strategic merge patch for the core kinds, which is what kubectl sends for them. Their only lists with a merge key are in
 * metadata: finalizers merge as a set, ownerReferences by uid; everything else is a merge patch with directives.
 */
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';

/** Merge keys by member name; `null` is a set of scalars. */
const mergeKeys: { readonly [member: string]: string | null } = { finalizers: null, ownerReferences: 'uid' };

export const strategicPatch = (target: unknown, patch: unknown): unknown => {
  if (!isJsonObject(patch)) throw new HeddleError('BadRequest', 'a strategic merge patch must be an object');
  return mergeObject(target, patch);
};

const mergeObject = (target: unknown, patch: JsonObject): unknown => {
  const directive = patch['$patch'];
  if (directive === 'delete') return undefined;
  const result: JsonObject = isJsonObject(target) && directive !== 'replace' ? { ...target } : {};
  retainKeys(result, patch['$retainKeys']);
  for (const [member, value] of Object.entries(patch)) mergeMember(result, member, value);
  return result;
};

const retainKeys = (result: JsonObject, keys: unknown): void => {
  if (!Array.isArray(keys)) return;
  for (const member of Object.keys(result)) if (!keys.includes(member)) delete result[member];
};

const deletions = '$deleteFromPrimitiveList/';

const mergeMember = (result: JsonObject, member: string, value: unknown): void => {
  const current = Object.hasOwn(result, member) ? result[member] : undefined;
  if (member.startsWith(deletions)) removeItems(result, member.slice(deletions.length), value);
  else if (member.startsWith('$') || member === '__proto__') return;
  else if (value === null) delete result[member];
  else if (Array.isArray(value)) result[member] = mergeList(current, value, mergeKeys[member]);
  else if (isJsonObject(value)) setOrDelete(result, member, mergeObject(current, value));
  else result[member] = value;
};

const setOrDelete = (result: JsonObject, member: string, value: unknown): void => {
  if (value === undefined) delete result[member];
  else result[member] = value;
};

const removeItems = (result: JsonObject, member: string, values: unknown): void => {
  const list = result[member];
  if (Array.isArray(list) && Array.isArray(values)) result[member] = list.filter((item) => !values.includes(item));
};

const mergeList = (current: unknown, patch: readonly unknown[], key: string | null | undefined): unknown[] => {
  const list: unknown[] = Array.isArray(current) ? current : [];
  if (key === undefined) return [...patch];
  if (key === null) return [...new Set([...list, ...patch])];
  return patch.reduce<unknown[]>((merged, item) => mergeItem(merged, item, key), list);
};

const mergeItem = (list: unknown[], item: unknown, key: string): unknown[] => {
  if (!isJsonObject(item)) return list;
  const index = list.findIndex((candidate) => isJsonObject(candidate) && candidate[key] === item[key]);
  const merged = mergeObject(list[index], item);
  if (merged === undefined) return list.filter((_, position) => position !== index);
  return index === -1 ? [...list, merged] : list.with(index, merged);
};
