/**
 * What a rehearsal found, told to who asked. Devices, their rows and commands are for those who may read the Switches; whoever may
 * not hears how many there are, and of other objects nothing.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { capacityTables } from '../../api/capacity.ts';
import type { PlannedDevice, PlannedFinding, PlannedHold, PlannedObject, PlannedPassage, PlannedRow, PlanStatus } from '../../api/planview.ts';
import type { ViolationView } from '../../api/matrixview.ts';
import { refKey, type ObjectRef } from '../../api/object.ts';
import type { Planned } from '../../api/planning.ts';
import type { ObjectChange } from '../../compile/engine.ts';
import type { CompileFinding } from '../../compile/finding.ts';
import { deviceScope } from '../../goal/rows.ts';
import type { GoalState } from '../../goal/state.ts';
import type { GoalTables } from '../../goal/tables.ts';
import { HeddleError } from '../../kit/error.ts';
import { byText } from '../../kit/order.ts';
import { violationCodes, type Violation } from '../../verify/verifier.ts';
import type { Change } from '../../verify/matrix.ts';
import { refOfKey } from '../explain.ts';
import { violationView } from '../questions/verify.ts';
import { Outlook } from './outlook.ts';
import { reachOf, type Reach } from './reachability.ts';
import { devicesIn, type Findings, type Rehearsed, type RowChange } from './rehearsal.ts';
import { resetsIn } from './resets.ts';

export interface Runs {
  readonly driver: string;
  readonly capabilities: readonly string[];
}

/** What would be typed on a device; undefined where its driver is another one. */
export type CommandsOf = (device: string, runs: Runs, before: GoalTables, after: GoalTables) => readonly string[] | undefined;

export interface Asker {
  /** Whether he may read the object. */
  readonly sees: (ref: ObjectRef) => boolean;
  readonly commandsOf?: CommandsOf;
}

export interface PlanSources {
  readonly goal: GoalState;
  readonly rehearse: (changes: readonly ObjectChange[]) => Promise<Rehearsed>;
  /** What runs on a device, as far as it ever said. */
  readonly runsOn: (device: string) => Runs | undefined;
  /** Whether the name is that of a device that the asker may read. */
  readonly seesDevice: (device: string, sees: Asker['sees']) => boolean;
}

const mostRows = 5000;
const mostDevices = 64;
const mostAttempts = 3;

/** @throws HeddleError `Conflict` when goal state changes all the time, `Unavailable` */
export const planOf = async (planned: readonly Planned[], asker: Asker, sources: PlanSources): Promise<PlanStatus> => {
  const changes = planned.flatMap(({ change }) => change ?? []);
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const rehearsed = await sources.rehearse(changes);
    const reach = await reachOf(rehearsed.rows, sources.goal, new Outlook(sources.goal, rehearsed.changes));
    const telling = new Telling(rehearsed, asker, sources);
    const devices = await telling.devices();
    // Else it would speak of what others changed meanwhile.
    if (sources.goal.version === rehearsed.version) return telling.status(planned, devices, reach);
  }
  throw new HeddleError('Conflict', 'goal state changed while the plan was made: ask again when less goes on');
};

class Telling {
  readonly #rehearsed: Rehearsed;
  readonly #asker: Asker;
  readonly #sources: PlanSources;
  readonly #outlook: Outlook;
  readonly #names: readonly string[];

  constructor(rehearsed: Rehearsed, asker: Asker, sources: PlanSources) {
    this.#rehearsed = rehearsed;
    this.#asker = asker;
    this.#sources = sources;
    this.#outlook = new Outlook(sources.goal, rehearsed.changes);
    this.#names = [...devicesIn(rehearsed.changes, sources.goal, this.#outlook)].sort(byText);
  }

  /** Those that are seen; the first of them with commands. */
  async devices(): Promise<readonly PlannedDevice[]> {
    const devices: PlannedDevice[] = [];
    for (const name of this.#names) {
      if (!this.#seesDevice(name)) continue;
      devices.push(this.#device(name, devices.length < mostDevices));
      await turn();
    }
    return devices;
  }

  status(planned: readonly Planned[], devices: readonly PlannedDevice[], reach: Reach): PlanStatus {
    const { rows, proof, waves } = this.#rehearsed;
    const objects = planned.map((each) => this.#object(each));
    const own = new Set(planned.map(({ ref }) => refKey(ref)));
    const others = this.#rehearsed.findings.filter(({ key, fresh }) => !own.has(key) && fresh.some(isError));
    const seen = others.filter(({ key }) => this.#asker.sees(refOfKey(key)));
    const violations = [...(proof?.faults ?? []), ...(proof?.present ?? [])].map(({ violation }) => this.#violation(violation));
    const holds = this.#rehearsed.holds.filter(({ device }) => this.#seesDevice(device));
    const isHalted = proof?.exhausted !== undefined && proof.stays.size > 0;
    const isRefused = objects.some(({ findings }) => findings.length > 0) || others.length + violations.length + this.#rehearsed.holds.length > 0 || isHalted;
    const isChange = rows.length > 0 || objects.some(({ action }) => action !== 'none');
    const shown = rows.filter(({ scope }) => this.#seesScope(scope));
    return {
      result: isRefused ? 'Refused' : isChange ? 'Change' : 'NoChange',
      objects,
      others: seen.map((finding) => ({ object: finding.key, action: 'none', ...said(finding) })),
      hiddenOthers: others.length - seen.length,
      verified: proof === undefined ? 'Off' : violations.length > 0 ? 'Violated' : proof.exhausted === undefined ? 'Proven' : 'BudgetExhausted',
      violations,
      holds: holds.map(({ device, reason, rows: going, of, limit }): PlannedHold => ({ device, reason, rows: going, of, limit })),
      hiddenHolds: this.#rehearsed.holds.length - holds.length,
      rollout: [...waves].map(([fabric, all]) => ({ fabric, waves: all.map((wave) => wave.filter((device) => this.#seesDevice(device))) })),
      blast: { devices: this.#names.length, ...countsOf(rows), sessions: this.#names.reduce((sum, device) => sum + this.#resets(device).length, 0) },
      devices,
      rows: shown.slice(0, mostRows).map((row) => this.#row(row)),
      rowsLeftOut: Math.max(0, shown.length - mostRows),
      commandsLeftOut: Math.max(0, devices.length - mostDevices),
      allows: this.#passages(reach.allows),
      denies: this.#passages(reach.denies),
      vpcsLeftOut: reach.leftOut,
    };
  }

  #object({ ref, action, findings }: Planned): PlannedObject {
    const found = this.#rehearsed.findings.find(({ key }) => key === refKey(ref));
    const compiled = found === undefined || action === 'delete' ? { findings: [], notes: [] } : said({ ...found, fresh: found.findings });
    return { object: refKey(ref), action, findings: [...findings, ...compiled.findings], notes: compiled.notes };
  }

  #device(device: string, withCommands: boolean): PlannedDevice {
    const { goal, runsOn } = this.#sources;
    const runs = runsOn(device);
    const commands = withCommands && runs !== undefined ? this.#asker.commandsOf?.(device, runs, goal.tables(device), this.#outlook.tables(device)) : undefined;
    const { before, after } = this.#rehearsed.capacity.get(device) ?? {};
    const capacity = Object.fromEntries(capacityTables.flatMap((table) => {
      const [former, use] = [before?.[table], after?.[table]];
      return use === undefined ? [] : [[table, { before: former?.used ?? 0, after: use.used, of: use.of }]];
    }));
    return { device, ...countsOf(this.#rowsOf(device)), resets: this.#resets(device), capacity, ...(commands !== undefined && { commands }) };
  }

  #resets(device: string): PlannedDevice['resets'] {
    const { rows } = this.#sources.goal.scope(deviceScope(device));
    const peerOf = (port: string): string | undefined => {
      const row = rows.find('port', port);
      return row?.table === 'port' ? row.value.peer : undefined;
    };
    return resetsIn(this.#rowsOf(device).filter(({ scope }) => scope === deviceScope(device)), peerOf);
  }

  #rowsOf(device: string): readonly RowChange[] {
    const scopes = new Set([...this.#sources.goal.subscriptions(device), ...this.#outlook.subscriptions(device)]);
    return this.#rehearsed.rows.filter(({ scope }) => scopes.has(scope));
  }

  #row({ scope, row, before, after, objects }: RowChange): PlannedRow {
    const change = before === undefined ? 'add' : after === undefined ? 'remove' : 'change';
    return {
      scope, row, change,
      ...(before !== undefined && { before: before.value }),
      ...(after !== undefined && { after: after.value }),
      objects: objects.filter((key) => this.#asker.sees(refOfKey(key))),
    };
  }

  /** Whole for who sees all objects that it speaks of, else what its code means and nothing of others. */
  #violation(violation: Violation): ViolationView {
    const { code, objects, rows } = violation;
    const isWhole = objects.every((key) => this.#asker.sees(refOfKey(key))) && rows.every(({ scope }) => this.#seesScope(scope));
    return isWhole ? violationView(violation) : { code, message: violationCodes[code], rows: [], objects: objects.filter((key) => this.#asker.sees(refOfKey(key))) };
  }

  #passages(changes: readonly Change[]): readonly PlannedPassage[] {
    return changes.filter(({ from, to }) => [from, to].every((party) => this.#asker.sees(refOfParty(party))));
  }

  #seesDevice(device: string): boolean {
    return this.#sources.seesDevice(device, this.#asker.sees);
  }

  /** A scope that several share is seen by who sees one of them. */
  #seesScope(scope: string): boolean {
    return [...new Set([...this.#sources.goal.devicesOf(scope), ...this.#outlook.devicesOf(scope)])].some((device) => this.#seesDevice(device));
  }
}

const isError = ({ severity }: CompileFinding): boolean => severity === 'error';

const said = ({ fresh }: Pick<Findings, 'fresh'>): Pick<PlannedObject, 'findings' | 'notes'> => {
  const plain = ({ path, code, message }: CompileFinding): PlannedFinding => ({ path, code, message });
  return { findings: fresh.filter(isError).map(plain), notes: fresh.filter((finding) => !isError(finding)).map(plain) };
};

const countsOf = (rows: readonly RowChange[]): Pick<PlannedDevice, 'added' | 'changed' | 'removed'> => ({
  added: rows.filter(({ before }) => before === undefined).length,
  changed: rows.filter(({ before, after }) => before !== undefined && after !== undefined).length,
  removed: rows.filter(({ after }) => after === undefined).length,
});

/** `namespace/vpc/subnet`, or `external prefix`. */
const refOfParty = (party: string): ObjectRef => {
  const [outside] = party.split(' ');
  const [namespace = '', name = ''] = party.split('/');
  return party.includes(' ') ? { kind: 'External', namespace: '', name: outside ?? '' } : { kind: 'VPC', namespace, name };
};
