/**
 * Which ports a switch has, and what is set of each: its profile with what its own spec says otherwise. A port that is broken
 * out is as many ports as it has lanes, `E1/5/1` and on. `E1/5` and `E1/5/1` always name the same port: lane 1 of a port that
 * is broken out, and otherwise the port, if it can be broken out.
 */
import { Type } from 'typebox';

export const fecModes = ['rs', 'fc', 'auto', 'none'] as const;
export type Fec = (typeof fecModes)[number];

export const fecSchema = Type.Union(
  [Type.Literal('rs'), Type.Literal('fc'), Type.Literal('auto'), Type.Literal('none')],
  { description: 'Forward error correction: RS (clause 91), FC (clause 74), what both ends agree on, or none.' },
);

/** The members of a SwitchProfile's spec that ports follow from. */
export interface PortCatalogue {
  readonly ports: { readonly [port: string]: PortEntry };
  readonly portTypes?: { readonly [type: string]: PortType };
}

export interface PortEntry {
  readonly interface: string;
  readonly type?: string;
  readonly speed?: string;
  readonly lanes?: readonly string[];
  readonly group?: string;
  readonly pipeline?: string;
}

export interface PortType {
  readonly speeds?: readonly string[];
  readonly breakouts?: readonly string[];
  readonly fec?: readonly Fec[];
}

/** What a Switch says of one of its ports. */
export interface PortSetting {
  readonly speed?: string;
  readonly breakout?: string;
  readonly fec?: Fec;
}

export type PortSettings = { readonly [port: string]: PortSetting };

/** A port that there is. What is left out cannot be set. */
export interface PortFacts {
  /** The name that rows have. */
  readonly port: string;
  /** Name on the device itself. */
  readonly interface: string;
  readonly speed?: string;
  readonly fec?: Fec;
}

export interface Breakout {
  readonly lanes: number;
  /** Of each lane. */
  readonly speed: string;
}

/** `4x25G`; undefined for what is not written so. At most 16 lanes. */
export const breakoutOf = (mode: string): Breakout | undefined => {
  const [, lanes = '', speed = ''] = /^([1-9]\d?)x(\d+G)$/.exec(mode) ?? [];
  return lanes === '' || Number(lanes) > 16 || !isSpeed(speed) ? undefined : { lanes: Number(lanes), speed };
};

/** `25G`, `2.5G`, `100M`. */
export const isSpeed = (text: string): boolean => /^([1-9]\d*|2\.5)[GM]$/.test(text);

/** `E1/5/2` is lane 2 of `E1/5`. */
export const laneOf = (port: string): { readonly base: string; readonly lane: number } | undefined => {
  const [, base, lane] = /^(E\d+\/\d+)\/([1-9]\d?)$/.exec(port) ?? [];
  return base === undefined ? undefined : { base, lane: Number(lane) };
};

/** One name for both that a port may have; of an end `<device>/<port>` as well. */
export const withoutFirstLane = (text: string): string => (firstLane.test(text) ? text.slice(0, -2) : text);

const firstLane = /(^|\/)E\d+\/\d+\/1$/;

export const typeOf = ({ portTypes = {} }: PortCatalogue, { type }: PortEntry): PortType =>
  (type !== undefined && Object.hasOwn(portTypes, type) ? portTypes[type] : undefined) ?? noType;

const noType: PortType = {};

export const entryOf = ({ ports }: PortCatalogue, port: string): PortEntry | undefined =>
  Object.hasOwn(ports, port) ? ports[port] : undefined;

/** Speeds that can be set. */
export const speedsOf = (catalogue: PortCatalogue, entry: PortEntry): readonly string[] =>
  typeOf(catalogue, entry).speeds ?? (entry.speed === undefined ? [] : [entry.speed]);

/** Why there is no such port. */
export type NoPort =
  | { readonly reason: 'unknown' }
  /** The port is whole. */
  | { readonly reason: 'whole'; readonly base: string; readonly modes: readonly string[] }
  /** The port has fewer lanes. */
  | { readonly reason: 'lanes'; readonly base: string; readonly mode: string };

/** The port of that name. `settings` must have been checked (`settingFaults`). */
export const portAt = (catalogue: PortCatalogue, settings: PortSettings, name: string): PortFacts | NoPort => {
  const whole = entryOf(catalogue, name);
  const { base, lane } = whole === undefined ? (laneOf(name) ?? { base: name, lane: 1 }) : { base: name, lane: 1 };
  const entry = whole ?? entryOf(catalogue, base);
  if (entry === undefined) return { reason: 'unknown' };
  const mode = settings[base]?.breakout;
  if (mode !== undefined) return laneAt(catalogue, settings, { base, entry, mode, lane });
  const { breakouts = [] } = typeOf(catalogue, entry);
  if (lane > 1 || (whole === undefined && breakouts.length === 0)) return breakouts.length === 0 ? { reason: 'unknown' } : { reason: 'whole', base, modes: breakouts };
  const set = settings[base];
  return facts(base, entry.interface, set?.speed ?? entry.speed ?? typeOf(catalogue, entry).speeds?.[0], set?.fec ?? typeOf(catalogue, entry).fec?.[0]);
};

interface Lane {
  readonly base: string;
  readonly entry: PortEntry;
  readonly mode: string;
  readonly lane: number;
}

const laneAt = (catalogue: PortCatalogue, settings: PortSettings, { base, entry, mode, lane }: Lane): PortFacts | NoPort => {
  const breakout = breakoutOf(mode);
  if (breakout === undefined || lane > breakout.lanes) return { reason: 'lanes', base, mode };
  const port = `${base}/${lane}`;
  const fec = settings[port]?.fec ?? settings[base]?.fec ?? typeOf(catalogue, entry).fec?.[0];
  return facts(port, laneInterface(entry, breakout, lane), breakout.speed, fec);
};

/** Of 8 named lanes a port of 2 has the first and the fifth. */
export const laneInterface = ({ interface: name, lanes }: PortEntry, breakout: Breakout, lane: number): string =>
  lanes?.[Math.floor(((lane - 1) * lanes.length) / breakout.lanes)] ?? `${name}s${lane - 1}`;

const facts = (port: string, name: string, speed: string | undefined, fec: Fec | undefined): PortFacts => ({
  port,
  interface: name,
  ...(speed === undefined ? {} : { speed }),
  ...(fec === undefined ? {} : { fec }),
});

/** Path is below `spec.ports` of the Switch; empty for what is about all of them. */
export interface SettingFault {
  readonly port: string;
  readonly member?: keyof PortSetting;
  readonly code: string;
  readonly message: string;
}
