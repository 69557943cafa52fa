/**
 * What would follow from a change of objects, found out by the very compiler and allocator that would carry it out: they are handed
 * the objects, ids are given provisionally, and everything is taken back before anybody else has a turn. Only the verifier takes
 * longer; it is nobody's but the pipeline's, which waits. Runs between two batches of the controller, never beside one.
 */
import { refKey, refOf } from '../../api/object.ts';
import { rolledOutPart } from '../../api/rollout.ts';
import type { Compiler, CompileResult, ObjectChange } from '../../compile/engine.ts';
import type { CompileFinding } from '../../compile/finding.ts';
import { same } from '../../compile/same.ts';
import { rowId, type Row, type RowId } from '../../goal/rows.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import { optional } from '../../kit/json.ts';
import { claimRef, type Allocator, type Decisions } from '../allocate.ts';
import { refOfKey } from '../explain.ts';
import type { Hold } from '../holds.ts';
import type { Objects } from '../objects.ts';
import type { Publisher } from '../publish.ts';
import type { Rollouts } from '../rollout/rollouts.ts';
import { deviceKey, type Safeguard } from '../safeguard.ts';
import { tableUse } from '../tableuse.ts';
import { rfc3339 } from '../time.ts';
import type { Proof } from '../verification/proof.ts';
import type { Told, Trial, Verification } from '../verification/verification.ts';
import type { Parties, Withheld } from '../withheld.ts';
import { Outlook } from './outlook.ts';

export interface RehearsalSources {
  readonly goal: GoalState;
  readonly compiler: Compiler;
  readonly allocator: Allocator;
  readonly objects: Objects;
  readonly withheld: Withheld;
  readonly publisher: Pick<Publisher, 'devices' | 'trial'>;
  readonly safeguard: Safeguard;
  readonly rollouts: Pick<Rollouts, 'wavesFor'>;
  readonly verification: Pick<Verification, 'rehearse'>;
  /** Devices with an object that declares them, as of the objects now. */
  readonly declared: () => Iterable<string>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One row that would be another one. */
export interface RowChange {
  readonly scope: string;
  readonly row: RowId;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  /** Keys of objects that it comes from. */
  readonly objects: readonly string[];
}

type Capacity = NonNullable<ReturnType<typeof tableUse>>;

export interface Findings {
  readonly key: string;
  /** What is said of the object with the change. */
  readonly findings: readonly CompileFinding[];
  /** Those that are not said of it now. */
  readonly fresh: readonly CompileFinding[];
}

export interface Rehearsed {
  /** Of goal state when it was found out. */
  readonly version: number;
  /** What goal state would be changed by in the end, each scope once; nothing that is so already. */
  readonly changes: readonly ScopeChange[];
  readonly rows: readonly RowChange[];
  /** Of objects in the change and of all others of which something else is said. */
  readonly findings: readonly Findings[];
  /** What would be wrong; undefined: nothing is verified. */
  readonly proof: Proof | undefined;
  /** Deletions that would wait for somebody to allow them. */
  readonly holds: readonly Hold[];
  /** By fabric. */
  readonly waves: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** By device that would have other rows, of tables whose size is known. */
  readonly capacity: ReadonlyMap<string, { readonly before: Capacity | undefined; readonly after: Capacity | undefined }>;
}

/** @param changes objects as they would be, with the identity of those that are there already; undefined: gone */
export const rehearse = async (changes: readonly ObjectChange[], sources: RehearsalSources): Promise<Rehearsed> => {
  const { found, candidate, trial, told, after } = new Stage(changes, sources).play();
  const proof = await sources.verification.rehearse(candidate, trial, { told, after });
  return { ...found, proof };
};

interface Played {
  readonly found: Omit<Rehearsed, 'proof'>;
  readonly candidate: readonly ScopeChange[];
  readonly trial: Trial;
  readonly told: Told;
  readonly after: Told;
}

class Stage {
  readonly #sources: RehearsalSources;
  readonly #changes: readonly ObjectChange[];
  /** What the compiler was handed before, newest last. */
  readonly #former: ObjectChange[] = [];
  readonly #exchanged: ObjectChange[] = [];
  /** Objects of which something else may be said. */
  readonly #judged: Set<string>;
  readonly #results: CompileResult[] = [];

  constructor(changes: readonly ObjectChange[], sources: RehearsalSources) {
    this.#sources = sources;
    this.#changes = changes.map((change, index) => identified(change, index, sources));
    this.#judged = new Set(changes.map(({ ref }) => refKey(ref)));
  }

  /** Synchronous: nobody sees what is played. */
  play(): Played {
    const { goal } = this.#sources;
    const undo = this.#sources.allocator.rehearse();
    const played = ((): ReturnType<Stage['perform']> => {
      try {
        return this.perform();
      } finally {
        this.#takeBack();
        undo();
      }
    })();
    const { told, said, candidate, trial, holds, waves, uses } = played;
    const refusals = this.#refusals();
    const after: Told = { changes: this.#restored(), refusals };
    const capacity = new Map([...uses].map(([device, use]) => [device, { before: this.#use(device, goal), after: use }]));
    const findings = [...said].map(([key, all]): Findings => ({ key, findings: all, fresh: freshOf(all, refusals.get(key) ?? []) }));
    const rows = candidate.flatMap((change) => rowsOf(change, goal, trial));
    return { told, after, candidate, trial, found: { version: goal.version, changes: candidate, rows, findings, holds, waves, capacity } };
  }

  perform() {
    const { goal, withheld, publisher, safeguard, rollouts, now } = this.#sources;
    const edited = this.#edited();
    this.#exchange();
    const handed = this.#compile();
    const said = this.#refusals();
    const told: Told = { changes: handed, refusals: said };
    const live = publisher.trial(this.#results);
    const candidate = withheld.candidate(this.#results.flatMap(({ scopes }) => scopes), live.partiesOf).flatMap((change) => changing(change, goal));
    const trial = keptOf(candidate, live);
    const declared = new Set(this.#sources.declared());
    const removed = new Set([...publisher.devices].filter((device) => !declared.has(device)));
    const causesOf = (scope: string, row: RowId): readonly string[] => trial.partiesOf(scope, row).objects;
    const { began } = safeguard.holds.copy().admit({ scopes: candidate, removed, causesOf, isAllowed: safeguard.allowance() }, now());
    const outlook = new Outlook(goal, candidate);
    const uses = new Map([...devicesIn(candidate, goal, outlook)].map((device) => [device, this.#use(device, outlook)]));
    return { told, said, candidate, trial, holds: began, waves: rollouts.wavesFor(candidate, edited, trial.partiesOf), uses };
  }

  #use(device: string, goal: Outlook | GoalState): Capacity | undefined {
    const { objects } = this.#sources;
    const object = objects.get(deviceKey(objects, device));
    return object === undefined ? undefined : tableUse(object, goal, (kind, namespace, name) => objects.get(refKey({ kind, namespace, name })));
  }

  #exchange(): void {
    const { objects, allocator, safeguard } = this.#sources;
    for (const { ref, object } of this.#changes) {
      this.#exchanged.push({ ref, object: objects.exchange(ref, object) });
      allocator.review(refKey(ref));
    }
    safeguard.switchChanged();
  }

  /** Until no demand can be met any more, as the controller does. Answers what the compiler was handed. */
  #compile(): readonly ObjectChange[] {
    const { compiler, allocator } = this.#sources;
    const handed: ObjectChange[] = [];
    for (let next = this.#changes; next.length > 0; ) {
      handed.push(...next);
      this.#former.push(...next.map(({ ref }) => ({ ref, object: compiler.objectOf(ref) })));
      const result = compiler.apply(next);
      this.#results.push(result);
      for (const [key, demands] of result.demands) allocator.demand(key, demands);
      for (const { scope, deletes } of result.scopes) allocator.unmapped(scope, deletes);
      for (const key of result.findings.keys()) {
        allocator.review(key);
        this.#judged.add(key);
      }
      const decisions = allocator.decide();
      for (const key of decisions.findings.keys()) this.#judged.add(key);
      next = this.#claims(decisions);
    }
    return handed;
  }

  /** What the store would say of claims once all is decided. */
  #claims({ create, rebind, quarantine }: Decisions): readonly ObjectChange[] {
    const { compiler, now } = this.#sources;
    const created = create.map((claim): ObjectChange => {
      const metadata = { ...claim.metadata, uid: `planned-${claim.metadata.name}`, creationTimestamp: rfc3339(now()) };
      return { ref: refOf(claim), object: { ...claim, metadata } };
    });
    const known = (name: string, status: object | undefined): ObjectChange[] => {
      const object = compiler.objectOf(claimRef(name));
      if (object === undefined) return [];
      const { status: _, ...claim } = object;
      return [{ ref: claimRef(name), object: status === undefined ? claim : { ...claim, status } }];
    };
    return [...created, ...rebind.flatMap((name) => known(name, undefined)), ...quarantine.flatMap((name) => known(name, { phase: 'Quarantined' }))];
  }

  #takeBack(): void {
    const { objects, safeguard, compiler } = this.#sources;
    for (const { ref, object } of this.#exchanged.toReversed()) objects.exchange(ref, object);
    safeguard.switchChanged();
    compiler.apply(this.#restored());
  }

  /** Each object once, as it was first. */
  #restored(): readonly ObjectChange[] {
    const first = new Map<string, ObjectChange>();
    for (const change of this.#former) if (!first.has(refKey(change.ref))) first.set(refKey(change.ref), change);
    return [...first.values()];
  }

  #refusals(): ReadonlyMap<string, readonly CompileFinding[]> {
    const { compiler, allocator } = this.#sources;
    return new Map([...this.#judged].map((key) => [key, [...compiler.findingsOf(refOfKey(key)), ...allocator.findingsOf(key)]]));
  }

  /** Objects that are there and would say something else to devices. */
  #edited(): ReadonlySet<string> {
    const { objects } = this.#sources;
    return new Set(this.#changes.flatMap(({ ref, object }) => {
      const key = refKey(ref);
      const before = objects.get(key);
      const isEdit = object !== undefined && before !== undefined && !same(rolledOutPart(ref.kind, before.spec), rolledOutPart(ref.kind, object.spec));
      return isEdit ? [key] : [];
    }));
  }
}

/** An object that is there stays who it is, whoever wrote it down. One that comes is younger than all there are, and than those before it. */
const identified = ({ ref, object }: ObjectChange, index: number, { objects, now }: RehearsalSources): ObjectChange => {
  if (object === undefined) return { ref, object };
  const { uid, creationTimestamp } = objects.get(refKey(ref))?.metadata ?? {};
  const identity = uid === undefined ? { uid: youngest(index), creationTimestamp: rfc3339(now()) } : { uid, ...optional('creationTimestamp', creationTimestamp) };
  return { ref, object: { ...object, metadata: { ...object.metadata, ...identity } } };
};

/** A UUID of version 7, whose time begins it, after every real one (RFC 9562). */
const youngest = (index: number): string => `ffffffff-ffff-7fff-bfff-${index.toString(16).padStart(12, '0')}`;

/** Without what is so already. */
const changing = ({ scope, upserts, deletes }: ScopeChange, goal: GoalState): ScopeChange[] => {
  const { rows } = goal.scope(scope);
  const kept = new Set(upserts.map(rowId));
  const change = { scope, upserts: upserts.filter((row) => !same(rows.get(rowId(row)), row)), deletes: deletes.filter((id) => rows.has(id) && !kept.has(id)) };
  return change.upserts.length + change.deletes.length === 0 ? [] : [change];
};

/** What is known of the rows of a candidate, to be asked when the compiler knows them no more. */
const keptOf = (candidate: readonly ScopeChange[], live: Trial): Trial => {
  const kept = new Map(candidate.map(({ scope, upserts, deletes }) =>
    [scope, new Map([...deletes, ...upserts.map(rowId)].map((id): [RowId, Parties] => [id, live.partiesOf(scope, id)]))]));
  return { scopesOf: live.scopesOf, partiesOf: (scope, row) => kept.get(scope)?.get(row) ?? live.partiesOf(scope, row) };
};

const rowsOf = ({ scope, upserts, deletes }: ScopeChange, goal: GoalState, { partiesOf }: Trial): RowChange[] => {
  const { rows } = goal.scope(scope);
  const changeOf = (row: RowId, after: Row | undefined): RowChange => ({ scope, row, before: rows.get(row), after, objects: partiesOf(scope, row).objects });
  return [...deletes.map((id) => changeOf(id, undefined)), ...upserts.map((row) => changeOf(rowId(row), row))];
};

/** Devices that hold a changed scope, before or after. */
export const devicesIn = (changes: readonly ScopeChange[], ...goals: readonly Pick<GoalState, 'devicesOf'>[]): ReadonlySet<string> =>
  new Set(changes.flatMap(({ scope }) => goals.flatMap((goal) => goal.devicesOf(scope))));

const freshOf = (findings: readonly CompileFinding[], before: readonly CompileFinding[]): readonly CompileFinding[] =>
  findings.filter((finding) => !before.some((former) => same(former, finding)));
