/** What can go wrong with a simulated device and its connection. Everything is off by default. */
import type { RowId } from '../goal/rows.ts';

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** A device says no to rows, as one whose table is full or that lacks a feature. */
export interface Rejection {
  /** `<table>/<key>`, where `*` stands for any text: `host/*`, `attachment/E1/7`. */
  readonly rows: string;
  /** From 0 to 1: the share of steps that fail, drawn anew each time. */
  readonly chance: number;
}

export interface SlowTable {
  readonly table: string;
  /** For each row that is written or removed. */
  readonly milliseconds: number;
}

export interface Faults {
  /** One way, for each message; messages of one stream keep their order. */
  readonly latencyMilliseconds: Range;
  /**
   * Chance for a message of the server to be lost. A stream cannot lose one message and go on, so the connection breaks with it,
   * and what came after it is lost too.
   */
  readonly loss: number;
  /** Chance for an answer of the device to be lost, said twice, or overtaken by the next one. */
  readonly answerLoss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly rejections: readonly Rejection[];
  readonly slowTables: readonly SlowTable[];
  /** Mean seconds between crashes of a device's agent, which finds its journal and its data plane again; 0 for never. */
  readonly crashSeconds: number;
  /** Mean seconds between power failures that leave a device with nothing; 0 for never. */
  readonly rebootSeconds: number;
  /** Mean seconds between rows that somebody else takes away; 0 for never. */
  readonly driftSeconds: number;
  /** How long a device that crashed or lost its power is away. */
  readonly absenceMilliseconds: Range;
  /** The most by which a device's clock runs fast or slow: 0.1 for ten per cent. It stretches everything the agent waits for. */
  readonly clockSkew: number;
}

export const noFaults: Faults = {
  latencyMilliseconds: { least: 0, most: 0 },
  loss: 0,
  answerLoss: 0,
  duplication: 0,
  reordering: 0,
  rejections: [],
  slowTables: [],
  crashSeconds: 0,
  rebootSeconds: 0,
  driftSeconds: 0,
  absenceMilliseconds: { least: 50, most: 1000 },
  clockSkew: 0,
};

/** Whether messages pass as they are, so that nothing need stand in their way. */
export const isPlainLink = ({ latencyMilliseconds, loss, answerLoss, duplication, reordering }: Faults): boolean =>
  latencyMilliseconds.most === 0 && loss + answerLoss + duplication + reordering === 0;

/** Whether a row is one of `pattern`, in which `*` stands for any text. */
export const matches = (pattern: string, row: RowId): boolean => {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return row === head;
  if (!row.startsWith(head)) return false;
  let from = head.length;
  for (const [index, part] of rest.entries()) {
    const at = index === rest.length - 1 ? Math.max(from, row.length - part.length) : row.indexOf(part, from);
    if (at < 0 || !row.startsWith(part, at)) return false;
    from = at + part.length;
  }
  return true;
};
