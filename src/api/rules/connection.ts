/** Rules of a Connection: every cable joins two ports of their own, and one device has an end of all cables. */
import type { Findings } from '../findings.ts';
import type { ConnectionSpec, DefaultedConnectionSpec } from '../kinds/connection.ts';
import type { Subject } from '../kinds/define.ts';
import { formatPortRef, parsePortRef, type PortRef } from '../port.ts';
import { withoutFirstLane } from '../ports.ts';

interface End extends PortRef {
  readonly path: string;
}

export function connectionRules({ spec }: Subject<DefaultedConnectionSpec>, found: Findings): void {
  const links = spec.links.map((link, index) => endsOf(link, `spec.links[${index}].ends`, found));
  checkPortsUsedOnce(links.flat(), found);
  const whole = links.filter((ends) => ends.length === 2);
  checkCommonDevice(whole.filter((ends) => !joinsItself(ends, found)), found);
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
    const port = withoutFirstLane(formatPortRef(end));
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

/** What may be at the other ends follows from what the devices are, which is not known here: a server has several leaves. */
function checkCommonDevice([first = [], ...others]: readonly (readonly End[])[], found: Findings): void {
  let common = first.map(({ device }) => device);
  for (const ends of others) {
    const shared = common.filter((device) => ends.some((end) => end.device === device));
    if (shared.length > 0) {
      common = shared;
      continue;
    }
    const message = `"${ends.map(({ device }) => device).join('" and "')}" have no device in common with the cables before, "${common.join('" or "')}"; use a Connection of its own`;
    found.add(ends[1]?.path ?? ends[0]?.path ?? '', 'DifferentDevices', message);
  }
}
