/**
 * One device's stream, seen from the server. At most one transaction is under way: while the device has not answered it,
 * changes only mark scopes as behind, and the next transaction leads from what the device confirmed straight to the newest
 * state. Its parts are made one after another as the stream takes them, so a slow device costs nothing but its own delay.
 */
import { create } from '@bufbuild/protobuf';
import { DigestRequestSchema, DropSchema, IsolateSchema, Phase, ScopeStateSchema, WelcomeSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { FromServer, Hello, Report, Result, ScopeState } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { deviceScope } from '../goal/rows.ts';
import type { GoalState, Version } from '../goal/state.ts';
import { frameOf } from '../kit/frames.ts';
import { Payload } from './http2/payload.ts';
import { resumeFrom } from './resume.ts';
import { encodeFromServer } from './service.ts';
import { type EncodedUpdate, type EncodedUpdates, commitFrame, fromNothing } from './updates.ts';

export interface SessionContext {
  readonly goal: GoalState;
  readonly updates: EncodedUpdates;
  readonly term: number;
  readonly lineage: string;
  readonly serverVersion: string;
  /** Whether the device may have goal state; undefined while the controller has not said. */
  isKnown(device: string): boolean | undefined;
}

/** The stream; false when it has enough: wait for `drained` before more is sent. */
export type Send = (payload: Payload) => boolean;

export interface ScopeVersion {
  readonly scope: string;
  readonly version: Version;
}

const digestRequest = new Payload(frameOf(encodeFromServer({ case: 'digestRequest', value: create(DigestRequestSchema) })));

const firstRefusalDelay = 200;
const longestRefusalDelay = 5000;
/** Small messages of one transaction are put together up to this size. */
const payloadBytes = 64 * 1024;

/** A part that goes alone is the buffer that all subscribers share. */
const payloadOfFrames = (frames: readonly Buffer[]): Payload => {
  const [only] = frames;
  return new Payload(only !== undefined && frames.length === 1 ? only : Buffer.concat(frames));
};

/** What is known of one scope on the device. */
interface Progress {
  /** What the device holds, as it last said. */
  held: Version | undefined;
  /** What this session sent; a scope that was not is sent even if nothing changed, so that its results come. */
  sent: Version | undefined;
  unanswered: Version | undefined;
  /** The device refused its last update: a delta did not help. */
  wholly: boolean;
}

export class Session {
  readonly device: string;
  readonly #context: SessionContext;
  readonly #send: Send;
  readonly #scopes = new Map<string, Progress>();
  /** Scopes that changed since the last transaction; `everything`: look at all. */
  readonly #changed = new Set<string>();
  #everything = true;
  /** What the device should hold, as of the last transaction. */
  #wanted: readonly string[] | undefined;
  /** Scopes that the device called verified in its Hello and whose confirmation it has not got yet. */
  readonly #verified = new Set<string>();
  /** What is left of the transaction that is being sent. */
  #outgoing: Iterator<Payload> | undefined;
  #unanswered = 0;
  #isolated = false;
  #refusals = 0;
  /** After a refusal: when to ask the device what it holds. */
  #askAt: number | undefined;
  /** A report is awaited; a blocking one must come before anything more is sent. */
  #awaiting: 'nothing' | 'report' | 'blocking report' = 'nothing';
  #spokeAt = 0;

  constructor(device: string, context: SessionContext, send: Send) {
    this.device = device;
    this.#context = context;
    this.#send = send;
  }

  /** Something must still come from the device, or must still be sent to it. */
  get isWaiting(): boolean {
    return this.#unanswered > 0 || this.#outgoing !== undefined || this.#awaiting !== 'nothing' || this.#askAt !== undefined;
  }

  /** Answers the scopes that need no update, whose last result may be taken for granted. */
  welcome(hello: Hello): readonly ScopeVersion[] {
    const { lineage } = this.#context;
    this.#learn(hello.scopes, hello.lineage === lineage);
    for (const { scope, phase } of hello.scopes) if (phase === Phase.VERIFIED) this.#verified.add(scope);
    return this.#welcome(this.#mayHaveGoal());
  }

  /** A scope that the device holds has changed. */
  mark(scope: string): void {
    this.#changed.add(scope);
  }

  /**
   * Sends what the device lacks, unless it still has to answer; safe to call at any time. `now` in milliseconds. Answers the
   * scopes that need no update, whose last result may be taken for granted.
   */
  flush(now: number): readonly ScopeVersion[] {
    if (this.#context.isKnown(this.device) === false) this.#isolate(now);
    if (!this.#mayHaveGoal() || this.#unanswered > 0 || this.#outgoing !== undefined) return [];
    if (this.#askAt !== undefined && now >= this.#askAt) this.#ask('blocking report', now);
    if (this.#askAt !== undefined || this.#awaiting === 'blocking report') return [];
    const confirmed = this.#verified.size > 0 ? this.#welcome(true) : [];
    const { drops, stale } = this.#behind();
    if (drops.length > 0 || stale.length > 0 || this.#isolated) this.#begin(drops, stale, now);
    return confirmed;
  }

  /** The stream takes more. */
  drained(now: number): void {
    if (this.#outgoing !== undefined) this.#pump(now);
  }

  /** Learns from a result what the device holds; answers whether it is the answer to an update. */
  result(result: Result, now: number): boolean {
    const progress = this.#scopes.get(result.scope);
    const isAnswer = result.phase !== Phase.UNSPECIFIED && progress?.unanswered === Number(result.version);
    if (isAnswer) this.#unanswered -= 1;
    if (result.phase === Phase.REFUSED) this.#refused(progress, now);
    else if (isAnswer) this.#received(progress);
    return isAnswer;
  }

  /** Takes the device's own word for what it holds; answers the updates that it took although their answers did not come. */
  report(report: Report): readonly ScopeVersion[] {
    const awaited = this.#awaiting;
    if (awaited === 'nothing' || !report.full) return [];
    this.#awaiting = 'nothing';
    // A routine report says nothing about the transaction that is under way.
    if (awaited === 'report' && (this.#unanswered > 0 || this.#outgoing !== undefined)) return [];
    const expected = [...this.#scopes].flatMap(([scope, { unanswered: version }]) => (version === undefined ? [] : [{ scope, version }]));
    this.#unanswered = 0;
    for (const progress of this.#scopes.values()) {
      progress.held = undefined;
      progress.unanswered = undefined;
    }
    this.#learn(report.scopes, true);
    for (const [scope, progress] of this.#scopes) {
      if (progress.held !== progress.sent) progress.sent = undefined;
      if (progress.held === undefined && !progress.wholly) this.#scopes.delete(scope);
    }
    this.#everything = true;
    return expected.filter(({ scope, version }) => this.#scopes.get(scope)?.held === version);
  }

  /** Asks for a report when an answer is overdue; false when the device does not answer that either, or takes nothing. */
  checkOverdue(now: number, patience: number): boolean {
    const waiting = this.#unanswered > 0 || this.#outgoing !== undefined || this.#awaiting !== 'nothing';
    if (!waiting || now - this.#spokeAt < patience) return true;
    if (this.#awaiting !== 'nothing' || this.#outgoing !== undefined) return false;
    this.#ask('blocking report', now);
    return true;
  }

  /** The routine comparison of digests. */
  requestDigests(now: number): void {
    if (this.#awaiting === 'nothing' && this.#unanswered === 0 && this.#outgoing === undefined) this.#ask('report', now);
  }

  #mayHaveGoal(): boolean {
    return this.#context.isKnown(this.device) === true && this.#hasGoal();
  }

  /** A device whose own scope nobody ever wrote has no goal yet; an empty one would wipe it. */
  #hasGoal(): boolean {
    return this.#context.goal.scope(deviceScope(this.device)).version > 0;
  }

  #welcome(confirming: boolean): readonly ScopeVersion[] {
    const { lineage, term, serverVersion } = this.#context;
    const confirmed = confirming ? this.#confirm() : [];
    const scopes = confirmed.map(({ scope, version }) => create(ScopeStateSchema, { scope, version: BigInt(version) }));
    this.#say({ case: 'welcome', value: create(WelcomeSchema, { serverVersion, term: BigInt(term), lineage, scopes }) });
    return confirmed;
  }

  #confirm(): readonly ScopeVersion[] {
    const { goal } = this.#context;
    const confirmed: ScopeVersion[] = [];
    for (const scope of goal.subscriptions(this.device)) {
      const { version } = goal.scope(scope);
      const progress = this.#scopes.get(scope);
      if (progress?.held !== version || !this.#verified.has(scope)) continue;
      progress.sent = version;
      confirmed.push({ scope, version });
    }
    this.#verified.clear();
    return confirmed;
  }

  #ask(report: 'report' | 'blocking report', now: number): void {
    this.#awaiting = report;
    this.#askAt = undefined;
    this.#spokeAt = now;
    this.#send(digestRequest);
  }

  #learn(scopes: readonly ScopeState[], sameLineage: boolean): void {
    for (const state of scopes) this.#progress(state.scope).held = resumeFrom(this.#context.goal, sameLineage, state);
  }

  #progress(scope: string): Progress {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const made = { held: undefined, sent: undefined, unanswered: undefined, wholly: false };
    this.#scopes.set(scope, made);
    return made;
  }

  #isolate(now: number): void {
    if (this.#isolated) return;
    this.#isolated = true;
    this.#everything = true;
    this.#verified.clear();
    this.#unanswered = 0;
    // What was not sent yet of a transaction is never sent, and has no effect.
    this.#outgoing = undefined;
    for (const progress of this.#scopes.values()) {
      progress.sent = undefined;
      progress.unanswered = undefined;
    }
    this.#spokeAt = now;
    const reason = `no Switch '${this.device}' is declared`;
    this.#say({ case: 'isolate', value: create(IsolateSchema, { reason, term: BigInt(this.#context.term) }) });
  }

  /** Costs what changed, unless the device joined or left a scope. */
  #behind(): { readonly drops: readonly string[]; readonly stale: readonly string[] } {
    const wanted = this.#context.goal.subscriptions(this.device);
    const all = this.#everything || wanted !== this.#wanted;
    if (wanted !== this.#wanted) this.#rejoin();
    const candidates = all ? wanted : this.#inOrder([...this.#changed]);
    const stale = candidates.filter((scope) => this.#scopes.get(scope)?.sent !== this.#context.goal.scope(scope).version);
    const kept = all ? new Set(wanted) : undefined;
    const drops = kept === undefined ? [] : [...this.#scopes.keys()].filter((scope) => !kept.has(scope));
    this.#wanted = wanted;
    this.#everything = false;
    this.#changed.clear();
    return { drops, stale };
  }

  /**
   * A scope that the device left and joined again since the last transaction was never dropped there, but whoever has rows in
   * it waits for the device anew: it is sent once more.
   */
  #rejoin(): void {
    const own = deviceScope(this.device);
    const sent = this.#scopes.get(own)?.sent;
    if (sent === undefined) return;
    for (const row of this.#context.goal.delta(own, sent).upserts) {
      const progress = row.table === 'member' ? this.#scopes.get(row.value.scope) : undefined;
      if (progress !== undefined) progress.sent = undefined;
    }
  }

  /** Shared scopes, then the device's own, as in the list of all; what the device holds no more was dropped. */
  #inOrder(scopes: string[]): string[] {
    const own = deviceScope(this.device);
    const shared = scopes.filter((scope) => scope !== own && this.#scopes.has(scope)).sort();
    return scopes.includes(own) ? [...shared, own] : shared;
  }

  #begin(drops: readonly string[], stale: readonly string[], now: number): void {
    for (const scope of drops) this.#scopes.delete(scope);
    const updates = stale.map((scope) => this.#update(scope));
    this.#unanswered = updates.length;
    this.#isolated = false;
    const [only] = updates;
    const alone = drops.length === 0 && updates.length === 1 ? only?.alone() : undefined;
    this.#outgoing = alone === undefined ? this.#payloads(drops, updates) : [alone].values();
    this.#pump(now);
  }

  #update(scope: string): EncodedUpdate {
    const progress = this.#progress(scope);
    const update = this.#context.updates.update(scope, progress.wholly ? fromNothing : (progress.held ?? 0));
    progress.sent = update.version;
    progress.unanswered = update.version;
    return update;
  }

  *#payloads(drops: readonly string[], updates: readonly EncodedUpdate[]): Generator<Payload, void, undefined> {
    let frames: Buffer[] = [];
    let bytes = 0;
    for (const frame of this.#frames(drops, updates)) {
      if (bytes > 0 && bytes + frame.length > payloadBytes) {
        yield payloadOfFrames(frames);
        [frames, bytes] = [[], 0];
      }
      frames.push(frame);
      bytes += frame.length;
    }
    yield payloadOfFrames(frames);
  }

  *#frames(drops: readonly string[], updates: readonly EncodedUpdate[]): Generator<Buffer, void, undefined> {
    const term = BigInt(this.#context.term);
    for (const scope of drops) yield frameOf(encodeFromServer({ case: 'drop', value: create(DropSchema, { scope, term }) }));
    for (const update of updates) {
      for (let index = 0; ; index += 1) {
        const part = update.part(index);
        if (part === undefined) break;
        yield part;
      }
    }
    yield commitFrame;
  }

  #pump(now: number): void {
    this.#spokeAt = now;
    for (;;) {
      const next = this.#outgoing?.next();
      if (next === undefined || next.done === true) break;
      if (!this.#send(next.value)) return;
    }
    this.#outgoing = undefined;
  }

  #say(message: FromServer['message']): void {
    this.#send(new Payload(frameOf(encodeFromServer(message))));
  }

  #received(progress: Progress): void {
    progress.held = progress.unanswered;
    progress.unanswered = undefined;
    progress.wholly = false;
    this.#refusals = 0;
  }

  /** The first refusal is followed up at once: a delta that did not fit. Repeated ones have a cause that takes time. */
  #refused(progress: Progress | undefined, now: number): void {
    this.#everything = true;
    if (progress !== undefined) {
      progress.unanswered = undefined;
      progress.wholly = true;
      progress.sent = undefined;
    }
    // A transaction is refused as a whole, with a result for every scope in it.
    if (this.#askAt !== undefined) return;
    const delay = this.#refusals === 0 ? 0 : Math.min(longestRefusalDelay, firstRefusalDelay * 2 ** (this.#refusals - 1));
    this.#askAt = now + delay;
    this.#refusals += 1;
  }
}
