/** From values to sets of fields: what an apply says, what an update changes, what of a set is still there. */
import { isDeepStrictEqual } from 'node:util';
import { elementsOf, type Element, type FieldType } from '../../api/fieldtype.ts';
import { branchesOf, isMember, nodeOf, noFields, type Fields } from './fields.ts';

/** The fields that the value has, as an applier owns them: the leaves, and the items of maps and lists. */
export const fieldsOf = (type: FieldType, value: unknown): Fields => collect(elementsOf(type, value) ?? [], (element) => appliedNode(element));

const appliedNode = ({ type, value, isItem }: Element): Fields => {
  const elements = elementsOf(type, value);
  if (elements === undefined || elements.length === 0) return noFields;
  return nodeOf(isItem, collect(elements, appliedNode)) ?? noFields;
};

const collect = (elements: readonly Element[], make: (element: Element) => Fields | undefined): Fields => {
  const result: { [element: string]: Fields } = {};
  for (const element of elements) {
    const node = make(element);
    if (node !== undefined) result[element.key] = node;
  }
  return result;
};

/** What `after` has that `before` has not, or has with another value, as an updater owns it: with all that holds others. */
export const changedFields = (type: FieldType, before: unknown, after: unknown): Fields => {
  const present = elementsOf(type, before) ?? [];
  const now = elementsOf(type, after) ?? [];
  if (present.length === 0) return collect(now, addedNode);
  const old = byKey(present);
  return collect(now, (element) => {
    const previous = old.get(element.key);
    return previous === undefined ? addedNode(element) : changedNode(element, previous.value);
  });
};

const byKey = (elements: readonly Element[]): ReadonlyMap<string, Element> => new Map(elements.map((element) => [element.key, element]));

const addedNode = ({ type, value }: Element): Fields => {
  const elements = elementsOf(type, value);
  return elements === undefined ? noFields : (nodeOf(true, collect(elements, addedNode)) ?? noFields);
};

const changedNode = (element: Element, before: unknown): Fields | undefined => {
  const { type, value } = element;
  const [old, now] = [elementsOf(type, before) !== undefined, elementsOf(type, value) !== undefined];
  if (old && now) return nodeOf(false, changedFields(type, before, value));
  if (old !== now) return addedNode(element);
  return isDeepStrictEqual(before, value) ? undefined : noFields;
};

/** The part of a set that the value has. */
export const fieldsWithin = (type: FieldType, value: unknown, fields: Fields): Fields => {
  const present = byKey(elementsOf(type, value) ?? []);
  const result: { [element: string]: Fields } = {};
  for (const [key, node] of branchesOf(fields)) {
    const element = present.get(key);
    const kept = element && nodeOf(isMember(node), fieldsWithin(element.type, element.value, node));
    if (kept !== undefined) result[key] = kept;
  }
  return result;
};

/** Whether both values have the same fields, whatever these say. */
export const haveSameFields = (type: FieldType, first: unknown, second: unknown): boolean => {
  const [one, two] = [elementsOf(type, first), elementsOf(type, second)];
  if (one === undefined || two === undefined) return one === two;
  if (one.length !== two.length) return false;
  const isSame = (element: Element, other: Element | undefined): boolean =>
    other !== undefined && other.key === element.key && haveSameFields(element.type, element.value, other.value);
  // Objects that one program writes have their members in one order.
  if (one.every((element, index) => element.key === two[index]?.key)) return one.every((element, index) => isSame(element, two[index]));
  const others = byKey(two);
  return one.every((element) => isSame(element, others.get(element.key)));
};
