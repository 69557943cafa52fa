/** The kinds a server serves, looked up the ways requests name them, each with its schema and its place in the store. */
import type { TObject } from 'typebox';
import { objectSchema } from '../api/check.ts';
import type { Kind } from '../api/object.ts';
import { structureFindings } from '../api/structure.ts';
import { HeddleError, type Finding } from '../kit/error.ts';

export interface ServedKind {
  readonly kind: Kind;
  /** `v1` or `heddle.dev/v1alpha1`. */
  readonly apiVersion: string;
  /** `vpcs.heddle.dev`, as messages name it; `namespaces` for core kinds. */
  readonly resource: string;
  readonly namespaced: boolean;
  /** Of the whole object, apiVersion and metadata included. */
  readonly schema: TObject;
  /** What is wrong with the structure of a whole object; fields that the schema does not know are not among it. */
  readonly check: (value: unknown) => Finding[];
  /** Store key of one object; with `name` empty the prefix of all in the namespace, with both empty of all objects. */
  key(namespace: string, name: string): string;
}

export interface Scheme {
  readonly kinds: readonly ServedKind[];
  /** Those of which objects are kept. */
  readonly stored: readonly ServedKind[];
  /** By the kind's name, which is unique in a server; throws `NotFound`. */
  byKind(kind: string): ServedKind;
  byResource(group: string, version: string, plural: string): ServedKind | undefined;
  /** `group/version` pairs in the order first seen, core (`v1`) first. */
  readonly groupVersions: readonly GroupVersion[];
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly ServedKind[];
}

/** Throws `Internal` when two kinds have one name or one path. */
export const createScheme = (kinds: readonly Kind[]): Scheme => {
  const served = kinds.map(serve);
  const byKind = new Map(served.map((entry) => [entry.kind.kind, entry]));
  const byPath = new Map(served.map((entry) => [pathOf(entry.kind.group, entry.kind.version, entry.kind.plural), entry]));
  if (byKind.size !== kinds.length || byPath.size !== kinds.length) {
    throw new HeddleError('Internal', 'two kinds have the same name or path');
  }
  return {
    kinds: served,
    stored: served.filter(({ kind }) => kind.createOnly !== true),
    byKind(kind) {
      const entry = byKind.get(kind);
      if (entry === undefined) throw new HeddleError('NotFound', `kind "${kind}" is not served`);
      return entry;
    },
    byResource: (group, version, plural) => byPath.get(pathOf(group, version, plural)),
    groupVersions: groupVersionsOf(served),
  };
};

const pathOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;

const serve = (kind: Kind): ServedKind => {
  const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
  const namespaced = kind.scope === 'Namespaced';
  const schema = objectSchema(kind);
  return {
    kind,
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    resource,
    namespaced,
    schema,
    check: (value) => structureFindings(schema, value).map((finding) => concealed(kind, finding)),
    key: (namespace, name) => {
      if (!namespaced) return `${resource}/${name}`;
      return namespace === '' ? `${resource}/` : `${resource}/${namespace}/${name}`;
    },
  };
};

/** What is wrong with a confidential member is said without showing it. */
const concealed = ({ confidential }: Kind, finding: Finding): Finding => {
  const member = /^[^.[]*/.exec(finding.path)?.[0] ?? '';
  return confidential?.includes(member) === true ? { ...finding, message: finding.message.replace(/, not [^]*$/, '') } : finding;
};

const groupVersionsOf = (served: readonly ServedKind[]): GroupVersion[] => {
  const groups = Map.groupBy(served, (entry) => entry.apiVersion);
  const pairs = [...groups.values()].flatMap((kinds) => {
    const first = kinds[0];
    return first === undefined ? [] : [{ group: first.kind.group, version: first.kind.version, kinds }];
  });
  return pairs.toSorted((a, b) => Number(a.group !== '') - Number(b.group !== ''));
};
