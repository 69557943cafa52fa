/** A port in a wiring diagram: `<device>/<port>`. The device ends at the first slash, for port names hold slashes too. */
import type { Parsed } from '../net/brand.ts';
import { parsed, unparsed } from '../net/brand.ts';
import { parseLabel } from './names.ts';

export interface PortRef {
  readonly device: string;
  readonly port: string;
}

const portName = /^[A-Za-z0-9]+(?:[-_./:][A-Za-z0-9]+)*$/;
const interfaceName = /^[A-Za-z0-9][-\w.:@]*$/;

/** Name of a port as wiring diagrams have it: letters and digits, separated by one of `/ . - _ :`. Code: `InvalidName`. */
export function parsePortName(text: string): Parsed<string> {
  if (text.length <= 64 && portName.test(text)) return parsed(text);
  return unparsed(`"${text}" is not a port name; write it like E1/1 or eth1`, 'InvalidName');
}

/** Name of an interface on a device: at most 15 characters, because Linux has no room for more. Code: `InvalidName`. */
export function parseInterfaceName(text: string): Parsed<string> {
  if (text.length <= 15 && interfaceName.test(text)) return parsed(text);
  return unparsed(`"${text}" is not an interface name; at most 15 letters, digits and any of "-_.:@"`, 'InvalidName');
}

/** Reads `leaf-1/E1/1` as device `leaf-1`, port `E1/1`. Code: `InvalidPortRef`. */
export function parsePortRef(text: string): Parsed<PortRef> {
  const slash = text.indexOf('/');
  const device = text.slice(0, Math.max(slash, 0));
  const port = text.slice(slash + 1);
  if (slash !== -1 && parseLabel(device).ok && parsePortName(port).ok) return parsed({ device, port });
  return unparsed(`"${text}" does not name a port; write it as <device>/<port>, such as leaf-1/E1/1`, 'InvalidPortRef');
}

export const formatPortRef = ({ device, port }: PortRef): string => `${device}/${port}`;
