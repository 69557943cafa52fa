/** `heddle import`: documents of other systems as objects of ours on standard output, and a report of what is not alike. */
import type { Resource } from '../api/object.ts';
import { convertContainerlab } from '../convert/containerlab.ts';
import { convertHedgehog } from '../convert/hedgehog/convert.ts';
import type { Converted, Note, Outcome } from '../convert/notes.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';
import { yamlText } from '../kit/yaml.ts';
import type { ExitStatus, Io } from './io.ts';
import { checkSources, formatFaults, inDependencyOrder } from './offline.ts';
import { readContents, readSources } from './source.ts';

export interface ImportOptions {
  readonly filename: readonly string[];
  readonly output: 'yaml' | 'json';
  /** Of the tenant that gets the VPCs. */
  readonly namespace?: string;
  /** SwitchProfile of all switches. */
  readonly profile?: string;
}

export const importHedgehog = async (io: Io, options: ImportOptions): Promise<ExitStatus> => {
  const { sources, faults } = await readSources(options.filename, io.stdin);
  if (faults.length > 0) {
    io.note(formatFaults(faults));
    return 1;
  }
  return finish(io, convertHedgehog(sources, { ...optional('namespace', options.namespace), ...optional('profile', options.profile) }), options);
};

export const importContainerlab = async (io: Io, options: ImportOptions): Promise<ExitStatus> => {
  const [file, ...others] = await readContents(options.filename, io.stdin);
  if (file === undefined || others.length > 0) throw new HeddleError('BadRequest', `a topology is one document, not ${others.length + (file === undefined ? 0 : 1)}`);
  return finish(io, convertContainerlab(file, options.profile), options);
};

/** Prints objects only when all of them could be made: half a network is worse than none. */
const finish = (io: Io, { objects, notes }: Converted, { output }: ImportOptions): ExitStatus => {
  io.note(formatNotes(notes));
  const sources = inDependencyOrder(objects.map((object) => ({ object, locate: (path) => `${object.kind}/${object.metadata.name}${path === '' ? '' : `: ${path}`}` })));
  const faults = checkSources(sources);
  io.note(faults.map(({ place, finding }) => `error    ${place}: ${finding.message}\n`).join(''));
  const errors = faults.length + notes.filter(({ outcome }) => outcome === 'error').length;
  if (errors > 0) {
    io.note(`${count(errors, 'error')}: nothing is printed; correct the files and import them again\n`);
    return 1;
  }
  const made = sources.map(({ object }) => object);
  io.out(output === 'json' ? jsonOf(made) : made.map((object) => yamlText(object)).join('---\n'));
  io.note(`${count(made.length, 'object')}: check with "heddle validate -f -" or "heddle apply --dry-run -f -"\n`);
  return 0;
};

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const jsonOf = (items: readonly Resource[]): string => `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`;

const order: readonly Outcome[] = ['error', 'lost', 'changed'];
const headings: Readonly<Record<Outcome, string>> = {
  error: 'error',
  lost: 'no equivalent',
  changed: 'changed',
};

/** One paragraph for what holds for several documents, worst first. */
export const formatNotes = (notes: readonly Note[]): string => {
  const groups = [...Map.groupBy(notes, ({ outcome, message, path }) => JSON.stringify([order.indexOf(outcome), path, message])).values()];
  return groups
    .sort(([left], [right]) => order.indexOf(left?.outcome ?? 'changed') - order.indexOf(right?.outcome ?? 'changed'))
    .map((group) => {
      const [first] = group;
      if (first === undefined) return '';
      const places = group.map(({ place, subject }) => `    ${place}: ${subject}\n`).join('');
      return `${headings[first.outcome]}: ${first.path === '' ? '' : `${first.path}: `}${first.message}\n${places}`;
    })
    .join('');
};
