/** Rules of a Connection: every cable joins two ports of their own, and all cables join the same two devices. */
import type { Findings } from '../findings.ts';
import type { ConnectionSpec, DefaultedConnectionSpec } from '../kinds/connection.ts';
import type { Subject } from '../kinds/define.ts';
import { formatPortRef, parsePortRef, type PortRef } from '../port.ts';

interface End extends PortRef {
  readonly path: string;
}

export function connectionRules({ spec }: Subject<DefaultedConnectionSpec>, found: Findings): void {
  const links = spec.links.map((link, index) => endsOf(link, `spec.links[${index}].ends`, found));
  checkPortsUsedOnce(links.flat(), found);
  const whole = links.filter((ends) => ends.length === 2);
  for (const [index, ends] of whole.entries()) {
    if (joinsItself(ends, found) || index === 0) continue;
    checkSameDevices(whole[0] ?? [], ends, found);
  }
}

const endsOf = ({ ends }: ConnectionSpec['links'][number], path: string, found: Findings): End[] =>
  ends.flatMap((text, index) => {
    const at = `${path}[${index}]`;
    const ref = found.parsed(at, parsePortRef(text));
    return ref === undefined ? [] : [{ ...ref, path: at }];
  });

function checkPortsUsedOnce(ends: readonly End[], found: Findings): void {
  const users = new Map<string, string>();
  for (const end of ends) {
    const port = formatPortRef(end);
    const user = users.get(port);
    if (user !== undefined) found.add(end.path, 'PortUsedTwice', `"${port}" is used by ${user} already; a port takes one cable`);
    users.set(port, user ?? end.path);
  }
}

function joinsItself([left, right]: readonly End[], found: Findings): boolean {
  if (left === undefined || right === undefined || left.device !== right.device) return false;
  found.add(right.path, 'SameDevice', `both ends are on "${left.device}"; a cable joins two devices`);
  return true;
}

function checkSameDevices(first: readonly End[], ends: readonly End[], found: Findings): void {
  const devices = first.map((end) => end.device);
  const stranger = ends.find((end) => !devices.includes(end.device));
  if (stranger === undefined) return;
  const message = `"${stranger.device}" is not one of "${devices.join('" and "')}", which the first link joins; use a Connection of its own`;
  found.add(stranger.path, 'DifferentDevices', message);
}
