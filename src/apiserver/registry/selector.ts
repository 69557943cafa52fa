/** Label and field selectors of list, watch and deletecollection. */
import { compileJsonPath, type JsonPath } from '../../api/jsonpath.ts';
import type { Kind, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { checkLabel } from './metadata.ts';

export type Predicate = (object: Resource) => boolean;

type Labels = { readonly [key: string]: string };
type Requirement = (labels: Labels) => boolean;

const key = '([A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)';
const equality = new RegExp(`^${key}\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const comparison = new RegExp(`^${key}\\s*([<>])\\s*(-?\\d{1,15})$`);
const membership = new RegExp(`^${key}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const existence = new RegExp(`^(!?)\\s*${key}$`);

/** Requirements are separated by commas outside parentheses; all must hold. Throws `BadRequest`. */
export const parseLabelSelector = (text: string): ((labels: Labels) => boolean) => {
  const requirements = splitRequirements(text).map(parseRequirement);
  return (labels) => requirements.every((requirement) => requirement(labels));
};

const splitRequirements = (text: string): string[] =>
  text.trim() === '' ? [] : text.split(/,(?![^(]*\))/).map((part) => part.trim());

const parseRequirement = (text: string): Requirement => {
  const compared = comparison.exec(text);
  if (compared !== null) return comparingRequirement(compared[1] ?? '', compared[2] === '>', Number(compared[3]));
  const equal = equality.exec(text);
  if (equal !== null) return valueRequirement(equal[1] ?? '', equal[2] === '!=', [equal[3] ?? '']);
  const member = membership.exec(text);
  if (member !== null) {
    const values = (member[3] ?? '').split(',').map((value) => value.trim());
    return valueRequirement(member[1] ?? '', member[2] === 'notin', values);
  }
  const exist = existence.exec(text);
  if (exist === null) throw new HeddleError('BadRequest', `label selector "${text}" is not understood; write a=b, a!=b, a in (b,c), a notin (b), a>1, a<1, a or !a`);
  const [, negated, name = ''] = exist;
  refuseImpossible(name);
  return (labels) => Object.hasOwn(labels, name) === (negated === '');
};

/** A label that is absent satisfies `!=` and `notin`. */
const valueRequirement = (name: string, negated: boolean, values: readonly string[]): Requirement => {
  refuseImpossible(name, values);
  const wanted = new Set(values);
  return (labels) => (Object.hasOwn(labels, name) && wanted.has(labels[name] ?? '')) !== negated;
};

/** A label that is absent, or no whole number, is neither more nor less. */
const comparingRequirement = (name: string, isMore: boolean, bound: number): Requirement => {
  refuseImpossible(name);
  return (labels) => {
    const value = Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
    return /^[-+]?\d{1,15}$/.test(value) && (isMore ? Number(value) > bound : Number(value) < bound);
  };
};

/** What no label can be is a mistake of whoever asks; selecting nothing would hide it. */
const refuseImpossible = (name: string, values: readonly string[] = ['']): void => {
  const [finding] = values.flatMap((value) => checkLabel(name, value));
  if (finding !== undefined) throw new HeddleError('BadRequest', `label selector: ${finding.message}`);
};

export interface FieldSelector {
  readonly matches: Predicate;
  /** The value that `metadata.name` must have, when the selector says so: one object can then be read by its key. */
  readonly name?: string;
}

/** Only metadata.name, metadata.namespace and the kind's selectable fields; others are `BadRequest`. */
export const parseFieldSelector = (kind: Kind, text: string): FieldSelector => {
  const requirements = text.split(',').filter((part) => part !== '').map((part) => parseField(kind, part));
  const named = requirements.find((requirement) => requirement.field === 'metadata.name' && !requirement.negated);
  return {
    matches: (object) => requirements.every((requirement) => fieldHolds(requirement, object)),
    ...(named === undefined ? {} : { name: named.value }),
  };
};

interface FieldRequirement {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
  readonly path: JsonPath;
}

const parseField = (kind: Kind, text: string): FieldRequirement => {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(text.trim());
  const field = match?.[1]?.trim() ?? '';
  if (match === null) throw new HeddleError('BadRequest', `field selector "${text}" is not understood; write field=value or field!=value`);
  const allowed = ['.metadata.name', '.metadata.namespace', ...(kind.selectableFields ?? [])];
  // `source` is what the core API calls the reporting component of an event.
  const path = kind.kind === 'Event' && field === 'source' ? '.source.component' : `.${field}`;
  if (!allowed.includes(path)) {
    const fields = allowed.map((name) => name.slice(1)).join(', ');
    throw new HeddleError('BadRequest', `field label not supported: "${field}"; ${kind.plural} can be selected by ${fields}`);
  }
  return { field, negated: match[2] === '!=', value: match[3]?.trim() ?? '', path: compileJsonPath(path) };
};

const fieldHolds = ({ path, value, negated }: FieldRequirement, object: Resource): boolean =>
  (String(path(object)[0] ?? '') === value) !== negated;

/** Both selectors as one predicate; undefined when neither restricts anything. */
export const selection = (labels: string | null, field: FieldSelector | undefined): Predicate | undefined => {
  const byLabel = labels === null || labels.trim() === '' ? undefined : parseLabelSelector(labels);
  if (byLabel === undefined) return field?.matches;
  return (object) => byLabel(object.metadata.labels ?? {}) && (field?.matches(object) ?? true);
};
