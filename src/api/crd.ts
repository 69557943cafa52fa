/**
 * Our kinds as CustomResourceDefinitions: what a Kubernetes API server has to know to serve them. Everything follows from the
 * `Kind`; only rules that code holds here are said a second time, in CEL (`crd/rules.ts`), and tests compare the two.
 */
import type { JsonObject } from '../kit/json.ts';
import { boundsOf, celRulesOf } from './crd/rules.ts';
import { extendAt, schemaAt } from './crd/path.ts';
import { staticDefaults } from './crd/defaults.ts';
import { structural } from './crd/structural.ts';
import { kinds } from './kinds.ts';
import type { Column, Kind } from './object.ts';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: JsonObject;
    readonly scope: Kind['scope'];
    readonly versions: readonly JsonObject[];
  };
}

/** Definitions of all our kinds, in the order in which a newcomer declares them. */
export const customResourceDefinitions = (): readonly CustomResourceDefinition[] => kinds.map(crdOf);

/** `vpcs.heddle.dev` and the like, from one kind. */
export const crdOf = (kind: Kind): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.plural}.${kind.group}` },
  spec: { group: kind.group, names: namesOf(kind), scope: kind.scope, versions: [versionOf(kind)] },
});

const namesOf = ({ plural, singular, kind, shortNames, categories }: Kind): JsonObject => ({
  plural,
  singular,
  kind,
  listKind: `${kind}List`,
  ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
  ...(categories.length === 0 ? {} : { categories: [...categories] }),
});

const versionOf = (kind: Kind): JsonObject => ({
  name: kind.version,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schemaOf(kind) },
  ...(kind.hasStatus ? { subresources: { status: {} } } : {}),
  ...(kind.selectableFields === undefined ? {} : { selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })) }),
  additionalPrinterColumns: kind.columns.map(columnOf),
});

const columnOf = ({ name, type, jsonPath, description, priority }: Column): JsonObject => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

/** The structural schema of a kind with its static defaults, bounds and rules. */
export const schemaOf = (kind: Kind): JsonObject => {
  const schema: JsonObject = {
    type: 'object',
    description: kind.description,
    required: [...kind.required],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...Object.fromEntries(Object.entries(kind.properties).map(([member, schema]) => [member, structural(schema)])),
    },
  };
  for (const [place, value] of staticDefaults(kind, schema)) extendAt(schema, place, { default: value });
  for (const [place, more] of boundsOf(kind)) extendAt(schema, place, more);
  for (const { place, rule, message } of celRulesOf(kind)) {
    const there = schemaAt(schema, place)?.['x-kubernetes-validations'];
    extendAt(schema, place, { 'x-kubernetes-validations': [...(Array.isArray(there) ? there : []), { rule, message }] });
  }
  return schema;
};
