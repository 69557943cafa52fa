/**
 * The defaults of a kind that a schema can say. They are found by asking `Kind.defaults` about objects that say as little and as
 * much as the schema allows: what it fills in with the same value whatever else is there is a default of the schema; what follows
 * from other members (the end of a range, the first host of a prefix) is left to the controller.
 */
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';
import { apiVersion, type Kind, type Resource } from '../object.ts';

/** What an object to ask about has. */
interface Probe {
  /** How deep optional members that hold objects are there. */
  readonly depth: number;
  /** Which of two values everything has that must be there. */
  readonly second: boolean;
}

const deepest = 8;
const probes: readonly Probe[] = Array.from({ length: deepest }, (_, depth) => [false, true].map((second) => ({ depth, second }))).flat();

/** By place (`spec.subnets{}.mode`): the value that is filled in when the member is missing and what it belongs to is there. */
export const staticDefaults = (kind: Kind, schema: JsonObject): ReadonlyMap<string, unknown> => {
  const seen = new Map<string, Set<string>>();
  for (const probe of probes) {
    const members = objectOr(schema['properties']);
    const given: Resource = { apiVersion, kind: kind.kind, metadata: { name: 'a' } };
    for (const [member, child] of Object.entries(members)) {
      if (member === 'spec' || (probe.depth > 0 && member === 'status')) Object.assign(given, { [member]: sample(child, probe) });
    }
    const { metadata: _before, ...before } = given;
    const { metadata: _after, ...after } = kind.defaults(structuredClone(given));
    collect(schema, before, after, '', seen);
  }
  const constant = [...seen].filter(([, values]) => values.size === 1 && !values.has(absent));
  return new Map(constant.map(([place, values]): [string, unknown] => [place, JSON.parse([...values][0] ?? 'null')]));
};

const absent = '';

/** An object that fits the schema, as far as `Kind.defaults` looks. */
const sample = (schema: unknown, probe: Probe): unknown => {
  const { type, enum: choices, items, properties, additionalProperties, minItems, minLength, minimum } = objectOr(schema);
  if (Array.isArray(choices)) return probe.second ? choices.at(-1) : choices[0];
  if (type === 'boolean') return probe.second;
  if (type === 'integer' || type === 'number') return Number(minimum ?? 0) + (probe.second ? 1 : 0);
  if (type === 'string') return (probe.second ? 'b' : 'a').repeat(Number(minLength ?? 1) || 1);
  if (type === 'array') return Array.from({ length: Math.max(1, Number(minItems ?? 1)) }, () => sample(items, probe));
  if (isJsonObject(additionalProperties)) return { a: sample(additionalProperties, probe) };
  const required = objectOr(schema)['required'];
  const isRequired = (name: string): boolean => Array.isArray(required) && required.includes(name);
  const isGiven = (name: string, child: unknown): boolean => isRequired(name) || (probe.depth > 0 && holdsObjects(child));
  const entries = Object.entries(objectOr(properties)).filter(([name, child]) => isGiven(name, child));
  return Object.fromEntries(entries.map(([name, child]) => [name, sample(child, isRequired(name) ? probe : { ...probe, depth: probe.depth - 1 })]));
};

/** Whether there is a place inside where something could be filled in. */
const holdsObjects = (schema: unknown): boolean => {
  const { properties, items, additionalProperties } = objectOr(schema);
  return properties !== undefined || (items !== undefined && holdsObjects(items)) || (isJsonObject(additionalProperties) && holdsObjects(additionalProperties));
};

/** Notes for every member that `before` lacks what `after` has there. */
const collect = (schema: unknown, before: unknown, after: unknown, place: string, seen: Map<string, Set<string>>): void => {
  const { properties, items, additionalProperties } = objectOr(schema);
  if (Array.isArray(before) && Array.isArray(after)) {
    for (const [index, each] of before.entries()) collect(items, each, after[index], `${place}[]`, seen);
    return;
  }
  if (!isJsonObject(before) || !isJsonObject(after)) return;
  for (const [name, child] of Object.entries(objectOr(properties))) {
    if (name === 'metadata' || name === 'apiVersion' || name === 'kind') continue;
    const at = place === '' ? name : `${place}.${name}`;
    if (before[name] !== undefined) collect(child, before[name], after[name], at, seen);
    else seen.set(at, (seen.get(at) ?? new Set()).add(after[name] === undefined ? absent : JSON.stringify(after[name])));
  }
  if (isJsonObject(additionalProperties)) for (const name of Object.keys(before)) collect(additionalProperties, before[name], after[name], `${place}{}`, seen);
};
