/**
 * The status an object should have, put together from what the compiler, the allocator, the barrier and the agents know of
 * it at this moment.
 */
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { refKey, refOf, type Condition, type Resource } from '../api/object.ts';
import type { Compiler } from '../compile/engine.ts';
import type { GoalState } from '../goal/state.ts';
import type { Clock } from '../kit/clock.ts';
import { optional } from '../kit/json.ts';
import { aggregationNotes } from './aggregation.ts';
import type { Allocator } from './allocate.ts';
import type { Barrier } from './barrier.ts';
import type { Cabling } from './cabling.ts';
import { conditionsAfter, ready, statements, type Knowledge, type Statement } from './conditions.ts';
import type { Devices, DeviceState } from './devices.ts';
import type { Drains } from './drains.ts';
import { deviceKinds, type Safeguard } from './safeguard.ts';
import type { Objects } from './objects.ts';
import type { Sessions } from './sessions.ts';
import { tableUse } from './tableuse.ts';
import type { Underlay } from './underlay.ts';
import { keptOf } from './verification/kept.ts';
import { notJudged, statementOf } from './verification/statement.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import type { Verification } from './verification/verification.ts';
import { rfc3339 } from './time.ts';
import type { Vetting } from './vetting.ts';
import type { Withheld } from './withheld.ts';

export interface VerdictSources {
  readonly compiler: Compiler;
  readonly allocator: Allocator;
  readonly barrier: Barrier;
  readonly goal: GoalState;
  readonly devices: Devices;
  readonly safeguard: Safeguard;
  readonly cabling: Cabling;
  readonly drains: Drains;
  readonly sessions: Sessions;
  readonly underlay: Pick<Underlay, 'figure' | 'condition'>;
  readonly objects: Objects;
  readonly withheld: Pick<Withheld, 'of' | 'count'>;
  readonly rollouts: Pick<Rollouts, 'reverted'>;
  readonly verification: Pick<Verification, 'of' | 'ofAll'>;
  /** Where objects of others are judged first. */
  readonly vetting?: Vetting;
  readonly clock: Clock;
  /** When this controller began, milliseconds since 1970. */
  readonly started: number;
}

interface StatusBase {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export interface Verdict {
  readonly status: object;
  /**
   * The status claims less than what is stored, and only because devices have not spoken since the controller started:
   * worth a moment's patience.
   */
  readonly tentative: boolean;
  /** Nothing is wrong with the object but that devices have yet to answer. */
  readonly waiting: boolean;
}

export const verdictOn = (object: Resource, sources: VerdictSources): Verdict => {
  const known = knowledgeOf(object, sources);
  const own = partOf(object, sources);
  const before = statusOf(object);
  const said = [...statements(known), ...verifiedOf(object, known, sources), ...own.said];
  const now = rfc3339(sources.clock.now());
  const status = {
    ...sources.compiler.factsOf(refOf(object)),
    ...own.members,
    ...optional('kept', keptOf(object, sources.withheld, sources.goal)),
    observedGeneration: known.generation,
    conditions: conditionsAfter(before.conditions ?? [], said, known.generation, now),
    ready: ready(known),
  };
  const waiting = said.some(({ type, reason }) => type === 'Programmed' && reason === 'Pending') && known.late.length > 0;
  return { status, tentative: lessThan(before, said, known.generation), waiting };
};

const knowledgeOf = (object: Resource, sources: VerdictSources): Knowledge => {
  const { compiler, allocator, barrier, vetting } = sources;
  const ref = refOf(object);
  const key = refKey(ref);
  return {
    generation: object.metadata.generation ?? 0,
    findings: [...(vetting?.findingsOf(ref) ?? []), ...compiler.findingsOf(ref), ...allocator.findingsOf(key)],
    ...barrier.tally(key),
    ...optional('unpublished', unpublishedOf(key, sources)),
    ...optional('rolledBack', sources.rollouts.reverted(key)?.why),
    ...(object.kind === 'Connection' ? { notes: notesOn(object, sources) } : {}),
  };
};

const unpublishedOf = (key: string, { withheld }: VerdictSources): Knowledge['unpublished'] => {
  const rows = withheld.of(key);
  if (rows.size === 0) return undefined;
  const reasons = (['Unproven', 'Undone', 'Staged'] as const).map((reason) => ({ reason, rows: [...rows].filter((row) => row.reason === reason).length }));
  return reasons.find((each) => each.rows > 0);
};

/** Nothing is said of what was never checked. */
const verifiedOf = (object: Resource, { findings }: Knowledge, { verification, compiler }: VerdictSources): readonly Statement[] => {
  const mark = object.kind === 'Fabric' ? verification.ofAll() : verification.of(refKey(refOf(object)));
  if (mark.type === 'off' && statusOf(object).conditions?.some(({ type }) => type === 'Verified') !== true) return [];
  if (mark.type === 'proven') {
    if (findings.some(({ severity }) => severity === 'error')) return [notJudged('NotAccepted')];
    if (findings.some(({ severity }) => severity === 'pending')) return [notJudged('Pending')];
  }
  return [statementOf(mark, { namespace: object.metadata.namespace ?? '', objectsOf: ({ scope, row }) => compiler.explain(scope, row) })];
};

const notesOn = (object: Resource, { devices, compiler }: VerdictSources): readonly string[] =>
  // Other drivers, such as simulated ones, have no cables to use.
  aggregationNotes(object, compiler.factsOf(refOf(object))['type'], (device) => {
    const hello = devices.get(device)?.hello;
    return hello?.driver === 'linux' ? hello.capabilities.includes('bond') : undefined;
  });

/** Whether a condition that is stored as True for this generation would be taken back for lack of news. */
const lessThan = (before: StatusBase, said: readonly Statement[], generation: number): boolean =>
  said.some(({ type, status, reason }) => {
    if (status === 'True' || !silentReasons.has(reason)) return false;
    return before.conditions?.some(
      (former) => former.type === type && former.status === 'True' && former.observedGeneration === generation,
    );
  });

const silentReasons = new Set(['Pending', 'NotConnected', 'NotHeard']);

const statusOf = (object: Resource): StatusBase => (object.status ?? {}) as StatusBase;

interface Part {
  readonly members: object;
  readonly said: readonly Statement[];
}

const partOf = (object: Resource, sources: VerdictSources): Part => {
  const { safeguard, vetting } = sources;
  // Of its spec nothing can be made.
  if (vetting?.aside(refKey(refOf(object))) !== undefined) return { members: {}, said: [] };
  if (deviceKinds.has(object.kind)) return switchPart(object, sources);
  if (object.kind === 'Connection') return connectionPart(object, sources);
  if (object.kind === 'External') return externalPart(object, sources);
  if (object.kind !== 'Fabric') return { members: {}, said: [] };
  const held = safeguard.fabricPart(object.metadata.name);
  const withheld = sources.withheld.count('Unproven');
  return { members: { ...optional('held', held), ...(withheld === 0 ? {} : { withheld }) }, said: safeguard.condition(object, statusOf(object).conditions ?? []) };
};

const externalPart = (object: Resource, { sessions }: VerdictSources): Part => {
  const found = sessions.sessions(object);
  return { members: optional('sessions', found), said: sessions.condition(found) };
};

const connectionPart = (object: Resource, { cabling, drains }: VerdictSources): Part => ({
  members: optional('cables', drains.cables(refKey(refOf(object)), object)),
  said: cabling.condition(object, statusOf(object).conditions ?? []),
});

const switchPart = (object: Resource, { devices, drains, goal, started, safeguard, clock, objects, underlay }: VerdictSources): Part => {
  const device = object.metadata.name;
  const before = (object.status ?? {}) as SwitchStatus;
  const state = devices.get(device);
  // Rows are counted when the switch's own status is due for another reason, not on each change of a scope it shares.
  const rows = goal.subscriptions(device).reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
  const driftRepaired = state?.driftRepaired ?? before.driftRepaired ?? 0;
  const held = safeguard.switchPart(device);
  const capacity = tableUse(object, goal, (kind, namespace, name) => objects.get(refKey({ kind, namespace, name })));
  const figures = { rows, ...(capacity === undefined ? {} : { capacity }) };
  const members = { agent: agentOf(state, before.agent, started), ...optional('sessions', underlay.figure(device)), ...figures, driftRepaired, ...(held === undefined ? {} : { held }) };
  const conditions = before.conditions ?? [];
  const sessions = underlay.condition(device, state?.connected === true, conditions);
  return { members, said: [connectedOf(state), ...sessions, ...leavingOf(drains.waitedFor(object)), ...contestedOf(state, before.conditions ?? [], clock.now()), ...safeguard.condition(object, before.conditions ?? [])] };
};

const agentOf = (state: DeviceState | undefined, before: SwitchStatus['agent'], started: number): SwitchStatus['agent'] => {
  if (state === undefined) {
    if (before === undefined) return { connected: false };
    return before.connected ? { ...before, connected: false, since: rfc3339(started) } : before;
  }
  const { connected, since, hello } = state;
  const common = { connected, since };
  if (hello === undefined) return common;
  const { agentVersion: version, bootEpoch, driver, capabilities } = hello;
  return { ...common, version, bootEpoch, driver, capabilities: [...capabilities] };
};

const connectedOf = (state: DeviceState | undefined): Statement =>
  state?.connected === true
    ? { type: 'Connected', status: 'True', reason: 'Connected', message: 'the agent is connected' }
    : { type: 'Connected', status: 'False', reason: 'NotConnected', message: 'no agent is connected; the device goes on with its last goal state' };

/** A device that is deleted before the links that lead to it are gone. */
const leavingOf = (connections: readonly string[]): readonly Statement[] => {
  if (connections.length === 0) return [];
  const named = connections.slice(0, shownConnections).map((name) => `"${name}"`).join(', ');
  const more = connections.length > shownConnections ? ` and ${connections.length - shownConnections} more` : '';
  return [{ type: 'Draining', status: 'True', reason: 'InUse', message: `it goes when these Connections have gone: ${named}${more}; delete those that are not being deleted` }];
};

const shownConnections = 5;

/** Contests are told of once a minute for as long as they last. */
const contestMilliseconds = 150_000;

/** None when there never was one. */
const contestedOf = (state: DeviceState | undefined, before: readonly Condition[], now: number): readonly Statement[] => {
  const contested = state?.contested;
  if (contested !== undefined && now - contested < contestMilliseconds) {
    const message = 'two agents take turns as this device, see the events; stop one of them';
    return [{ type: 'Contested', status: 'True', reason: 'TwoAgents', message }];
  }
  if (!before.some(({ type }) => type === 'Contested')) return [];
  return [{ type: 'Contested', status: 'False', reason: 'OneAgent', message: 'one agent speaks for this device' }];
};
