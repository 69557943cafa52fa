/** YAML bodies, held to the same rules as JSON ones. */
import { isMap, isScalar, isSeq, parseDocument, visit, type Document } from 'yaml';
import { HeddleError } from '../../kit/error.ts';
import { memberPath } from '../../api/findings.ts';
import type { Decoded } from './decode.ts';
import { maxDepth, tooDeep, unkept } from './scan.ts';

/** Reading YAML takes a hundred times as long as JSON, and nobody else is served meanwhile. */
const maxCharacters = 512 * 1024;

/** `TooLarge`, and `BadRequest` for what cannot be read or kept. */
export const decodeYaml = (text: string): Decoded => {
  if (text.length > maxCharacters) throw new HeddleError('TooLarge', `a YAML body may have ${maxCharacters} characters; send this one as JSON`);
  try {
    // Whatever a directive or a tag asks for: only what JSON has, too.
    const document = parseDocument(text, { uniqueKeys: false, schema: 'core', resolveKnownTags: false, merge: false, logLevel: 'error' });
    const problem = document.errors[0];
    if (problem !== undefined) throw new HeddleError('BadRequest', `the body is not YAML: ${firstLine(problem.message)}`);
    const duplicates = checkNodes(document);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value, duplicates };
  } catch (thrown) {
    if (thrown instanceof HeddleError) throw thrown;
    if (thrown instanceof RangeError) throw tooDeep();
    throw new HeddleError('BadRequest', `the body is not YAML that can be kept: ${HeddleError.from(thrown).message}`, { cause: thrown });
  }
};

/** What follows shows a piece of the body, which may hold secrets. */
const firstLine = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

/** Throws for numbers and depth; answers the paths of members named twice. */
const checkNodes = (document: Document): string[] => {
  const duplicates = new Set<string>();
  visit(document, {
    Node(key, node, ancestors) {
      if (ancestors.length > 2 * maxDepth) throw tooDeep();
      if (isScalar(node) && key !== 'key' && typeof node.value === 'number' && !isKept(node.value, node.source)) throw unkept(node.source ?? String(node.value), '');
      if (!isMap(node)) return;
      const seen = new Set<string>();
      for (const { key: name } of node.items) {
        if (isMap(name) || isSeq(name)) throw new HeddleError('BadRequest', 'the body is not YAML that can be kept: the name of a member must be text');
        const text = String(isScalar(name) ? name.value : name);
        if (seen.has(text)) duplicates.add(memberPath(pathOf(ancestors, key), text));
        seen.add(text);
      }
    },
  });
  return [...duplicates];
};

const isKept = (value: number, source: string | undefined): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value) || /[.eE]/.test(source ?? ''));

/** Of a node, from those it stands in: pairs name members, and a position in a list follows from its place. */
const pathOf = (ancestors: readonly unknown[], key: unknown): string => {
  let path = '';
  ancestors.forEach((ancestor, depth) => {
    const inner = ancestors[depth + 1];
    if (typeof ancestor === 'object' && ancestor !== null && 'key' in ancestor && 'value' in ancestor) path = memberPath(path, String(ancestor.key));
    else if (typeof ancestor === 'object' && ancestor !== null && 'items' in ancestor && Array.isArray(ancestor.items) && !isMap(ancestor)) {
      path = memberPath(path, inner === undefined ? Number(key) : ancestor.items.indexOf(inner));
    }
  });
  return path;
};
