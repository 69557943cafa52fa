/**
 * Sets of fields as FieldsV1 writes them: a tree whose branches are named `f:name`, `k:{"key":…}`, `v:value`, `i:index`. A node
 * without branches is in the set, one with branches is in it when it holds `.`.
 */
import { isJsonObject } from '../../kit/json.ts';
import { byText } from '../../kit/order.ts';

export interface Fields {
  readonly [element: string]: Fields;
}

export const noFields: Fields = {};

const self = '.';

export const isEmpty = (fields: Fields): boolean => {
  for (const _ in fields) return false;
  return true;
};

/** Of a node within a set: whether the field itself is in it, and not only parts of it. */
export const isMember = (node: Fields): boolean => isEmpty(node) || Object.hasOwn(node, self);

/** A node; undefined when nothing is in it. */
export const nodeOf = (member: boolean, branches: Fields): Fields | undefined => {
  if (isEmpty(branches)) return member ? noFields : undefined;
  return member ? { [self]: noFields, ...branches } : branches;
};

export const branchesOf = (node: Fields): [element: string, node: Fields][] => Object.entries(node).filter(([element]) => element !== self);

/** The nodes that `make` answers, under the names of `branches`. */
const collected = (branches: readonly [string, Fields][], make: (element: string, node: Fields) => Fields | undefined): Fields => {
  const result: { [element: string]: Fields } = {};
  for (const [element, node] of branches) {
    const made = make(element, node);
    if (made !== undefined) result[element] = made;
  }
  return result;
};

const at = (fields: Fields, element: string): Fields | undefined => (Object.hasOwn(fields, element) ? fields[element] : undefined);

export const union = (first: Fields, second: Fields): Fields => {
  if (isEmpty(first)) return second;
  if (isEmpty(second)) return first;
  return {
    ...second,
    ...collected(branchesOf(first), (element, node) => {
      const other = at(second, element);
      return other === undefined ? node : nodeOf(isMember(node) || isMember(other), union(inner(node), inner(other)));
    }),
  };
};

/** What is in the first and not in the second. */
export const difference = (first: Fields, second: Fields): Fields =>
  collected(branchesOf(first), (element, node) => {
    const other = at(second, element);
    return other === undefined ? node : nodeOf(isMember(node) && !isMember(other), difference(inner(node), inner(other)));
  });

export const intersection = (first: Fields, second: Fields): Fields =>
  collected(branchesOf(first), (element, node) => {
    const other = at(second, element);
    return other && nodeOf(isMember(node) && isMember(other), intersection(inner(node), inner(other)));
  });

/** The node as a set of its own: whether it is in the set itself no longer counts. */
const inner = (node: Fields): Fields => (Object.hasOwn(node, self) ? Object.fromEntries(branchesOf(node)) : node);

/** One text a set. */
export const textOf = (fields: Fields): string =>
  `{${Object.keys(fields)
    .toSorted(byText)
    .map((element) => `${JSON.stringify(element)}:${textOf(fields[element] ?? noFields)}`)
    .join(',')}}`;

const elementForm = /^(f:|k:|v:|i:)/;

/** A set that a client sent; undefined when it is none. Keys and values get the spelling that ours have. */
export const parseFields = (value: unknown): Fields | undefined => {
  if (!isJsonObject(value)) return undefined;
  const result: { [element: string]: Fields } = {};
  for (const [element, child] of Object.entries(value)) {
    const key = element === self ? self : parseElement(element);
    const node = parseFields(child);
    if (key === undefined || node === undefined) return undefined;
    result[key] = node;
  }
  return result;
};

const parseElement = (element: string): string | undefined => {
  if (!elementForm.test(element)) return undefined;
  const [form, text] = [element.slice(0, 2), element.slice(2)];
  if (form === 'f:') return element;
  try {
    const value: unknown = JSON.parse(text);
    if (form === 'k:' && !isJsonObject(value)) return undefined;
    return form + JSON.stringify(isJsonObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => byText(a, b))) : value);
  } catch {
    return undefined;
  }
};

/** Every field of the set as messages write it: `.spec.ports[name="x"].num`, `.metadata.finalizers[="a/b"]`. */
export const pathsOf = (fields: Fields, path = ''): string[] =>
  branchesOf(fields)
    .toSorted(([a], [b]) => byText(a, b))
    .flatMap(([element, node]) => {
      const here = path + stepOf(element);
      return [...(isMember(node) ? [here] : []), ...pathsOf(node, here)];
    });

const stepOf = (element: string): string => {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('i:')) return `[${text}]`;
  if (element.startsWith('v:')) return `[=${text}]`;
  const keys = Object.entries(JSON.parse(text) as object);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
};
