/**
 * Strategic merge patch, which is what kubectl sends for core kinds: a merge patch that merges lists with keys item by item,
 * with directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) for what that cannot say.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FieldType } from '../../api/fieldtype.ts';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';

/** The patched target; neither is changed. `BadRequest` for directives that make no sense. */
export const strategicPatch = (type: FieldType, target: unknown, patch: unknown): unknown => {
  if (!isJsonObject(patch)) throw new HeddleError('BadRequest', 'a strategic merge patch must be an object');
  return mergeObject(type, target, patch);
};

const setElementOrder = '$setElementOrder/';
const deleteFromPrimitiveList = '$deleteFromPrimitiveList/';

const bad = (directive: string, why: string): HeddleError => new HeddleError('BadRequest', `"${directive}" of the strategic merge patch ${why}`);

const mergeObject = (type: FieldType, target: unknown, patch: JsonObject): JsonObject => {
  const directive = directiveOf(patch);
  if (directive === 'delete') return {};
  const result: JsonObject = isJsonObject(target) && directive !== 'replace' ? { ...target } : {};
  for (const [member, value] of Object.entries(patch)) {
    if (member === '__proto__') throw new HeddleError('BadRequest', 'a patch cannot name "__proto__"');
    if (!member.startsWith('$')) mergeMember(type.member(member), result, member, value);
  }
  // Order is of what is left.
  for (const form of [deleteFromPrimitiveList, setElementOrder]) {
    for (const member of Object.keys(patch)) if (member.startsWith(form)) directed(type, result, form, member.slice(form.length), patch[member]);
  }
  retainKeys(result, patch);
  return result;
};

const directiveOf = (patch: JsonObject): 'replace' | 'delete' | 'merge' => {
  const directive = patch['$patch'] ?? 'merge';
  if (directive === 'replace' || directive === 'delete' || directive === 'merge') return directive;
  throw bad('$patch', `must be replace, delete or merge, not ${JSON.stringify(directive)}`);
};

/** Only these members stay, and the patch must not set others. */
const retainKeys = (result: JsonObject, patch: JsonObject): void => {
  const keys = patch['$retainKeys'];
  if (keys === undefined) return;
  if (!Array.isArray(keys)) throw bad('$retainKeys', 'must be a list of members');
  const extra = Object.keys(patch).find((member) => !member.startsWith('$') && patch[member] !== null && !keys.includes(member));
  if (extra !== undefined) throw bad('$retainKeys', `lacks "${extra}", which the patch sets`);
  for (const member of Object.keys(result)) if (!keys.includes(member)) delete result[member];
};

const mergeMember = (type: FieldType, result: JsonObject, member: string, value: unknown): void => {
  const current = Object.hasOwn(result, member) ? result[member] : undefined;
  if (value === null) delete result[member];
  else if (Array.isArray(value)) result[member] = mergeList(type, current, value);
  else if (isJsonObject(value)) result[member] = mergeObject(type, current, value);
  else if (value !== undefined) result[member] = value;
};

/** Directives that stand beside the list they are about, which the patch need not name otherwise. */
const directed = (type: FieldType, result: JsonObject, form: string, member: string, values: unknown): void => {
  if (!Array.isArray(values)) throw bad(form + member, 'must be a list');
  const list = Object.hasOwn(result, member) ? result[member] : undefined;
  if (!Array.isArray(list)) return;
  result[member] = form === setElementOrder ? ordered(type.member(member), list, values) : without(list, values);
};

const without = (list: readonly unknown[], values: readonly unknown[]): unknown[] =>
  list.filter((item) => !values.some((value) => isDeepStrictEqual(item, value)));

/** By one member; undefined where a list is replaced. Empty: items are themselves the key. */
const mergeKey = ({ keys }: FieldType): string | undefined => (keys === undefined || keys.length > 1 ? undefined : (keys[0] ?? ''));

const identity = (key: string, item: unknown): unknown => (key === '' ? item : isJsonObject(item) ? item[key] : undefined);

const mergeList = (type: FieldType, current: unknown, patch: readonly unknown[]): unknown[] => {
  const list: unknown[] = Array.isArray(current) ? current : [];
  const key = mergeKey(type);
  const replaces = patch.some((item) => isJsonObject(item) && directiveOf(item) === 'replace');
  if (key === undefined || replaces) return patch.filter((item) => !isJsonObject(item) || item['$patch'] === undefined);
  return patch.reduce<unknown[]>((merged, item) => mergeItem(type.items, merged, item, key), list);
};

const mergeItem = (type: FieldType, list: unknown[], item: unknown, key: string): unknown[] => {
  const wanted = identity(key, item);
  if (wanted === undefined) throw new HeddleError('BadRequest', `an item of the strategic merge patch lacks the merge key "${key}"`);
  const index = list.findIndex((candidate) => isDeepStrictEqual(identity(key, candidate), wanted));
  if (!isJsonObject(item)) return index === -1 ? [...list, item] : list;
  if (directiveOf(item) === 'delete') return list.filter((_, position) => position !== index);
  const merged = mergeObject(type, index === -1 ? undefined : list[index], item);
  return index === -1 ? [...list, merged] : list.with(index, merged);
};

/** The items that are named in the order that is named; others stay before what followed them. */
const ordered = (type: FieldType, list: readonly unknown[], order: readonly unknown[]): unknown[] => {
  const key = mergeKey(type);
  if (key === undefined) return [...list];
  const rank = (item: unknown): number => order.findIndex((named) => isDeepStrictEqual(identity(key, named), identity(key, item)));
  const queue = list.filter((item) => rank(item) !== -1).toSorted((a, b) => rank(a) - rank(b));
  const named = queue[Symbol.iterator]();
  return list.map((item) => (rank(item) === -1 ? item : named.next().value));
};
