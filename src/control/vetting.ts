/**
 * Objects of an API server that does not know our rules: what arrives is pruned, gets its defaults and is judged as our own server
 * would have done before storing it. What does not stand is told on the object and never reaches the compiler: the last good spec
 * stays in force, and an object that never had one is kept aside.
 */
import { objectSchema } from '../api/check.ts';
import { kindByName } from '../api/kinds.ts';
import { refKey, type Kind, type ObjectRef, type Resource } from '../api/object.ts';
import { prune } from '../api/prune.ts';
import { hasStructure, structureFindings } from '../api/structure.ts';
import type { CompileFinding } from '../compile/finding.ts';
import type { Finding } from '../kit/error.ts';
import type { ObjectChange } from './informer.ts';

export class Vetting {
  /** Objects without a good state that is known, by key. */
  readonly #aside = new Map<string, Resource>();
  readonly #faults = new Map<string, readonly CompileFinding[]>();

  /**
   * The change as the rest of the controller may see it; undefined when it is to see nothing of it.
   * @param good the object as it was seen last, with a spec that stands
   */
  admit(change: ObjectChange, good: Resource | undefined): ObjectChange | undefined {
    const { ref, object } = change;
    const key = refKey(ref);
    this.#aside.delete(key);
    this.#faults.delete(key);
    const kind = kindByName(ref.kind);
    if (object === undefined || kind === undefined) return change;
    const { object: full, findings } = vet(kind, object);
    if (findings.length === 0) return { ...change, object: full };
    this.#faults.set(key, findings.map((finding) => ({ ...finding, severity: 'error' })));
    if (good !== undefined && good.metadata.uid === object.metadata.uid) return { ...change, object: { ...full, spec: good.spec } };
    this.#aside.set(key, full);
    return good === undefined ? undefined : { ref, object: undefined };
  }

  /** An object that the rest of the controller does not know of, and of which only what is wrong can be said. */
  aside(key: string): Resource | undefined {
    return this.#aside.get(key);
  }

  /** Names of such objects of one kind. */
  *namesAside(kind: string): Generator<string> {
    for (const { kind: own, metadata } of this.#aside.values()) if (own === kind) yield metadata.name;
  }

  findingsOf(ref: ObjectRef): readonly CompileFinding[] {
    return this.#faults.get(refKey(ref)) ?? nothing;
  }

  /** What a write answered, of a generation that was seen before: with the spec as it was made of that. */
  refit(answer: Resource, held: Resource): Resource {
    return { ...answer, spec: held.spec };
  }
}

const nothing: readonly CompileFinding[] = [];

/**
 * The object as our server would have stored it, and what it would have refused. Members that our schema does not know are left
 * out without a word: the server's definition of the kind may be newer. A status that is none counts as empty, and is written anew.
 */
const vet = (kind: Kind, given: Resource): { readonly object: Resource; readonly findings: readonly Finding[] } => {
  // Who owns which field is more text than the object itself, and nothing to a controller.
  const { managedFields: _, ...metadata } = given.metadata;
  const { status, ...rest } = prune(objectSchema(kind), { ...given, metadata }).value as Resource;
  const { status: statusSchema } = kind.properties;
  const isSound = status !== undefined && statusSchema !== undefined && hasStructure(statusSchema, status);
  const object = kind.defaults(isSound ? { ...rest, status } : rest);
  const structure = structureFindings(objectSchema(kind), object);
  return { object, findings: structure.length > 0 ? structure : kind.validate(object) };
};
