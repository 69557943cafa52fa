/**
 * The objects, their relations and the memoised queries: everything a translator can read, with every read recorded.
 */
import type { Resource } from '../api/object.ts';
import { getOrMake } from '../kit/maps.ts';
import { Thrown, type Graph, type NodeId, type NodeKind } from './graph.ts';
import { RelationTable } from './relation.ts';
import { same } from './same.ts';
import type { Entry, Query, Relation, View } from './view.ts';

/** What is derived: a query, or an index over its answers. Indexes over objects are declared in the same list. */
export type Layer = Query<unknown> | Relation<unknown>;

/** Nodes of one kind by key. */
interface Table {
  readonly kind: NodeKind;
  readonly nodes: Map<string, NodeId>;
}

interface QueryTable extends Table {
  /** Made of the answers. */
  readonly indexes: Relation<unknown>[];
}

export class World {
  readonly view: View;
  /** Above all layers. */
  readonly topLevel: number;
  readonly #graph: Graph;
  readonly #objects = new Map<string, Table>();
  readonly #queries = new Map<Query<unknown>, QueryTable>();
  readonly #relations = new Map<Relation<unknown>, RelationTable>();
  /** Indexes over objects, by kind. */
  readonly #indexes = new Map<string, Relation<unknown>[]>();
  /** Queries whose answers are indexed and which are therefore asked for every object of a kind. */
  readonly #standing = new Map<string, Set<Query<unknown>>>();
  #queryRuns = 0;

  /** Each of `layers` may read those before it. */
  constructor(graph: Graph, layers: readonly Layer[]) {
    this.#graph = graph;
    this.topLevel = layers.length + 1;
    this.view = {
      get: (kind, namespace, name) => this.read(kind, namespace === '' ? name : `${namespace}/${name}`),
      at: (kind, key) => this.read(kind, key),
      list: <Value>(relation: Relation<Value>, key: string) => this.relation(relation).list(key) as readonly Value[],
      count: (relation, key) => this.relation(relation).count(key),
      query: <Value>(query: Query<Value>, key: string) => this.#graph.read(this.#known(this.#queryTable(query), key)) as Value,
    };
    for (const [position, layer] of layers.entries()) {
      if ('entries' in layer) this.#declareRelation(layer, position + 1);
      else this.#declareQuery(layer, position + 1);
    }
  }

  /** How often a query was answered so far. */
  get queryRuns(): number {
    return this.#queryRuns;
  }

  /** Sets or removes an object; answers the one before, unless it was equal. An equal one takes its place all the same. */
  put(kind: string, key: string, object: Resource | undefined): { readonly before: Resource | undefined } | undefined {
    const table = this.#objectTable(kind);
    const node = this.#node(table, key);
    const before = this.#graph.peek(node) as Resource | undefined;
    const differs = !same(before, object);
    this.#graph.set(node, object);
    if (differs) {
      this.#graph.wake(node);
      this.#reindex(this.#indexes.get(kind) ?? [], key, before, object);
    }
    if ((before === undefined) !== (object === undefined)) this.#ask(kind, key, object !== undefined);
    if (!this.#graph.isRead(node)) table.kind.onUnread(key, node);
    return differs ? { before } : undefined;
  }

  /** The object as it is, or undefined; the running computation depends on it. */
  read(kind: string, key: string): Resource | undefined {
    return this.#graph.read(this.#known(this.#objectTable(kind), key)) as Resource | undefined;
  }

  /** The same without depending on it. */
  peek(kind: string, key: string): Resource | undefined {
    const node = this.#objects.get(kind)?.nodes.get(key);
    return node === undefined ? undefined : (this.#graph.peek(node) as Resource | undefined);
  }

  relation(relation: Relation<unknown>): RelationTable {
    const table = this.#relations.get(relation);
    if (table === undefined) throw new Error(`relation ${relation.name} is not declared`);
    return table;
  }

  /** Has the standing queries answered about an object, or no longer. */
  #ask(kind: string, key: string, exists: boolean): void {
    for (const query of this.#standing.get(kind) ?? []) {
      const node = this.#node(this.#queryTable(query), key);
      if (exists) this.#graph.keep(node);
      else this.#graph.release(node);
    }
  }

  #declareRelation(relation: Relation<unknown>, level: number): void {
    const { name, kind, of } = relation;
    this.#relations.set(relation, new RelationTable(name, this.#graph, of === undefined ? 0 : level));
    if (of === undefined) {
      getOrMake(this.#indexes, kind, () => []).push(relation);
      return;
    }
    getOrMake(this.#standing, kind, () => new Set<Query<unknown>>()).add(of);
    this.#queryTable(of).indexes.push(relation);
  }

  #declareQuery(query: Query<unknown>, level: number): void {
    const nodes = new Map<string, NodeId>();
    const indexes: Relation<unknown>[] = [];
    const kind: NodeKind = {
      name: query.name,
      level,
      compute: (key) => {
        this.#queryRuns++;
        return query.answer(this.view, key);
      },
      onChange: (key, before, after) => this.#reindex(indexes, key, before, after),
      onUnread: (key, node) => {
        nodes.delete(key);
        this.#graph.drop(node);
      },
    };
    this.#queries.set(query, { kind, nodes, indexes });
  }

  #queryTable(query: Query<unknown>): QueryTable {
    const table = this.#queries.get(query);
    if (table === undefined) throw new Error(`query ${query.name} is not declared`);
    return table;
  }

  /** The same as `#node`, for a read. */
  #known(table: Table, key: string): NodeId {
    return this.#graph.expected(table.kind, key) || this.#node(table, key);
  }

  #node({ kind, nodes }: Table, key: string): NodeId {
    let node = nodes.get(key);
    if (node === undefined) nodes.set(key, (node = this.#graph.add(kind, key)));
    return node;
  }

  #objectTable(kind: string): Table {
    return this.#objects.get(kind) ?? this.#makeObjectTable(kind);
  }

  /** The node of an object is there as long as the object exists, or is missed by somebody. */
  #makeObjectTable(kind: string): Table {
    const nodes = new Map<string, NodeId>();
    const forget = (key: string, node: NodeId): void => {
      // It may be gone already, with the last query that read it, and its number be that of another node.
      if (nodes.get(key) !== node || this.#graph.peek(node) !== undefined) return;
      nodes.delete(key);
      this.#graph.drop(node);
    };
    const table = { kind: { name: kind, level: 0, onUnread: forget }, nodes };
    this.#objects.set(kind, table);
    return table;
  }

  #reindex(indexes: readonly Relation<unknown>[], key: string, before: unknown, after: unknown): void {
    for (const index of indexes) this.relation(index).replace(entriesOf(index, key, before), entriesOf(index, key, after));
  }
}

const noEntries: readonly Entry<unknown>[] = [];

/** What cannot tell its entries has none; the translator of the object, which reads the same, reports why. */
const entriesOf = ({ entries }: Relation<unknown>, key: string, subject: unknown): readonly Entry<unknown>[] => {
  if (subject === undefined || subject instanceof Thrown) return noEntries;
  try {
    return entries(subject, key);
  } catch {
    return noEntries;
  }
};
