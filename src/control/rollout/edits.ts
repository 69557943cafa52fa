/**
 * Which changes of objects are rolled out, and what is compiled of an object meanwhile. A change of a spec that exists is one; what
 * is new takes nothing from anybody, and what is deleted was drained: both go at once. What was rolled back is compiled as it was,
 * until somebody changes it again. Pure.
 */
import { kindByName } from '../../api/kinds.ts';
import { rolledOutPart, setBack } from '../../api/rollout.ts';
import { same } from '../../compile/same.ts';
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';

export interface Edit {
  readonly ref: ObjectRef;
  readonly generation: number;
  /** Specs. */
  readonly before: unknown;
  readonly after: unknown;
}

/** An object whose devices went back to what it said before. */
export interface Reverted {
  readonly edit: Edit;
  /** For people: which rollout, and what failed. */
  readonly why: string;
}

export interface Policy {
  /** Also what tenants declare is rolled out. */
  readonly tenants: boolean;
}

/** Kinds that no operator declares. */
const derived: ReadonlySet<string> = new Set(['Claim', 'Rollout', 'DHCPLease']);

export class Edits {
  readonly #fresh = new Map<string, Edit>();
  readonly #reverted = new Map<string, Reverted>();

  /** Edits that no rollout has yet, by key of the object. */
  get fresh(): ReadonlyMap<string, Edit> {
    return this.#fresh;
  }

  reverted(key: string): Reverted | undefined {
    return this.#reverted.get(key);
  }

  /**
   * What is to be compiled of an object that changed.
   * @param underOf what is rolled out now; undefined: nothing. Asked only of a changed spec
   * @param running its edit that is being rolled out
   */
  take(key: string, before: Resource | undefined, after: Resource | undefined, underOf: () => Policy | undefined, running?: Edit): Resource | undefined {
    if (after?.metadata.deletionTimestamp !== undefined || after === undefined) {
      this.#reverted.delete(key);
      this.#fresh.delete(key);
      return after;
    }
    const reverted = this.#reverted.get(key);
    if (reverted !== undefined && isAsEdited(after, reverted.edit)) return withSpec(after, reverted.edit.before);
    this.#reverted.delete(key);
    if (before === undefined || before.metadata.uid !== after.metadata.uid || before.metadata.generation === after.metadata.generation) return after;
    const under = underOf();
    if (under === undefined || !isRolledOut(after.kind, under)) return after;
    if (same(rolledOutPart(after.kind, before.spec), rolledOutPart(after.kind, after.spec))) return after;
    // What devices run that the newest rollout has not reached, or that went back, is what was so before the first of them.
    const known = this.#fresh.get(key) ?? running ?? reverted?.edit;
    this.#fresh.set(key, { ref: refOf(after), generation: after.metadata.generation ?? 0, before: known?.before ?? before.spec, after: after.spec });
    return after;
  }

  /** These are fresh again: a rollout that another leader began. */
  restore(edits: Iterable<readonly [string, Edit]>): void {
    for (const [key, edit] of edits) this.#fresh.set(key, edit);
  }

  /** From now on the object is compiled as it was before the edit. */
  revert(key: string, reverted: Reverted): void {
    this.#reverted.set(key, reverted);
  }

  /** The object is compiled as it is again. */
  forgive(key: string): void {
    this.#reverted.delete(key);
  }

  /** What was fresh is in a rollout, or concerned no device. */
  settle(): void {
    this.#fresh.clear();
  }
}

export const isRolledOut = (kind: string, { tenants }: Policy): boolean =>
  !derived.has(kind) && (tenants || kindByName(kind)?.scope === 'Cluster');

/** Whether the object says what it was edited to. */
export const isAsEdited = ({ kind, spec }: Resource, { after }: Edit): boolean => same(rolledOutPart(kind, spec), rolledOutPart(kind, after));

const withSpec = (object: Resource, spec: unknown): Resource => ({ ...object, spec: setBack(object.kind, spec, object.spec) });
