/** Questions to devices that are under way: each ends with an answer, with the connection, or when its time is up. */
import { create } from '@bufbuild/protobuf';
import { type ActualRequest, ActualRequestSchema, type ActualRows } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { RowId } from '../goal/rows.ts';
import { tableAndKey } from '../goal/rowset.ts';
import type { Version } from '../goal/state.ts';

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
export type Findings = { readonly ok: true; readonly found: Found } | { readonly ok: false; readonly reason: string };

interface Pending {
  readonly device: string;
  readonly answer: (findings: Findings) => void;
  readonly timer: NodeJS.Timeout;
}

/** Who asks much waits; a device must not be asked to death. */
const mostPending = 64;

export class Inquiries {
  readonly #pending = new Map<bigint, Pending>();
  #last = 0n;

  /** @param send hands the request to the device, and answers whether it could */
  ask(device: string, inquiry: Inquiry, milliseconds: number, send: (request: ActualRequest) => boolean): Promise<Findings> {
    const mine = [...this.#pending.values()].filter((each) => each.device === device).length;
    if (mine >= mostPending) return Promise.resolve({ ok: false, reason: 'it is being asked too much' });
    this.#last += 1n;
    const id = this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(id, { ok: false, reason: `it did not answer within ${milliseconds} ms` }), milliseconds);
      this.#pending.set(id, { device, answer: resolve, timer });
      if (!send(requestOf(id, inquiry))) this.#end(id, { ok: false, reason: 'it is not connected' });
    });
  }

  /** An answer counts only from whom was asked. */
  answered(device: string, rows: ActualRows): void {
    if (this.#pending.get(rows.id)?.device !== device) return;
    this.#end(rows.id, rows.failure === '' ? { ok: true, found: foundOf(rows) } : { ok: false, reason: rows.failure });
  }

  /** The connection is gone, and with it whoever would have answered. */
  left(device: string): void {
    for (const [id, pending] of this.#pending) if (pending.device === device) this.#end(id, { ok: false, reason: 'its connection ended' });
  }

  close(): void {
    for (const id of this.#pending.keys()) this.#end(id, { ok: false, reason: 'the server is ending' });
  }

  #end(id: bigint, findings: Findings): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    pending?.answer(findings);
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
