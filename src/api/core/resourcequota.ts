/** ResourceQuota (core/v1): how many objects of a resource a namespace may have. Only counts of objects mean something here. */
import { Type } from 'typebox';
import { isJsonObject } from '../../kit/json.ts';
import { Findings, memberPath } from '../findings.ts';
import type { Kind, Resource } from '../object.ts';

const amounts = (description: string) =>
  Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]), { description }));

/** The core kinds that Kubernetes also counts by their bare plural. */
const barePlurals: ReadonlySet<string> = new Set(['configmaps', 'secrets', 'resourcequotas', 'services', 'pods', 'persistentvolumeclaims', 'replicationcontrollers']);

const suffixes: { readonly [suffix: string]: number } = { '': 1, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** A count as Kubernetes writes quantities: `5`, `"5"`, `"1k"`; undefined for what is no whole number of objects. */
export const countOf = (value: unknown): number | undefined => {
  const [, digits, suffix = ''] = /^(\d{1,12})(k|M|G|Ki|Mi|Gi)?$/.exec(String(value)) ?? [];
  const count = Number(digits) * (suffixes[suffix] ?? Number.NaN);
  return Number.isSafeInteger(count) ? count : undefined;
};

/** Resource that a member of `hard` counts, `vpcs.heddle.dev` or `configmaps`; undefined when it counts none. */
export const countedResource = (member: string): string | undefined => {
  if (member.startsWith('count/')) return member.slice('count/'.length);
  return barePlurals.has(member) ? member : undefined;
};

/** The amounts in `spec.hard` or `status.used`; what is none is left out. */
export const amountsIn = (value: unknown): ReadonlyMap<string, number> => {
  const entries = Object.entries(isJsonObject(value) ? value : {});
  return new Map(entries.flatMap(([member, amount]) => {
    const count = countOf(amount);
    return count === undefined ? [] : [[member, count] as const];
  }));
};

const asText = (hard: unknown): unknown =>
  isJsonObject(hard) ? Object.fromEntries(Object.entries(hard).map(([member, amount]) => [member, typeof amount === 'number' ? String(amount) : amount])) : hard;

const defaults = (object: Resource): Resource =>
  isJsonObject(object.spec) && 'hard' in object.spec ? { ...object, spec: { ...object.spec, hard: asText(object.spec['hard']) } } : object;

const validate = ({ spec }: Resource) => {
  const found = new Findings();
  const hard: unknown = isJsonObject(spec) ? spec['hard'] : undefined;
  for (const [member, amount] of Object.entries(isJsonObject(hard) ? hard : {})) {
    const path = memberPath('spec.hard', member);
    if (countedResource(member) === undefined) {
      found.add(path, 'FieldValueNotSupported', `"${member}" is not counted here; use count/<plural>.<group>, such as count/vpcs.heddle.dev`);
    }
    if (countOf(amount) === undefined) found.add(path, 'FieldValueInvalid', `"${String(amount)}" is not a number of objects; write a whole number`);
  }
  return found.list;
};

export const resourceQuotaKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  categories: [],
  scope: 'Namespaced',
  description: 'How many objects a namespace may have: one that would be too many is refused.',
  properties: {
    spec: Type.Optional(Type.Object({ hard: amounts('Most objects, by count/<plural>.<group>.') }, { description: 'The limits.' })),
    status: Type.Optional(Type.Object({ hard: amounts('The limits that are enforced.'), used: amounts('Objects there are.') }, { description: 'What is used; the server writes it.' })),
  },
  required: [],
  defaults,
  validate,
  columns: [
    { name: 'Hard', type: 'string', jsonPath: '.status.hard', description: 'Limits', priority: 0 },
    { name: 'Used', type: 'string', jsonPath: '.status.used', description: 'Objects there are', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 },
  ],
  hasStatus: true,
};
