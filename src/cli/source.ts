/**
 * Reads objects from YAML and JSON files and remembers where each stood, so that a fault is reported as `file:line:column`.
 * Everything is read before anything is used: one bad document and nothing is sent.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { LineCounter, isMap, isScalar, isSeq, parseAllDocuments, type Document, type Node, type Pair } from 'yaml';
import type { Resource } from '../api/object.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { HeddleError, type Finding } from '../kit/error.ts';

export interface Source {
  readonly object: Resource;
  /** `file:line:column` of a field, or of its nearest ancestor that is written there. */
  readonly locate: (path: string) => string;
}

/** A fault with its place; `path` of the finding is the place followed by the field. */
export interface Located {
  readonly place: string;
  readonly finding: Finding;
}

export interface Sources {
  readonly sources: readonly Source[];
  readonly faults: readonly Located[];
}

/** Reads files, folders (their *.yaml, *.yml and *.json, by name, not deeper) and `-`, which is `stdin`. */
export const readSources = async (names: readonly string[], stdin: () => Promise<string>): Promise<Sources> => {
  const parts = (await readTexts(names, stdin)).map(({ file, text }) => parseSource(file, text));
  const sources = parts.flatMap((part) => part.sources);
  const faults = parts.flatMap((part) => part.faults);
  if (sources.length === 0 && faults.length === 0) throw new HeddleError('BadRequest', `no object found in ${names.join(', ')}`);
  return { sources, faults };
};

/** One document as it stands, whatever it is. */
export interface Content {
  readonly content: unknown;
  readonly locate: (path: string) => string;
}

/** Documents that need not be objects of ours. Throws `BadRequest` with every fault of the YAML. */
export const readContents = async (names: readonly string[], stdin: () => Promise<string>): Promise<Content[]> => {
  const texts = await readTexts(names, stdin);
  const parts = texts.map(({ file, text }) => parseContents(file, text));
  const faults = parts.flatMap((part) => part.faults);
  if (faults.length > 0) throw new HeddleError('BadRequest', faults.map(({ place, finding }) => `${place}: ${finding.message}`).join('; '));
  return parts.flatMap((part) => part.contents);
};

const readTexts = async (names: readonly string[], stdin: () => Promise<string>): Promise<{ file: string; text: string }[]> => {
  const texts: { file: string; text: string }[] = [];
  for (const name of names) {
    if (name === '-') texts.push({ file: '(stdin)', text: await stdin() });
    else for (const file of filesOf(name)) texts.push({ file, text: readFileSync(file, 'utf8') });
  }
  return texts;
};

const filesOf = (name: string): string[] => {
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat === undefined) throw new HeddleError('BadRequest', `"${name}": no such file or folder`);
  if (!stat.isDirectory()) return [name];
  return readdirSync(name)
    .filter((file) => ['.yaml', '.yml', '.json'].includes(extname(file)))
    .sort()
    .map((file) => join(name, file));
};

/** All objects of one text; `file` is for messages. Lists (`kind: List`) are taken apart. */
export const parseSource = (file: string, text: string): Sources => {
  const sources: Source[] = [];
  const faults: Located[] = [];
  for (const { document, place, broken } of parseText(file, text)) {
    faults.push(...broken);
    if (broken.length > 0) continue;
    for (const { root, path, value } of objectsOf(document)) {
      const locate = (field: string): string => place(offsetOf(root, `${path}${field}`));
      if (isObject(value)) sources.push({ object: value, locate });
      else faults.push(...shapeFaults(value).map((finding) => ({ place: locate(finding.path), finding })));
    }
  }
  return { sources, faults };
};

const parseContents = (file: string, text: string): { contents: Content[]; faults: Located[] } => {
  const documents = parseText(file, text);
  const sound = documents.filter(({ broken }) => broken.length === 0);
  const contents = sound.map(({ document, place }): Content => ({
    content: document.toJS(),
    locate: (field) => place(offsetOf(document.contents, field)),
  }));
  return { contents, faults: documents.flatMap(({ broken }) => broken) };
};

interface PlacedDocument {
  readonly document: Document.Parsed;
  /** `file:line:column` of an offset in the text. */
  readonly place: (offset: number) => string;
  /** Why it is no YAML; empty when it is. */
  readonly broken: readonly Located[];
}

const parseText = (file: string, text: string): PlacedDocument[] => {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  return (Array.isArray(parsed) ? parsed : []).map((document) => ({
    document,
    place,
    broken: document.errors.map((error) => yamlFault(place(error.pos[0]), error)),
  }));
};

const yamlFault = (place: string, error: { readonly code: string; readonly message: string }): Located => ({
  place,
  finding: { path: '', code: 'MalformedYaml', message: lowerFirst(error.message.replace(/ at line \d+, column \d+:?[^]*$/, '')) },
});

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

function* objectsOf(document: Document.Parsed): Generator<{ root: Node | null; path: string; value: unknown }> {
  const root = document.contents;
  const value: unknown = document.toJS();
  if (value === null) return;
  if (!isJsonObject(value) || value['kind'] !== 'List' || !Array.isArray(value['items'])) {
    yield { root, path: '', value };
    return;
  }
  for (const [index, item] of value['items'].entries()) yield { root, path: `items[${index}].`, value: item };
}

const isObject = (value: unknown): value is Resource => shapeFaults(value).length === 0;

/** Without these an object cannot even be looked up; everything else is the schema's to judge. */
const shapeFaults = (value: unknown): Finding[] => {
  if (!isJsonObject(value)) {
    return [{ path: '', code: 'NotAnObject', message: 'a document must be an object with apiVersion, kind and metadata' }];
  }
  const metadata = value['metadata'];
  return [
    ...textFaults(value, 'apiVersion', 'apiVersion'),
    ...textFaults(value, 'kind', 'kind'),
    ...(metadata === undefined || metadata === null ? [required('metadata')] : textFaults(objectOr(metadata), 'name', 'metadata.name')),
  ];
};

const required = (path: string): Finding => ({ path, code: 'MissingField', message: 'is required' });

const textFaults = (holder: JsonObject, member: string, path: string): Finding[] => {
  const value = holder[member];
  if (value === undefined || value === null || value === '') return [required(path)];
  if (typeof value === 'string') return [];
  return [{ path, code: 'WrongType', message: `${JSON.stringify(value)} is not text: put it in quotes` }];
};

/** Offset of the field in the text: of its key, or of the nearest ancestor's that is written there. */
const offsetOf = (root: Node | null, path: string): number => {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  let rest = path;
  while (rest !== '') {
    const next = isMap(node) ? member(node.items, rest) : isSeq(node) ? element(node.items, rest) : undefined;
    if (next === undefined) return offset;
    offset = next.offset ?? offset;
    node = next.node;
    rest = rest.slice(next.length).replace(/^\./, '');
  }
  return offset;
};

interface Descent {
  readonly node: unknown;
  readonly offset: number | undefined;
  /** Characters of the path that this step used. */
  readonly length: number;
}

/** Names may hold dots and may be quoted in the path (`ports["E1/1"]`), so the longest that fits wins. */
const member = (pairs: readonly Pair[], path: string): Descent | undefined =>
  pairs
    .flatMap((pair): Descent[] => {
      if (!isScalar(pair.key)) return [];
      const key = String(pair.key.value);
      const offset = pair.key.range?.[0];
      return [key, `[${JSON.stringify(key)}]`]
        .filter((text) => path.startsWith(text) && ['', '.', '['].includes(path.slice(text.length, text.length + 1)))
        .map((text) => ({ node: pair.value, offset, length: text.length }));
    })
    .sort((a, b) => b.length - a.length)[0];

const element = (items: readonly unknown[], path: string): Descent | undefined => {
  const index = /^\[(\d+)\]/.exec(path);
  if (index === null) return undefined;
  const node = items[Number(index[1])];
  const offset = isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
  return node === undefined ? undefined : { node, offset, length: index[0].length };
};
