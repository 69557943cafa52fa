/** The patch formats as pure functions on JSON values: merge (RFC 7386), JSON Patch (RFC 6902, pointers by RFC 6901). */
import { isDeepStrictEqual } from 'node:util';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';

/** RFC 7386 §2: null deletes, objects merge, anything else (lists too) replaces. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [member, value] of Object.entries(patch)) {
    if (member === '__proto__') throw new HeddleError('BadRequest', 'a patch cannot name "__proto__"');
    if (value === null) delete result[member];
    // Nothing that JSON can say: controllers in process write it for "not set".
    else if (value !== undefined) result[member] = mergePatch(Object.hasOwn(result, member) ? result[member] : undefined, value);
  }
  return result;
};

type Operation = { readonly op: string; readonly path: string; readonly from?: unknown; readonly value?: unknown };

/** As many as Kubernetes takes. */
const mostOperations = 10_000;
/** What all copies of one patch may have together: a copy of copies doubles each time. */
const mostCopied = 3 * 1024 * 1024;

/**
 * Applies a JSON Patch; the target is not changed. `BadRequest` when the patch itself is malformed, `TooLarge` when it asks for
 * too much, `Invalid` when it does not fit the target: a missing path, or a failed `test`.
 */
export const jsonPatch = (target: unknown, patch: unknown): unknown => {
  if (!Array.isArray(patch)) throw new HeddleError('BadRequest', 'a JSON patch must be a list of operations');
  if (patch.length > mostOperations) throw new HeddleError('TooLarge', `a JSON patch may have ${mostOperations} operations, not ${patch.length}`);
  let document = structuredClone(target);
  let copied = 0;
  for (const candidate of patch) {
    const operation = parseOperation(candidate);
    if (operation.op === 'copy') copied += JSON.stringify(read(document, fromOf(operation))).length;
    if (copied > mostCopied) throw new HeddleError('TooLarge', `the copies of a JSON patch may have ${mostCopied} characters together`);
    document = applyOperation(document, operation);
  }
  return document;
};

const parseOperation = (candidate: unknown): Operation => {
  if (!isJsonObject(candidate) || typeof candidate['op'] !== 'string' || typeof candidate['path'] !== 'string') {
    throw new HeddleError('BadRequest', `JSON patch operation ${JSON.stringify(candidate)} needs "op" and "path"`);
  }
  const { op, path } = candidate;
  if (['add', 'replace', 'test'].includes(op) && !Object.hasOwn(candidate, 'value')) {
    throw new HeddleError('BadRequest', `JSON patch operation "${op}" of "${path}" needs "value"`);
  }
  return { op, path, from: candidate['from'], value: candidate['value'] };
};

const applyOperation = (document: unknown, operation: Operation): unknown => {
  const { op, path, value } = operation;
  switch (op) {
    case 'add':
      return insert(document, path, value);
    case 'remove':
      return remove(document, path);
    case 'replace':
      read(document, path);
      return path === '' ? value : insert(document, path, value, true);
    case 'move': {
      const moved = read(document, fromOf(operation));
      return insert(remove(document, fromOf(operation)), path, moved);
    }
    case 'copy':
      return insert(document, path, structuredClone(read(document, fromOf(operation))));
    case 'test':
      if (!isSame(read(document, path), value)) throw unfit(path, `the value is not ${JSON.stringify(value)}`);
      return document;
    default:
      throw new HeddleError('BadRequest', `JSON patch operation "${op}" does not exist`);
  }
};

/** Numbers are compared by what they are worth. */
const isSame = (found: unknown, wanted: unknown): boolean => isDeepStrictEqual(found, wanted) || (found === 0 && wanted === 0);

const fromOf = (operation: Operation): string => {
  if (typeof operation.from === 'string') return operation.from;
  throw new HeddleError('BadRequest', `JSON patch operation "${operation.op}" of "${operation.path}" needs "from"`);
};

const unfit = (path: string, why: string): HeddleError => new HeddleError('Invalid', `JSON patch of "${path}" fails: ${why}`);

const segments = (path: string): string[] => {
  if (path === '') return [];
  if (!path.startsWith('/')) throw new HeddleError('BadRequest', `JSON pointer "${path}" must start with "/"`);
  return path.slice(1).split('/').map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
};

const position = (list: readonly unknown[], segment: string, path: string, end: number): number => {
  const found = segment === '-' ? list.length : /^(0|[1-9]\d*)$/.test(segment) ? Number(segment) : -1;
  if (found < 0 || found > end) throw unfit(path, `there is no element "${segment}"`);
  return found;
};

const step = (container: unknown, segment: string, path: string): unknown => {
  if (Array.isArray(container)) return container[position(container, segment, path, container.length - 1)];
  if (isJsonObject(container) && Object.hasOwn(container, segment)) return container[segment];
  throw unfit(path, `there is no "${segment}"`);
};

const read = (document: unknown, path: string): unknown =>
  segments(path).reduce<unknown>((container, segment) => step(container, segment, path), document);

/** The container that holds the last segment, within the (already copied) document. */
const parentOf = (document: unknown, path: string): [unknown, string] => {
  const way = segments(path);
  const last = way.pop();
  if (last === undefined) throw unfit(path, 'the whole document cannot be removed');
  return [way.reduce<unknown>((container, segment) => step(container, segment, path), document), last];
};

const insert = (document: unknown, path: string, value: unknown, replace = false): unknown => {
  if (path === '') return value;
  const [container, last] = parentOf(document, path);
  if (Array.isArray(container)) {
    container.splice(position(container, last, path, container.length), replace ? 1 : 0, value);
  } else if (isJsonObject(container)) {
    Object.defineProperty(container, last, { value, writable: true, enumerable: true, configurable: true });
  } else throw unfit(path, 'its parent is neither an object nor a list');
  return document;
};

const remove = (document: unknown, path: string): unknown => {
  const [container, last] = parentOf(document, path);
  step(container, last, path);
  if (Array.isArray(container)) container.splice(Number(last), 1);
  else if (isJsonObject(container)) delete container[last];
  return document;
};
