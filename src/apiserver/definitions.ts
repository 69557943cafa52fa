/** The kinds of a server as objects that clients can read, watch and wait for. */
import { isDeepStrictEqual } from 'node:util';
import { crdOf } from '../api/crd.ts';
import { isBuiltIn, type Kind, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { objectOr } from '../kit/json.ts';
import type { Registry } from './registry/registry.ts';

/** Stores a definition of each of our kinds, anew where it changed, and forgets those of kinds that are served no more. */
export const publishDefinitions = async (registry: Registry): Promise<void> => {
  const definitions = registry.scheme.byKind('CustomResourceDefinition');
  const wanted = new Map(registry.scheme.kinds.filter(({ kind }) => !isBuiltIn(kind) && kind.createOnly !== true).map(({ kind }) => [`${kind.plural}.${kind.group}`, kind]));
  const { items } = await registry.list(definitions);
  for (const { metadata } of items) {
    if (!wanted.has(metadata.name)) await tolerating('NotFound', registry.delete(definitions, '', metadata.name));
  }
  const known = new Map(items.map((object) => [object.metadata.name, object]));
  for (const [name, kind] of wanted) {
    const { spec } = crdOf(kind);
    const before = known.get(name);
    if (before === undefined) await tolerating('AlreadyExists', registry.create(definitions, definitionOf(kind, new Date())));
    // Compared as they are stored: JSON has no `undefined`.
    else if (!isDeepStrictEqual(before.spec, JSON.parse(JSON.stringify(spec)))) {
      await tolerating('NotFound', registry.modify(definitions, '', name, (current) => ({ ...current, spec, status: statusOf(kind, timeOf(current)) })));
    }
  }
};

const definitionOf = (kind: Kind, now: Date): Resource => {
  const { apiVersion, metadata, spec } = crdOf(kind);
  return { apiVersion, kind: 'CustomResourceDefinition', metadata: { ...metadata }, spec, status: statusOf(kind, `${now.toISOString().slice(0, 19)}Z`) };
};

const timeOf = (object: Resource): string => String(object.metadata.creationTimestamp ?? '');

const statusOf = (kind: Kind, time: string): object => ({
  acceptedNames: objectOr(crdOf(kind).spec.names),
  conditions: [
    { type: 'NamesAccepted', status: 'True', lastTransitionTime: time, reason: 'NoConflicts', message: 'no conflicts found' },
    { type: 'Established', status: 'True', lastTransitionTime: time, reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
  ],
  storedVersions: [kind.version],
});

/** Another server on the same store may have done it a moment before. */
const tolerating = async (code: HeddleError['code'], work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (thrown) {
    if (HeddleError.from(thrown).code !== code) throw thrown;
  }
};
