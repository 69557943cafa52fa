/** The switch end of a cable: the device it is on, and what the port is called there. */
import { clusterRef, specNamed } from '../intent.ts';
import type { View } from '../view.ts';
import { pathOf, type CableEnd } from './cabling.ts';
import { portInterface } from './fabric.ts';
import { unready, type Examination } from './resolution.ts';
import { knownSwitch, type Chassis } from './switch.ts';

export interface SwitchPort {
  readonly device: string;
  readonly scope: string;
  readonly port: string;
  /** Name on the device itself. */
  readonly interface: string;
}

export const chassisAt = (end: CableEnd, seen: Examination, view: View): Chassis | undefined => {
  const resolution = view.query(knownSwitch, end.device);
  if (resolution.value === undefined) seen.findings.push(unready(clusterRef('Switch', end.device), pathOf(end), resolution));
  return resolution.value?.chassis;
};

export const switchPort = (end: CableEnd, { scope, profile }: Chassis, seen: Examination, view: View): SwitchPort | undefined => {
  const { device, port } = end;
  const found = view.query(portInterface, `${profile.name} ${port}`);
  if (found !== undefined) return { device, scope, port, interface: found };
  const ports = Object.keys(specNamed(view, 'SwitchProfile', profile.name)?.ports ?? {});
  seen.error('UnknownPort', pathOf(end), `Switch "${device}" has no port "${port}"; its profile "${profile.name}" has ${listed(ports)}`);
  return undefined;
};

/** `"a", "b" … "z"`: enough to see how ports are called. */
export const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'no ports';
  const quoted = names.map((name) => `"${name}"`);
  return names.length <= 4 ? quoted.join(', ') : `${quoted[0]}, ${quoted[1]} … ${quoted.at(-1)}`;
};
