/**
 * The safety limits as people set and meet them: reads limits and permissions from objects, and says on the Switch, the Fabric
 * and in events what is held and how to let it go.
 */
import { defaultFabricSpec, type FabricSpec, type FabricStatus } from '../api/kinds/fabric.ts';
import type { SwitchSpec, SwitchStatus } from '../api/kinds/switch.ts';
import { refKey, type Condition, type Resource } from '../api/object.ts';
import type { GoalState } from '../goal/state.ts';
import type { Logger } from '../kit/log.ts';
import { byText } from '../kit/order.ts';
import type { Statement } from './conditions.ts';
import type { Events } from './events.ts';
import { Arrivals, type Review } from './arrivals.ts';
import { Holds, shownCauses, tokenOf, type Hold } from './holds.ts';
import type { Metrics } from './metrics.ts';
import type { Objects } from './objects.ts';
import type { SafetyLimits } from './safety.ts';
import { rfc3339 } from './time.ts';

/** On a Switch or a Fabric: tokens of the deletions that may happen there, separated by commas. */
export const allowAnnotation = 'heddle.dev/allow-deletions';

export interface SafeguardOptions {
  readonly goal: GoalState;
  readonly objects: Objects;
  readonly log: Logger;
}

const shownSwitches = 10;
const standardLimits: SafetyLimits = defaultFabricSpec({}).safety;

export const switchKey = (device: string): string => refKey({ kind: 'Switch', namespace: '', name: device });
/** Kinds that declare a device. */
export const deviceKinds: ReadonlySet<string> = new Set(['Switch', 'Gateway']);

/** Key of the object that declares a device; of a device that nobody declares, as if it were a switch. */
export const deviceKey = (objects: Objects, device: string): string => {
  const own = switchKey(device);
  if (objects.get(own) !== undefined) return own;
  const gateway = refKey({ kind: 'Gateway', namespace: '', name: device });
  return objects.get(gateway) === undefined ? own : gateway;
};

export const fabricKey = (name: string): string => refKey({ kind: 'Fabric', namespace: '', name });

export class Safeguard {
  readonly holds: Holds;
  readonly arrivals: Arrivals;
  readonly #options: SafeguardOptions;
  readonly #limits = new WeakMap<Resource, SafetyLimits>();
  /** Fabrics of devices as last declared: a Switch that is gone still belongs to one. */
  readonly #fabrics = new Map<string, string>();
  #sizes: Map<string, number> | undefined;

  constructor(options: SafeguardOptions) {
    this.#options = options;
    const sources = {
      goal: options.goal,
      fabricOf: (device: string) => this.#fabricOf(device),
      allLimits: () => [standardLimits, ...[...options.objects.ofKind('Fabric')].map((fabric) => this.#limitsOf(fabric))],
      sizeOf: (fabric: string) => this.#sizeOf(fabric),
    };
    this.holds = new Holds(sources);
    this.arrivals = new Arrivals(sources);
  }

  /** Devices on which something is held. */
  get size(): number {
    return [...this.#all()].length;
  }

  /** Which holds the annotations of this moment allow: of a Switch or of its Fabric, a hold's own token or that of all. */
  allowance(): (hold: Hold) => boolean {
    const all = new Map<string, string | undefined>();
    for (const { metadata } of this.#options.objects.ofKind('Fabric')) all.set(metadata.name, this.#tokenOf(metadata.name));
    return ({ device, fabric, token }) => {
      const tokens = this.#tokensFor(device);
      return tokens.has(token) || tokens.has(all.get(fabric) ?? token);
    };
  }

  /** A Switch came, went or changed. */
  switchChanged(): void {
    this.#sizes = undefined;
  }

  /** Says what began and ended. Answers the keys of objects whose status is another one now. */
  tell({ began, ended, changed }: Review, events: Events, metrics: Metrics): ReadonlySet<string> {
    const marked = new Set<string>();
    for (const device of changed) {
      marked.add(deviceKey(this.#options.objects, device));
      marked.add(fabricKey(this.#fabricOf(device).name));
    }
    for (const hold of began) {
      metrics.holds.inc();
      const message = holdMessage(hold);
      this.#options.log.warn({ device: hold.device, reason: hold.reason, rows: hold.rows, of: hold.of }, 'deletion held');
      this.#record(events, hold, 'Warning', 'DeletionHeld', message);
    }
    for (const { hold, why } of ended) {
      this.#options.log.warn({ device: hold.device, why }, 'deletion no longer held');
      const message = why === 'Allowed' ? 'the annotation allows it' : 'it was taken back, or the limits permit it now';
      this.#record(events, hold, 'Normal', 'DeletionReleased', `the deletion on ${hold.device} is no longer held: ${message}`);
    }
    return marked;
  }

  /** What a Switch's status shows of its hold. */
  switchPart(device: string): NonNullable<SwitchStatus['held']> | undefined {
    const hold = this.#hold(device);
    if (hold === undefined) return undefined;
    const { reason, rows, of, limit, since, token } = hold;
    return { reason, rows, of, limit, since: rfc3339(since), token };
  }

  /** What a Fabric's status shows of its holds. */
  fabricPart(name: string): NonNullable<FabricStatus['held']> | undefined {
    const token = this.#tokenOf(name);
    if (token === undefined) return undefined;
    const holds = [...this.#all()].filter(({ fabric }) => fabric === name);
    const switches = holds.map(({ device }) => device).sort(byText);
    return { devices: holds.length, rows: holds.reduce((sum, { rows }) => sum + rows, 0), switches: switches.slice(0, shownSwitches), token };
  }

  /** The `Held` condition of a Switch or a Fabric; none when it never held anything. */
  condition({ kind, metadata: { name } }: Resource, before: readonly Condition[]): readonly Statement[] {
    const message = kind === 'Fabric' ? this.#fabricMessage(name) : this.#switchMessage(name);
    if (message !== undefined) return [{ type: 'Held', status: 'True', ...message }];
    if (!before.some(({ type }) => type === 'Held')) return [];
    return [{ type: 'Held', status: 'False', reason: 'NothingHeld', message: 'nothing is held' }];
  }

  #switchMessage(device: string): Pick<Statement, 'reason' | 'message'> | undefined {
    const hold = this.#hold(device);
    return hold === undefined ? undefined : { reason: hold.reason, message: holdMessage(hold) };
  }

  #fabricMessage(name: string): Pick<Statement, 'reason' | 'message'> | undefined {
    const part = this.fabricPart(name);
    if (part === undefined) return undefined;
    const shown = part.switches.length < part.devices ? `${part.switches.join(', ')} and others` : part.switches.join(', ');
    const what = `deletions of ${rowsText(part.rows)} on ${part.devices} ${part.devices === 1 ? 'switch' : 'switches'} (${shown})`;
    const message = `${what} are held; ${howToAllow('Fabric', part.token)}`;
    return { reason: 'DeletionsHeld', message };
  }

  #hold(device: string): Hold | undefined {
    return this.holds.get(device) ?? this.arrivals.get(device);
  }

  *#all(): Generator<Hold> {
    yield* this.holds.all();
    yield* this.arrivals.all();
  }

  /** Allows everything that is held in the fabric; undefined when nothing is. */
  #tokenOf(fabric: string): string | undefined {
    const tokens = [...this.#all()].filter((hold) => hold.fabric === fabric).map(({ token }) => token);
    return tokens.length === 0 ? undefined : tokenOf([fabric, ...tokens.sort(byText)]);
  }

  #record(events: Events, { device, fabric }: Hold, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { objects } = this.#options;
    const about = objects.get(deviceKey(objects, device)) ?? objects.get(fabricKey(fabric));
    if (about !== undefined) events.record(about, { type, reason, message });
  }

  #fabricOf(device: string): { readonly name: string; readonly limits: SafetyLimits } {
    const found = this.#options.objects.get(deviceKey(this.#options.objects, device));
    if (found !== undefined) this.#fabrics.set(device, (found.spec as SwitchSpec).fabric ?? 'default');
    const name = this.#fabrics.get(device) ?? 'default';
    return { name, limits: this.#limitsOf(this.#options.objects.get(fabricKey(name))) };
  }

  #limitsOf(fabric: Resource | undefined): SafetyLimits {
    if (fabric === undefined) return standardLimits;
    let limits = this.#limits.get(fabric);
    if (limits === undefined) this.#limits.set(fabric, (limits = defaultFabricSpec((fabric.spec ?? {}) as FabricSpec).safety));
    return limits;
  }

  #tokensFor(device: string): ReadonlySet<string> {
    const { objects } = this.#options;
    const both = [objects.get(deviceKey(objects, device)), objects.get(fabricKey(this.#fabricOf(device).name))];
    const texts = both.flatMap((object) => object?.metadata.annotations?.[allowAnnotation] ?? []);
    return new Set(texts.flatMap((text) => text.split(',')).map((token) => token.trim()).filter((token) => token !== ''));
  }

  #sizeOf(fabric: string): number {
    this.#sizes ??= this.#countSwitches();
    return this.#sizes.get(fabric) ?? 0;
  }

  /** Those that are being removed count too: they are what the others are compared with. */
  #countSwitches(): Map<string, number> {
    const sizes = new Map<string, number>();
    const names = new Set([...deviceKinds].flatMap((kind) => [...this.#options.objects.ofKind(kind)].map(({ metadata }) => metadata.name)));
    for (const device of new Set([...names, ...this.#fabrics.keys()])) {
      const { name } = this.#fabricOf(device);
      sizes.set(name, (sizes.get(name) ?? 0) + 1);
      if (!names.has(device) && this.#hold(device) === undefined) this.#fabrics.delete(device);
    }
    return sizes;
  }
}

const rowsText = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'} of goal state`;

const howToAllow = (kind: 'Switch' | 'Fabric', token: string): string =>
  `if this is meant, annotate the ${kind} with ${allowAnnotation}=${token}; else take the change back, or raise spec.safety of the Fabric`;

/** What is held on a device and what to do about it. */
const holdMessage = (hold: Hold): string => {
  const { device, token, causes, isolated } = hold;
  const shown = causes.slice(0, shownCauses).join(', ');
  const from = causes.length === 0 ? '' : `; they come from ${shown}${causes.length > shownCauses ? ' and others' : ''}`;
  return `${whatWouldGo(hold)}${from}; ${howToAllow(isolated ? 'Fabric' : 'Switch', token)}${isolated ? ` (Switch "${device}" is deleted)` : ''}`;
};

const whatWouldGo = ({ reason, rows, of, limit, arrived, isolated }: Hold): string => {
  if (arrived && isolated) return `the switch has ${rowsText(of)} and is not declared; it is not taken out of service, because too many would be at once`;
  if (arrived) return `the switch came with ${rowsText(of)} and would be left with ${of - rows}, so it is sent nothing`;
  if (reason === 'EmptyGoal') return `nothing of ${of} rows would be left, so all of them stay`;
  if (reason === 'TooManyDevices') return `${rows} of ${of} rows would be gone, and too many switches would lose a part of theirs at once, so what is left of them stays`;
  return `${rows} of ${of} rows would be deleted and ${limit} may go at once, so they stay`;
};
