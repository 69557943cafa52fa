/**
 * What was worked out while another one led, as a new leader takes it over: a compiler that has compiled nearly everything, and the
 * objects that it knows. To the controller it is a start like any other, only that lists and compilation take no time.
 */
import type { ResourceClient, ResourceList } from '../../api/client.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Compiler, CompileResult } from '../../compile/engine.ts';

/** A compiler whose first answer holds everything there is, as if all of `objects` were news to it. */
export const tellingAll = (compiler: Compiler, objects: Iterable<Resource>): Compiler => {
  let isTold = false;
  return {
    apply(changes) {
      const result = compiler.apply(changes);
      if (isTold) return result;
      isTold = true;
      const gone = changes.filter(({ object }) => object === undefined).map(({ ref }) => ref);
      const present = changes.flatMap(({ ref, object }) => (object === undefined ? [] : [ref]));
      return whole(compiler, new Map([...[...objects].map(refOf), ...gone, ...present].map((ref) => [refKey(ref), ref])));
    },
    explain: (scope, id) => compiler.explain(scope, id),
    owners: (scope, id) => compiler.owners(scope, id),
    scopes: () => compiler.scopes(),
    rows: (scope) => compiler.rows(scope),
    rowsOf: (ref) => compiler.rowsOf(ref),
    scopesOf: (ref) => compiler.scopesOf(ref),
    findingsOf: (ref) => compiler.findingsOf(ref),
    factsOf: (ref) => compiler.factsOf(ref),
    demandsOf: (ref) => compiler.demandsOf(ref),
    objectOf: (ref) => compiler.objectOf(ref),
    counters: () => compiler.counters(),
  };
};

/** As the compiler would answer who hands it all objects at once. */
const whole = (compiler: Compiler, objects: ReadonlyMap<string, ObjectRef>): CompileResult => {
  const of = <Said>(say: (ref: ObjectRef) => Said, isEmpty: (said: Said) => boolean): Map<string, Said> => {
    const all = new Map<string, Said>();
    for (const [key, ref] of objects) {
      const said = say(ref);
      if (!isEmpty(said)) all.set(key, said);
    }
    return all;
  };
  return {
    scopes: compiler.scopes().map((scope) => ({ scope, upserts: compiler.rows(scope), deletes: [] })),
    contributions: of((ref) => new Set(compiler.scopesOf(ref)), ({ size }) => size === 0),
    departed: new Map(),
    findings: of((ref) => compiler.findingsOf(ref), ({ length }) => length === 0),
    facts: of((ref) => compiler.factsOf(ref), (facts) => Object.keys(facts).length === 0),
    demands: of((ref) => compiler.demandsOf(ref), ({ length }) => length === 0),
  };
};

/** The same client, but that the first list of each kind is answered from what is at hand. */
export const listingFirst = (client: ResourceClient, lists: ReadonlyMap<string, ResourceList>): ResourceClient => {
  const left = new Map(lists);
  return {
    async list(kind) {
      const known = left.get(kind);
      left.delete(kind);
      return known ?? client.list(kind);
    },
    watch: (kind, resourceVersion, signal) => client.watch(kind, resourceVersion, signal),
    get: (ref) => client.get(ref),
    create: (object) => client.create(object),
    update: (object) => client.update(object),
    patch: (ref, patch) => client.patch(ref, patch),
    patchStatus: (ref, status, uid) => client.patchStatus(ref, status, uid),
    delete: (ref) => client.delete(ref),
  };
};
