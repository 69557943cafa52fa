/** One translator at work: its run for every object of its kind, what it says of each now and said before, and its rows. */
import { refOf, type ObjectMeta, type ObjectRef, type Resource } from '../api/object.ts';
import { ageOf } from './age.ts';
import { error } from './finding.ts';
import type { Graph, NodeId, NodeKind } from './graph.ts';
import type { Contributor, GoalTable } from './merge.ts';
import { nothing, refOfKey, type Translation, type Translator } from './view.ts';
import type { World } from './world.ts';

export class Pass {
  readonly translator: Translator;
  readonly #graph: Graph;
  readonly #world: World;
  readonly #goal: GoalTable;
  readonly #nodeKind: NodeKind;
  readonly #nodes = new Map<string, NodeId>();
  /** What was said before the batch of objects of which something else is said now; until `settle`. */
  readonly former = new Map<string, Translation>();
  #runs = 0;

  constructor(translator: Translator, graph: Graph, world: World, goal: GoalTable) {
    this.translator = translator;
    this.#graph = graph;
    this.#world = world;
    this.#goal = goal;
    this.#nodeKind = {
      name: translator.name,
      level: world.topLevel,
      compute: (key, before) => this.#translate(key, translationOf(before)),
      onChange: (key, before, after) => this.#replace(key, translationOf(before), translationOf(after)),
      onUnread: () => {},
    };
  }

  /** So far. */
  get runs(): number {
    return this.#runs;
  }

  begin(key: string): void {
    const node = this.#graph.add(this.#nodeKind, key);
    this.#nodes.set(key, node);
    this.#graph.keep(node);
  }

  end(key: string): void {
    const node = this.#nodes.get(key);
    this.#nodes.delete(key);
    if (node !== undefined) this.#graph.drop(node);
  }

  said(key: string): Translation {
    const node = this.#nodes.get(key);
    return translationOf(node === undefined ? undefined : this.#graph.peek(node));
  }

  settle(): void {
    this.former.clear();
  }

  /** Hands in again what stays as it is, but is of a younger object now. */
  reattribute(key: string): void {
    const { rows } = this.said(key);
    this.#goal.replace(this.#contributor(key), rows, rows);
  }

  /** A fault of a translator takes one object out of service, never the fabric. */
  #translate(key: string, before: Translation): Translation {
    this.#runs++;
    const { name, kind, translate } = this.translator;
    try {
      const object = this.#world.read(kind, key);
      return object === undefined ? nothing : translate(object, this.#world.view, before);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { rows: [], findings: [error('Internal', '', `${name} failed, which is a fault of Heddle: ${message}`)] };
    }
  }

  #replace(key: string, before: Translation, after: Translation): void {
    if (!this.former.has(key)) this.former.set(key, before);
    if (before.rows.length > 0 || after.rows.length > 0) this.#goal.replace(this.#contributor(key), before.rows, after.rows);
  }

  #contributor(key: string): Contributor {
    const { kind, name } = this.translator;
    const object = this.#world.peek(kind, key);
    return new ObjectContributor(object === undefined ? refOfKey(kind, key) : refOf(object), name, object);
  }
}

/** An object's age is asked for when two objects disagree, and the text is put together then: there are very many of them. */
class ObjectContributor implements Contributor {
  readonly owner: ObjectRef;
  readonly translator: string;
  readonly #metadata: ObjectMeta | undefined;

  constructor(owner: ObjectRef, translator: string, object: Resource | undefined) {
    this.owner = owner;
    this.translator = translator;
    this.#metadata = object?.metadata;
  }

  get age(): string {
    return this.#metadata === undefined ? '' : ageOf({ kind: this.owner.kind, metadata: this.#metadata });
  }
}

const translationOf = (answer: unknown): Translation => (answer === undefined ? nothing : (answer as Translation));
