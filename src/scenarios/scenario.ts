/**
 * Reads the stories under testdata/scenarios/ (format: the README there). A story is told once and run at several levels;
 * this file knows only the words of the story, not who carries them out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { apiVersion, type ObjectRef, type Resource } from '../api/object.ts';
import { kindByName } from '../api/kinds.ts';
import { HeddleError } from '../kit/error.ts';

export type Step =
  | { readonly type: 'apply'; readonly objects: readonly Resource[] }
  | { readonly type: 'delete'; readonly refs: readonly ObjectRef[] }
  | { readonly type: 'refuse'; readonly object: Resource; readonly paths: readonly string[] }
  | { readonly type: 'expect'; readonly conditions: readonly Expectation[] }
  /** Ordered pairs `from -> to` that connect; every other pair of servers must not. */
  | { readonly type: 'reach'; readonly pairs: ReadonlySet<string> }
  | { readonly type: 'fault'; readonly fault: string }
  /** A person allows the deletions that are held on a Switch or a Fabric. */
  | { readonly type: 'allow'; readonly ref: ObjectRef };

export interface Expectation {
  readonly ref: ObjectRef;
  readonly condition: string;
  /** `True`, `False`, `Unknown`, or the condition's reason. */
  readonly wanted: string;
}

export interface Scenario {
  /** Name of the folder. */
  readonly name: string;
  readonly folder: string;
  readonly story: string;
  readonly steps: readonly Step[];
}

/** An object as stories write it. */
export interface ShortObject {
  readonly kind: string;
  readonly name: string;
  /** Default `default` where the kind has namespaces. */
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly spec: unknown;
}

interface RawStep {
  readonly apply?: readonly ShortObject[];
  readonly delete?: readonly string[];
  readonly refuse?: { readonly object: ShortObject; readonly paths: readonly string[] };
  readonly expect?: { readonly [ref: string]: { readonly [condition: string]: string | boolean } };
  readonly reach?: readonly string[];
  readonly fault?: string;
  readonly allow?: string;
}

const root = fileURLToPath(new URL('../../testdata/scenarios/', import.meta.url));

/** All scenarios, in order of their names. */
export const readScenarios = (): Scenario[] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map(readScenario);

/** The fabric that all scenarios share. */
export const readWiring = (): Resource[] =>
  parseAllDocuments(readFileSync(`${root}wiring.yaml`, 'utf8')).map((document) => document.toJS() as Resource);

export const wiringFile = `${root}wiring.yaml`;

const readScenario = (name: string): Scenario => {
  const folder = `${root}${name}`;
  const raw = parse(readFileSync(`${folder}/scenario.yaml`, 'utf8')) as { story: string; steps: RawStep[] };
  return { name, folder, story: raw.story, steps: raw.steps.map((step) => readStep(name, step)) };
};

const readStep = (scenario: string, raw: RawStep): Step => {
  if (raw.apply !== undefined) return { type: 'apply', objects: raw.apply.map(expand) };
  if (raw.delete !== undefined) return { type: 'delete', refs: raw.delete.map(parseRef) };
  if (raw.refuse !== undefined) return { type: 'refuse', object: expand(raw.refuse.object), paths: raw.refuse.paths };
  if (raw.expect !== undefined) return { type: 'expect', conditions: readExpectations(raw.expect) };
  if (raw.reach !== undefined) return { type: 'reach', pairs: new Set(raw.reach) };
  if (raw.allow !== undefined) return { type: 'allow', ref: parseRef(raw.allow) };
  if (raw.fault !== undefined) return { type: 'fault', fault: raw.fault };
  throw new HeddleError('Invalid', `scenario ${scenario}: unknown step ${JSON.stringify(raw)}`);
};

const readExpectations = (raw: NonNullable<RawStep['expect']>): Expectation[] =>
  Object.entries(raw).flatMap(([ref, conditions]) =>
    Object.entries(conditions).map(([condition, wanted]) => ({
      ref: parseRef(ref),
      condition,
      wanted: typeof wanted === 'boolean' ? (wanted ? 'True' : 'False') : wanted,
    })),
  );

const namespaceOf = (kind: string): string => (kindByName(kind)?.scope === 'Namespaced' ? 'default' : '');

const parseRef = (text: string): ObjectRef => {
  const [kind = '', name = ''] = text.split('/');
  return { kind, namespace: namespaceOf(kind), name };
};

export const expand = (short: ShortObject): Resource => {
  const namespace = namespaceOf(short.kind) === '' ? '' : (short.namespace ?? namespaceOf(short.kind));
  const { name, labels } = short;
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) };
  return { apiVersion, kind: short.kind, metadata, spec: short.spec };
};
