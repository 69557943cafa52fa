/**
 * Tells the server what became of which scope. A result is said once a connection and version, and again only when it changed;
 * versions of a former connection mean nothing in this one, so nothing is said before its first transaction.
 */
import { create } from '@bufbuild/protobuf';
import { Phase, type Result, ResultSchema, type RowFailure, RowFailureSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { splitRowId } from '../goal/codec.ts';
import type { RowId } from '../goal/rows.ts';
import type { Failure } from './backoff.ts';
import type { Outcome } from './reconciler.ts';

/** A scope with more failures than this has one cause, and the first thousand show it. */
const mostFailures = 1000;

export interface ReporterOptions {
  readonly send: (result: Result) => void;
  readonly ownScope: string;
  /** Scope that holds a row. */
  readonly scopeOf: (row: RowId) => string | undefined;
  /** Rows that this build does not understand, by scope. */
  readonly foreignRows: () => ReadonlyMap<string, ReadonlySet<RowId>>;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #said = new Map<string, string>();
  #firstRevision = Number.POSITIVE_INFINITY;
  #last: Outcome | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * A transaction of this connection led to this revision of the goal. What was said of these scopes before counts no more: one
   * that comes back may have the version it had, and its result is waited for all the same.
   */
  committed(revision: number, scopes: Iterable<string>): void {
    this.#firstRevision = Math.min(this.#firstRevision, revision);
    for (const scope of scopes) this.#said.delete(scope);
  }

  /** Scopes that the device was found equal to, without failures, when it was last read, if the goal is still of this revision. */
  verifiedScopes(revision: number): ReadonlySet<string> {
    const last = this.#last;
    if (last?.phase !== 'verified' || last.goal.revision !== revision || last.goal.isolated) return new Set();
    const failed = this.#failuresByScope(last);
    return new Set([...last.goal.versions.keys()].filter((scope) => !failed.has(scope)));
  }

  /**
   * The server took it for granted that these scopes, which are all, are verified at these versions: only what is otherwise by
   * now must be said.
   */
  confirmed(revision: number, scopes: readonly { readonly scope: string; readonly version: number }[]): void {
    this.committed(revision, []);
    for (const { scope, version } of scopes) this.#said.set(scope, `${version}  ${Phase.VERIFIED}`);
    if (this.#last !== undefined) this.outcome(this.#last);
  }

  disconnected(): void {
    this.#firstRevision = Number.POSITIVE_INFINITY;
    this.#said.clear();
  }

  outcome(outcome: Outcome): void {
    this.#last = outcome;
    if (outcome.goal.revision < this.#firstRevision || outcome.goal.isolated) return;
    const failed = this.#failuresByScope(outcome);
    for (const [scope, version] of outcome.goal.versions) {
      const failures = failed.get(scope) ?? [];
      this.#say(scope, version, Phase.PROGRAMMED, failures);
      if (outcome.phase === 'verified' && failures.length === 0) this.#say(scope, version, Phase.VERIFIED, []);
    }
  }

  /** Says the last results once more. */
  repeat(): void {
    this.#said.clear();
    if (this.#last !== undefined) this.outcome(this.#last);
  }

  #say(scope: string, version: number, phase: Phase, failures: readonly RowFailure[]): void {
    const said = `${version} ${failures.map(({ table, key, code, message }) => `${table}/${key} ${code} ${message}`).join('\n')}`;
    // Verified implies programmed, and may be said again once rows have failed in between.
    const known = this.#said.get(scope);
    if (known === `${said} ${Phase.VERIFIED}` || known === `${said} ${phase}`) return;
    this.#said.set(scope, `${said} ${phase}`);
    this.#options.send(create(ResultSchema, { scope, version: BigInt(version), phase, failed: [...failures] }));
  }

  #failuresByScope({ failures, deviceFailure, goal }: Outcome): Map<string, RowFailure[]> {
    const failed = new Map<string, RowFailure[]>();
    for (const [row, failure] of failures) {
      const scope = this.#options.scopeOf(row) ?? this.#options.ownScope;
      const list = failed.get(scope) ?? [];
      failed.set(scope, list);
      if (list.length < mostFailures) list.push(rowFailure(row, failure));
    }
    for (const [scope, rows] of this.#options.foreignRows()) {
      const list = failed.get(scope) ?? [];
      for (const row of rows) if (list.length < mostFailures) list.push(rowFailure(row, notUnderstood));
      failed.set(scope, list);
    }
    if (deviceFailure !== undefined) {
      for (const scope of goal.versions.keys()) failed.set(scope, [create(RowFailureSchema, { ...deviceFailure })]);
    }
    return failed;
  }
}

/** What a newer server asks for must not look done because it was not understood. */
const notUnderstood: Failure = { code: 'Unsupported', message: 'this agent is too old to know such rows; update it' };

/** A step that stands for no row, such as the removal of what should not be there, is named in `key`. */
const rowFailure = (row: RowId, { code, message }: Failure): RowFailure =>
  create(RowFailureSchema, { ...(splitRowId(row) ?? { table: '', key: row }), code, message });
