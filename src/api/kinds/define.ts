/**
 * From what is particular to a kind (schema, defaults, rules, columns) to the `Kind` that the rest of the system reads.
 * Defaults and rules see a typed spec: they run only where the schema holds, so neither has to mistrust its input.
 */
import type { TObject } from 'typebox';
import type { Finding } from '../../kit/error.ts';
import { Findings } from '../findings.ts';
import { parseLabel, parseSubdomain } from '../names.ts';
import { type Column, group, type Kind, type ObjectMeta, type ObjectRef, type Resource, version } from '../object.ts';
import { hasStructure } from '../structure.ts';

/** What the rules of a kind look at. `old` is the spec before the update; absent on create. */
export interface Subject<Spec> {
  readonly meta: ObjectMeta;
  readonly spec: Spec;
  readonly old?: Spec;
}

export interface Definition<Spec, Full extends Spec> {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly scope: Kind['scope'];
  /** `label` where the name becomes a host name or is named in a `<device>/<port>`; default `subdomain`. */
  readonly names?: 'label' | 'subdomain';
  readonly description: string;
  readonly spec: TObject;
  readonly status: TObject;
  readonly defaults: (spec: Spec) => Full;
  /** Sees the spec with its defaults filled in, whether or not the caller did so before. */
  readonly rules: (subject: Subject<Full>, found: Findings) => void;
  /** What must not be deleted while this object names it. */
  readonly references?: (spec: Full, namespace: string) => readonly ObjectRef[];
  /** What an update would take from an object that names this one; specs with their defaults. */
  readonly strands?: (before: Full, after: Full, user: Resource) => Finding[];
  readonly columns: readonly Column[];
  readonly views?: Kind['views'];
  /** False for kinds without conditions, whose table then has no Accepted. */
  readonly judged?: false;
  /** Written by the controller alone. */
  readonly readOnly?: true;
}

export function defineKind<Spec, Full extends Spec>(definition: Definition<Spec, Full>): Kind {
  const { kind, plural, scope, description, spec, status, columns } = definition;
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: definition.shortNames ?? [],
    categories: scope === 'Namespaced' && definition.readOnly !== true ? ['heddle', 'all'] : ['heddle'],
    scope,
    description,
    properties: { spec, status },
    required: ['spec'],
    defaults: (object) =>
      hasStructure(spec, object.spec) ? { ...object, spec: definition.defaults(object.spec as Spec) } : object,
    validate: (object, old) => {
      const found = new Findings();
      checkName(object, definition.names ?? 'subdomain', found);
      definition.rules(subjectOf(definition, object, old), found);
      return found.list;
    },
    columns: [...columns, ...(definition.judged === false ? [ageColumn] : [acceptedColumn, ageColumn, reasonColumn])],
    hasStatus: definition.readOnly !== true,
    ...referencesOf(definition),
    ...strandsOf(definition),
    ...(definition.names === 'label' ? { names: definition.names } : {}),
    ...(definition.views === undefined ? {} : { views: definition.views }),
    ...(definition.readOnly === undefined ? {} : { readOnly: definition.readOnly }),
  };
}

/** Objects come from the store, where whatever does not have the structure of the kind has never been. */
function referencesOf<Spec, Full extends Spec>({ references, defaults }: Definition<Spec, Full>): Pick<Kind, 'references'> {
  if (references === undefined) return {};
  return { references: ({ spec, metadata }) => references(defaults(spec as Spec), metadata.namespace ?? '') };
}

function strandsOf<Spec, Full extends Spec>({ strands, defaults }: Definition<Spec, Full>): Pick<Kind, 'strands'> {
  if (strands === undefined) return {};
  return { strands: (before, after, user) => strands(defaults(before.spec as Spec), defaults(after.spec as Spec), user) };
}

function subjectOf<Spec, Full extends Spec>(
  { defaults }: Definition<Spec, Full>,
  object: Resource,
  old: Resource | undefined,
): Subject<Full> {
  const subject = { meta: object.metadata, spec: defaults(object.spec as Spec) };
  return old === undefined ? subject : { ...subject, old: defaults(old.spec as Spec) };
}

function checkName(object: Resource, names: 'label' | 'subdomain', found: Findings): void {
  // Typed as present, but an object on its way in may leave it to the server (generateName).
  const name: string | undefined = object.metadata.name;
  if (name === undefined) {
    if (object.metadata.generateName === undefined) found.add('metadata.name', 'MissingField', 'is required');
    return;
  }
  found.parsed('metadata.name', names === 'label' ? parseLabel(name) : parseSubdomain(name));
}

export const column = (name: string, jsonPath: string, description: string, type: Column['type'] = 'string'): Column => ({
  name,
  type,
  jsonPath,
  description,
  priority: 0,
});

/** A column that only `-o wide` shows. */
export const wideColumn = (...parts: Parameters<typeof column>): Column => ({ ...column(...parts), priority: 1 });

export const readyColumn = column('Ready', '.status.ready', 'Devices that run this generation, of all that must.');

/** For `references`: an object without a namespace. */
export const clusterWide = (kind: string, name: string): ObjectRef => ({ kind, namespace: '', name });

const acceptedColumn = column(
  'Accepted',
  '.status.conditions[?(@.type=="Accepted")].status',
  'Whether the object makes sense among the others.',
);

const ageColumn = column('Age', '.metadata.creationTimestamp', 'Time since the object was created.', 'date');

const reasonColumn = wideColumn(
  'Reason',
  '.status.conditions[?(@.type=="Accepted")].message',
  'What stands in the way of Accepted.',
);
