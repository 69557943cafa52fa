/**
 * Values under server-side apply: what somebody applies is merged into what is there, and what he no longer applies and
 * nobody else owns is taken out (Kubernetes server-side apply, "merge strategy").
 */
import { elementsOf, type Element, type FieldType } from '../../api/fieldtype.ts';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';
import { isEmpty, isMember, noFields, type Fields } from './fields.ts';

/** The live value with everything that `config` says; neither is changed. */
export const mergeApplied = (type: FieldType, live: unknown, config: unknown): unknown => {
  const [old, given] = [elementsOf(type, live), elementsOf(type, config)];
  if (old === undefined || given === undefined || Array.isArray(live) !== Array.isArray(config)) return config;
  const present = new Map(old.map((element) => [element.key, element]));
  const merged = given.map((element) => {
    const before = present.get(element.key);
    return before === undefined ? element : { ...element, value: mergeApplied(element.type, before.value, element.value) };
  });
  return Array.isArray(live) ? interleave(old, merged).map(({ value }) => value) : { ...objectOf(old), ...objectOf(merged) };
};

const objectOf = (elements: readonly Element[]): JsonObject => Object.fromEntries(elements.map(({ key, value }) => [key.slice(2), value]));

/** What is applied stands in the order applied; what only others have keeps its place before what followed it. */
const interleave = (live: readonly Element[], applied: readonly Element[]): Element[] => {
  const named = new Set(applied.map(({ key }) => key));
  const places = new Map(live.map(({ key }, index) => [key, index]));
  const result: Element[] = [];
  let next = 0;
  for (const element of applied) {
    for (const end = places.get(element.key) ?? -1; next <= end; next += 1) push(result, live[next], named);
    result.push(element);
  }
  for (; next < live.length; next += 1) push(result, live[next], named);
  return result;
};

const push = (result: Element[], element: Element | undefined, named: ReadonlySet<string>): void => {
  if (element !== undefined && !named.has(element.key)) result.push(element);
};

/** The value without what is in `last` and not in `keep`: what was applied before, and what is applied now or owned by others. */
export const removeDropped = (type: FieldType, value: unknown, last: Fields, keep: Fields): unknown => {
  const elements = elementsOf(type, value);
  if (elements === undefined || isEmpty(last)) return value;
  const left = elements.flatMap((element) => {
    const [dropped, kept] = [last[element.key], keep[element.key]];
    if (dropped === undefined) return [element];
    if (isDropped(element, dropped, kept)) return [];
    const rest = removeDropped(element.type, element.value, dropped, kept ?? noFields);
    return isEmptied(element, rest) && !isOwned(kept) ? [] : [{ ...element, value: rest }];
  });
  return Array.isArray(value) ? left.map((element) => element.value) : objectOf(left);
};

const isOwned = (kept: Fields | undefined): boolean => kept !== undefined && isMember(kept);

/** Whether it held something and holds nothing now. */
const isEmptied = ({ type, value }: Element, rest: unknown): boolean => elementsOf(type, rest)?.length === 0 && elementsOf(type, value)?.length !== 0;

/**
 * An item goes with all that is in it, whoever wrote that: it is the item that was given up. A field that holds others goes
 * when nobody owns anything in it; what is left in it are defaults.
 */
const isDropped = ({ type, value, isItem }: Element, dropped: Fields, kept: Fields | undefined): boolean => {
  if (elementsOf(type, value) === undefined) return isMember(dropped) && kept === undefined;
  if (isItem) return isMember(dropped) && !isOwned(kept);
  return kept === undefined;
};

/**
 * `given` in the spelling of `canonical`, which says the same and more: what is stored has canonical addresses, and a list
 * item spelt otherwise would be another item.
 */
export const spelledAs = (given: unknown, canonical: unknown): unknown => {
  if (Array.isArray(given)) {
    const same = Array.isArray(canonical) && canonical.length === given.length;
    return same ? given.map((item, index) => spelledAs(item, canonical[index])) : given;
  }
  if (isJsonObject(given)) {
    if (!isJsonObject(canonical)) return given;
    return Object.fromEntries(Object.entries(given).map(([member, value]) => [member, Object.hasOwn(canonical, member) ? spelledAs(value, canonical[member]) : value]));
  }
  return typeof canonical === typeof given && canonical !== null ? canonical : given;
};
