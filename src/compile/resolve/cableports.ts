/** The switch end of a cable: the device it is on, and what the port is called there. */
import { breakoutOf, type NoPort } from '../../api/ports.ts';
import { clusterRef, specNamed } from '../intent.ts';
import type { View } from '../view.ts';
import { pathOf, type CableEnd } from './cabling.ts';
import { defaultPort, portOf, portSettings, type PortMedia } from './profile.ts';
import { unready, type Examination } from './resolution.ts';
import { knownSwitch, type Chassis } from './switch.ts';

export interface SwitchPort {
  readonly device: string;
  readonly scope: string;
  /** The name that rows have: of the two that lane 1 goes by, the longer. */
  readonly port: string;
  /** Name on the device itself. */
  readonly interface: string;
  /** What is set of it; the same object for all ports that are set alike. */
  readonly media?: PortMedia;
}

export const chassisAt = (end: CableEnd, seen: Examination, view: View): Chassis | undefined => {
  const resolution = view.query(knownSwitch, end.device);
  if (resolution.value === undefined) seen.findings.push(unready(clusterRef(kindOf(end), end.device), pathOf(end), resolution));
  return resolution.value?.chassis;
};

const kindOf = ({ kind }: CableEnd): 'Switch' | 'Gateway' => (kind === 'gateway' ? 'Gateway' : 'Switch');

export const switchPort = (end: CableEnd, { scope, profile }: Chassis, seen: Examination, view: View): SwitchPort | undefined => {
  const { device } = end;
  const settings = view.query(portSettings, device);
  const found = settings === undefined ? view.query(defaultPort, `${profile.name} ${end.port}`) : portOf(view, profile.name, settings, end.port);
  if (!('reason' in found)) {
    const { port, interface: name, media } = found;
    return media === undefined ? { device, scope, port, interface: name } : { device, scope, port, interface: name, media };
  }
  seen.error('UnknownPort', pathOf(end), noPort(end, profile.name, found, view));
  return undefined;
};

const noPort = (end: CableEnd, profile: string, none: NoPort, view: View): string => {
  const { device, port } = end;
  const ports = Object.keys(specNamed(view, 'SwitchProfile', profile)?.ports ?? {});
  const lacks = `${kindOf(end)} "${device}" has no port "${port}"`;
  if (none.reason === 'whole') return `${lacks}: "${none.base}" is not broken out; set its breakout in spec.ports of the Switch, such as "${none.modes[0]}", or cable "${none.base}"`;
  if (none.reason === 'lanes') return `${lacks}: "${none.base}" is broken out into ${none.mode}; cable "${none.base}/1" to "${none.base}/${breakoutOf(none.mode)?.lanes}"`;
  return `${lacks}; its profile "${profile}" has ${listed(ports)}`;
};

/** `"a", "b" … "z"`: enough to see how ports are called. */
export const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'no ports';
  const quoted = names.map((name) => `"${name}"`);
  return names.length <= 4 ? quoted.join(', ') : `${quoted[0]}, ${quoted[1]} … ${quoted.at(-1)}`;
};
