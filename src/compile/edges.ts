/**
 * Who reads what, as two linked lists through typed arrays: the reads of a node in the order in which it made them, and the
 * readers of a node in no order. An edge takes 20 bytes and a node 8, which the garbage collector never looks at; as
 * objects and sets they were most of the memory of a large fabric.
 *
 * Nodes and edges are positive integers; 0 is none.
 */
export type NodeId = number;
export type EdgeId = number;

const initialCapacity = 1024;

export class Edges {
  /** By node: the first edge of each of its two lists. */
  #firstRead = new Int32Array(initialCapacity);
  #firstReader = new Int32Array(initialCapacity);
  /** By edge: its two ends, and its place in the two lists. */
  #reader = new Int32Array(initialCapacity);
  #read = new Int32Array(initialCapacity);
  #nextRead = new Int32Array(initialCapacity);
  #nextReader = new Int32Array(initialCapacity);
  #previousReader = new Int32Array(initialCapacity);
  /** Edges that were given back, linked through `#nextRead`. */
  #free: EdgeId = 0;
  #used = 1;

  /** Makes room for nodes below `count`. */
  growNodes(count: number): void {
    this.#firstRead = grown(this.#firstRead, count);
    this.#firstReader = grown(this.#firstReader, count);
  }

  isRead(node: NodeId): boolean {
    return this.firstReader(node) !== 0;
  }

  /** Where the list of what a node reads begins. */
  firstRead(reader: NodeId): EdgeId {
    return this.#firstRead[reader] ?? 0;
  }

  nextRead(edge: EdgeId): EdgeId {
    return this.#nextRead[edge] ?? 0;
  }

  /** Where the list of a node's readers begins. */
  firstReader(node: NodeId): EdgeId {
    return this.#firstReader[node] ?? 0;
  }

  nextReader(edge: EdgeId): EdgeId {
    return this.#nextReader[edge] ?? 0;
  }

  readerAt(edge: EdgeId): NodeId {
    return this.#reader[edge] ?? 0;
  }

  readAt(edge: EdgeId): NodeId {
    return this.#read[edge] ?? 0;
  }

  /** Notes that `reader` reads `node`, next after its read `previous` (0: before all others). */
  insert(reader: NodeId, previous: EdgeId, node: NodeId): EdgeId {
    const edge = this.#take();
    this.#reader[edge] = reader;
    this.#read[edge] = node;
    this.#nextRead[edge] = this.#exchangeNextRead(reader, previous, edge);
    const second = this.firstReader(node);
    this.#nextReader[edge] = second;
    this.#previousReader[edge] = 0;
    if (second !== 0) this.#previousReader[second] = edge;
    this.#firstReader[node] = edge;
    return edge;
  }

  /** Forgets the reads of `reader` behind `previous` (0: all of them); tells of each node that has no reader any more. */
  cut(reader: NodeId, previous: EdgeId, unread: (node: NodeId) => void): void {
    let edge = this.#exchangeNextRead(reader, previous, 0);
    while (edge !== 0) {
      const node = this.readAt(edge);
      const next = this.nextRead(edge);
      this.#unlinkReader(edge, node);
      this.#nextRead[edge] = this.#free;
      this.#free = edge;
      if (!this.isRead(node)) unread(node);
      edge = next;
    }
  }

  /** Lets the reads of `reader` go on with `edge` after `previous`; answers what they went on with before. */
  #exchangeNextRead(reader: NodeId, previous: EdgeId, edge: EdgeId): EdgeId {
    const list = previous === 0 ? this.#firstRead : this.#nextRead;
    const place = previous === 0 ? reader : previous;
    const before = list[place] ?? 0;
    list[place] = edge;
    return before;
  }

  #unlinkReader(edge: EdgeId, node: NodeId): void {
    const previous = this.#previousReader[edge] ?? 0;
    const next = this.nextReader(edge);
    if (previous === 0) this.#firstReader[node] = next;
    else this.#nextReader[previous] = next;
    if (next !== 0) this.#previousReader[next] = previous;
  }

  #take(): EdgeId {
    const edge = this.#free;
    if (edge !== 0) {
      this.#free = this.nextRead(edge);
      return edge;
    }
    if (this.#used === this.#reader.length) this.#growEdges(this.#used + 1);
    return this.#used++;
  }

  #growEdges(count: number): void {
    this.#reader = grown(this.#reader, count);
    this.#read = grown(this.#read, count);
    this.#nextRead = grown(this.#nextRead, count);
    this.#nextReader = grown(this.#nextReader, count);
    this.#previousReader = grown(this.#previousReader, count);
  }
}

/** The same numbers with room for `count` of them, and for half as many again so that growing is rare. */
export const grown = (numbers: Int32Array<ArrayBuffer>, count: number): Int32Array<ArrayBuffer> => {
  if (count <= numbers.length) return numbers;
  const larger = new Int32Array(Math.ceil(count * 1.5));
  larger.set(numbers);
  return larger;
};
