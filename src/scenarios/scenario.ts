/**
 * Reads the stories under testdata/scenarios/ (format: the README there). A story is told once and run at several levels;
 * this file knows only the words of the story, not who carries them out.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { apiVersion, type ObjectRef, type Resource } from '../api/object.ts';
import { kindByName } from '../api/kinds.ts';
import { HeddleError } from '../kit/error.ts';
import { isSpare } from '../lab/topology.ts';
import { parseReach, type Reach } from './matrix.ts';

export type Step =
  | { readonly type: 'apply'; readonly objects: readonly Resource[] }
  | { readonly type: 'delete'; readonly refs: readonly ObjectRef[] }
  | { readonly type: 'refuse'; readonly object: Resource; readonly paths: readonly string[] }
  | { readonly type: 'expect'; readonly conditions: readonly Expectation[] }
  /** Exactly what is listed passes between parties; `undefined`: what intent says. */
  | { readonly type: 'reach'; readonly reach: Reach | undefined }
  | { readonly type: 'fault'; readonly fault: string }
  /** A person allows the deletions that are held on a Switch or a Fabric. */
  | { readonly type: 'allow'; readonly ref: ObjectRef }
  | ExecStep
  | { readonly type: 'leases'; readonly leases: ReadonlyMap<string, readonly string[]> }
  | { readonly type: 'announce'; readonly server: string; readonly prefixes: readonly string[] }
  | DuringStep;

/** A command in a node says what it must, waited for. */
export interface ExecStep {
  readonly type: 'exec';
  readonly node: string;
  readonly argv: readonly [string, ...string[]];
  readonly has: readonly string[];
  readonly lacks: readonly string[];
}

/** Packets go on while the steps are done; how many were lost is told. */
export interface DuringStep {
  readonly type: 'during';
  /** `from -> to` */
  readonly pings: readonly { readonly from: string; readonly to: string; readonly family: 4 | 6 }[];
  readonly steps: readonly Step[];
  /** Packets that may be lost, of each ping; left out: any number, it is only told. */
  readonly mostLost?: number;
}

export interface Expectation {
  readonly ref: ObjectRef;
  readonly condition: string;
  /** `True`, `False`, `Unknown`, or the condition's reason. */
  readonly wanted: string;
  /** Text that the condition's message has. */
  readonly says?: string;
}

export interface Scenario {
  /** Name of the folder. */
  readonly name: string;
  readonly folder: string;
  readonly story: string;
  /** Cases of the release-test catalogue that the story is. */
  readonly covers: readonly string[];
  /** Path of the file with the fabric that it is played on. */
  readonly wiring: string;
  /** In the lab it is played by `npm run scenarios` only, not by `npm test`. */
  readonly slow: boolean;
  readonly steps: readonly Step[];
}

/** An object as stories write it. */
export interface ShortObject {
  readonly kind: string;
  readonly name: string;
  /** Default `default` where the kind has namespaces. */
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly spec: unknown;
}

interface RawStep {
  readonly apply?: readonly ShortObject[];
  readonly delete?: readonly string[];
  readonly refuse?: { readonly object: ShortObject; readonly paths: readonly string[] };
  readonly expect?: { readonly [ref: string]: { readonly [condition: string]: string | boolean } };
  readonly reach?: 'intent' | readonly (string | { readonly [pair: string]: string })[];
  readonly fault?: string;
  readonly allow?: string;
  readonly exec?: { readonly on: string; readonly run: string | readonly string[]; readonly has?: Words; readonly lacks?: Words };
  readonly leases?: { readonly [party: string]: Words };
  readonly announce?: { readonly [server: string]: Words };
  readonly during?: { readonly ping: Words; readonly steps: readonly RawStep[]; readonly mostLost?: number };
}

type Words = string | readonly string[];

interface RawScenario {
  readonly story: string;
  readonly covers?: readonly string[];
  readonly wiring?: string;
  readonly slow?: boolean;
  readonly steps: readonly RawStep[];
}

const root = fileURLToPath(new URL('../../testdata/scenarios/', import.meta.url));

/** The fabric of scenarios that name none. */
export const wiringFile = `${root}wiring.yaml`;

/** All scenarios, in order of their names. */
export const readScenarios = (): Scenario[] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${root}${entry.name}/scenario.yaml`))
    .map((entry) => entry.name)
    .sort()
    .map(readScenario);

/** A fabric as it is declared at first; the one that scenarios share when none is named. */
export const readWiring = (file = wiringFile): Resource[] => readCabling(file).filter((object) => !isSpare(object));

/** The same with what stands there and is declared by a story only. */
export const readCabling = (file: string): Resource[] =>
  parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => (document.toJS() as Resource | null) ?? []);

/** Scenarios by the fabric they are played on, so that one fabric serves many. */
export const byWiring = (scenarios: readonly Scenario[]): Map<string, Scenario[]> => Map.groupBy(scenarios, ({ wiring }) => wiring);

const readScenario = (name: string): Scenario => {
  const folder = `${root}${name}`;
  const { story, covers = [], wiring, slow = false, steps } = parse(readFileSync(`${folder}/scenario.yaml`, 'utf8')) as RawScenario;
  return { name, folder, story, covers, wiring: wiringOf(name, wiring), slow, steps: steps.map((step) => readStep(name, step)) };
};

const wiringOf = (scenario: string, wiring: string | undefined): string => {
  if (wiring === undefined) return wiringFile;
  const places = [`${root}${scenario}/${wiring}`, `${root}wirings/${wiring}`];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new HeddleError('Invalid', `scenario ${scenario}: there is no ${places.join(' and no ')}`);
  return found;
};

const readStep = (scenario: string, raw: RawStep): Step => {
  if (raw.apply !== undefined) return { type: 'apply', objects: raw.apply.map(expand) };
  if (raw.delete !== undefined) return { type: 'delete', refs: raw.delete.map(parseRef) };
  if (raw.refuse !== undefined) return { type: 'refuse', object: expand(raw.refuse.object), paths: raw.refuse.paths };
  if (raw.expect !== undefined) return { type: 'expect', conditions: readExpectations(raw.expect) };
  if (raw.reach !== undefined) return { type: 'reach', reach: raw.reach === 'intent' ? undefined : parseReach(raw.reach) };
  if (raw.allow !== undefined) return { type: 'allow', ref: parseRef(raw.allow) };
  if (raw.fault !== undefined) return { type: 'fault', fault: raw.fault };
  if (raw.exec !== undefined) return readExec(raw.exec);
  if (raw.leases !== undefined) return { type: 'leases', leases: new Map(Object.entries(raw.leases).map(([party, of]) => [party, words(of)])) };
  if (raw.announce !== undefined) {
    const [server = '', prefixes = []] = Object.entries(raw.announce)[0] ?? [];
    return { type: 'announce', server, prefixes: words(prefixes) };
  }
  if (raw.during !== undefined) return readDuring(scenario, raw.during);
  throw new HeddleError('Invalid', `scenario ${scenario}: unknown step ${JSON.stringify(raw)}`);
};

const words = (text: Words): readonly string[] => (typeof text === 'string' ? [text] : text);

const readExec = ({ on, run, has = [], lacks = [] }: NonNullable<RawStep['exec']>): ExecStep => {
  const [program = '', ...rest] = typeof run === 'string' ? run.split(' ') : run;
  return { type: 'exec', node: on, argv: [program, ...rest], has: words(has), lacks: words(lacks) };
};

const readDuring = (scenario: string, { ping, steps, mostLost }: NonNullable<RawStep['during']>): DuringStep => ({
  type: 'during',
  pings: words(ping).map((text) => {
    const [from = '', , to = '', family] = text.replace(/:/, '').split(/\s+/);
    return { from, to, family: family === 'v6' ? 6 : 4 };
  }),
  steps: steps.map((step) => readStep(scenario, step)),
  ...(mostLost !== undefined && { mostLost }),
});

const readExpectations = (raw: NonNullable<RawStep['expect']>): Expectation[] =>
  Object.entries(raw).flatMap(([ref, conditions]) =>
    Object.entries(conditions).map(([condition, text]) => {
      const [wanted = '', ...says] = typeof text === 'boolean' ? [text ? 'True' : 'False'] : text.split(/: (.*)/s);
      return { ref: parseRef(ref), condition, wanted, ...(says[0] !== undefined && { says: says[0] }) };
    }),
  );

const namespaceOf = (kind: string): string => (kindByName(kind)?.scope === 'Namespaced' ? 'default' : '');

/** `Kind/name`, or `Kind/namespace/name`. */
const parseRef = (text: string): ObjectRef => {
  const [kind = '', first = '', second] = text.split('/');
  return second === undefined ? { kind, namespace: namespaceOf(kind), name: first } : { kind, namespace: first, name: second };
};

export const expand = ({ kind, name, namespace = 'default', labels, annotations, spec }: ShortObject): Resource => ({
  apiVersion,
  kind,
  metadata: {
    name,
    ...(namespaceOf(kind) !== '' && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  },
  spec,
});
