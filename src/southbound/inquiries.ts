/** Questions to devices about what of their goal they really have. */
import { create } from '@bufbuild/protobuf';
import { type ActualRequest, ActualRequestSchema, type ActualRows } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { RowId } from '../goal/rows.ts';
import { tableAndKey } from '../goal/rowset.ts';
import type { Version } from '../goal/state.ts';
import { type Answer, Pending } from './pending.ts';

export interface Inquiry {
  /** Only these rows; none: all. */
  readonly rows?: readonly RowId[];
  /** Only rows of these tables; none: of all. */
  readonly tables?: readonly string[];
  /** Default 256, and what the device thinks fit. */
  readonly limit?: number;
  /** Only what comes behind this row: the next page. */
  readonly after?: RowId;
}

/** What a device says of itself. */
export interface Found {
  /** Versions of the scopes that it holds, and was compared with. */
  readonly versions: ReadonlyMap<string, Version>;
  /** Rows that are not as they are to be, and why. */
  readonly differing: ReadonlyMap<RowId, string>;
  /** How many more there are. */
  readonly remaining: number;
  /** Steps that would take away what nobody wants. */
  readonly surplus: readonly string[];
}

/** Or why nothing is known. */
export type Findings = Answer<Found>;

/** What devices are asked of their goal. */
export class Inquiries {
  readonly #pending = new Pending<Found>();

  /** @param send hands the request to the device, and answers whether it could */
  ask(device: string, inquiry: Inquiry, milliseconds: number, send: (request: ActualRequest) => boolean): Promise<Findings> {
    return this.#pending.ask(device, milliseconds, (id) => send(requestOf(id, inquiry)));
  }

  /** An answer counts only from whom was asked. */
  answered(device: string, rows: ActualRows): void {
    this.#pending.answered(device, rows.id, rows.failure === '' ? { ok: true, found: foundOf(rows) } : { ok: false, reason: rows.failure });
  }

  /** The connection is gone, and with it whoever would have answered. */
  left(device: string): void {
    this.#pending.left(device);
  }

  close(): void {
    this.#pending.close();
  }
}

const requestOf = (id: bigint, { rows = [], tables = [], limit = 0, after = '' }: Inquiry): ActualRequest =>
  create(ActualRequestSchema, {
    id,
    tables: [...tables],
    rows: rows.map((row) => {
      const [table, key] = tableAndKey(row);
      return { table, key };
    }),
    limit,
    after,
  });

const foundOf = ({ scopes, differing, remaining, surplus }: ActualRows): Found => ({
  versions: new Map(scopes.map(({ scope, version }) => [scope, Number(version)])),
  differing: new Map(differing.map(({ table, key, steps, code, message }) => [`${table}/${key}`, code === '' ? steps.join('; ') : `${code}: ${message}`])),
  remaining,
  surplus,
});
