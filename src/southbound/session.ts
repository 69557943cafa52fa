/**
 * One device's stream, seen from the server. At most one transaction is under way: while the device has not answered it,
 * changes only mark the session as behind, and the next transaction leads from what the device confirmed straight to the
 * newest state. A slow device costs the server nothing but its own delay.
 */
import { create } from '@bufbuild/protobuf';
import { CommitSchema, DigestRequestSchema, DropSchema, IsolateSchema, Phase, WelcomeSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Hello, Report, Result, ScopeState } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { deviceScope } from '../goal/rows.ts';
import type { GoalState, Version } from '../goal/state.ts';
import { resumeFrom } from './resume.ts';
import { encodeFromServer } from './service.ts';
import { type EncodedUpdates, fromNothing } from './updates.ts';

export interface SessionContext {
  readonly goal: GoalState;
  readonly updates: EncodedUpdates;
  readonly term: number;
  readonly lineage: string;
  readonly serverVersion: string;
  /** Whether the device may have goal state; undefined while the controller has not said. */
  isKnown(device: string): boolean | undefined;
}

const commit = encodeFromServer({ case: 'commit', value: create(CommitSchema) });
const digestRequest = encodeFromServer({ case: 'digestRequest', value: create(DigestRequestSchema) });

const firstRefusalDelay = 200;
const longestRefusalDelay = 5000;

export class Session {
  readonly device: string;
  readonly #context: SessionContext;
  readonly #write: (message: Buffer) => void;
  /** What the device holds, as it last said. */
  readonly #held = new Map<string, Version>();
  /** What this session sent; a scope that is not here is sent even if nothing changed, so that its results come. */
  readonly #sent = new Map<string, Version>();
  readonly #unanswered = new Map<string, Version>();
  /** Scopes whose last update the device refused: a delta did not help. */
  readonly #wholly = new Set<string>();
  #isolated = false;
  #refusals = 0;
  /** After a refusal: when to ask the device what it holds. */
  #askAt: number | undefined;
  /** A report is awaited; a blocking one must come before anything more is sent. */
  #awaiting: 'nothing' | 'report' | 'blocking report' = 'nothing';
  #spokeAt = 0;

  constructor(device: string, context: SessionContext, write: (message: Buffer) => void) {
    this.device = device;
    this.#context = context;
    this.#write = write;
  }

  welcome(hello: Hello): void {
    const { goal, lineage, term, serverVersion } = this.#context;
    this.#learn(hello.scopes, hello.lineage === lineage, goal);
    const value = create(WelcomeSchema, { serverVersion, term: BigInt(term), lineage });
    this.#write(encodeFromServer({ case: 'welcome', value }));
  }

  /** Sends what the device lacks, unless it still has to answer; safe to call at any time. `now` in milliseconds. */
  flush(now: number): void {
    const known = this.#context.isKnown(this.device);
    if (known === false) this.#isolate();
    if (known !== true || this.#unanswered.size > 0 || !this.#hasGoal()) return;
    if (this.#askAt !== undefined && now >= this.#askAt) this.#ask('blocking report', now);
    if (this.#askAt !== undefined || this.#awaiting === 'blocking report') return;
    const wanted = this.#context.goal.subscriptions(this.device);
    const drops = [...this.#held.keys()].filter((scope) => !wanted.includes(scope));
    const stale = wanted.filter((scope) => this.#sent.get(scope) !== this.#context.goal.scope(scope).version);
    if (drops.length === 0 && stale.length === 0 && !this.#isolated) return;
    for (const scope of drops) this.#drop(scope);
    for (const scope of stale) this.#update(scope);
    this.#write(commit);
    this.#isolated = false;
    this.#spokeAt = now;
  }

  /** Learns from a result what the device holds. */
  result(result: Result, now: number): void {
    const version = Number(result.version);
    if (result.phase !== Phase.RECEIVED && result.phase !== Phase.REFUSED) return;
    if (this.#unanswered.get(result.scope) === version) this.#unanswered.delete(result.scope);
    if (result.phase === Phase.RECEIVED) this.#received(result.scope, version);
    else this.#refused(result.scope, now);
    this.flush(now);
  }

  /** Takes the device's own word for what it holds, and sends what differs. */
  report(report: Report, now: number): void {
    const awaited = this.#awaiting;
    if (awaited === 'nothing' || !report.full) return;
    this.#awaiting = 'nothing';
    // A routine report says nothing about the transaction that is under way.
    if (awaited === 'report' && this.#unanswered.size > 0) return;
    this.#unanswered.clear();
    this.#held.clear();
    this.#learn(report.scopes, true, this.#context.goal);
    for (const [scope, version] of this.#sent) if (this.#held.get(scope) !== version) this.#sent.delete(scope);
    this.flush(now);
  }

  /** Asks for a report when an answer is overdue; false when the device does not answer that either. */
  checkOverdue(now: number, patience: number): boolean {
    const waiting = this.#unanswered.size > 0 || this.#awaiting !== 'nothing';
    if (!waiting || now - this.#spokeAt < patience) return true;
    if (this.#awaiting !== 'nothing') return false;
    this.#ask('blocking report', now);
    return true;
  }

  /** The routine comparison of digests. */
  requestDigests(now: number): void {
    if (this.#awaiting === 'nothing' && this.#unanswered.size === 0) this.#ask('report', now);
  }

  #ask(report: 'report' | 'blocking report', now: number): void {
    this.#awaiting = report;
    this.#askAt = undefined;
    this.#spokeAt = now;
    this.#write(digestRequest);
  }

  /** A device whose own scope nobody ever wrote has no goal yet; an empty one would wipe it. */
  #hasGoal(): boolean {
    return this.#context.goal.scope(deviceScope(this.device)).version > 0;
  }

  #learn(scopes: readonly ScopeState[], sameLineage: boolean, goal: GoalState): void {
    for (const scope of scopes) this.#held.set(scope.scope, resumeFrom(goal, sameLineage, scope));
  }

  #isolate(): void {
    if (this.#isolated) return;
    this.#isolated = true;
    this.#sent.clear();
    this.#unanswered.clear();
    const reason = `no Switch '${this.device}' is declared`;
    this.#write(encodeFromServer({ case: 'isolate', value: create(IsolateSchema, { reason }) }));
  }

  #drop(scope: string): void {
    this.#held.delete(scope);
    this.#sent.delete(scope);
    const value = create(DropSchema, { scope, term: BigInt(this.#context.term) });
    this.#write(encodeFromServer({ case: 'drop', value }));
  }

  #update(scope: string): void {
    const version = this.#context.goal.scope(scope).version;
    const from = this.#wholly.has(scope) ? fromNothing : (this.#held.get(scope) ?? 0);
    this.#write(this.#context.updates.update(scope, from));
    this.#sent.set(scope, version);
    this.#unanswered.set(scope, version);
  }

  #received(scope: string, version: Version): void {
    this.#held.set(scope, version);
    this.#wholly.delete(scope);
    this.#refusals = 0;
  }

  /** The first refusal is followed up at once: a delta that did not fit. Repeated ones have a cause that takes time. */
  #refused(scope: string, now: number): void {
    this.#wholly.add(scope);
    this.#sent.delete(scope);
    // A transaction is refused as a whole, with a result for every scope in it.
    if (this.#askAt !== undefined) return;
    const delay = this.#refusals === 0 ? 0 : Math.min(longestRefusalDelay, firstRefusalDelay * 2 ** (this.#refusals - 1));
    this.#askAt = now + delay;
    this.#refusals += 1;
  }
}
