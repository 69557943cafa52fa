/**
 * What border leaves tell of their sessions with routers outside: condition `Established` of the External, and each session in its
 * status. A device that does not tell, such as one of an older version, leaves it unknown.
 */
import type { ExternalStatus } from '../api/kinds/external.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { Observation, Session } from '../goal/observation.ts';
import { deviceScope, rowId } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import { optional } from '../kit/json.ts';
import { byText } from '../kit/order.ts';
import type { Statement } from './conditions.ts';
import type { Watcher } from './watcher.ts';

export interface SessionsOptions {
  readonly goal: GoalState;
  /** Objects that a row comes from. */
  readonly explain: (scope: string, row: string) => readonly ObjectRef[];
  /** Scopes that an object has rows in. */
  readonly scopesOf: (ref: ObjectRef) => readonly string[];
  /** The status of this object may be another one. */
  readonly mark: (key: string) => void;
  /** Sessions of the device are not as they were. */
  readonly onChange: (device: string) => void;
}

type Shown = NonNullable<ExternalStatus['sessions']>[number];

const shownSessions = 5;
const ownScope = deviceScope('');
const rowOf = (vrf: string, address: string): string => rowId({ table: 'vrfPeer', key: `${vrf}/${address}` });

export class Sessions implements Watcher {
  readonly #options: SessionsOptions;
  /** By device, then by the row that it is a session of. */
  readonly #told = new Map<string, ReadonlyMap<string, Session>>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  observed(device: string, { sessions }: Observation): void {
    if (sessions === undefined) return;
    const before = this.#told.get(device) ?? new Map<string, Session>();
    const after = new Map(sessions.map((session) => [rowOf(session.vrf, session.address), session]));
    this.#told.set(device, after);
    this.#options.onChange(device);
    for (const row of new Set([...before.keys(), ...after.keys()])) {
      const [one, other] = [before.get(row), after.get(row)];
      if (stateOf(one) !== stateOf(other) || one?.believed !== other?.believed) this.#mark(device, row);
    }
  }

  /** The device is no longer declared. */
  forget(device: string): void {
    this.#told.delete(device);
  }

  /** Sessions of a device, by their names for people; undefined: it does not tell. */
  of(device: string): ReadonlyMap<string, boolean> | undefined {
    const told = this.#told.get(device);
    return told && new Map([...told.values()].map(({ vrf, address, state }) => [`${address} in ${vrf}`, state === 'Established']));
  }

  /** Sessions of an External that speaks BGP; undefined when it has none. */
  sessions(external: Resource): readonly Shown[] | undefined {
    const shown = this.#options.scopesOf(refOf(external)).filter((scope) => scope.startsWith(ownScope)).flatMap((scope) => this.#sessionsIn(scope, external));
    if (shown.length === 0) return undefined;
    return shown.toSorted((one, other) => byText(one.switch, other.switch) || byText(one.neighbor, other.neighbor));
  }

  /** `Established`, or nothing when it has no sessions. */
  condition(sessions: readonly Shown[] | undefined): readonly Statement[] {
    if (sessions === undefined) return [];
    const down = sessions.filter(({ state }) => state === 'Down');
    const silent = sessions.filter(({ state }) => state === undefined);
    if (down.length > 0) return [said('False', 'SessionDown', down)];
    if (silent.length > 0) return [said('Unknown', 'NotHeard', silent)];
    const message = sessions.length === 1 ? 'the session is established' : `all ${sessions.length} sessions are established`;
    return [{ type: 'Established', status: 'True', reason: 'Established', message }];
  }

  #sessionsIn(scope: string, external: Resource): Shown[] {
    const device = scope.slice(ownScope.length);
    const own = refKey(refOf(external));
    return [...this.#options.goal.scope(scope).rows.in('vrfPeer')].flatMap((row): Shown[] => {
      if (row.table !== 'vrfPeer') return [];
      const id = rowOf(row.value.vrf, row.value.address);
      if (!this.#options.explain(scope, id).some((ref) => refKey(ref) === own)) return [];
      const told = this.#told.get(device)?.get(id);
      return [{ switch: device, neighbor: row.value.address, ...optional('state', stateOf(told)), ...optional('believed', told?.believed) }];
    });
  }

  #mark(device: string, row: string): void {
    for (const ref of this.#options.explain(deviceScope(device), row)) if (ref.kind === 'External') this.#options.mark(refKey(ref));
  }
}

/** One that is not there goes from Idle to Connect and Active and back for as long as that lasts, which is no news. */
const stateOf = (session: Session | undefined): Shown['state'] =>
  session === undefined ? undefined : session.state === 'Established' ? 'Established' : 'Down';

const said = (status: Statement['status'], reason: string, sessions: readonly Shown[]): Statement => {
  const named = sessions.slice(0, shownSessions).map(({ switch: device, neighbor }) => `"${device}" with "${neighbor}"`);
  const more = sessions.length > shownSessions ? ` and ${sessions.length - shownSessions} more` : '';
  const what = status === 'False' ? 'no session of' : 'nothing was heard yet of the session of';
  return { type: 'Established', status, reason, message: `${what} ${named.join(', ')}${more}` };
};
